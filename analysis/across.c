#include "across.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "across_resample.h"
#include "base/error.h"
#include "base/text.h"
#include "cells_parts.h"
#include "must.h"

/* --- axes ------------------------------------------------------------------------ */

static bool contains(const size_t *list, size_t n, size_t value)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == value)
            return true;
    return false;
}

static int read_axes(struct across *across, const struct cells *c, const char *names, struct error *err)
{
    char *copy = must(strdup(names));
    int result = 0;
    for (char *rest, *name = strtok_r(copy, ",", &rest); name && result == 0; name = strtok_r(NULL, ",", &rest)) {
        size_t a = observe_find_axis(c->of, name);
        struct text known = {0};
        for (size_t i = 0; i < c->n_common; i++)
            text_add(&known, "%s%s", i ? ", " : "", c->of->axes[c->by[i]].name);
        if (a == SIZE_MAX || !contains(c->by, c->n_common, a))
            result = error_set(err, ERROR_USAGE, "--across: expected axes that tables differ in (%s), got '%s'",
                               known.chars ? known.chars : "there are none", name);
        else if (!contains(across->axis, across->n_axes, a))
            across->axis[across->n_axes++] = a;
        text_free(&known);
    }
    free(copy);
    for (size_t i = 0; i < c->n_common; i++)
        if (!contains(across->axis, across->n_axes, c->by[i]))
            across->common[across->n_common++] = c->by[i];
    return result;
}

/* --- one K of tasks that belong together -------------------------------------------- */

static const struct cell *cell_of(const struct cells *c, const struct group *g, double period)
{
    for (size_t i = g->first; i < g->first + g->n_constant; i++)
        if (c->cell[i].period == period && !c->cell[i].solves)
            return &c->cell[i];
    return NULL;
}

/* The counted values of a cell, at the end of a sample. */
static void add_values(const struct cells *c, const struct cell *cell, struct strata *s)
{
    const struct observation *at = c->of->at + cell->first;
    for (size_t i = 0; i < cell->count; i++)
        if (cells_is_counted(&at[i], at[i].value[c->question.readout]))
            strata_add(s, at[i].value[c->question.readout]);
    strata_close(s);
}

/* The paired differences of a cell to the baseline's; both are sorted by unit. */
static void add_differences(const struct cells *c, const struct cell *cell, const struct cell *baseline, struct strata *s)
{
    const struct observation *at = c->of->at + cell->first, *base = c->of->at + baseline->first;
    enum readout readout = c->question.readout;
    for (size_t i = 0, j = 0; i < cell->count && j < baseline->count;) {
        int order = cells_compare_levels(&at[i], &base[j], c->unit, c->n_units);
        if (order == 0 && cells_is_counted(&at[i], at[i].value[readout]) && cells_is_counted(&base[j], base[j].value[readout]))
            strata_add(s, at[i].value[readout] - base[j].value[readout]);
        i += order <= 0;
        j += order >= 0;
    }
    strata_close(s);
}

/* Tasks: those of the groups that have this K and the baseline. False: none has. */
static bool fill_row(const struct cells *c, const size_t *group, size_t n, double period, struct across_row *row)
{
    struct strata x = {0}, y = {0}, d = {0};
    *row = (struct across_row){.group = group[0], .period = period};
    for (size_t i = 0; i < n; i++) {
        const struct group *g = &c->group[group[i]];
        const struct cell *cell = cell_of(c, g, period);
        if (!cell || g->baseline == SIZE_MAX || cell->value.n == 0 || c->cell[g->baseline].value.n == 0)
            continue;
        add_values(c, cell, &x);
        add_values(c, &c->cell[g->baseline], &y);
        add_differences(c, cell, &c->cell[g->baseline], &d);
        row->tasks++;
    }
    row->runs = x.size;
    row->baseline_runs = y.size;
    if (row->tasks > 0) {
        resample_improvement(&x, &y, c->question.better < 0, &row->improvement);
        resample_iqm(&x, &row->iqm);
        resample_iqm(&y, &row->iqm_baseline);
        resample_iqm(&d, &row->difference);
    }
    strata_free(&x);
    strata_free(&y);
    strata_free(&d);
    return row->tasks > 0;
}

/* --- all --------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The Ks of the groups but the baseline's, ascending, each once. */
static size_t find_periods(const struct cells *c, const size_t *group, size_t n, double *period)
{
    size_t found = 0, kept = 0;
    for (size_t i = 0; i < n; i++) {
        const struct group *g = &c->group[group[i]];
        for (size_t k = g->first; k < g->first + g->n_constant; k++)
            if (k != g->baseline && !c->cell[k].solves)
                period[found++] = c->cell[k].period;
    }
    qsort(period, found, sizeof *period, compare_numbers);
    for (size_t i = 0; i < found; i++)
        if (kept == 0 || period[i] != period[kept - 1])
            period[kept++] = period[i];
    return kept;
}

static const struct observation *first_of(const struct cells *c, size_t group)
{
    return &c->of->at[c->cell[c->group[group].first].first];
}

int across_find(struct across *across, const struct cells *c, const char *names, struct error *err)
{
    *across = (struct across){0};
    if (read_axes(across, c, names, err) != 0)
        return -1;
    if (!c->by_period)
        return error_set(err, ERROR_USAGE, "--across: expected --by to have refresh_period, which is compared across %s", names);
    size_t *group = must(calloc(c->n_groups + 1, sizeof *group));
    double *period = must(calloc(c->n_cells + 1, sizeof *period));
    bool *used = must(calloc(c->n_groups + 1, sizeof *used));
    across->row = must(calloc(c->n_cells + 1, sizeof *across->row));
    for (size_t first = 0; first < c->n_groups; first++) {
        size_t n = 0;
        for (size_t g = first; g < c->n_groups && !used[first]; g++)
            if (!used[g] && cells_compare_levels(first_of(c, first), first_of(c, g), across->common, across->n_common) == 0)
                group[n++] = g;
        size_t n_periods = find_periods(c, group, n, period);
        for (size_t k = 0; k < n_periods; k++)
            across->n += fill_row(c, group, n, period[k], &across->row[across->n]);
        for (size_t i = 0; i < n; i++)
            used[group[i]] = true;
    }
    free(group);
    free(period);
    free(used);
    return 0;
}

void across_free(struct across *across)
{
    free(across->row);
    *across = (struct across){0};
}
