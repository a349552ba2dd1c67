/* Any two of steps, refresh period and feature updates give the third. */
#include <math.h>

#include "schema.h"

/* Adds a mistake of the cell at where. */
#define mistake(...) mistakes_add(mistakes, where->line, where->column, __VA_ARGS__)

/* ceil(T/K) - 1 */
static double updates_of_period(double steps, double period)
{
    return ceil(steps / period) - 1;
}

/* K from the number of feature updates n: the smallest with ceil(T/K) - 1 = n, or 0 where there is none. */
static double period_of_updates(double steps, double updates)
{
    if (updates == 0)
        return INFINITY;
    double period = ceil(steps / (updates + 1));
    return period >= 1 && updates_of_period(steps, period) == updates ? period : 0;
}

/* K from T and n, with the numbers near n that there are where there is none. */
static int resolve_period(struct training_spec *t, double updates, const struct node *where, struct mistakes *mistakes)
{
    double steps = (double)t->steps, period = fmax(1, ceil(steps / (updates + 1)));
    t->refresh_period = period_of_updates(steps, updates);
    if (t->refresh_period != 0)
        return 0;
    double fewer = fmax(0, updates_of_period(steps, period)), more = period > 1 ? updates_of_period(steps, period - 1) : fewer;
    struct text near = {0};
    text_add(&near, "%.0f (refresh_period %.0f)", fewer, period);
    if (more > fewer)
        text_add(&near, " and %.0f (refresh_period %.0f)", more, period - 1);
    mistake("training.feature_updates: expected a number that a constant period gives in %lld steps, got %g: nearest %s "
            "%s; or set training.steps to a multiple of %.0f", (long long)t->steps, updates,
            more > fewer ? "are" : "is", near.chars, updates + 1);
    text_free(&near);
    return -1;
}

/* T from K and n. */
static int resolve_steps(struct training_spec *t, double updates, const struct node *where, struct mistakes *mistakes)
{
    double steps = t->refresh_period * (updates + 1), most = key_find("training.steps")->max;
    if (isinf(t->refresh_period)) {
        mistake("training.steps: expected a whole number, or a finite refresh_period beside feature_updates, got neither");
        return -1;
    }
    if (steps > most) {
        mistake("training.steps: expected refresh_period * (feature_updates + 1) up to %g, got %g", most, steps);
        return -1;
    }
    t->steps = (int64_t)steps;
    return 0;
}

int draft_resolve_updates(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    struct training_spec *t = &d->job.training;
    double updates = d->feature_updates;
    bool steps = key_given(d, "training.steps"), period = key_given(d, "training.refresh_period");
    bool refresh = key_given(d, "training.refresh");
    const char *wrong = NULL;
    if (refresh && period)
        wrong = "training.refresh: expected in place of refresh_period, got both: remove one";
    else if (refresh && !isnan(updates))
        wrong = "training.refresh: expected in place of feature_updates, got both: remove one";
    else if (isnan(updates) && !steps)
        wrong = "training.steps: expected a whole number >= 0, got nothing: add it";
    else if (!isnan(updates) && steps && period)
        wrong = "training.feature_updates: expected at most two of steps, refresh_period and feature_updates, got all "
                "three: remove one";
    else if (!isnan(updates) && !steps && !period)
        wrong = "training.steps: expected a whole number, or a finite refresh_period beside feature_updates, got neither";
    if (wrong) {
        mistake("%s", wrong);
        return -1;
    }
    if (!isnan(updates) && updates != rint(updates)) {
        mistake("training.feature_updates: expected a whole number >= 0, got %g", updates);
        return -1;
    }
    if (isnan(updates))
        return 0;
    return steps ? resolve_period(t, updates, where, mistakes) : resolve_steps(t, updates, where, mistakes);
}
