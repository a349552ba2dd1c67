#define _GNU_SOURCE   /* qsort_r, strverscmp */
#include "cells.h"

#include "cells_parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "must.h"

/* --- the axes of a cell ---------------------------------------------------- */

static bool contains(const size_t *list, size_t n, size_t value)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == value)
            return true;
    return false;
}

bool cells_are_programs(const struct observations *o)
{
    static const char *const own[] = {"standard", "linearised", "gauss-newton", "-"};
    size_t trainer = observe_find_axis(o, "trainer");
    for (size_t l = 0; trainer != SIZE_MAX && l < o->axes[trainer].n_levels; l++)
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            if (strcmp(o->axes[trainer].levels[l].label, own[i]) == 0)
                return false;
    return trainer != SIZE_MAX && o->axes[observe_find_axis(o, "refresh_period")].n_levels == 1;
}

/* The axes that are named, in the order of the names; all but the seed without names. */
static int read_names(const struct observations *o, const char *by, size_t *list, size_t *n, struct error *err)
{
    size_t seed = observe_find_axis(o, "seed");
    *n = 0;
    bool programs = cells_are_programs(o);   /* then axes of ours that have one level say nothing */
    for (size_t a = 0; !by && a < o->n_axes; a++)
        if (a != seed && !o->axes[a].tuned && !o->axes[a].told && !(programs && o->axes[a].n_levels == 1))
            list[(*n)++] = a;
    if (!by)
        return 0;
    char *names = must(strdup(by));
    int result = 0;
    for (char *rest, *name = strtok_r(names, ",", &rest); name && result == 0; name = strtok_r(NULL, ",", &rest)) {
        size_t a = observe_find_axis(o, name);
        if (a == SIZE_MAX) {
            struct text known = {0};
            observe_name_axes(o, &known);
            result = error_set(err, ERROR_USAGE, "--by: expected axes (%s), got '%s'", known.chars, name);
            text_free(&known);
        } else if (!contains(list, *n, a) && !o->axes[a].tuned) {
            list[(*n)++] = a;
        }
    }
    free(names);
    return result;
}

bool cells_is_solver(const struct cells *c, const struct observation *x)
{
    return strcmp(c->of->axes[c->trainer].levels[x->level[c->trainer]].label, "gauss-newton") == 0;
}

/* Are there linearised and Gauss-Newton jobs of steps that differ? Only then one may stand for a segment of the other. */
static bool has_pairs_of_trainers(const struct cells *c)
{
    if (c->trainer == SIZE_MAX || c->steps == SIZE_MAX)
        return false;
    size_t solvers = 0;
    for (size_t i = 0; i < c->of->n; i++)
        solvers += cells_is_solver(c, &c->of->at[i]);
    return solvers > 0 && solvers < c->of->n;
}

/* By K, cells within a group differ in K, and in what takes the place of a constant K: schedules, Gauss-Newton steps. */
static int choose_axes(struct cells *c, const char *by, struct error *err)
{
    const struct observations *o = c->of;
    size_t list[OBSERVE_AXES_MOST], n;
    if (read_names(o, by, list, &n, err) != 0)
        return -1;
    c->period = observe_find_axis(o, "refresh_period");
    c->schedule = observe_find_axis(o, "schedule");
    c->trainer = observe_find_axis(o, "trainer");
    c->steps = observe_find_axis(o, "training_steps");
    c->damping = observe_find_axis(o, "training_damping");
    c->by_period = contains(list, n, c->period);
    c->pairs_trainers = c->by_period && has_pairs_of_trainers(c);
    size_t within[5], n_within = 0;
    if (c->by_period && c->schedule != SIZE_MAX)
        within[n_within++] = c->schedule;
    if (c->pairs_trainers) {
        within[n_within++] = c->trainer;
        within[n_within++] = c->steps;
    }
    if (c->pairs_trainers && c->damping != SIZE_MAX)
        within[n_within++] = c->damping;
    if (c->by_period)
        within[n_within++] = c->period;
    for (size_t i = 0; i < n; i++)
        if (!contains(within, n_within, list[i]))
            c->by[c->n_by++] = list[i];
    c->n_common = c->n_by;
    for (size_t i = 0; i < n_within; i++)
        c->by[c->n_by++] = within[i];
    for (size_t a = 0; a < o->n_axes; a++)
        if (o->axes[a].tuned)
            c->tuned[c->n_tuned++] = a;
        else if (!contains(c->by, c->n_by, a) && !o->axes[a].told)
            c->unit[c->n_units++] = a;
    return 0;
}

int cells_compare_levels(const struct observation *x, const struct observation *y, const size_t *axes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x->level[axes[i]] != y->level[axes[i]])
            return x->level[axes[i]] < y->level[axes[i]] ? -1 : 1;
    return 0;
}

static int compare_observations(const void *a, const void *b, void *context)
{
    const struct cells *c = context;
    int by = cells_compare_levels(a, b, c->by, c->n_by);
    return by ? by : cells_compare_levels(a, b, c->unit, c->n_units);
}

/* Two jobs alike in all axes: the files differ in a setting that is no axis. */
static int refuse_twins(const struct cells *c, struct error *err)
{
    for (size_t i = 1; i < c->of->n; i++) {
        const struct observation *x = &c->of->at[i - 1], *y = &c->of->at[i];
        if (cells_compare_levels(x, y, c->by, c->n_by) == 0 && cells_compare_levels(x, y, c->unit, c->n_units) == 0)
            return error_set(err, ERROR_USAGE,
                             "jobs %s and %s: expected jobs to differ in an axis, got the same values of all: "
                             "the files differ in a setting that is no axis; summarise them one at a time",
                             x->id, y->id);
    }
    return 0;
}

/* --- one cell -------------------------------------------------------------- */

bool cells_is_counted(const struct observation *x, double value)
{
    return x->status == STATUS_DONE && !x->diverged && isfinite(value);
}

static double level_number(const struct cells *c, size_t axis, const struct observation *x)
{
    return c->of->axes[axis].levels[x->level[axis]].number;
}

/* What the cell is beside its axes: its K, its schedule, its trainer, its mean eta K. */
static void describe_cell(const struct cells *c, struct cell *cell)
{
    const struct observation *at = c->of->at + cell->first;
    double sum = 0, damping = 0, n = 0;
    cell->against = SIZE_MAX;
    cell->period = cell->eta_period = cell->damping = NAN;
    if (!c->by_period)
        return;
    cell->period = level_number(c, c->period, at);
    if (c->schedule != SIZE_MAX) {
        const char *label = c->of->axes[c->schedule].levels[at->level[c->schedule]].label;
        cell->schedule = strcmp(label, "constant") == 0 ? NULL : label;
    }
    cell->solves = c->pairs_trainers && cells_is_solver(c, at);
    for (size_t i = 0; i < cell->count; i++)
        if (isfinite(at[i].learning_rate)) {
            sum += at[i].learning_rate;
            damping += at[i].damping;
            n++;
        }
    if (n > 0 && !cell->schedule) {
        cell->eta_period = sum / n * cell->period;
        cell->damping = damping / n;
    }
}

/* Equal in all jobs, or, where the gap or the moment decides, of those that came there; else their mean is no number of
 * a run. */
static void count_updates(const struct cells *c, struct cell *cell)
{
    const struct observation *at = c->of->at + cell->first;
    double sum = 0, n = 0;
    bool adaptive = c->question.moment.kind >= MOMENT_TRAIN_LOSS;
    cell->updates = cell->updates_least = cell->updates_most = NAN;
    for (size_t i = 0; i < cell->count; i++) {
        adaptive = adaptive || at[i].adaptive;
        if (isnan(at[i].updates) || (at[i].adaptive && at[i].diverged))
            continue;
        sum += at[i].updates;
        n++;
        cell->updates_least = fmin(cell->updates_least, at[i].updates);   /* fmin passes over NaN */
        cell->updates_most = fmax(cell->updates_most, at[i].updates);
    }
    if (n > 0 && (adaptive || cell->updates_least == cell->updates_most))
        cell->updates = sum / n;
}

static void summarise_cell(const struct cells *c, struct cell *cell, double *work)
{
    const struct observation *at = c->of->at + cell->first;
    size_t n[3] = {0};
    double *value = work, *network = work + cell->count, *path = work + 2 * cell->count;
    describe_cell(c, cell);
    count_updates(c, cell);
    for (size_t i = 0; i < cell->count; i++) {
        cell->failed += at[i].status == STATUS_FAILED;
        cell->diverged += at[i].diverged;
        cell->unreached += at[i].unreached;
        cell->missing += at[i].status == STATUS_PENDING || at[i].status == STATUS_RUNNING;
        if (cells_is_counted(&at[i], at[i].value[c->question.readout]))
            value[n[0]++] = at[i].value[c->question.readout];
        if (cells_is_counted(&at[i], at[i].value[READOUT_NETWORK]))
            network[n[1]++] = at[i].value[READOUT_NETWORK];
        if (cells_is_counted(&at[i], at[i].path))
            path[n[2]++] = at[i].path;
    }
    stats_summarise(value, n[0], &cell->value);
    stats_summarise(network, n[1], &cell->network);
    stats_summarise(path, n[2], &cell->path);
    cell->bca_low = cell->bca_high = NAN;
    if (!c->question.brief)
        stats_bca(value, n[0], &cell->bca_low, &cell->bca_high);
    stats_summarise(NULL, 0, &cell->difference);
    cell->p = cell->p_holm = NAN;
}

/* --- all ------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

bool cells_is_accuracy(const char *metric)
{
    return ends_with(metric, "_accuracy") || ends_with(metric, "_accuracy_linearised");
}

static void complete_question(struct question *q)
{
    q->is_accuracy = cells_is_accuracy(q->metric);
    bool is_loss = ends_with(q->metric, "_loss") || ends_with(q->metric, "_loss_linearised");
    q->better = q->is_accuracy ? 1 : is_loss ? -1 : 0;
    if (isnan(q->margin) && q->is_accuracy)
        q->margin = 0.01;
}

/* Cuts the sorted observations into cells and groups. */
static void cut(struct cells *c)
{
    const struct observation *at = c->of->at;
    c->cell = must(calloc(c->of->n + 1, sizeof *c->cell));
    c->group = must(calloc(c->of->n + 1, sizeof *c->group));
    for (size_t i = 0; i < c->of->n; i++) {
        if (i == 0 || cells_compare_levels(&at[i - 1], &at[i], c->by, c->n_by) != 0) {
            if (i == 0 || cells_compare_levels(&at[i - 1], &at[i], c->by, c->n_common) != 0)
                c->group[c->n_groups++].first = c->n_cells;
            c->cell[c->n_cells++].first = i;
            c->group[c->n_groups - 1].count++;
        }
        c->cell[c->n_cells - 1].count++;
    }
}

/* Constant periods by K (Gauss-Newton after the others), then schedules by falling number of updates, then by label. */
static int compare_cells(const void *a, const void *b, void *context)
{
    const struct cell *x = a, *y = b;
    const struct cells *c = context;
    if (!x->schedule != !y->schedule)
        return x->schedule ? 1 : -1;
    if (x->schedule) {
        double m = isnan(x->updates) ? -1 : x->updates, n = isnan(y->updates) ? -1 : y->updates;
        int order = m != n ? (m < n) - (m > n) : strverscmp(x->schedule, y->schedule);
        if (order)
            return order;
    } else if (x->period != y->period) {
        return (x->period > y->period) - (x->period < y->period);
    }
    if (x->solves != y->solves)
        return x->solves ? 1 : -1;
    return cells_compare_levels(&c->of->at[x->first], &c->of->at[y->first], c->by, c->n_by);
}

int cells_find(struct cells *c, struct observations *o, const struct question *question, const char *by,
               struct error *err)
{
    *c = (struct cells){.of = o, .question = *question};
    complete_question(&c->question);
    if (choose_axes(c, by, err) != 0)
        return -1;
    if (o->n > 1)
        qsort_r(o->at, o->n, sizeof *o->at, compare_observations, c);
    if (refuse_twins(c, err) != 0)
        return -1;
    cut(c);
    double *work = must(calloc(3 * o->n + 1, sizeof *work));
    for (size_t i = 0; i < c->n_cells; i++)
        summarise_cell(c, &c->cell[i], work);
    for (size_t g = 0; g < c->n_groups; g++) {
        if (c->by_period)
            qsort_r(c->cell + c->group[g].first, c->group[g].count, sizeof *c->cell, compare_cells, c);
        cells_compare_group(c, &c->group[g], work);
    }
    free(work);
    return 0;
}

void cells_free(struct cells *c)
{
    free(c->cell);
    free(c->group);
    *c = (struct cells){0};
}

void cells_name_level(const char *axis, const char *label, struct text *out)
{
    text_add(out, "%s ", axis);
    if (label[0] != '{') {
        text_add_string(out, label);
        return;
    }
    for (; *label; label++)
        if (*label == ':' || *label == ',')
            text_add(out, *label == ':' ? " " : ", ");
        else if (!strchr("{}\"", *label))
            text_add_bytes(out, label, 1);
}

void cells_name_group(const struct cells *c, const struct group *g, struct text *out)
{
    const struct observation *x = &c->of->at[c->cell[g->first].first];
    size_t n = c->n_common;
    text_add(out, "%s", n ? "" : "all jobs");
    for (size_t i = 0; i < n; i++) {
        const struct axis *axis = &c->of->axes[c->by[i]];
        const char *label = axis->levels[x->level[c->by[i]]].label;
        text_add(out, "%s", i ? ", " : "");
        if (strcmp(axis->name, "architecture") == 0)
            text_add(out, "%s", label);
        else
            cells_name_level(axis->name, label, out);
    }
}
