/* relin plan --compare: studies of what to allocate, and what they mean to a person. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan.h"
#include "plan/record.h"
#include "plan/study.h"

/* --- as text ------------------------------------------------------------------------ */

static void print_row(const char *name, const struct study_row *row, double ratio, struct text *out)
{
    char median[64], p95[64];
    clock_duration(row->makespan, median, sizeof median);
    clock_duration(row->p95, p95, sizeof p95);
    text_add(out, "%-16s  %8zu  %-14s  %-14s  %9.1f%%  %10.3g  %8.3g\n", name, row->workers, median, p95,
             100 * row->efficiency, row->core_seconds / 3600, ratio);
}

static void print_head(const char *title, const char *first, const char *last, struct text *out)
{
    text_add(out, "\n%s\n%-16s   workers  makespan        p95             efficiency  core-hours  %s\n", title, first, last);
}

static void print_scaling(const struct study *s, struct text *out)
{
    char name[64];
    print_head("strong scaling: the sweep on more workers", "", "speed-up", out);
    for (size_t i = 0; i < s->n_strong; i++)
        print_row("", &s->strong[i], s->strong[0].makespan / s->strong[i].makespan, out);
    print_head("weak scaling: as many more seeds as workers", "jobs", "of the first's speed", out);
    for (size_t i = 0; i < s->n_weak; i++) {
        snprintf(name, sizeof name, "%zu", s->weak[i].jobs);
        print_row(name, &s->weak[i], s->weak[0].makespan / s->weak[i].makespan, out);
    }
}

static void print_threads(const struct study *s, struct text *out)
{
    char title[128], name[64];
    for (int c = 0; c < 2; c++) {
        snprintf(title, sizeof title, "threads against workers: %zu cores, %s", s->threads[c][0].workers,
                 c ? "four times P*" : "below saturation");
        print_head(title, "threads", "against 1 thread", out);
        for (size_t t = 0; t < STUDY_THREADS; t++) {
            const struct study_row *row = &s->threads[c][t];
            snprintf(name, sizeof name, "%zu, %s", study_threads[t], row->measured ? "measured" : "by formula");
            print_row(name, row, row->makespan / s->threads[c][0].makespan, out);
        }
    }
}

static void print_orders(const struct study *s, struct text *out)
{
    char name[64];
    print_head("order of hand-out", "", "against the first", out);
    for (int w = 0; w < 2; w++)
        for (size_t o = 0; o < STUDY_ORDERS; o++)
            print_row(study_orders[o], &s->order[w][o], s->order[w][o].makespan / s->order[w][0].makespan, out);
    print_head("longest first, by a prediction that is wrong by", "", "against the first", out);
    for (int w = 0; w < 2; w++)
        for (size_t e = 0; e < STUDY_ERRORS; e++) {
            snprintf(name, sizeof name, "%.0f %%", 100 * study_errors[e]);
            print_row(name, &s->wrong[w][e], s->wrong[w][e].makespan / s->wrong[w][0].makespan, out);
        }
}

static void print_felt(const struct felt *felt, struct text *out)
{
    text_add(out, "\nfelt, by the files learned from (%.0f cells of %.3g seeds)\n", felt->cells, felt->seeds);
    if (felt->cells > 0)
        text_add(out, "one more seed of all cells       %.3g core-hours\n", felt->seed_core_seconds / 3600);
    if (felt->cells > 0 && !isnan(felt->curve_core_seconds))
        text_add(out, "every cell to +-0.5 points       %.3g core-hours; up to %.0f seeds\n",
                 felt->curve_core_seconds / 3600, felt->curve_seeds);
    if (felt->pauses)
        text_add(out, "from drain to resumed work       %.3g s (median of %zu pauses)\n", felt->pause_seconds, felt->pauses);
}

/* --- as JSON ------------------------------------------------------------------------ */

static void add_row(const struct study_row *row, const char *key, const char *name, struct text *out)
{
    text_add(out, "{\"%s\": \"%s\", \"jobs\": %zu, \"workers\": %zu, \"cores\": %zu, \"makespan_seconds\": %.6g, "
             "\"makespan_p95_seconds\": %.6g, \"efficiency\": %.4f, \"core_hours\": %.6g, \"measured\": %s}", key, name,
             row->jobs, row->workers, row->cores, row->makespan, row->p95, row->efficiency, row->core_seconds / 3600,
             row->measured ? "true" : "false");
}

static void print_json(const struct plan *plan, const struct study *s, struct text *out)
{
    char name[64];
    text_add(out, "{\"name\": ");
    text_add_json_string(out, plan->sweep.name);
    text_add(out, ", \"jobs\": %zu, \"saturation\": %.4g, \"base_workers\": %zu, \"strong\": [", plan->forecast.n,
             forecast_saturation(&plan->forecast), s->base);
    for (size_t i = 0; i < s->n_strong; i++) {
        text_add(out, "%s", i ? ", " : "");
        add_row(&s->strong[i], "study", "strong", out);
    }
    text_add(out, "], \"weak\": [");
    for (size_t i = 0; i < s->n_weak; i++) {
        text_add(out, "%s", i ? ", " : "");
        add_row(&s->weak[i], "study", "weak", out);
    }
    text_add(out, "], \"threads\": [");
    for (size_t i = 0; i < 2 * STUDY_THREADS; i++) {
        snprintf(name, sizeof name, "%zu", study_threads[i % STUDY_THREADS]);
        text_add(out, "%s", i ? ", " : "");
        add_row(&s->threads[i / STUDY_THREADS][i % STUDY_THREADS], "threads", name, out);
    }
    text_add(out, "], \"orders\": [");
    for (size_t i = 0; i < 2 * STUDY_ORDERS; i++) {
        text_add(out, "%s", i ? ", " : "");
        add_row(&s->order[i / STUDY_ORDERS][i % STUDY_ORDERS], "order", study_orders[i % STUDY_ORDERS], out);
    }
    text_add(out, "], \"errors\": [");
    for (size_t i = 0; i < 2 * STUDY_ERRORS; i++) {
        snprintf(name, sizeof name, "%g", study_errors[i % STUDY_ERRORS]);
        text_add(out, "%s", i ? ", " : "");
        add_row(&s->wrong[i / STUDY_ERRORS][i % STUDY_ERRORS], "error", name, out);
    }
    text_add(out, "]");
}

static void add_number(struct text *out, const char *key, double value)
{
    text_add(out, "%s\"%s\": ", out->chars[out->length - 1] == '{' ? "" : ", ", key);
    text_add_json_value(out, value);
}

static void felt_json(const struct felt *felt, struct text *out)
{
    text_add(out, ", \"felt\": {");
    add_number(out, "cells", felt->cells);
    add_number(out, "seeds", felt->seeds);
    add_number(out, "one_more_seed_core_hours", felt->seed_core_seconds / 3600);
    add_number(out, "half_a_point_core_hours", felt->curve_core_seconds / 3600);
    add_number(out, "half_a_point_seeds", felt->curve_seeds);
    add_number(out, "pause_seconds", felt->pauses ? felt->pause_seconds : NAN);
    text_add(out, "}");
}

/* --- both --------------------------------------------------------------------------- */

static int feel(const struct plan_arguments *a, struct felt *felt, struct error *err)
{
    struct record *records = mem_alloc(a->n_from, sizeof *records, err);
    int status = records ? 0 : -1;
    for (size_t i = 0; i < a->n_from && !status; i++)
        status = record_read(&records[i], a->from[i], dataset_root(), err);
    if (!status)
        status = felt_make(felt, records, a->n_from, err);
    for (size_t i = 0; records && i < a->n_from; i++)
        record_free(&records[i]);
    mem_free(records);
    return status;
}

int plan_compare(struct plan *plan, const struct plan_arguments *a, struct text *out, struct error *err)
{
    struct study study;
    struct felt felt;
    if (study_make(&study, plan, err) || (a->n_from && feel(a, &felt, err)))
        return -1;
    if (a->json) {
        print_json(plan, &study, out);
        if (a->n_from)
            felt_json(&felt, out);
        text_add(out, "}\n");
        return 0;
    }
    text_add(out, "%s: %zu jobs, P* = %.0f workers\n", plan->sweep.name, plan->forecast.n,
             ceil(forecast_saturation(&plan->forecast)));
    print_scaling(&study, out);
    print_threads(&study, out);
    print_orders(&study, out);
    if (a->n_from)
        print_felt(&felt, out);
    return 0;
}
