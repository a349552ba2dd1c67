#include "farm/account.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/energy.h"
#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "farm/checkpoints.h"
#include "farm/ledger.h"
#include "farm/master.h"

/* A kill loses rows of so long, and they follow from the jobs' columns then. */
static const double ROWS_SECONDS = 0.1, RUN_SECONDS = 5;

/* --- writing ---------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    size_t x = ((const struct account_row *)a)->index, y = ((const struct account_row *)b)->index;
    return (x > y) - (x < y);
}

/* Rows that follow each other go together: those of short jobs do, all of them. */
static void write_rows(struct master *master)
{
    struct account *account = &master->account;
    struct attempt attempts[ACCOUNT_ROWS];
    struct error err = {0};
    qsort(account->rows, account->n_rows, sizeof *account->rows, compare_rows);
    for (size_t i = 0, n; i < account->n_rows; i += n) {
        size_t first = account->rows[i].index;
        for (n = 0; i + n < account->n_rows && account->rows[i + n].index == first + n; n++)
            attempts[n] = account->rows[i + n].attempt;
        if (store_write_attempts(master->store, first, n, attempts, &err)) {
            ledger_break_off(master, &err);
            break;
        }
    }
    account->n_rows = 0;
    account->written = clock_seconds();
}

static void write_run(struct master *master)
{
    struct account *account = &master->account;
    struct run_record *run = &account->run;
    struct error err = {0};
    double joules = NAN;
    account->told = clock_seconds();
    account->joules[0] = master->energy ? energy_joules(master->energy) : NAN;
    for (int rank = 0; rank < master->wire->size; rank++)
        if (isfinite(account->joules[rank]))
            joules = account->joules[rank] + (isnan(joules) ? 0 : joules);
    run->energy_joules = joules;
    run->last = clock_unix();
    run->rank_0_cpu_seconds = clock_cpu_seconds() - account->cpu_seconds;
    double limit = master->deadline->end - master->began;
    run->time_limit = isfinite(limit) ? limit : NAN;
    if (store_write_run(master->store, account->index, run, &err))
        ledger_break_off(master, &err);
}

void account_step(struct master *master)
{
    struct account *account = &master->account;
    struct error err = {0};
    double now = clock_seconds();
    if (account->ended || (master->broken && !master->finished))
        return;
    if (account->n_rows && (master->finished || now - account->written > ROWS_SECONDS))
        write_rows(master);
    if (!master->finished && now - account->told <= RUN_SECONDS)
        return;
    if (master->finished) {
        account->ended = true;
        account->run.end = clock_unix();
        account->run.exit_code = master->exit_code;
    }
    write_run(master);
    if (master->finished && store_sync(master->store, &err))
        ledger_break_off(master, &err);
}

/* --- attempts --------------------------------------------------------------------------- */

static void put_new(struct master *master, size_t index, const struct attempt *attempt)
{
    struct account *account = &master->account;
    if (account->n_rows == ACCOUNT_ROWS)
        write_rows(master);
    account->rows[account->n_rows++] = (struct account_row){index, *attempt};
}

/* A row that is waiting is overwritten, so that one of a short job is written once. */
static void put(struct master *master, size_t index, const struct attempt *attempt)
{
    struct account *account = &master->account;
    for (size_t i = account->n_rows; i-- > 0;)
        if (account->rows[i].index == index) {
            account->rows[i].attempt = *attempt;
            return;
        }
    put_new(master, index, attempt);
}

static struct attempt attempt_of(const struct master *master, size_t row)
{
    struct attempt a = attempt_none;
    a.job = (int64_t)row;
    a.run = (int32_t)master->account.index;
    a.worker = master->rows[row].owner;
    a.start = master->rows[row].since;
    return a;
}

void account_handed(struct master *master, size_t row, bool idle)
{
    master->account.run.hand_outs++;
    master->rows[row].started = idle ? clock_seconds() : 0;
}

void account_started(struct master *master, size_t row)
{
    struct row *state = &master->rows[row];
    struct run_record *run = &master->account.run;
    double now = clock_seconds(), took = now - state->started;
    if (state->started > 0) {
        run->dispatches++;
        run->dispatch_seconds += took;
        run->dispatch_longest = took > run->dispatch_longest ? took : run->dispatch_longest;
    }
    state->started = now;
    state->since = clock_unix();
    state->attempt = master->account.n_attempts++;
    struct attempt a = attempt_of(master, row);
    put_new(master, state->attempt, &a);
}

void account_committed(struct master *master, size_t row, const struct result *record, double seconds)
{
    struct attempt a = attempt_of(master, row);
    master->account.run.commits++;
    master->account.run.commit_seconds += seconds;
    a.start = *result_f64(record, VAR_START_TIME);
    a.kept = *result_f64(record, VAR_WALL_SECONDS);
    a.end = a.start + a.kept;
    a.outcome = ATTEMPT_DONE;
    put(master, master->rows[row].attempt, &a);
}

void account_ended(struct master *master, size_t row, enum attempt_outcome outcome, double start_time, double wall_seconds)
{
    struct attempt a = attempt_of(master, row);
    if (master->campaign->status[row] != STATUS_RUNNING)
        return;
    double written = checkpoints_written(master->campaign->path, master->campaign->sweep.jobs[row].id);
    if (isfinite(start_time))
        a.start = start_time;
    a.end = isfinite(start_time) ? start_time + wall_seconds : fmax(clock_unix(), a.start);
    a.kept = written > a.start ? fmin(written, a.end) - a.start : 0;
    a.outcome = (uint8_t)outcome;
    put(master, master->rows[row].attempt, &a);
}

/* --- the run ---------------------------------------------------------------------------- */

void account_hear(struct master *master, const struct wire_message *message)
{
    double joules;
    if (message->size < sizeof joules)
        return;
    memcpy(&joules, message->tail, sizeof joules);
    if (isfinite(joules))
        master->account.joules[message->from] = joules;
}

static int count_of(const char *name)
{
    const char *text = getenv(name);
    long number = text ? strtol(text, NULL, 10) : -1;
    return number > 0 && number < 1 << 30 ? (int)number : -1;
}

/* Slurm names megabytes, of a processor or of a node. */
static double memory_of_task(const struct run_record *run)
{
    int of_cpu = count_of("SLURM_MEM_PER_CPU"), of_node = count_of("SLURM_MEM_PER_NODE"), nodes = count_of("SLURM_JOB_NUM_NODES");
    if (of_cpu > 0)
        return 1048576.0 * of_cpu * (run->requested_cpus > 0 ? run->requested_cpus : 1);
    if (of_node > 0 && run->requested_tasks > 0)
        return 1048576.0 * of_node * (nodes > 0 ? nodes : 1) / run->requested_tasks;
    return NAN;
}

static void describe_run(struct master *master)
{
    const struct campaign *campaign = master->campaign;
    struct run_record *run = &master->account.run;
    *run = run_none;
    run->ready = clock_unix();
    run->start = run->ready - (clock_seconds() - master->began);
    run->ranks = master->wire->size;
    run->nodes = master->nodes;
    run->threads = 0;
    run->workers = master->roster.n_ready;
    for (size_t i = 0; i < campaign->sweep.n_jobs; i++)
        if (campaign->sweep.jobs[i].training.threads > run->threads)
            run->threads = (int32_t)campaign->sweep.jobs[i].training.threads;
    run->requested_tasks = count_of("SLURM_NTASKS");
    run->requested_cpus = count_of("SLURM_CPUS_PER_TASK");
    run->requested_memory = memory_of_task(run);
    run->data_bytes = 0;
    for (size_t i = 0; i < campaign->sets.n; i++)
        run->data_bytes += (double)dataset_bytes(&campaign->sets.mapped[i]);
    run->jobs_waiting = (int64_t)(campaign->sweep.n_jobs - master->n_done - master->n_failed);
    run->hand_outs = run->dispatches = run->commits = 0;
    run->dispatch_seconds = run->dispatch_longest = run->commit_seconds = 0;
    host_name(run->host, sizeof run->host);
    const char *slurm = getenv("SLURM_JOB_ID");
    snprintf(run->slurm_job, sizeof run->slurm_job, "%s", slurm ? slurm : "");
}

/* What runs before could not write any more. */
static void repair(struct master *master)
{
    struct campaign *campaign = master->campaign;
    struct timeline *before = &campaign->timeline;
    struct error err = {0};
    for (size_t i = 0; i < before->n_attempts; i++)
        if (campaign->timeline_changed && campaign->timeline_changed[i])
            put_new(master, i, &before->attempts[i]);
    write_rows(master);
    for (size_t r = 0; r < before->n_runs; r++)
        if (isfinite(before->runs[r].start) && isnan(before->runs[r].end) && store_write_run(master->store, r, &before->runs[r], &err))
            ledger_break_off(master, &err);
    timeline_free(before);
    mem_free(campaign->timeline_changed);
    campaign->timeline_changed = NULL;
}

int account_start(struct master *master, struct error *err)
{
    struct account *account = &master->account;
    account->joules = mem_alloc((size_t)master->wire->size, sizeof *account->joules, err);
    if (!account->joules)
        return -1;
    for (int rank = 0; rank < master->wire->size; rank++)
        account->joules[rank] = NAN;
    account->index = master->campaign->timeline.n_runs;
    account->n_attempts = master->campaign->timeline.n_attempts;
    account->cpu_seconds = clock_cpu_seconds();
    describe_run(master);
    repair(master);
    account->ended = master->queue.length == 0;   /* a complete file is left as it is */
    if (!account->ended)
        write_run(master);
    return 0;
}

void account_free(struct account *account)
{
    mem_free(account->joules);
}
