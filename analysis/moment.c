#include "moment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "must.h"
#include "store/store.h"

/* --- words ------------------------------------------------------------------- */

static const char *const words[] = {"", "step", "train_loss", "feature_updates", "best"};   /* of enum moment_kind */

int moment_parse(struct moment *moment, const char *text, struct error *err)
{
    static const char *const bests[] = {"validation_loss", "validation_accuracy"};
    const char *value = strchr(text, '=');
    *moment = (struct moment){0};
    for (int kind = MOMENT_STEP; value && kind <= MOMENT_BEST; kind++)
        if (strncmp(text, words[kind], strlen(words[kind])) == 0 && text[strlen(words[kind])] == '=')
            moment->kind = (enum moment_kind)kind;
    if (moment->kind == MOMENT_END)
        return error_set(err, ERROR_USAGE, "--at: expected step=N, train_loss=X, feature_updates=N or "
                         "best=validation_loss, got '%s'", text);
    value++;
    if (moment->kind == MOMENT_BEST) {
        for (size_t i = 0; i < sizeof bests / sizeof *bests; i++)
            if (strcmp(value, bests[i]) == 0)
                moment->best = bests[i];
        return moment->best ? 0 : error_set(err, ERROR_USAGE, "--at best: expected validation_loss or validation_accuracy, "
                                            "got '%s': nothing is chosen by training or test", value);
    }
    char *end;
    moment->value = strtod(value, &end);
    if (!*value || *end || !(moment->value >= 0))
        return error_set(err, ERROR_USAGE, "--at %s: expected a number >= 0, got '%s'", words[moment->kind], value);
    return 0;
}

void moment_write(const struct moment *moment, struct text *out)
{
    if (moment->kind == MOMENT_END)
        return;
    text_add(out, "%s=", words[moment->kind]);
    if (moment->kind == MOMENT_BEST)
        text_add(out, "%s", moment->best);
    else
        text_add_number(out, moment->value);
}

void moment_describe(const struct moment *moment, struct text *out)
{
    switch (moment->kind) {
    case MOMENT_END: break;
    case MOMENT_STEP: text_add(out, " at step <= %.15g", moment->value); break;
    case MOMENT_TRAIN_LOSS: text_add(out, " at training loss <= %.15g", moment->value); break;
    case MOMENT_UPDATES: text_add(out, " after %.15g feature updates", moment->value); break;
    case MOMENT_BEST: text_add(out, " at the best %s", moment->best); break;
    }
}

/* --- where a job was ------------------------------------------------------------ */

/* The columns that tell: evaluations, refreshes, and what decides. */
struct history {
    double *steps, *refreshes, *done;      /* (job, eval), (job, refresh), (job) */
    double *curve;                         /* (job, eval): the training loss or what is best */
    size_t width, refresh_width;
    char **schedules;
};

static int read_history(const struct store_reader *reader, const struct moment *moment, struct history *h, struct error *err)
{
    size_t one;
    struct text curve = {0};
    if (store_read_numbers(reader, "step", &h->steps, &h->width, err) != 0 ||
        store_read_numbers(reader, "steps_done", &h->done, &one, err) != 0 ||
        store_read_texts(reader, "schedule", &h->schedules, err) != 0)
        return -1;
    if (store_read_has(reader, "refresh_step")
        && store_read_numbers(reader, "refresh_step", &h->refreshes, &h->refresh_width, err) != 0)
        return -1;
    if (moment->kind != MOMENT_TRAIN_LOSS && moment->kind != MOMENT_BEST)
        return 0;
    text_add(&curve, "curve_%s", moment->kind == MOMENT_BEST ? moment->best : "train_loss");
    int result = store_read_numbers(reader, curve.chars, &h->curve, &one, err);
    text_free(&curve);
    return result;
}

static void free_history(struct history *h, size_t n)
{
    mem_free(h->steps);
    mem_free(h->refreshes);
    mem_free(h->done);
    mem_free(h->curve);
    if (h->schedules)
        store_free_texts(h->schedules, n);
}

static struct moment_run run_of(const struct observations *o, const struct history *h, const struct observation *x, size_t job)
{
    size_t k = observe_find_axis(o, "refresh_period");
    return (struct moment_run){
        .steps = h->steps + job * h->width, .refreshes = h->refreshes ? h->refreshes + job * h->refresh_width : NULL,
        .curve = h->curve ? h->curve + job * h->width : NULL, .width = h->width, .refresh_width = h->refresh_width,
        .constant = strcmp(h->schedules[job], "constant") == 0, .done = h->done[job], .updates = x->updates,
        .period = k == SIZE_MAX ? NAN : o->axes[k].levels[x->level[k]].number};
}

/* The last evaluation not after a step; SIZE_MAX: there is none. */
static size_t last_until(const struct moment_run *run, double step)
{
    size_t found = SIZE_MAX;
    for (size_t e = 0; e < run->width; e++)
        if (run->steps[e] >= 0 && !(run->steps[e] > step) && (found == SIZE_MAX || run->steps[e] >= run->steps[found]))
            found = e;
    return found;
}

/* The first evaluation whose loss is at most this. */
static size_t first_below(const struct moment_run *run, double loss)
{
    size_t found = SIZE_MAX;
    for (size_t e = 0; e < run->width; e++)
        if (run->steps[e] >= 0 && run->curve[e] <= loss && (found == SIZE_MAX || run->steps[e] < run->steps[found]))
            found = e;
    return found;
}

static size_t best_of(const struct moment_run *run, bool higher)
{
    size_t found = SIZE_MAX;
    for (size_t e = 0; e < run->width; e++) {
        if (!(run->steps[e] >= 0) || !isfinite(run->curve[e]))
            continue;
        double gain = found == SIZE_MAX ? 1 : higher ? run->curve[e] - run->curve[found] : run->curve[found] - run->curve[e];
        if (gain > 0 || (gain == 0 && run->steps[e] < run->steps[found]))
            found = e;
    }
    return found;
}

/* How many refreshes were logged before a step; NaN unless all that happened were logged. */
static double logged_before(const struct moment_run *run, double step)
{
    double logged = 0, before = 0;
    for (size_t r = 0; r < run->refresh_width && run->refreshes; r++) {
        logged += run->refreshes[r] >= 0;
        before += run->refreshes[r] >= 0 && run->refreshes[r] < step;
    }
    return logged == run->updates ? before : NAN;
}

/* Updates before a step: of a constant period by its formula, else as logged, if all were. */
static double updates_before(const struct moment_run *run, double step)
{
    if (run->constant)
        return isnan(step) ? NAN : isinf(run->period) ? 0 : fmax(0, ceil(step / run->period) - 1);
    return isnan(step) || isnan(run->updates) ? NAN : logged_before(run, step);
}

/* The last step with at most so many updates before it: that of the update after them. NaN: the run has fewer. */
static double reach_of(const struct moment_run *run, double updates)
{
    if (!(run->updates >= updates))   /* NaN too */
        return NAN;
    if (run->constant)
        return isinf(run->period) ? INFINITY : run->period * (updates + 1);
    if (isnan(logged_before(run, INFINITY)))
        return NAN;
    double reach = INFINITY;
    for (size_t r = 0; r < run->refresh_width; r++)
        if (run->refreshes[r] >= 0 && logged_before(run, run->refreshes[r]) >= updates)
            reach = fmin(reach, run->refreshes[r]);
    return reach;
}

/* --- choosing --------------------------------------------------------------------- */

/* The evaluation, SIZE_MAX: none. A run that diverged before the moment came stays diverged; after it, that is not so yet. */
static size_t choose(const struct moment *moment, const struct moment_run *run, bool *diverged)
{
    double limit = moment->kind == MOMENT_STEP ? moment->value : reach_of(run, floor(moment->value));
    size_t e = SIZE_MAX;
    switch (moment->kind) {
    case MOMENT_STEP:
    case MOMENT_UPDATES:
        *diverged = *diverged && !(run->done > limit);
        e = *diverged || isnan(limit) ? SIZE_MAX : last_until(run, limit);
        break;
    case MOMENT_TRAIN_LOSS: e = first_below(run, moment->value); break;
    case MOMENT_BEST: e = best_of(run, strcmp(moment->best, "validation_accuracy") == 0); break;
    case MOMENT_END: break;
    }
    if (e != SIZE_MAX)
        *diverged = false;
    return e;
}

/* A job that did not come so far has updates all the same, those that its period would have made by the evaluation of a
 * job that had one: jobs of equal length have the same. by_length: of each training_steps, NaN where none did. */
static double *evaluations_by_length(const struct observations *o, const struct observation *new, size_t n, size_t axis)
{
    size_t lengths = axis == SIZE_MAX ? 1 : o->axes[axis].n_levels;
    double *by_length = must(malloc((lengths + 1) * sizeof *by_length));
    for (size_t l = 0; l < lengths; l++)
        by_length[l] = NAN;
    for (size_t i = 0; i < n; i++)
        if (!isnan(new[i].at))
            by_length[axis == SIZE_MAX ? 0 : new[i].level[axis]] = new[i].at;
    return by_length;
}

static void count_updates(const struct observations *o, const struct moment *moment, const struct history *h,
                          struct observation *new, size_t n)
{
    size_t axis = observe_find_axis(o, "training_steps");
    double *by_length = evaluations_by_length(o, new, n, axis);
    for (size_t i = 0; i < n; i++) {
        struct moment_run run = run_of(o, h, &new[i], i);
        bool lent = isnan(new[i].at) && moment->kind == MOMENT_STEP;
        new[i].updates = updates_before(&run, lent ? by_length[axis == SIZE_MAX ? 0 : new[i].level[axis]] : new[i].at);
    }
    free(by_length);
}

int moment_choose(const struct observations *o, const struct store_reader *reader, const struct moment *moment,
                  struct observation *new, size_t n, struct error *err)
{
    struct history h = {0};
    if (moment->kind == MOMENT_END)
        return 0;
    int result = read_history(reader, moment, &h, err);
    size_t found = 0, done = 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        struct moment_run run = run_of(o, &h, &new[i], i);
        size_t e = choose(moment, &run, &new[i].diverged);
        bool ended = new[i].status == STATUS_DONE;
        new[i].evaluation = e == SIZE_MAX || !ended ? UINT32_MAX : (uint32_t)e;
        new[i].at = e == SIZE_MAX ? NAN : run.steps[e];
        new[i].unreached = ended && !new[i].diverged && e == SIZE_MAX;
        found += ended && e != SIZE_MAX;
        done += ended;
    }
    if (result == 0 && moment->kind == MOMENT_BEST && done > 0 && found == 0)
        result = error_set(err, ERROR_USAGE, "--at best=%s: expected a validation set, got a sweep without one: nothing may "
                           "be stopped early without it (data.validation)", moment->best);
    if (result == 0)
        count_updates(o, moment, &h, new, n);
    free_history(&h, n);
    return result;
}

void moment_at_step(const struct moment_run *run, double step, struct observation *x)
{
    const struct moment moment = {.kind = MOMENT_STEP, .value = step};
    size_t e = choose(&moment, run, &x->diverged);
    bool ended = x->status == STATUS_DONE;
    x->evaluation = e == SIZE_MAX || !ended ? UINT32_MAX : (uint32_t)e;
    x->at = e == SIZE_MAX ? NAN : run->steps[e];
    x->unreached = ended && !x->diverged && e == SIZE_MAX;
    x->updates = updates_before(run, x->at);
}
