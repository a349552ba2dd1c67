/* relin plan: what a sweep will cost, before it is run. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "plan/predict.h"
#include "plan/simulate.h"
#include "plan_engines.h"
#include "sweep/sweep.h"

enum { KEY_JSON = 0x100, KEY_JOBS, KEY_KEYS, KEY_WORKERS, MOST_COUNTS = 32, MOST_WORKERS = 1000000 };

struct arguments {
    bool json, jobs, keys;
    size_t workers[MOST_COUNTS], n_workers;
    char **files;                /* the sweep file, then overrides */
    size_t n_files;
};

/* A loaded sweep with what each job costs. */
struct plan {
    struct sweep sweep;
    struct job_cost *cost;       /* (jobs), file order */
    struct sweep_cost all;
};

static const struct argp_option options[] = {
    {"workers", KEY_WORKERS, "N,N,...", 0, "Worker counts to simulate (default: powers of two past saturation)", 0},
    {"jobs", KEY_JOBS, NULL, 0, "List every job: row, id, label, engine, predicted seconds, memory and flops", 0},
    {"json", KEY_JSON, NULL, 0, "Print JSON", 0},
    {"keys", KEY_KEYS, NULL, 0, "Explain every key of a sweep file", 0},
    {0},
};

static const char description[] =
    "Say what a sweep will cost before it is run: how many jobs, their predicted time and memory, and how long "
    "it takes with how many workers."
    "\v"
    "The prediction is flops by formula over a compiled-in speed; it does not run anything. The hand-out is "
    "simulated as the farm does it, longest job first. Where training.engine is auto, each job gets the engine of the "
    "least predicted seconds of those that can step it and fit into memory; the result file keeps that choice. P* is the sum of all times over the longest: more "
    "workers than that cannot end sooner.\n\n"
    "Examples:\n"
    "  relin plan sweeps/quick.yaml\n"
    "  relin plan sweeps/fashion-mnist.yaml --workers 32,64,128 grid.seed=0..19\n"
    "  relin plan sweeps/quick.yaml --jobs\n"
    "  relin plan --keys\n\n"
    "Exit codes: 0, or 2 if the sweep file or its data cannot be used.";

static int parse_workers(struct arguments *a, const char *text)
{
    a->n_workers = 0;
    for (const char *p = text;;) {
        char *end;
        long n = strtol(p, &end, 10);
        if (end == p || n < 1 || n > MOST_WORKERS || a->n_workers == MOST_COUNTS || (*end && *end != ','))
            return -1;
        a->workers[a->n_workers++] = (size_t)n;
        if (!*end)
            return 0;
        p = end + 1;
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON: a->json = true; return 0;
    case KEY_JOBS: a->jobs = true; return 0;
    case KEY_KEYS: a->keys = true; return 0;
    case KEY_WORKERS:
        if (parse_workers(a, value))
            argp_error(state, "--workers: expected at most %d numbers from 1 to %d such as 16,32,64, got '%s'", MOST_COUNTS,
                       MOST_WORKERS, value);
        return 0;
    case ARGP_KEY_ARGS:
        a->files = state->argv + state->next;
        a->n_files = (size_t)(state->argc - state->next);
        for (size_t i = 1; i < a->n_files; i++)
            if (!strchr(a->files[i], '='))
                argp_error(state, "%s: expected KEY=VALUE after the sweep file", a->files[i]);
        return 0;
    case ARGP_KEY_NO_ARGS:
        if (!a->keys)
            argp_error(state, "expected a sweep file");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_jobs(const struct plan *plan, struct text *out)
{
    text_add(out, "%6s  %-16s  %10s  %9s  %10s  %-8s  %s\n", "row", "job_id", "seconds", "memory MB", "flops", "engine",
             "job");
    for (size_t i = 0; i < plan->sweep.n_jobs; i++) {
        char label[128];
        job_label(&plan->sweep.jobs[i], label, sizeof label);
        text_add(out, "%6zu  %-16s  %10.3g  %9.1f  %10.3g  %-8s  %s\n", i, plan->sweep.jobs[i].id, plan->cost[i].seconds,
                 plan->cost[i].bytes / 1e6, plan->cost[i].flops, job_engine_name(&plan->sweep.jobs[i]), label);
    }
}

static void print_jobs_json(const struct plan *plan, struct text *out)
{
    text_add(out, ", \"job_list\": [");
    for (size_t i = 0; i < plan->sweep.n_jobs; i++) {
        char label[128];
        job_label(&plan->sweep.jobs[i], label, sizeof label);
        text_add(out, "%s{\"row\": %zu, \"job_id\": \"%s\", \"seconds\": %.6g, \"bytes\": %.0f, \"flops\": %.6g, \"label\": ",
                 i ? ", " : "", i, plan->sweep.jobs[i].id, plan->cost[i].seconds, plan->cost[i].bytes, plan->cost[i].flops);
        text_add_json_string(out, label);
        text_add(out, ", \"engine\": \"%s\", \"engine_seconds\": ", job_engine_name(&plan->sweep.jobs[i]));
        plan_seconds_json(plan->sweep.jobs[i].engine_seconds, out);
        text_add(out, "}");
    }
    text_add(out, "]");
}

/* Powers of two, from 1 to the first that is past saturation. */
static void default_workers(const struct plan *plan, struct arguments *a)
{
    double most = simulate_saturation(plan->sweep.n_jobs, plan->all.seconds);
    for (size_t w = 1; a->n_workers < MOST_COUNTS; w *= 2) {
        a->workers[a->n_workers++] = w;
        if ((double)w >= most)
            break;
    }
}

static int print_allocations(const struct plan *plan, const struct arguments *a, struct text *out, struct error *err)
{
    if (!a->json)
        text_add(out, "\nworkers  makespan        efficiency  core-hours\n");
    for (size_t i = 0; i < a->n_workers; i++) {
        struct schedule_estimate e;
        char duration[64];
        if (simulate_hand_out(plan->sweep.n_jobs, plan->all.seconds, a->workers[i], plan->all.threads, &e, err))
            return -1;
        clock_duration(e.makespan, duration, sizeof duration);
        if (a->json)
            text_add(out, "%s{\"workers\": %zu, \"makespan_seconds\": %.6g, \"efficiency\": %.4f, \"core_hours\": %.6g, "
                     "\"tail_seconds\": %.6g}", i ? ", " : "", a->workers[i], e.makespan, e.efficiency,
                     e.core_seconds / 3600, e.tail_seconds);
        else
            text_add(out, "%7zu  %-14s  %9.0f%%  %10.3g\n", a->workers[i], duration, 100 * e.efficiency,
                     e.core_seconds / 3600);
    }
    return 0;
}

/* Programs of the user's own, and whether anybody said how long they take. */
static void print_programs(const struct plan *plan, struct text *out)
{
    size_t n = 0;
    double expected = 0;
    for (size_t i = 0; i < plan->sweep.n_jobs; i++)
        if (plan->sweep.jobs[i].training.trainer == TRAINER_COMMAND) {
            n++;
            expected = plan->sweep.jobs[i].expected;
        }
    if (!n)
        return;
    char duration[64];
    clock_duration(expected, duration, sizeof duration);
    text_add(out, "%zu job%s of your own, whose cost is not known: ", n, n == 1 ? " is a program" : "s are programs");
    if (expected > 0)
        text_add(out, "%s each, as limits.expected says\n", duration);
    else
        text_add(out, "1 s stands for each; say better with limits.expected=10m\n");
}

static int print_plan(const struct plan *plan, struct arguments *a, struct text *out, struct error *err)
{
    size_t n = plan->sweep.n_jobs;
    double sum = 0, median = plan->all.seconds[n / 2], longest = plan->all.seconds[0];
    for (size_t i = 0; i < n; i++)
        sum += plan->all.seconds[i];
    if (a->n_workers == 0)
        default_workers(plan, a);
    if (a->json) {
        text_add(out, "{\"name\": ");
        text_add_json_string(out, plan->sweep.name);
        text_add(out, ", \"jobs\": %zu, \"duplicates\": %zu, \"threads\": %zu, \"seconds\": {\"sum\": %.6g, \"median\": %.6g, "
                 "\"longest\": %.6g}, \"bytes\": %.0f, \"saturation\": %.4g, \"allocations\": [", n, plan->sweep.n_duplicates,
                 plan->all.threads, sum, median, longest, plan->all.bytes, simulate_saturation(n, plan->all.seconds));
        if (print_allocations(plan, a, out, err))
            return -1;
        text_add(out, "], \"engines\": ");
        plan_engines_json(&plan->sweep, out);
        if (a->jobs)
            print_jobs_json(plan, out);
        text_add(out, "}\n");
        return 0;
    }
    char all[64], middle[64], most[64];
    clock_duration(sum, all, sizeof all);
    clock_duration(median, middle, sizeof middle);
    clock_duration(longest, most, sizeof most);
    text_add(out, "%s: %zu jobs", plan->sweep.name, n);
    if (plan->sweep.n_duplicates)
        text_add(out, " (%zu more cells are the same jobs)", plan->sweep.n_duplicates);
    text_add(out, "\npredicted: %s in all, %.3g core-hours; a job %s (median), %s (longest)\n", all,
             sum * (double)plan->all.threads / 3600, middle, most);
    print_programs(plan, out);
    text_add(out, "memory: up to %.0f MB a worker beside the shared data\n", ceil(plan->all.bytes / 1e6));
    text_add(out, "saturation P* = %.0f workers: more cannot end sooner\n", ceil(simulate_saturation(n, plan->all.seconds)));
    if (print_allocations(plan, a, out, err))
        return -1;
    plan_engines_table(&plan->sweep, out);
    if (a->jobs) {
        text_add(out, "\n");
        print_jobs(plan, out);
    }
    return 0;
}

int command_plan(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "SWEEP.yaml [KEY=VALUE...]", description, NULL, NULL, NULL};
    struct arguments a = {0};
    struct plan plan = {0};
    struct error err = {0};
    struct text out = {0};
    int status = -1;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.keys) {
        sweep_describe_keys(&out);
        fputs(out.chars, stdout);
        text_free(&out);
        return 0;
    }
    if (sweep_load(&plan.sweep, a.files[0], (const char *const *)a.files + 1, a.n_files - 1, &err))
        goto done;
    plan.cost = mem_alloc(plan.sweep.n_jobs, sizeof *plan.cost, &err);
    if (!plan.cost || predict_sweep(&plan.sweep, dataset_root(), plan.cost, &plan.all, &err)
        || print_plan(&plan, &a, &out, &err))
        goto done;
    fputs(out.chars, stdout);
    status = 0;
done:
    if (status)
        fprintf(stderr, "relin plan: %s\n", err.text);
    text_free(&out);
    mem_free(plan.cost);
    mem_free(plan.all.seconds);
    sweep_free(&plan.sweep);
    return status ? error_exit_code(err.code) : 0;
}
