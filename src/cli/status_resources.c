/* relin status --resources: what was asked for, what was used, where it was lost. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "plan/usage.h"
#include "status.h"
#include "store/store.h"

/* --- numbers for people ----------------------------------------------------------------- */

static const char *span(double seconds, char text[64])
{
    if (isnan(seconds))
        snprintf(text, 64, "-");
    else if (seconds < 1)
        snprintf(text, 64, "%.3g ms", 1e3 * seconds);
    else if (seconds < 10)
        snprintf(text, 64, "%.3g s", seconds);
    else
        clock_duration(seconds, text, 64);
    return text;
}

static const char *memory(double bytes, char text[64])
{
    if (isnan(bytes))
        snprintf(text, 64, "-");
    else if (bytes < 1e9)
        snprintf(text, 64, "%.3g MB", bytes / 1e6);
    else
        snprintf(text, 64, "%.3g GB", bytes / 1e9);
    return text;
}

/* What Slurm's -t takes, rounded up to five minutes. */
static const char *slurm_time(double seconds, char text[64])
{
    long minutes = 5 * (long)ceil(seconds / 300);
    snprintf(text, 64, "%ld:%02ld:00", minutes / 60, minutes % 60);
    return text;
}

static const char *ending(const struct usage_run *u, char text[64])
{
    if (u->live)
        return "runs";
    if (isnan(u->record.end))
        return "killed";
    snprintf(text, 64, "%d", u->record.exit_code);
    return text;
}

/* --- text ------------------------------------------------------------------------------- */

/* Where the time of some workers went, in per cent of it. */
static void print_shares(const double seconds[USE_COUNT], double all)
{
    double useful = seconds[USE_RESULTS] + seconds[USE_KEPT] + seconds[USE_RUNNING];
    const double parts[] = {useful, seconds[USE_FAILED], seconds[USE_REPLAYED], seconds[USE_STARTUP], seconds[USE_BETWEEN],
                            seconds[USE_TAIL], seconds[USE_CLOSING]};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        printf("  %7.1f %%", all > 0 ? 100 * parts[i] / all : 0);
    printf("\n");
}

static void print_runs(const struct usage *usage)
{
    char a[64], b[64], when[32];
    printf("\n%4s  %-20s  %-6s  %7s  %-13s", "run", "began", "ended", "workers", "time");
    static const char *const heads[] = {"useful", "failed", "run again", "start-up", "between", "tail", "closing"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        printf("  %9s", heads[i]);
    printf("\n");
    for (size_t r = 0; r < usage->n_runs; r++) {
        const struct usage_run *u = &usage->runs[r];
        clock_iso(u->record.start, when, sizeof when);
        printf("%4zu  %-20s  %-6s  %7zu  %-13s", r, when, ending(u, a), u->workers, span(u->wall, b));
        print_shares(u->seconds, (double)u->workers * u->wall);
    }
    if (usage->n_runs > 1) {
        printf("%4s  %-20s  %-6s  %7s  %-13s", "all", "", "", "", "");
        print_shares(usage->seconds, usage->all);
    }
    for (size_t r = 1; r < usage->n_runs; r++)
        if (isfinite(usage->runs[r].pause))
            printf("from the last job of run %zu to the first of run %zu: %s\n", r - 1, r, span(usage->runs[r].pause, a));
}

static void print_overheads(const struct usage *usage)
{
    char a[64], b[64];
    double dispatch = 0, longest = 0, commit = 0, cpu = 0, wall = 0;
    long long dispatches = 0, commits = 0;
    for (size_t r = 0; r < usage->n_runs; r++) {
        const struct run_record *run = &usage->runs[r].record;
        dispatch += run->dispatch_seconds;
        longest = fmax(longest, run->dispatch_longest);
        dispatches += run->dispatches;
        commit += run->commit_seconds;
        commits += run->commits;
        cpu += isfinite(run->rank_0_cpu_seconds) ? run->rank_0_cpu_seconds : 0;
        wall += usage->runs[r].wall - (isfinite(run->ready) ? run->ready - run->start : 0);
    }
    printf("\nfrom hand-out to start  %s on average where a worker waited for it, %s at most (%lld times)\n",
           span(dispatches ? dispatch / (double)dispatches : NAN, a), span(dispatches ? longest : NAN, b), dispatches);
    printf("commit                  %s a job on rank 0 (%lld jobs)\n", span(commits ? commit / (double)commits : NAN, a), commits);
    printf("rank 0                  %.2f %% of a core for handing out, committing and its own worker\n", wall > 0 ? 100 * cpu / wall : 0);
}

/* What was asked for, of the last run that says so. */
static void print_asked(const struct usage *usage)
{
    char a[64], b[64], c[64];
    for (size_t r = usage->n_runs; r-- > 0;) {
        const struct usage_run *u = &usage->runs[r];
        const struct run_record *run = &u->record;
        if (isnan(run->time_limit) && run->requested_cpus < 0 && isnan(run->requested_memory))
            continue;
        printf("\nasked for, and used, in run %zu%s%s\n", r, run->slurm_job[0] ? ", Slurm job " : "", run->slurm_job);
        if (isfinite(run->time_limit))
            printf("  time    %s, %s (%.0f %%)\n", span(run->time_limit, a), span(u->wall, b), 100 * u->wall / run->time_limit);
        if (run->requested_cpus > 0)
            printf("  cores   %d a task, %.2f busy in a job on average\n", run->requested_cpus, usage->busy);
        if (isfinite(run->requested_memory))
            printf("  memory  %s a task, %s at most in a job, and %s of data once a node\n", memory(run->requested_memory, a),
                   memory(usage->bytes, b), memory(run->data_bytes, c));
        return;
    }
}

static void print_advice(const struct usage *usage)
{
    char a[64], b[64];
    size_t left = usage->jobs - usage->done - usage->failed - usage->skipped;   /* with those in reserve: time for all */
    size_t all = usage->jobs - usage->skipped;
    struct usage_advice advice = usage_advise(usage, left ? left : all);
    if (isnan(advice.seconds))
        return;
    printf("\nnext time: for %s%s %zu jobs on %zu worker%s ask for %s (-t %s)", left ? "the other" : "all", usage->reserved ? " up to" : "", left ? left : usage->jobs,
           advice.workers, advice.workers == 1 ? "" : "s", span(advice.seconds, a), slurm_time(advice.seconds, b));
    if (isfinite(advice.cores))
        printf(", %.0f core%s", advice.cores, advice.cores > 1 ? "s" : "");
    if (isfinite(advice.bytes))
        printf(" and %s a task", memory(advice.bytes, a));
    printf("\n");
}

static void print_cells(const struct usage *usage)
{
    char a[64], b[64], c[64];
    size_t width = strlen("architecture");
    for (size_t i = 0; i < usage->n_cells; i++)
        width = strlen(usage->cells[i].architecture) > width ? strlen(usage->cells[i].architecture) : width;
    printf("\n%-*s  %-10s  %9s  %-12s  %-12s  %10s  %6s  %9s  %9s  %9s\n", (int)width, "architecture", "K", "done", "mean", "longest",
           "core-hours", "busy", "memory", "GFLOP", "GFLOP/s");
    for (size_t i = 0; i < usage->n_cells; i++) {
        const struct usage_cell *cell = &usage->cells[i];
        struct text period = {0};
        char count[64];
        double n = (double)cell->done;
        if (strcmp(cell->schedule, "constant") == 0)
            text_add_number(&period, cell->refresh_period);
        else
            text_add(&period, "%s", cell->schedule);
        snprintf(count, sizeof count, "%zu/%zu", cell->done, cell->jobs);
        printf("%-*s  %-10s  %9s  %-12s  %-12s  %10.4g  %6.2f  %9s  %9.4g  %9.3g\n", (int)width, cell->architecture, period.chars, count,
               span(n > 0 ? cell->seconds / n : NAN, a), span(n > 0 ? cell->longest : NAN, b), cell->seconds / 3600,
               cell->wall_seconds > 0 ? cell->cpu_seconds / cell->wall_seconds : 0, memory(cell->bytes > 0 ? cell->bytes : NAN, c),
               cell->flops / 1e9, cell->seconds > 0 ? cell->flops / 1e9 / cell->seconds : 0);
        text_free(&period);
    }
}

static void print_text(const struct usage *usage, const char *name)
{
    double hours = usage->core_seconds / 3600;
    printf("%s: %zu of %zu jobs done in %zu run%s", name, usage->done, usage->jobs - usage->skipped, usage->n_runs, usage->n_runs == 1 ? "" : "s");
    if (usage->n_runs) {
        printf("; %.4g core-hours", hours);
        if (usage->done)
            printf(", %.3g a result", hours / (double)usage->done);
        printf("; efficiency %.3f\n", usage_efficiency(usage->seconds, usage->makespan_seconds));
        print_runs(usage);
        print_overheads(usage);
        if (isfinite(usage->joules))
            printf("energy                  %.4g kJ, %.4g J a result (processors and memory of the nodes)\n", usage->joules / 1e3,
                   usage->done ? usage->joules / (double)usage->done : NAN);
        else
            printf("energy                  not readable on these nodes\n");
    } else {
        printf("\nno timeline: a relin that kept none made this file, and runs that go on with it keep none\n");
    }
    if (usage->compared)
        printf("prediction              measured over predicted time: median %.3g, from %.3g (5 %%) to %.3g (95 %%), %zu jobs\n",
               usage->ratio[0], usage->ratio[1], usage->ratio[2], usage->compared);
    print_asked(usage);
    print_advice(usage);
    print_cells(usage);
}

/* --- JSON ------------------------------------------------------------------------------- */

static void add(struct text *out, const char *key, double value)
{
    text_add(out, "\"%s\": ", key);
    text_add_json_value(out, isfinite(value) ? value : NAN);
    text_add(out, ", ");
}

/* Counts that nobody told. */
static double told(double count)
{
    return count < 0 ? NAN : count;
}

static void add_seconds(struct text *out, const double seconds[USE_COUNT])
{
    text_add(out, "\"worker_seconds\": {");
    for (int i = 0; i < USE_COUNT; i++) {
        text_add(out, "%s\"%s\": ", i ? ", " : "", use_words[i]);
        text_add_json_number(out, seconds[i]);
    }
    text_add(out, "}");
}

static void add_run(struct text *out, const struct usage_run *u)
{
    const struct run_record *run = &u->record;
    text_add(out, "{\"host\": ");
    text_add_json_string(out, run->host);
    text_add(out, ", \"slurm_job\": ");
    text_add_json_string(out, run->slurm_job);
    text_add(out, ", \"alive\": %s, ", u->live ? "true" : "false");
    add(out, "start", run->start);
    add(out, "end", run->end);
    add(out, "exit_code", isnan(run->end) ? NAN : run->exit_code);
    add(out, "ranks", told(run->ranks));
    add(out, "nodes", told(run->nodes));
    add(out, "workers", (double)u->workers);
    add(out, "cores", (double)u->cores);
    add(out, "attempts", (double)u->attempts);
    add(out, "results", (double)u->results);
    add(out, "seconds", u->wall);
    add(out, "makespan", u->makespan);
    add(out, "pause", u->pause);
    add(out, "efficiency", usage_efficiency(u->seconds, (double)u->workers * u->makespan));
    add(out, "core_hours", (double)u->cores * u->wall / 3600);
    add(out, "requested_tasks", told(run->requested_tasks));
    add(out, "requested_cpus", told(run->requested_cpus));
    add(out, "requested_memory_bytes", run->requested_memory);
    add(out, "time_limit", run->time_limit);
    add(out, "data_bytes", run->data_bytes);
    add(out, "hand_outs", told((double)run->hand_outs));
    add(out, "dispatches", told((double)run->dispatches));
    add(out, "dispatch_seconds", run->dispatch_seconds);
    add(out, "dispatch_longest", run->dispatch_longest);
    add(out, "commits", told((double)run->commits));
    add(out, "commit_seconds", run->commit_seconds);
    add(out, "rank_0_cpu_seconds", run->rank_0_cpu_seconds);
    add(out, "energy_joules", run->energy_joules);
    add_seconds(out, u->seconds);
    text_add(out, "}");
}

static void add_cell(struct text *out, const struct usage_cell *cell)
{
    text_add(out, "{\"architecture\": ");
    text_add_json_string(out, cell->architecture);
    text_add(out, ", \"refresh_period\": ");
    text_add_json_number(out, cell->refresh_period);
    text_add(out, ", \"schedule\": ");
    text_add_json_string(out, cell->schedule);
    text_add(out, ", ");
    add(out, "jobs", (double)cell->jobs);
    add(out, "done", (double)cell->done);
    add(out, "seconds", cell->seconds);
    add(out, "longest", cell->longest);
    add(out, "busy", cell->wall_seconds > 0 ? cell->cpu_seconds / cell->wall_seconds : NAN);
    add(out, "memory_bytes", cell->bytes > 0 ? cell->bytes : NAN);
    text_add(out, "\"flops\": ");
    text_add_json_number(out, cell->flops);
    text_add(out, "}");
}

static void print_json(const struct usage *usage, const char *path)
{
    struct text out = {0};
    struct usage_advice advice = usage_advise(usage, usage->jobs - usage->skipped);
    text_add(&out, "{\"file\": ");
    text_add_json_string(&out, path);
    text_add(&out, ", ");
    add(&out, "jobs", (double)usage->jobs);
    add(&out, "done", (double)usage->done);
    add(&out, "failed", (double)usage->failed);
    add(&out, "core_hours", usage->n_runs ? usage->core_seconds / 3600 : NAN);
    add(&out, "core_hours_per_result", usage->n_runs && usage->done ? usage->core_seconds / 3600 / (double)usage->done : NAN);
    add(&out, "efficiency", usage_efficiency(usage->seconds, usage->makespan_seconds));
    add(&out, "energy_joules", usage->joules);
    add(&out, "job_seconds", usage->job_seconds);
    add(&out, "busy", usage->busy);
    add(&out, "memory_bytes", usage->bytes > 0 ? usage->bytes : NAN);
    text_add(&out, "\"prediction\": {");
    add(&out, "median", usage->ratio[0]);
    add(&out, "low", usage->ratio[1]);
    add(&out, "high", usage->ratio[2]);
    text_add(&out, "\"jobs\": %zu}, \"advice\": {", usage->compared);
    add(&out, "seconds", advice.seconds);
    add(&out, "cores", advice.cores);
    add(&out, "memory_bytes", advice.bytes);
    text_add(&out, "\"workers\": %zu}, ", advice.workers);
    add_seconds(&out, usage->seconds);
    text_add(&out, ", \"runs\": [");
    for (size_t r = 0; r < usage->n_runs; r++) {
        text_add(&out, "%s", r ? ", " : "");
        add_run(&out, &usage->runs[r]);
    }
    text_add(&out, "], \"cells\": [");
    for (size_t i = 0; i < usage->n_cells; i++) {
        text_add(&out, "%s", i ? ", " : "");
        add_cell(&out, &usage->cells[i]);
    }
    text_add(&out, "]}");
    puts(out.chars);
    text_free(&out);
}

int status_resources(const struct store_reader *reader, const char *path, bool live, bool json)
{
    struct usage usage;
    struct error err = {0};
    char *name = store_read_config(reader, "name", NULL);
    int failed = usage_read(reader, live, clock_unix(), &usage, &err);
    if (failed)
        fprintf(stderr, "relin status: %s: %s\n", path, err.text);
    else if (json)
        print_json(&usage, path);
    else
        print_text(&usage, name ? name : path);
    usage_free(&usage);
    free(name);
    return failed ? error_exit_code(err.code) : 0;
}
