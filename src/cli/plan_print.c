/* relin plan: the report, as a table and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan.h"
#include "plan/choose.h"
#include "plan/quantile.h"
#include "plan_engines.h"

/* Jobs that have a core each take hardly longer than the processor's time. */
static const double BUSY = 1.2;

/* Sums over the jobs of a plan. */
struct sums {
    double seconds, median, longest, saturation, p95_over_median;
    size_t level[LESSON_NONE + 1];
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int add_up(const struct forecast *f, struct sums *sums, struct error *err)
{
    double *seconds = forecast_seconds(f, err);
    if (!seconds)
        return -1;
    *sums = (struct sums){.saturation = forecast_saturation(f), .p95_over_median = exp(normal_quantile(0.95) * f->common)};
    qsort(seconds, f->n, sizeof *seconds, ascending);
    for (size_t i = 0; i < f->n; i++) {
        sums->seconds += seconds[i];
        sums->level[f->jobs[i].level]++;
    }
    sums->median = seconds[f->n / 2];
    sums->longest = seconds[f->n - 1];
    mem_free(seconds);
    return 0;
}

/* Powers of two, from 1 to the first that is past saturation. */
static void default_allocations(double saturation, struct plan_arguments *a)
{
    for (size_t w = 1; a->n_allocations < PLAN_COUNTS_MOST; w *= 2) {
        a->allocations[a->n_allocations++] = (struct allocation){.workers = w};
        if ((double)w >= saturation)
            break;
    }
}

/* --- where the numbers come from ---------------------------------------------------- */

/* Of each network and engine of the sweep, how many jobs were learned from, and at which level. */
static void print_lessons(const struct plan *plan, const struct sums *sums, struct text *out)
{
    const struct lessons *l = &plan->lessons;
    if (!plan->learned) {
        text_add(out, "by formula: a run may take %.2g times as long (95th percentile); --from FILE.h5 learns from an earlier one\n",
                 sums->p95_over_median);
        return;
    }
    if (!l->files) {
        text_add(out, "calibrated: this machine takes %.3g times what the formula says; a run may take %.2g times as long "
                 "(95th percentile)\n", l->machine, sums->p95_over_median);
        return;
    }
    text_add(out, "learned from %zu jobs of %zu file%s; a run may take %.2g times as long (95th percentile)\n", l->n, l->files,
             l->files == 1 ? "" : "s", sums->p95_over_median);
    if (l->wall_seconds > BUSY * l->cpu_seconds)
        text_add(out, "  the machine was busy: jobs took %.1f times their processor time\n", l->wall_seconds / l->cpu_seconds);
    if (l->left_out)
        text_add(out, "  %zu jobs taught nothing: failed, diverged, or not done at the first attempt\n", l->left_out);
    for (int level = 0; level <= LESSON_NONE; level++)
        if (sums->level[level])
            text_add(out, "  %zu jobs are predicted from %s\n", sums->level[level], lesson_level_name((enum lesson_level)level));
}

/* Programs of the user's own, of which nobody learned, and whether anybody said how long they take. */
static void print_programs(const struct plan *plan, struct text *out)
{
    size_t n = 0;
    double expected = 0;
    for (size_t i = 0; i < plan->sweep.n_jobs; i++)
        if (plan->sweep.jobs[i].training.trainer == TRAINER_COMMAND && plan->forecast.jobs[i].level == LESSON_NONE) {
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
        text_add(out, "1 s stands for each; say better with limits.expected=10m, or learn with --from\n");
}

/* A network and engine that the files know, or not. */
struct taught {
    const struct job *job;
    size_t jobs, learned;
    int level;
    double factor, spread, bytes_factor, bytes_spread;
};

static size_t collect(const struct plan *plan, struct taught *taught)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->sweep.n_jobs; i++) {
        const struct job *job = &plan->sweep.jobs[i];
        const struct job_forecast *f = &plan->forecast.jobs[i];
        size_t t = 0;
        while (t < n && (strcmp(taught[t].job->network->name, job->network->name) != 0
                         || strcmp(job_engine_name(taught[t].job), job_engine_name(job)) != 0))
            t++;
        if (t == n)
            taught[n++] = (struct taught){.job = job, .level = f->level, .learned = f->learned};
        taught[t].jobs++;
        taught[t].level = f->level > taught[t].level ? f->level : taught[t].level;
        taught[t].learned = f->learned < taught[t].learned ? f->learned : taught[t].learned;
        taught[t].factor += f->seconds / plan->cost[i].seconds;
        taught[t].spread += f->spread;
        taught[t].bytes_factor += f->bytes / plan->cost[i].bytes;
        taught[t].bytes_spread += f->bytes_spread;
    }
    return n;
}

static int print_taught(const struct plan *plan, bool json, struct text *out, struct error *err)
{
    struct taught *taught = mem_alloc(plan->sweep.n_jobs, sizeof *taught, err);
    if (!taught)
        return -1;
    size_t n = collect(plan, taught);
    text_add(out, json ? ", \"lessons\": [" : "\nmeasured over formula\narchitecture          engine          jobs     time    "
             "spread   memory    spread  from\n");
    for (size_t t = 0; t < n; t++) {
        const struct taught *g = &taught[t];
        double jobs = (double)g->jobs;
        const char *name = g->job->network->name, *engine = job_engine_name(g->job);
        const char *level = lesson_level_name((enum lesson_level)g->level);
        if (!json) {
            text_add(out, "%-20s  %-12s  %6zu  %7.3g  %7.0f%%  %7.3g  %7.0f%%  ", name, engine, g->jobs, g->factor / jobs,
                     100 * g->spread / jobs, g->bytes_factor / jobs, 100 * g->bytes_spread / jobs);
            if (g->learned)
                text_add(out, "%s: %zu jobs or more\n", level, g->learned);
            else
                text_add(out, "%s\n", level);
            continue;
        }
        text_add(out, "%s{\"architecture\": ", t ? ", " : "");
        text_add_json_string(out, name);
        text_add(out, ", \"engine\": \"%s\", \"jobs\": %zu, \"learned_from\": %zu, \"learned_by\": \"%s\", \"factor\": %.6g, "
                 "\"spread\": %.4g, \"memory_factor\": %.6g, \"memory_spread\": %.4g}", engine, g->jobs, g->learned, level,
                 g->factor / jobs, g->spread / jobs, g->bytes_factor / jobs, g->bytes_spread / jobs);
    }
    if (json)
        text_add(out, "]");
    mem_free(taught);
    return 0;
}

/* --- allocations -------------------------------------------------------------------- */

static size_t cores_of(const struct plan *plan, const struct allocation *a)
{
    return a->cores ? a->cores : plan->forecast.threads;
}

static void print_allocations(const struct plan *plan, const struct plan_arguments *a, struct text *out)
{
    text_add(out, "\nworkers        makespan        p95             efficiency  core-hours  tail\n");
    for (size_t i = 0; i < a->n_allocations; i++) {
        const struct allocation *one = &a->allocations[i];
        char name[64], median[64], most[64];
        snprintf(name, sizeof name, "%zu", one->workers);
        if (one->nodes)
            snprintf(name, sizeof name, "%zux%zux%zu", one->nodes, one->workers / one->nodes, cores_of(plan, one));
        clock_duration(one->makespan, median, sizeof median);
        clock_duration(one->makespan_p95, most, sizeof most);
        text_add(out, "%-13s  %-14s  %-14s  %9.0f%%  %10.3g  %.3g\n", name, median, most, 100 * one->efficiency,
                 one->core_seconds / 3600, one->tail_seconds * (double)cores_of(plan, one) / 3600);
    }
}

static void print_allocations_json(const struct plan *plan, const struct plan_arguments *a, struct text *out)
{
    text_add(out, "\"allocations\": [");
    for (size_t i = 0; i < a->n_allocations; i++) {
        const struct allocation *one = &a->allocations[i];
        text_add(out, "%s{\"workers\": %zu, \"cores\": %zu, ", i ? ", " : "", one->workers, cores_of(plan, one));
        if (one->nodes)
            text_add(out, "\"nodes\": %zu, ", one->nodes);
        text_add(out, "\"makespan_seconds\": %.6g, \"makespan_p95_seconds\": %.6g, \"efficiency\": %.4f, \"core_hours\": %.6g, "
                 "\"tail_seconds\": %.6g, \"tail_core_hours\": %.6g, \"minutes\": %.0f}", one->makespan, one->makespan_p95,
                 one->efficiency, one->core_seconds / 3600, one->tail_seconds,
                 one->tail_seconds * (double)cores_of(plan, one) / 3600,
                 choose_minutes(one->makespan_p95, CHOOSE_DRAIN_SECONDS));
    }
    text_add(out, "]");
}

/* --- what to type ------------------------------------------------------------------- */

static void add_word(struct text *out, const char *word)
{
    text_add(out, " ");
    text_add_shell_word(out, word);
}

static void add_sweep(const struct plan *plan, const struct plan_arguments *a, const struct choice *choice, bool output,
                      struct text *out)
{
    struct text name = {0};
    add_word(out, a->files[0]);
    text_add(&name, "%s.h5", plan->sweep.name);
    if (output) {
        text_add(out, " -o");
        add_word(out, name.chars);
    }
    for (size_t i = 1; i < a->n_files; i++)
        add_word(out, a->files[i]);
    if (choice->allocation.cores && choice->allocation.cores != plan->forecast.threads)
        text_add(out, " training.threads=%zu", choice->allocation.cores);
    text_free(&name);
}

/* The two ways to ask for one allocation: by relin submit, and by hand. */
static void add_lines(const struct plan *plan, const struct plan_arguments *a, const struct choice *choice,
                      struct text *submit, struct text *sbatch)
{
    const struct allocation *one = &choice->allocation;
    char time[64], nodes[32] = "";
    choose_print_time(choice->minutes, time, sizeof time);
    if (one->nodes)
        snprintf(nodes, sizeof nodes, " --nodes=%zu", one->nodes);
    text_add(submit, "relin submit");
    add_sweep(plan, a, choice, false, submit);
    text_add(submit, "%s --tasks=%zu --cpus-per-task=%zu --time=%s", nodes, one->workers, cores_of(plan, one), time);
    text_add(sbatch, "sbatch%s --ntasks=%zu --cpus-per-task=%zu --mem-per-cpu=%zuM --time=%s --signal=B:USR1@%d "
             "slurm/relin.sbatch", nodes, one->workers, cores_of(plan, one),
             choose_megabytes(plan->forecast.bytes, plan->forecast.data_bytes, cores_of(plan, one)), time,
             CHOOSE_DRAIN_SECONDS);
    add_sweep(plan, a, choice, true, sbatch);
}

static void print_choices(const struct plan *plan, const struct plan_arguments *a, struct text *out)
{
    struct choice choices[CHOICES_MOST];
    size_t n = choose_worthwhile(a->allocations, a->n_allocations, choices);
    text_add(out, a->json ? ", \"worth_submitting\": [" : "\nworth submitting (--time: p95, two minutes to start, two to drain)\n");
    for (size_t i = 0; i < n; i++) {
        struct text submit = {0}, sbatch = {0};
        size_t rounds = choose_rounds(choices[i].allocation.makespan_p95, choices[i].minutes, CHOOSE_DRAIN_SECONDS);
        add_lines(plan, a, &choices[i], &submit, &sbatch);
        if (a->json) {
            text_add(out, "%s{\"workers\": %zu, \"why\": \"%s\", \"minutes\": %.0f, \"rounds\": %zu, \"submit\": ",
                     i ? ", " : "", choices[i].allocation.workers, choices[i].why, choices[i].minutes, rounds);
            text_add_json_string(out, submit.chars);
            text_add(out, ", \"sbatch\": ");
            text_add_json_string(out, sbatch.chars);
            text_add(out, "}");
        } else {
            text_add(out, "# %zu: %s", choices[i].allocation.workers, choices[i].why);
            if (rounds > 1)
                text_add(out, "; up to %zu allocations, one after the other", rounds);
            text_add(out, "\n  %s\n  %s\n", submit.chars, sbatch.chars);
        }
        text_free(&submit);
        text_free(&sbatch);
    }
    if (a->json)
        text_add(out, "]");
}

/* --- the report --------------------------------------------------------------------- */

static int print_json(const struct plan *plan, struct plan_arguments *a, const struct sums *sums, struct text *out,
                      struct error *err)
{
    const struct forecast *f = &plan->forecast;
    text_add(out, "{\"name\": ");
    text_add_json_string(out, plan->sweep.name);
    text_add(out, ", \"jobs\": %zu, \"duplicates\": %zu, \"threads\": %zu, \"seconds\": {\"sum\": %.6g, \"median\": %.6g, "
             "\"longest\": %.6g}, \"common_spread\": %.4g, \"bytes\": %.0f, \"data_bytes\": %.0f, \"saturation\": %.4g, "
             "\"learned\": {\"files\": %zu, \"jobs\": %zu, \"left_out\": %zu, \"wall_over_cpu\": %.4g, "
             "\"machine\": %.6g}, ", f->n,
             plan->sweep.n_duplicates, f->threads, sums->seconds, sums->median, sums->longest, f->common, f->bytes,
             f->data_bytes, sums->saturation, plan->lessons.files, plan->lessons.n, plan->lessons.left_out,
             plan->lessons.cpu_seconds > 0 ? plan->lessons.wall_seconds / plan->lessons.cpu_seconds : 1,
             plan->lessons.machine > 0 ? plan->lessons.machine : 1);
    print_allocations_json(plan, a, out);
    print_choices(plan, a, out);
    if (print_taught(plan, true, out, err))
        return -1;
    text_add(out, ", \"engines\": ");
    plan_engines_json(&plan->sweep, out);
    if (a->jobs)
        plan_jobs_json(plan, out);
    text_add(out, "}\n");
    return 0;
}

static int print_text(const struct plan *plan, struct plan_arguments *a, const struct sums *sums, struct text *out,
                      struct error *err)
{
    const struct forecast *f = &plan->forecast;
    char all[64], middle[64], most[64];
    clock_duration(sums->seconds, all, sizeof all);
    clock_duration(sums->median, middle, sizeof middle);
    clock_duration(sums->longest, most, sizeof most);
    text_add(out, "%s: %zu jobs", plan->sweep.name, f->n);
    if (plan->sweep.n_duplicates)
        text_add(out, " (%zu more cells are the same jobs)", plan->sweep.n_duplicates);
    text_add(out, "\npredicted: %s in all, %.3g core-hours; a job %s (median), %s (longest)\n", all,
             sums->seconds * (double)f->threads / 3600, middle, most);
    print_lessons(plan, sums, out);
    print_programs(plan, out);
    text_add(out, "memory: up to %.0f MB a worker beside the shared data, %.0f MB a node\n", ceil(f->bytes / 1e6),
             ceil(f->data_bytes / 1e6));
    text_add(out, "saturation P* = %.0f workers: more cannot end sooner\n", ceil(sums->saturation));
    if ((double)f->n * f->farm.commit > sums->longest)
        text_add(out, "rank 0 commits at most %.0f jobs a second: %.3g s for all\n", 1 / f->farm.commit,
                 (double)f->n * f->farm.commit);
    print_allocations(plan, a, out);
    print_choices(plan, a, out);
    if (plan->lessons.files && print_taught(plan, false, out, err))
        return -1;
    plan_engines_table(&plan->sweep, out);
    if (a->jobs) {
        text_add(out, "\n");
        plan_jobs_table(plan, out);
    }
    return 0;
}

int plan_print(const struct plan *plan, struct plan_arguments *a, struct text *out, struct error *err)
{
    struct sums sums;
    if (add_up(&plan->forecast, &sums, err))
        return -1;
    if (a->n_allocations == 0)
        default_allocations(sums.saturation, a);
    if (forecast_allocations(&plan->forecast, a->allocations, a->n_allocations, err))
        return -1;
    return (a->json ? print_json : print_text)(plan, a, &sums, out, err);
}
