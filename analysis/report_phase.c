/* The phase diagram over (T, K): what `relin summary --at step=T` says, at steps T along training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "moment.h"
#include "must.h"
#include "print.h"
#include "report.h"

/* READINGS_MOST: of jobs, together: all are summarised for each time. */
enum { READINGS_MOST = 120000, TIMES_MOST = 12, ALL_MOST = 36, ALL_LEAST = 12, GROUPS_MOST = GROUPS_DRAWN };

static int compare_numbers(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Where each group is looked at. */
struct times {
    size_t n[GROUPS_MOST];
    double at[GROUPS_MOST][TIMES_MOST];
};

/* The different steps of a group's evaluations, without 0; every so-manieth where they are too many: they are
 * log-spaced. */
static void choose_group(const struct report *r, const struct variable_rows *steps, const struct group *group, size_t most,
                         size_t *n, double *at)
{
    const struct cell *first = &r->cells->cell[group->first], *last = first + group->count - 1;
    size_t count = 0, room = 0, different = 0;
    for (const struct cell *cell = first; cell <= last; cell++)
        for (size_t i = cell->first; i < cell->first + cell->count; i++)
            room += lookup_width(r->lookup, steps, i);
    double *all = must(malloc((room + 1) * sizeof *all));
    for (const struct cell *cell = first; cell <= last; cell++)
        for (size_t i = cell->first; i < cell->first + cell->count; i++)
            for (size_t e = 0; e < lookup_width(r->lookup, steps, i); e++)
                if (lookup_value(r->lookup, steps, i, e) > 0)
                    all[count++] = lookup_value(r->lookup, steps, i, e);
    qsort(all, count, sizeof *all, compare_numbers);
    for (size_t i = 0; i < count; i++)
        if (different == 0 || all[different - 1] != all[i])
            all[different++] = all[i];
    size_t wanted = different < most ? different : most;
    for (*n = 0; *n < wanted; (*n)++)
        at[*n] = all[wanted > 1 ? *n * (different - 1) / (wanted - 1) : different - 1];
    free(all);
}

/* The times of all groups, and all of them together in order. */
static int choose_times(const struct report *r, struct times *times, double all[ALL_MOST], size_t *n, struct error *err)
{
    struct variable_rows steps;
    size_t groups = r->cells->n_groups < GROUPS_MOST ? r->cells->n_groups : GROUPS_MOST;
    size_t readings = READINGS_MOST / (r->lookup->n + 1), most_all = readings < ALL_MOST ? readings : ALL_MOST;
    if (most_all < ALL_LEAST)
        most_all = ALL_LEAST;
    if (lookup_load(r->lookup, "step", &steps, err) != 0)
        return -1;
    for (size_t most = TIMES_MOST; most > 0; most--) {
        bool fits = true;
        *n = 0;
        for (size_t g = 0; g < groups; g++) {
            choose_group(r, &steps, &r->cells->group[g], most, &times->n[g], times->at[g]);
            for (size_t k = 0; k < times->n[g]; k++) {
                size_t same = 0;
                while (same < *n && all[same] != times->at[g][k])
                    same++;
                fits = fits && same < most_all;
                if (same == *n && fits)
                    all[(*n)++] = times->at[g][k];
            }
        }
        if (fits)
            break;
    }
    qsort(all, *n, sizeof *all, compare_numbers);
    lookup_release(r->lookup, &steps);
    return 0;
}

static void add_row(const char *group, const struct cell *cell, double time, struct sheet *t)
{
    sheet_add_text(t, group);
    sheet_add_number(t, cell->period);
    sheet_add_number(t, time);
    sheet_add_number(t, cell->updates);
    sheet_add_number(t, (double)cell->value.n);
    sheet_add_number(t, cell->value.mean);
    sheet_add_number(t, cell->value.low);
    sheet_add_number(t, cell->value.high);
    sheet_add_number(t, cell->difference.mean);
    sheet_add_number(t, cell->difference.low);
    sheet_add_number(t, cell->difference.high);
    sheet_add_text(t, print_suffices(cell->suffices));
    if (cell->value.n == 0)
        sheet_hide_row(t);
}

/* Is the group looked at at this time? */
static bool is_at(const struct times *times, size_t group, double time)
{
    for (size_t k = 0; group < GROUPS_MOST && k < times->n[group]; k++)
        if (times->at[group][k] == time)
            return true;
    return false;
}

/* All that is looked at at any time, read once. */
struct history {
    struct observations jobs;          /* at their end */
    struct lookup lookup;              /* of these */
    struct variable_rows step, refresh, done, value[READOUT_COUNT];
    char **schedule;
};

static int read_history(const struct report *r, struct history *h, struct error *err)
{
    struct asked asked = *r->asked;
    struct text curve = {0};
    const struct lookup *l = &h->lookup;
    asked.question.moment = (struct moment){.kind = MOMENT_END};
    text_add(&curve, "curve_%s", asked.question.metric);
    int result = asked_read(&asked, &h->jobs, err);
    if (result == 0)
        result = lookup_open(&h->lookup, &h->jobs, asked.files, asked.n_files, err);
    if (result == 0)
        result = lookup_load(l, "step", &h->step, err) || lookup_load(l, "refresh_step", &h->refresh, err)
                 || lookup_load(l, "steps_done", &h->done, err) || lookup_load_texts(l, "schedule", &h->schedule, err)
                 || lookup_load(l, curve.chars, &h->value[READOUT_LINEAR], err) ? -1 : 0;
    text_add(&curve, "_network");
    if (result == 0)
        result = lookup_load(l, curve.chars, &h->value[READOUT_NETWORK], err);
    h->jobs.two_readouts = h->value[READOUT_NETWORK].there;
    text_free(&curve);
    return result;
}

static void free_history(struct history *h)
{
    lookup_release(&h->lookup, &h->step);
    lookup_release(&h->lookup, &h->refresh);
    lookup_release(&h->lookup, &h->done);
    for (int k = 0; k < READOUT_COUNT; k++)
        lookup_release(&h->lookup, &h->value[k]);
    lookup_free_texts(&h->lookup, h->schedule);
    lookup_free(&h->lookup);
    observe_free(&h->jobs);
}

static const double *row_of(const struct history *h, const struct variable_rows *v, size_t i)
{
    size_t width = lookup_width(&h->lookup, v, i);
    return width ? v->values[h->lookup.file[i]] + h->lookup.row[i] * width : NULL;
}

/* The jobs at a step. The caller frees .at. */
static struct observations at_step(const struct history *h, double step)
{
    struct observations then = h->jobs;
    size_t k = observe_find_axis(&then, "refresh_period");
    then.at = must(calloc(then.n + 1, sizeof *then.at));
    for (size_t i = 0; i < then.n; i++) {
        struct observation *x = &then.at[i];
        *x = h->jobs.at[i];
        const struct moment_run run = {
            .steps = row_of(h, &h->step, i), .width = lookup_width(&h->lookup, &h->step, i),
            .refreshes = row_of(h, &h->refresh, i), .refresh_width = lookup_width(&h->lookup, &h->refresh, i),
            .constant = strcmp(h->schedule[i], "constant") == 0, .period = then.axes[k].levels[x->level[k]].number,
            .done = lookup_value(&h->lookup, &h->done, i, 0), .updates = x->updates};
        moment_at_step(&run, step, x);
        for (int which = 0; which < READOUT_COUNT; which++)
            x->value[which] = lookup_value(&h->lookup, &h->value[which], i, x->evaluation);
    }
    return then;
}

static int fill_time(const struct report *r, const struct history *h, const struct times *times, double time, struct sheet *t,
                     struct error *err)
{
    struct observations then = at_step(h, time);
    struct cells cells = {0};
    struct question question = r->cells->question;
    question.moment = (struct moment){.kind = MOMENT_STEP, .value = time};
    question.brief = true;
    int result = cells_find(&cells, &then, &question, r->asked->by, err);
    for (size_t g = 0; g < cells.n_groups && result == 0; g++) {
        const struct group *group = &cells.group[g];
        struct text name = {0};
        cells_name_group(&cells, group, &name);
        for (size_t i = group->first; i < group->first + group->n_constant; i++)
            if (!cells.cell[i].solves && is_at(times, g, time))
                add_row(name.chars, &cells.cell[i], time, t);
        text_free(&name);
    }
    cells_free(&cells);
    free(then.at);
    return result;
}

int report_phase(struct report *r, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"group", "group", true}, {"refresh_period", "K (steps)", false}, {"step", "T (steps)", false},
        {"feature_updates", "feature updates before T", false}, {"n", "n", false}, {"mean", "mean at T", false},
        {"mean_low", "95 % low", false}, {"mean_high", "95 % high", false}, {"difference", "difference to the baseline", false},
        {"difference_low", "its 95 % low", false}, {"difference_high", "its 95 % high", false}, {"suffices", "enough", true}};
    static const struct picture picture = {
        "phase", "Phase diagram over the number of steps T and the refresh period K",
        "Mean at step T, as `relin summary --at step=T` reads it along the runs: where the learning rate is constant, a run of T steps is the beginning of a longer "
        "one. Dot: shown to be enough against the baseline at the same T; ring: unclear; cross: shown not to be enough. "
        "K = ∞ stands apart.", "mean"};
    struct sheet t = {.id = "phase", .title = "Phase diagram"};
    struct text curve = {0};
    static struct times times;
    struct history history = {0};
    double all[ALL_MOST];
    size_t n = 0;
    int result = 0;
    text_add(&curve, "curve_%s", r->cells->question.metric);
    report_section(r, "phase", "Steps and refresh period together", NULL);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    if (r->cells->by_period && lookup_has(r->lookup, curve.chars))
        result = choose_times(r, &times, all, &n, err) || (n && read_history(r, &history, err)) ? -1 : 0;
    for (size_t i = 0; i < n && result == 0; i++)
        result = fill_time(r, &history, &times, all[i], &t, err);
    if (result == 0)
        result = report_show(r, &t, &picture, 1, "No diagram: the metric has no curve, or no job has ended.", err);
    free_history(&history);
    text_free(&curve);
    sheet_free(&t);
    return result;
}
