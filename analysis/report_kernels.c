/* Kernels over time, at the points of linearisation: distance, alignment, rank; and their spectra. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cells_parts.h"
#include "must.h"
#include "report.h"
#include "report_series.h"

/* --- spectra --------------------------------------------------------------- */

struct spectra {
    struct variable_rows linearised, own, steps, there;   /* eigenvalues at theta_s, at theta_t; steps; n_snapshots */
};

static int load_spectra(const struct report *r, struct spectra *s, struct error *err)
{
    return lookup_load(r->lookup, "kernels/eigenvalues_linearised", &s->linearised, err) != 0 ||
           lookup_load(r->lookup, "kernels/eigenvalues", &s->own, err) != 0 ||
           lookup_load(r->lookup, "kernels/step", &s->steps, err) != 0 ||
           lookup_load(r->lookup, "kernels/n_snapshots", &s->there, err) != 0 ? -1 : 0;
}

static void release_spectra(const struct report *r, struct spectra *s)
{
    lookup_release(r->lookup, &s->linearised);
    lookup_release(r->lookup, &s->own);
    lookup_release(r->lookup, &s->steps);
    lookup_release(r->lookup, &s->there);
}

/* Eigenvalue e of a job at its first (0), middle (1) or last (2) snapshot; NaN beyond. At K = 1, and at initialisation,
 * theta_s is theta_t. */
static double eigenvalue(const struct report *r, const struct spectra *s, size_t job, int when, size_t e)
{
    size_t snapshots = lookup_width(r->lookup, &s->steps, job);
    size_t width = snapshots ? lookup_width(r->lookup, &s->own, job) / snapshots : 0;
    double there = lookup_value(r->lookup, &s->there, job, 0);
    if (!(there >= 1) || there > (double)snapshots || e >= width)
        return NAN;
    size_t at = (size_t)(there - 1) * (size_t)when / 2;
    double value = lookup_value(r->lookup, &s->linearised, job, at * width + e);
    return isnan(value) ? lookup_value(r->lookup, &s->own, job, at * width + e) : value;
}

/* How many eigenvalues the jobs of a cell have at most. */
static size_t count_eigenvalues(const struct report *r, const struct spectra *s, const struct cell *cell)
{
    size_t most = 0;
    for (size_t i = cell->first; i < cell->first + cell->count; i++) {
        size_t snapshots = lookup_width(r->lookup, &s->steps, i);
        size_t width = snapshots ? lookup_width(r->lookup, &s->own, i) / snapshots : 0;
        most = width > most ? width : most;
    }
    return most;
}

/* 1, 2, 3, 4, 5, 6, 8, 10, ...: an eighth more each time. */
static size_t next_number(size_t number)
{
    size_t further = number + number / 8;
    return further > number ? further : number + 1;
}

static void fill_spectrum(const struct report *r, const struct spectra *s, const char *group, const struct cell *cell, int when,
                          bool drawn, struct sheet *t)
{
    static const char *const words[] = {"initialisation", "middle", "end"};
    double *work = must(calloc(cell->count + 1, sizeof *work));
    struct text name = {0};
    size_t most = count_eigenvalues(r, s, cell);
    series_name_cell(cell, &name);
    for (size_t number = 1; number <= most; number = next_number(number)) {
        struct stats_summary summary;
        size_t n = 0;
        for (size_t i = cell->first; i < cell->first + cell->count; i++) {
            double value = cells_is_counted(&r->cells->of->at[i], 0) ? eigenvalue(r, s, i, when, number - 1) : NAN;
            if (isfinite(value))
                work[n++] = value;
        }
        if (n == 0)
            break;
        stats_summarise(work, n, &summary);
        sheet_add_text(t, group);
        sheet_add_text(t, when == 0 ? "at initialisation" : name.chars);
        sheet_add_number(t, cell->schedule ? NAN : cell->period);
        sheet_add_text(t, words[when]);
        sheet_add_number(t, (double)number);
        sheet_add_number(t, (double)n);
        sheet_add_number(t, summary.mean);
        sheet_add_number(t, summary.low);
        sheet_add_number(t, summary.high);
        if (!drawn)
            sheet_hide_row(t);
    }
    text_free(&name);
    free(work);
}

static int fill_spectra(const struct report *r, struct sheet *t, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"group", "group", true}, {"curve", "curve", true}, {"refresh_period", "K (steps)", false}, {"when", "when", true},
        {"number", "number of the eigenvalue", false}, {"n", "n", false}, {"eigenvalue", "eigenvalue", false},
        {"eigenvalue_low", "95 % low", false}, {"eigenvalue_high", "95 % high", false}};
    const struct cells *c = r->cells;
    struct spectra s = {0};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(t, columns[i].name, columns[i].title, columns[i].is_text);
    int result = load_spectra(r, &s, err);
    bool *drawn = series_choose_cells(c);
    for (size_t g = 0; g < c->n_groups && result == 0; g++) {
        struct text name = {0};
        size_t first = c->group[g].first;
        cells_name_group(c, &c->group[g], &name);
        fill_spectrum(r, &s, name.chars, &c->cell[first], 0, drawn[first], t);   /* the same for every K */
        for (size_t i = first; i < first + c->group[g].count; i++)
            for (int when = 1; when <= 2; when++)
                if (drawn[i] || c->n_cells <= SERIES_CELLS_WHOLE)
                    fill_spectrum(r, &s, name.chars, &c->cell[i], when, drawn[i] && when == 2, t);
        text_free(&name);
    }
    free(drawn);
    release_spectra(r, &s);
    return result;
}

/* --- all ------------------------------------------------------------------- */

static const char no_kernels[] = "No kernels were measured (kernels.snapshots of the sweep; `relin measure` adds them).";

static int show_spectra(struct report *r, struct error *err)
{
    static const struct picture picture = {
        "kernel-spectrum", "Spectrum of the kernel on the probe inputs",
        "Means over seeds with bands of 95 % t intervals, at initialisation and, for each K, at the end. The table also has the "
        "middle of training.", "eigenvalue"};
    struct sheet t = {.id = "spectra", .title = "Spectra"};
    int result = fill_spectra(r, &t, err);
    if (result == 0)
        result = report_show(r, &t, &picture, 1, no_kernels, err);
    sheet_free(&t);
    return result;
}

int report_kernels(struct report *r, struct error *err)
{
    static const struct series series = {
        .step = "kernels/step", .n = 7, .measures = {
            {"kernels/kernel_distance_linearised", "kernels/kernel_distance", "kernel_distance", "kernel_distance_low",
             "kernel_distance_high", "kernel distance to initialisation"},
            {"kernels/target_alignment_test_linearised", "kernels/target_alignment_test", "target_alignment", "target_alignment_low",
             "target_alignment_high", "target alignment, test probe"},
            {"kernels/target_alignment_train_linearised", "kernels/target_alignment_train", "target_alignment_train",
             "target_alignment_train_low", "target_alignment_train_high", "target alignment, training probe"},
            {"kernels/cka_linearised", "kernels/cka", "cka", "cka_low", "cka_high", "CKA with the kernel at initialisation"},
            {"kernels/effective_rank_linearised", "kernels/effective_rank", "effective_rank", "effective_rank_low",
             "effective_rank_high", "effective rank"},
            {"kernels/lambda_max_linearised", "kernels/lambda_max", "lambda_max", "lambda_max_low", "lambda_max_high",
             "largest eigenvalue"},
            {"kernels/trace_ratio_linearised", "kernels/trace_ratio", "trace_ratio", "trace_ratio_low", "trace_ratio_high",
             "trace over initial trace"}}};
    static const struct picture pictures[] = {
        {"kernel-distance", "Kernel distance to initialisation over time",
         "Of the kernel that is trained with, at the point of linearisation: between refreshes it stands still, and for K = ∞ it "
         "never moves. Means over seeds with bands of 95 % t intervals.", "kernel_distance"},
        {"kernel-alignment", "Alignment of the kernel with the targets over time",
         "Centred alignment on the test half of the probe; the table also has the training half, and the alignment with the kernel "
         "at initialisation.", "target_alignment"},
        {"kernel-rank", "Effective rank of the kernel over time", "Squared trace over squared Frobenius norm.", "effective_rank"},
        {"kernel-lambda", "Largest eigenvalue of the kernel over time",
         "On the probe inputs, which also bounds the step size: training is stable while η λ / N stays below its limit.", "lambda_max"}};
    struct sheet t = {.id = "kernels", .title = "Kernels over time"};
    report_section(r, "kernels", "Kernels over time", NULL);
    int result = series_fill(r, &series, &t, err);
    if (result == 0)
        result = report_show(r, &t, pictures, sizeof pictures / sizeof *pictures, no_kernels, err);
    sheet_free(&t);
    return result == 0 && lookup_has(r->lookup, "kernels/eigenvalues") ? show_spectra(r, err) : result;
}
