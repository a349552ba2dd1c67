/* relin plan --target-halfwidth: how many further seeds each cell needs, by the deviation that earlier runs had, and what
 * they cost. The deviation of n differences is itself known only so well: by chi^2 with n - 1 degrees of freedom, and the
 * number of seeds grows with its square. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan.h"
#include "plan/quantile.h"
#include "plan/study.h"
#include "plan/until.h"
#include "store/store.h"

/* Seeds of one cell, in all and further ones: by the deviation as it is, and by the ends of its 95 % interval. */
enum { EXPECTED, LEAST, MOST, CASES };
struct need {
    struct until_spread now;
    double seeds[CASES], further[CASES];
    double seconds;                      /* of one of its jobs */
};

struct seeds {
    struct until until;
    struct need *need;                   /* (cells) */
    double jobs[CASES], core_seconds[CASES];
    size_t unknown;                      /* cells with fewer than 2 pairs */
    size_t strangers;                    /* jobs of the files that are not of the sweep */
};

/* --- what is known ----------------------------------------------------------------------- */

struct id {
    const char *id;
    size_t row;
};

static int compare_ids(const void *a, const void *b)
{
    return strcmp(((const struct id *)a)->id, ((const struct id *)b)->id);
}

static int read_file(struct seeds *s, const struct id *ids, const char *path, struct error *err)
{
    struct until *u = &s->until;
    struct store_reader *reader = store_read_open(path, err);
    double *value = NULL;
    char **names = NULL, **outcomes = NULL;
    size_t width, n = reader ? store_read_jobs(reader) : 0;
    int status = !reader || store_read_numbers(reader, variables[u->rule.metric].name, &value, &width, err)
                 || store_read_texts(reader, "job_id", &names, err) || store_read_texts(reader, "outcome", &outcomes, err) ? -1 : 0;
    for (size_t i = 0; i < n && !status; i++) {
        const struct id key = {names[i], 0}, *found = bsearch(&key, ids, u->n_jobs, sizeof key, compare_ids);
        if (found && strcmp(outcomes[i], "completed") == 0)
            until_settle(u, found->row, value[i]);
        s->strangers += !found && strcmp(outcomes[i], "completed") == 0;
    }
    mem_free(value);
    store_free_texts(names, n);
    store_free_texts(outcomes, n);
    if (reader)
        store_read_close(reader);
    return status;
}

static int read_files(struct seeds *s, const struct sweep *sweep, const struct plan_arguments *a, struct error *err)
{
    struct id *ids = mem_alloc(sweep->n_jobs, sizeof *ids, err);
    int status = ids ? 0 : -1;
    for (size_t i = 0; i < sweep->n_jobs && !status; i++)
        ids[i] = (struct id){sweep->jobs[i].id, i};
    if (!status)
        qsort(ids, sweep->n_jobs, sizeof *ids, compare_ids);
    for (size_t f = 0; f < a->n_from && !status; f++)
        status = read_file(s, ids, a->from[f], err);
    mem_free(ids);
    return status;
}

/* --- what is needed ----------------------------------------------------------------------- */

static void weigh(struct seeds *s, const struct until_cell *cell, struct need *need)
{
    const struct until *u = &s->until;
    need->now = until_measure(u, cell, cell->n);
    if (need->now.pairs < 2) {
        s->unknown++;
        return;
    }
    double freedom = (double)(need->now.pairs - 1), sd = need->now.deviation;
    const double deviation[CASES] = {sd, sd * sqrt(freedom / chi_square_quantile(0.975, need->now.pairs - 1)),
                                     sd * sqrt(freedom / chi_square_quantile(0.025, need->now.pairs - 1))};
    for (int i = 0; i < CASES; i++) {
        need->seeds[i] = fmin(UNTIL_MOST_SEEDS, fmax(UNTIL_LEAST_SEEDS, felt_seeds(deviation[i], u->rule.halfwidth)));
        need->further[i] = fmax(0, need->seeds[i] - (double)need->now.pairs);
    }
}

/* The baseline runs the seeds of whichever cell has most; it has those it has. */
static void weigh_baseline(struct seeds *s, size_t base)
{
    const struct until *u = &s->until;
    const struct until_cell *cell = &u->cells[base];
    struct need *need = &s->need[base];
    double there = 0;
    for (size_t i = 0; i < cell->n; i++)
        there += isfinite(u->value[u->order[cell->first + i]]);
    for (size_t c = u->group_first[cell->group]; c < u->group_first[cell->group + 1]; c++)
        for (int i = 0; i < CASES; i++)
            need->seeds[i] = fmax(need->seeds[i], s->need[c].seeds[i]);
    for (int i = 0; i < CASES; i++)
        need->further[i] = fmax(0, need->seeds[i] - there);
    need->now.pairs = (size_t)there;
    need->now.deviation = need->now.half = NAN;
}

static int find_needs(struct seeds *s, const struct plan *plan, struct error *err)
{
    const struct until *u = &s->until;
    s->need = mem_alloc(u->n_cells, sizeof *s->need, err);
    if (!s->need)
        return -1;
    for (size_t c = 0; c < u->n_cells; c++)
        if (u->cells[c].baseline != c)
            weigh(s, &u->cells[c], &s->need[c]);
    for (size_t c = 0; c < u->n_cells; c++) {
        struct need *need = &s->need[c];
        size_t row = u->order[u->cells[c].first];
        if (u->cells[c].baseline == c)
            weigh_baseline(s, c);
        need->seconds = plan->forecast.jobs[row].seconds;
        for (int i = 0; i < CASES; i++) {
            s->jobs[i] += need->further[i];
            s->core_seconds[i] += need->further[i] * need->seconds * (double)plan->sweep.jobs[row].training.threads;
        }
    }
    return 0;
}

/* The further jobs as a forecast of their own. */
static int simulate(const struct seeds *s, const struct plan *plan, struct plan_arguments *a, struct error *err)
{
    const struct until *u = &s->until;
    struct forecast f = {0};
    size_t *jobs = mem_alloc((size_t)s->jobs[EXPECTED], sizeof *jobs, err), n = 0;
    for (size_t c = 0; c < u->n_cells && jobs; c++)
        for (double i = 0; i < s->need[c].further[EXPECTED]; i++)
            jobs[n++] = u->order[u->cells[c].first];
    int status = jobs ? forecast_some(&plan->forecast, jobs, n, &f, err) : -1;
    mem_free(jobs);
    if (!status && f.n) {
        for (size_t w = 1; !a->n_allocations || (w > 1 && w <= f.n && a->n_allocations < 4); w *= 4)
            a->allocations[a->n_allocations++] = (struct allocation){.workers = w};
        status = forecast_allocations(&f, a->allocations, a->n_allocations, err);
    }
    forecast_free(&f);
    return status;
}

/* --- what is said -------------------------------------------------------------------------- */

static void print_cell(const struct seeds *s, const struct plan *plan, size_t c, double unit, struct text *out)
{
    const struct need *need = &s->need[c];
    const struct until_cell *cell = &s->until.cells[c];
    struct text name = {0};
    until_name(&s->until, &plan->sweep, cell, &name);
    text_add(out, "%-32s %6zu ", name.chars, need->now.pairs);
    if (cell->baseline == c)
        text_add(out, "%10s  ", "baseline");
    else if (isnan(need->now.half))
        text_add(out, "%10s  ", "unknown");
    else
        text_add(out, "+-%-8.3g  ", unit * need->now.half);
    char range[64];
    snprintf(range, sizeof range, "%.0f-%.0f", need->further[LEAST], need->further[MOST]);
    if (cell->baseline != c && need->now.pairs < 2)
        text_add(out, "%8s\n", "?");
    else
        text_add(out, "%8.0f  %-12s %8.3g\n", need->further[EXPECTED], range, need->further[EXPECTED] * need->seconds / 3600);
    text_free(&name);
}

static void print_table(const struct seeds *s, const struct plan *plan, const struct plan_arguments *a, struct text *out)
{
    const struct until_rule *rule = &s->until.rule;
    bool percent = until_is_percent(rule);
    double unit = percent ? 100 : 1, most = 0;
    text_add(out, "seeds until the 95 %% interval of %s against K=%g is no wider than +-%g%s\n\n%-32s %6s %10s  %8s  %-12s %8s\n",
             variables[rule->metric].name, rule->baseline, unit * rule->halfwidth, percent ? " points" : "", "cell", "seeds", "is now",
             "further", "95 %", "core-h");
    for (size_t c = 0; c < s->until.n_cells; c++) {
        print_cell(s, plan, c, unit, out);
        most = fmax(most, s->need[c].seeds[MOST]);
    }
    text_add(out, "\n%.0f further jobs (%.0f to %.0f), %.3g core-hours (%.3g to %.3g)\n", s->jobs[EXPECTED], s->jobs[LEAST],
             s->jobs[MOST], s->core_seconds[EXPECTED] / 3600, s->core_seconds[LEAST] / 3600, s->core_seconds[MOST] / 3600);
    for (size_t w = 0; w < a->n_allocations && s->jobs[EXPECTED] > 0; w++) {
        char median[64], p95[64];
        clock_duration(a->allocations[w].makespan, median, sizeof median);
        clock_duration(a->allocations[w].makespan_p95, p95, sizeof p95);
        text_add(out, "  on %zu worker%s about %s, p95 %s\n", a->allocations[w].workers, a->allocations[w].workers == 1 ? "" : "s",
                 median, p95);
    }
    text_add(out, "further: by the deviation of the paired differences so far, at least %d and at most %d seeds a cell; 95 %%: by the ends "
             "of the deviation's own interval\n", UNTIL_LEAST_SEEDS, UNTIL_MOST_SEEDS);
    if (s->strangers)
        text_add(out, "%zu jobs of --from are none of this sweep, and not counted: further seeds? then name them, as grid.seed=0..19\n",
                 s->strangers);
    if (s->unknown)
        text_add(out, "%zu cells have fewer than 2 pairs in the files of --from: not counted\n", s->unknown);
    if (most > 0) {
        text_add(out, "Next: relin run --until halfwidth=%g,max_seeds=%.0f", rule->halfwidth, fmin(most, UNTIL_MOST_SEEDS));
        if (rule->metric != VAR_TEST_ACCURACY)
            text_add(out, ",metric=%s", variables[rule->metric].name);
        if (rule->baseline != 1)
            text_add(out, ",baseline=%g", rule->baseline);
        text_add(out, " %s\n", plan->sweep.path);
    }
}

static void add_cases(struct text *out, const char *name, const double values[CASES], double unit)
{
    text_add(out, ", \"%s\": %.10g, \"%s_low\": %.10g, \"%s_high\": %.10g", name, values[EXPECTED] / unit, name, values[LEAST] / unit,
             name, values[MOST] / unit);
}

static void print_json(const struct seeds *s, const struct plan *plan, const struct plan_arguments *a, struct text *out)
{
    const struct until *u = &s->until;
    text_add(out, "{\"metric\": \"%s\", \"halfwidth\": %.10g, \"baseline\": ", variables[u->rule.metric].name, u->rule.halfwidth);
    text_add_json_value(out, u->rule.baseline);
    text_add(out, ", \"cells\": [");
    for (size_t c = 0; c < u->n_cells; c++) {
        struct text name = {0};
        const struct need *need = &s->need[c];
        until_name(u, &plan->sweep, &u->cells[c], &name);
        text_add(out, "%s{\"cell\": ", c ? ", " : "");
        text_add_json_string(out, name.chars);
        text_add(out, ", \"is_baseline\": %s, \"pairs\": %zu, \"deviation\": ", u->cells[c].baseline == c ? "true" : "false",
                 need->now.pairs);
        text_add_json_value(out, need->now.deviation);
        text_add(out, ", \"halfwidth\": ");
        text_add_json_value(out, need->now.half);
        add_cases(out, "seeds", need->seeds, 1);
        add_cases(out, "further", need->further, 1);
        text_add(out, ", \"seconds\": %.10g}", need->seconds);
        text_free(&name);
    }
    text_add(out, "], \"unknown\": %zu, \"strangers\": %zu", s->unknown, s->strangers);
    add_cases(out, "jobs", s->jobs, 1);
    add_cases(out, "core_hours", s->core_seconds, 3600);
    text_add(out, ", \"allocations\": [");
    for (size_t w = 0; w < a->n_allocations && s->jobs[EXPECTED] > 0; w++)
        text_add(out, "%s{\"workers\": %zu, \"makespan_seconds\": %.6g, \"makespan_p95_seconds\": %.6g}", w ? ", " : "",
                 a->allocations[w].workers, a->allocations[w].makespan, a->allocations[w].makespan_p95);
    text_add(out, "]}\n");
}

int plan_seeds(const struct plan *plan, struct plan_arguments *a, struct text *out, struct error *err)
{
    struct seeds s = {0};
    struct until_rule rule;
    struct text words = {0};
    text_add(&words, "halfwidth=%s,max_seeds=%d", a->target, UNTIL_MOST_SEEDS);
    int status = until_parse(&rule, words.chars, err) || until_init(&s.until, &rule, &plan->sweep, err)
                     ? error_prefix(err, "--target-halfwidth") : 0;
    text_free(&words);
    if (!status)
        status = read_files(&s, &plan->sweep, a, err) || find_needs(&s, plan, err) || simulate(&s, plan, a, err) ? -1 : 0;
    if (!status)
        (a->json ? print_json : print_table)(&s, plan, a, out);
    mem_free(s.need);
    until_free(&s.until);
    return status;
}
