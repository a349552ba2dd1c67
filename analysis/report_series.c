#define _GNU_SOURCE   /* strverscmp */
#include "report_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cells_parts.h"
#include "must.h"
#include "print.h"

void series_name_cell(const struct cell *cell, struct text *out)
{
    text_add(out, "%s", cell->solves ? "Gauss-Newton, " : "");
    if (cell->schedule) {
        print_schedule(cell->schedule, out);
    } else if (isnan(cell->period)) {
        text_add(out, "all K");
    } else if (isinf(cell->period)) {
        text_add(out, "K = ∞");
    } else {
        text_add(out, "K = ");
        print_period(cell->period, out);
    }
}

/* --- which are drawn ------------------------------------------------------- */

struct curve {
    char *name;
    const struct cell *cell;
};

/* As the cells of a group are: constant periods by K, then schedules. */
static int compare_curves(const void *a, const void *b)
{
    const struct curve *x = a, *y = b;
    if (!x->cell->schedule != !y->cell->schedule)
        return x->cell->schedule ? 1 : -1;
    if (!x->cell->schedule && x->cell->period != y->cell->period)
        return (x->cell->period > y->cell->period) - (x->cell->period < y->cell->period);
    return strverscmp(x->name, y->name);
}

/* The different curves of all groups, in order. */
static struct curve *list_curves(const struct cells *c, size_t *n)
{
    struct curve *curves = must(calloc(c->n_cells + 1, sizeof *curves));
    for (size_t i = 0; i < c->n_cells; i++) {
        struct text name = {0};
        series_name_cell(&c->cell[i], &name);
        curves[i] = (struct curve){name.chars, &c->cell[i]};
    }
    qsort(curves, c->n_cells, sizeof *curves, compare_curves);
    *n = 0;
    for (size_t i = 0; i < c->n_cells; i++)
        if (*n > 0 && strcmp(curves[*n - 1].name, curves[i].name) == 0)
            free(curves[i].name);
        else
            curves[(*n)++] = curves[i];
    return curves;
}

bool *series_choose_cells(const struct cells *c)
{
    bool *chosen = must(calloc(c->n_cells + 1, sizeof *chosen));
    size_t n, drawn;
    struct curve *curves = list_curves(c, &n);
    drawn = n < SERIES_CURVES_DRAWN ? n : SERIES_CURVES_DRAWN;
    for (size_t g = 0; g < c->n_groups && g < GROUPS_DRAWN; g++)
        for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++) {
            struct text name = {0};
            series_name_cell(&c->cell[i], &name);
            for (size_t k = 0; k < drawn && !chosen[i]; k++)   /* the first, the last, and between them evenly */
                chosen[i] = strcmp(name.chars, curves[drawn > 1 ? k * (n - 1) / (drawn - 1) : 0].name) == 0;
            text_free(&name);
        }
    for (size_t k = 0; k < n; k++)
        free(curves[k].name);
    free(curves);
    return chosen;
}

/* --- one cell -------------------------------------------------------------- */

struct loaded {
    struct variable_rows step, value[SERIES_MOST], at_one[SERIES_MOST];
};

static int load(const struct report *r, const struct series *s, struct loaded *l, struct error *err)
{
    if (lookup_load(r->lookup, s->step, &l->step, err) != 0)
        return -1;
    for (size_t m = 0; m < s->n; m++)
        if (lookup_load(r->lookup, s->measures[m].variable, &l->value[m], err) != 0 ||
            (s->measures[m].at_one && lookup_load(r->lookup, s->measures[m].at_one, &l->at_one[m], err) != 0))
            return -1;
    return 0;
}

static void release(const struct report *r, const struct series *s, struct loaded *l)
{
    lookup_release(r->lookup, &l->step);
    for (size_t m = 0; m < s->n; m++) {
        lookup_release(r->lookup, &l->value[m]);
        lookup_release(r->lookup, &l->at_one[m]);
    }
}

/* A measuring time of a job. */
struct point {
    double step;
    size_t job, at;                    /* observation, place along its row */
};

static int compare_points(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    return (x->job > y->job) - (x->job < y->job);
}

static struct point *list_points(const struct report *r, const struct cell *cell, const struct loaded *l, size_t *n)
{
    struct point *points = NULL;
    size_t room = 0;
    *n = 0;
    for (size_t i = cell->first; i < cell->first + cell->count; i++) {
        size_t width = lookup_width(r->lookup, &l->step, i);
        if (!cells_is_counted(&r->cells->of->at[i], 0))
            continue;
        points = must(realloc(points, (room += width + 1) * sizeof *points));
        for (size_t e = 0; e < width; e++) {
            double step = lookup_value(r->lookup, &l->step, i, e);
            if (step >= 0)
                points[(*n)++] = (struct point){step, i, e};
        }
    }
    if (*n > 1)
        qsort(points, *n, sizeof *points, compare_points);
    return points;
}

static void add_measure(const struct report *r, const struct loaded *l, size_t m, const struct point *points, size_t n,
                        bool is_one, double *work, struct sheet *t)
{
    struct stats_summary summary;
    size_t counted = 0;
    for (size_t i = 0; i < n; i++) {
        double value = lookup_value(r->lookup, &l->value[m], points[i].job, points[i].at);
        if (isnan(value) && is_one && l->at_one[m].there)
            value = lookup_value(r->lookup, &l->at_one[m], points[i].job, points[i].at);
        if (isfinite(value))
            work[counted++] = value;
    }
    stats_summarise(work, counted, &summary);
    sheet_add_number(t, summary.mean);
    sheet_add_number(t, summary.low);
    sheet_add_number(t, summary.high);
}

static void fill_cell(const struct report *r, const struct series *s, const struct loaded *l, const char *group,
                      const struct cell *cell, bool drawn, struct sheet *t)
{
    size_t n, run;
    struct point *points = list_points(r, cell, l, &n);
    double *work = must(calloc(n + 1, sizeof *work));
    struct text name = {0};
    series_name_cell(cell, &name);
    for (size_t i = 0; i < n; i += run) {
        for (run = 1; i + run < n && points[i + run].step == points[i].step;)
            run++;
        sheet_add_text(t, group);
        sheet_add_text(t, name.chars);
        sheet_add_number(t, cell->schedule ? NAN : cell->period);
        sheet_add_number(t, points[i].step);
        sheet_add_number(t, (double)run);
        for (size_t m = 0; m < s->n; m++)
            add_measure(r, l, m, &points[i], run, cell->period == 1 && !cell->schedule, work, t);
        if (!drawn)
            sheet_hide_row(t);
    }
    text_free(&name);
    free(points);
    free(work);
}

/* --- all ------------------------------------------------------------------- */

static void add_columns(const struct series *s, struct sheet *t)
{
    sheet_add_column(t, "group", "group", true);
    sheet_add_column(t, "curve", "curve", true);
    sheet_add_column(t, "refresh_period", "K (steps)", false);
    sheet_add_column(t, "step", "step", false);
    sheet_add_column(t, "n", "n", false);
    for (size_t m = 0; m < s->n; m++) {
        sheet_add_column(t, s->measures[m].name, s->measures[m].title, false);
        sheet_add_column(t, s->measures[m].low, "95 % low", false);
        sheet_add_column(t, s->measures[m].high, "95 % high", false);
    }
}

int series_fill(const struct report *r, const struct series *s, struct sheet *t, struct error *err)
{
    const struct cells *c = r->cells;
    struct loaded l = {0};
    bool any = false;
    add_columns(s, t);
    if (load(r, s, &l, err) != 0) {
        release(r, s, &l);
        return -1;
    }
    for (size_t m = 0; m < s->n; m++)
        any = any || l.value[m].there;
    bool *drawn = series_choose_cells(c);
    for (size_t g = 0; g < c->n_groups && any && l.step.there; g++) {
        struct text name = {0};
        cells_name_group(c, &c->group[g], &name);
        for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++)
            if (drawn[i] || c->n_cells <= SERIES_CELLS_WHOLE)
                fill_cell(r, s, &l, name.chars, &c->cell[i], drawn[i], t);
        text_free(&name);
    }
    t->note = c->n_cells <= SERIES_CELLS_WHOLE ? NULL
              : "There are more curves than can be drawn: the table holds those that are; --where chooses others.";
    free(drawn);
    release(r, s, &l);
    return 0;
}
