#define _GNU_SOURCE   /* qsort_r */
#include "cells.h"

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

static int choose_axes(struct cells *c, const char *by, struct error *err)
{
    const struct observations *o = c->of;
    size_t period = observe_find_axis(o, "refresh_period"), seed = observe_find_axis(o, "seed");
    if (!by) {
        for (size_t a = 0; a < o->n_axes; a++)
            if (a != seed && a != period)
                c->by[c->n_by++] = a;
        c->by_period = period != SIZE_MAX;
    } else {
        char *names = must(strdup(by));
        for (char *rest, *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
            size_t a = observe_find_axis(o, name);
            if (a == SIZE_MAX) {
                struct text known = {0};
                observe_name_axes(o, &known);
                error_set(err, ERROR_USAGE, "--by: expected axes (%s), got '%s'", known.chars, name);
                text_free(&known);
                free(names);
                return -1;
            }
            if (a == period)
                c->by_period = true;
            else if (!contains(c->by, c->n_by, a))
                c->by[c->n_by++] = a;
        }
        free(names);
    }
    if (c->by_period)
        c->by[c->n_by++] = period;
    for (size_t a = 0; a < o->n_axes; a++)
        if (!contains(c->by, c->n_by, a))
            c->unit[c->n_units++] = a;
    return 0;
}

static int compare_levels(const struct observation *x, const struct observation *y, const size_t *axes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (x->level[axes[i]] != y->level[axes[i]])
            return x->level[axes[i]] < y->level[axes[i]] ? -1 : 1;
    return 0;
}

static int compare_observations(const void *a, const void *b, void *context)
{
    const struct cells *c = context;
    int by = compare_levels(a, b, c->by, c->n_by);
    return by ? by : compare_levels(a, b, c->unit, c->n_units);
}

/* Two jobs alike in all axes: the files differ in a setting that is no axis. */
static int refuse_twins(const struct cells *c, struct error *err)
{
    for (size_t i = 1; i < c->of->n; i++) {
        const struct observation *x = &c->of->at[i - 1], *y = &c->of->at[i];
        if (compare_levels(x, y, c->by, c->n_by) == 0 && compare_levels(x, y, c->unit, c->n_units) == 0)
            return error_set(err, ERROR_USAGE,
                             "jobs %s and %s: expected jobs to differ in an axis, got the same values of all: "
                             "the files differ in a setting that is no axis; summarise them one at a time",
                             x->id, y->id);
    }
    return 0;
}

/* --- one cell -------------------------------------------------------------- */

static bool is_counted(const struct observation *x, double value)
{
    return x->status == STATUS_DONE && !x->diverged && isfinite(value);
}

static void summarise_cell(const struct cells *c, struct cell *cell, double *work)
{
    const struct observation *at = c->of->at + cell->first;
    size_t n[3] = {0};
    double *value = work, *network = work + cell->count, *path = work + 2 * cell->count;
    cell->updates = at[0].updates;
    cell->period = c->by_period ? c->of->axes[c->by[c->n_by - 1]].levels[at[0].level[c->by[c->n_by - 1]]].number
                                : NAN;
    for (size_t i = 0; i < cell->count; i++) {
        cell->failed += at[i].status == STATUS_FAILED;
        cell->diverged += at[i].diverged;
        cell->missing += at[i].status == STATUS_PENDING || at[i].status == STATUS_RUNNING;
        if (at[i].updates != cell->updates)
            cell->updates = NAN;
        if (is_counted(&at[i], at[i].value[c->question.readout]))
            value[n[0]++] = at[i].value[c->question.readout];
        if (is_counted(&at[i], at[i].value[READOUT_NETWORK]))
            network[n[1]++] = at[i].value[READOUT_NETWORK];
        if (is_counted(&at[i], at[i].path))
            path[n[2]++] = at[i].path;
    }
    stats_summarise(value, n[0], &cell->value);
    stats_summarise(network, n[1], &cell->network);
    stats_summarise(path, n[2], &cell->path);
    stats_bca(value, n[0], &cell->bca_low, &cell->bca_high);
    stats_summarise(NULL, 0, &cell->difference);
    cell->p = cell->p_holm = NAN;
}

/* Differences on the units (seeds) that are in both cells; both are sorted by unit. */
static void compare_with(const struct cells *c, struct cell *cell, const struct cell *baseline, double *work)
{
    const struct observation *at = c->of->at + cell->first, *base = c->of->at + baseline->first;
    enum readout readout = c->question.readout;
    size_t pairs = 0;
    for (size_t i = 0, j = 0; i < cell->count && j < baseline->count;) {
        int order = compare_levels(&at[i], &base[j], c->unit, c->n_units);
        if (order == 0) {
            double x = at[i].value[readout], y = base[j].value[readout];
            cell->unpaired_divergence += at[i].diverged || base[j].diverged;
            if (is_counted(&at[i], x) && is_counted(&base[j], y))
                work[pairs++] = x - y;
        }
        i += order <= 0;
        j += order >= 0;
    }
    stats_summarise(work, pairs, &cell->difference);
    cell->p = stats_sign_flip(work, pairs);
}

/* --- one group ------------------------------------------------------------- */

static void answer_group(const struct cells *c, struct group *g)
{
    size_t n = g->first + g->count - g->baseline;
    struct answer_step *steps = must(calloc(n, sizeof *steps));
    struct cell *cell = c->cell + g->baseline;
    for (size_t i = 1; i < n; i++) {
        const struct stats_summary *d = &cell[i].difference;
        bool lower = c->question.better < 0;
        steps[i] = (struct answer_step){
            .pairs = d->n, .diverged = cell[i].unpaired_divergence, .mean = lower ? -d->mean : d->mean,
            .low = lower ? -d->high : d->low, .high = lower ? -d->low : d->high};
    }
    answer_find(steps, n, c->question.margin, &g->answer);
    for (size_t i = 1; i < n; i++)
        cell[i].suffices = i <= g->answer.shown     ? SUFFICES_SHOWN
                           : i > g->answer.possible ? SUFFICES_NOT
                                                    : SUFFICES_UNCLEAR;
    g->has_answer = true;
    free(steps);
}

static void compare_group(const struct cells *c, struct group *g, double *work)
{
    g->baseline = SIZE_MAX;
    for (size_t i = g->first; c->by_period && i < g->first + g->count; i++)
        if (c->cell[i].period == c->question.baseline)
            g->baseline = i;
    if (g->baseline == SIZE_MAX)
        return;
    double *p = must(calloc(2 * g->count, sizeof *p));
    for (size_t i = 0; i < g->count; i++) {
        struct cell *cell = &c->cell[g->first + i];
        p[i] = NAN;
        if (g->first + i == g->baseline) {
            cell->suffices = SUFFICES_BASELINE;
            continue;
        }
        compare_with(c, cell, &c->cell[g->baseline], work);
        p[i] = cell->p;
        g->family += cell->difference.n > 0;
    }
    stats_holm(p, g->count, p + g->count);
    for (size_t i = 0; i < g->count; i++)
        c->cell[g->first + i].p_holm = p[g->count + i];
    free(p);
    if (c->question.better != 0 && !isnan(c->question.margin) && stats_have_quantiles() &&
        c->cell[g->baseline].value.n >= 2)
        answer_group(c, g);
}

/* --- all ------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void complete_question(struct question *q)
{
    q->is_accuracy = ends_with(q->metric, "_accuracy");
    q->better = q->is_accuracy ? 1 : ends_with(q->metric, "_loss") ? -1 : 0;
    if (isnan(q->margin) && q->is_accuracy)
        q->margin = 0.01;
}

/* Cuts the sorted observations into cells and groups. */
static void cut(struct cells *c)
{
    const struct observation *at = c->of->at;
    size_t n_common = c->n_by - c->by_period;
    c->cell = must(calloc(c->of->n + 1, sizeof *c->cell));
    c->group = must(calloc(c->of->n + 1, sizeof *c->group));
    for (size_t i = 0; i < c->of->n; i++) {
        if (i == 0 || compare_levels(&at[i - 1], &at[i], c->by, c->n_by) != 0) {
            if (i == 0 || compare_levels(&at[i - 1], &at[i], c->by, n_common) != 0)
                c->group[c->n_groups++].first = c->n_cells;
            c->cell[c->n_cells++].first = i;
            c->group[c->n_groups - 1].count++;
        }
        c->cell[c->n_cells - 1].count++;
    }
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
    for (size_t g = 0; g < c->n_groups; g++)
        compare_group(c, &c->group[g], work);
    free(work);
    return 0;
}

void cells_free(struct cells *c)
{
    free(c->cell);
    free(c->group);
    *c = (struct cells){0};
}

void cells_name_group(const struct cells *c, const struct group *g, struct text *out)
{
    const struct observation *x = &c->of->at[c->cell[g->first].first];
    size_t n = c->n_by - c->by_period;
    text_add(out, "%s", n ? "" : "all jobs");
    for (size_t i = 0; i < n; i++) {
        const struct axis *axis = &c->of->axes[c->by[i]];
        if (strcmp(axis->name, "architecture") == 0)
            text_add(out, "%s%s", i ? ", " : "", axis->levels[x->level[c->by[i]]].label);
        else
            text_add(out, "%s%s %s", i ? ", " : "", axis->name, axis->levels[x->level[c->by[i]]].label);
    }
}
