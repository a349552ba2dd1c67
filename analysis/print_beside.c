/* Sentences about what takes the place of a constant K: schedules, and Gauss-Newton runs. Between schedules of one
 * number of updates there is no order that could be tested in sequence, so each is told by its own difference. */
#include <math.h>

#include "print.h"

static void add_amount(const struct cells *c, double value, struct text *out)
{
    text_add(out, "%.*f", c->question.is_accuracy ? 1 : 4, value * print_scale(c));
}

void print_loss_of(const struct cells *c, const struct cell *cell, struct text *out)
{
    const struct stats_summary *d = &cell->difference;
    if (d->n < 1) {
        text_add(out, cell->diverged ? "diverged" : "has no results to compare yet");
        return;
    }
    /* amounts are of the side that the mean is on, so that "loses" goes with a positive number */
    bool falls = d->mean < 0;
    const char *verb = c->question.better == 0 ? (falls ? "is lower by" : "is higher by")
                       : falls == (c->question.better > 0) ? "loses" : "gains";
    text_add(out, "%s ", verb);
    add_amount(c, fabs(d->mean), out);
    text_add(out, c->question.is_accuracy ? " points" : " in %s", c->question.metric);
    if (!isnan(d->low)) {
        text_add(out, " [");
        add_amount(c, falls ? -d->high : d->low, out);
        text_add(out, ", ");
        add_amount(c, falls ? -d->low : d->high, out);
        text_add(out, "]");
    }
    if (cell->diverged)
        text_add(out, " (%zu of %zu jobs diverged)", cell->diverged, cell->count);
}

static bool same_updates(const struct cell *x, const struct cell *y)
{
    return x->updates == y->updates && x->updates_least == x->updates_most && y->updates_least == y->updates_most;
}

void print_schedules(const struct cells *c, const struct group *g, struct text *out)
{
    if (g->baseline == SIZE_MAX || g->n_constant == g->count)
        return;
    text_add(out, " Against ");
    print_baseline(c, out);
    for (size_t i = g->first + g->n_constant; i < g->first + g->count; i++) {
        const struct cell *cell = &c->cell[i];
        bool first = i == g->first + g->n_constant || !same_updates(cell - 1, cell);
        bool last = i + 1 == g->first + g->count || !same_updates(cell, cell + 1);
        if (first) {
            text_add(out, i == g->first + g->n_constant ? ": with " : "; with ");
            print_updates(cell, out);
            text_add(out, cell->updates == 1 ? " feature update, " : " feature updates, ");
        }
        print_schedule(cell->schedule, out);
        text_add(out, " ");
        print_loss_of(c, cell, out);
        text_add(out, last ? "" : ", ");
    }
    text_add(out, ".");
}

void print_trainers(const struct cells *c, const struct group *g, struct text *out)
{
    size_t told = 0;
    for (size_t i = g->first; i < g->first + g->count; i++) {
        const struct cell *cell = &c->cell[i];
        if (cell->against == SIZE_MAX)
            continue;
        text_add(out, "%s", told++ ? "; K=" : "Gauss-Newton beside the linearised run of the same K: K=");
        print_period(cell->period, out);
        text_add(out, " ");
        print_loss_of(c, cell, out);
    }
    text_add(out, "%s", told ? "." : "no Gauss-Newton run stands beside a linearised run of the same K and K times its steps.");
}
