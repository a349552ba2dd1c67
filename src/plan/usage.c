#define _GNU_SOURCE   /* qsort_r */
#include "plan/usage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/quantile.h"
#include "store/store.h"

const char *const use_words[USE_COUNT] = {
#define X(id, word, meaning) word,
    USES(X)
#undef X
};
const char *const use_meanings[USE_COUNT] = {
#define X(id, word, meaning) meaning,
    USES(X)
#undef X
};

static double positive(double x)
{
    return x > 0 ? x : 0;
}

double usage_efficiency(const double seconds[USE_COUNT], double worker_seconds)
{
    return worker_seconds > 0 ? (seconds[USE_RESULTS] + seconds[USE_KEPT] + seconds[USE_RUNNING]) / worker_seconds : NAN;
}

/* --- one run ------------------------------------------------------------------------------ */

/* Where the time of one attempt went, which ended by `open` if nobody knows when. Returns when it ended. */
static double take_attempt(const struct attempt *a, double open, struct usage_run *u)
{
    double end = isfinite(a->end) ? a->end : open, took = positive(end - a->start);
    double kept = a->outcome == ATTEMPT_DONE ? took : fmin(positive(a->kept), took);
    u->attempts++;
    u->results += a->outcome == ATTEMPT_DONE;
    switch (a->outcome) {
    case ATTEMPT_DONE: u->seconds[USE_RESULTS] += took; break;
    case ATTEMPT_RUNNING: u->seconds[USE_RUNNING] += took; break;
    case ATTEMPT_FAILED: u->seconds[USE_KEPT] += kept; u->seconds[USE_FAILED] += took - kept; break;
    default: u->seconds[USE_KEPT] += kept; u->seconds[USE_REPLAYED] += took - kept; break;
    }
    return end;
}

void usage_of_run(const struct timeline *timeline, size_t run, const size_t *sorted, size_t n, double now,
                  struct usage_run *u)
{
    const struct run_record *record = &timeline->runs[run];
    double ready = isfinite(record->ready) ? record->ready : record->start, end = record->end, last = ready;
    size_t seen = 0;
    if (isnan(end))
        end = u->live ? now : fmax(record->last, ready);
    u->record = *record;
    u->first = u->last = NAN;
    for (size_t i = 0; i < n; i++) {
        const struct attempt *a = &timeline->attempts[sorted[i]];
        double ended = isfinite(a->end) ? a->end : end;
        u->first = isnan(u->first) || a->start < u->first ? a->start : u->first;
        last = fmax(last, ended);
    }
    if (n)
        u->last = last;
    for (size_t i = 0; i < n;) {   /* the attempts of one worker */
        int32_t worker = timeline->attempts[sorted[i]].worker;
        double free = ready;
        for (; i < n && timeline->attempts[sorted[i]].worker == worker; i++) {
            const struct attempt *a = &timeline->attempts[sorted[i]], *next = i + 1 < n ? &timeline->attempts[sorted[i + 1]] : NULL;
            /* one whose end was never written ended before the worker's next began */
            double open = next && next->worker == worker ? fmin(next->start, end) : end;
            u->seconds[USE_BETWEEN] += positive(a->start - free);
            free = fmax(free, take_attempt(a, open, u));
        }
        u->seconds[USE_TAIL] += last - free;
        seen++;
    }
    u->workers = record->workers > 0 && (size_t)record->workers > seen ? (size_t)record->workers : seen;
    int32_t cores = record->requested_cpus > 0 ? record->requested_cpus : record->threads > 0 ? record->threads : 1;
    u->cores = (size_t)cores * (record->ranks > 0 ? (size_t)record->ranks : u->workers);
    u->makespan = last - ready;
    u->wall = positive(fmax(end, last) - record->start);
    u->seconds[USE_TAIL] += (double)(u->workers - seen) * u->makespan;
    u->seconds[USE_STARTUP] = (double)u->workers * positive(ready - record->start);
    u->seconds[USE_CLOSING] = (double)u->workers * positive(end - last);
}

static int compare_attempts(const void *x, const void *y, void *context)
{
    const struct attempt *attempts = context, *a = &attempts[*(const size_t *)x], *b = &attempts[*(const size_t *)y];
    if (a->run != b->run)
        return a->run < b->run ? -1 : 1;
    if (a->worker != b->worker)
        return a->worker < b->worker ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

static int take_runs(const struct timeline *timeline, bool live, double now, struct usage *usage, struct error *err)
{
    size_t *sorted = mem_alloc(timeline->n_attempts + 1, sizeof *sorted, err), n = 0, first = 0;
    usage->runs = mem_alloc(timeline->n_runs + 1, sizeof *usage->runs, err);
    if (!sorted || !usage->runs) {
        mem_free(sorted);
        return -1;
    }
    for (size_t i = 0; i < timeline->n_attempts; i++)
        if (timeline->attempts[i].job >= 0)
            sorted[n++] = i;
    qsort_r(sorted, n, sizeof *sorted, compare_attempts, timeline->attempts);
    for (size_t run = 0; run < timeline->n_runs; run++) {
        size_t end = first;
        while (end < n && (size_t)timeline->attempts[sorted[end]].run == run)
            end++;
        struct usage_run *u = &usage->runs[usage->n_runs];
        if (isfinite(timeline->runs[run].start)) {
            u->live = live && run + 1 == timeline->n_runs && isnan(timeline->runs[run].end);
            usage_of_run(timeline, run, sorted + first, end - first, now, u);
            u->pause = usage->n_runs ? u->first - usage->runs[usage->n_runs - 1].last : NAN;
            usage->n_runs++;
        }
        first = end;
    }
    mem_free(sorted);
    return 0;
}

/* How busy the live run's workers were of late. */
static double look_back(const struct timeline *timeline, const struct usage *usage, double now)
{
    enum { WINDOW = 60 };
    const struct usage_run *u = usage->n_runs ? &usage->runs[usage->n_runs - 1] : NULL;
    if (!u || !u->live || !u->workers)
        return NAN;
    double from = fmax(now - WINDOW, isfinite(u->record.ready) ? u->record.ready : u->record.start), busy = 0;
    for (size_t i = 0; i < timeline->n_attempts; i++) {
        const struct attempt *a = &timeline->attempts[i];
        if (a->job >= 0 && (size_t)a->run + 1 == timeline->n_runs)
            busy += positive((isfinite(a->end) ? fmin(a->end, now) : now) - fmax(a->start, from));
    }
    return now > from ? fmin(busy / ((double)u->workers * (now - from)), 1) : NAN;
}

static void sum_runs(struct usage *usage)
{
    usage->joules = NAN;
    for (size_t r = 0; r < usage->n_runs; r++) {
        const struct usage_run *u = &usage->runs[r];
        for (int i = 0; i < USE_COUNT; i++)
            usage->seconds[i] += u->seconds[i];
        usage->all += (double)u->workers * u->wall;
        usage->core_seconds += (double)u->cores * u->wall;
        usage->makespan_seconds += (double)u->workers * u->makespan;
        if (isfinite(u->record.energy_joules))
            usage->joules = u->record.energy_joules + (isnan(usage->joules) ? 0 : usage->joules);
    }
}

/* --- the jobs ----------------------------------------------------------------------------- */

struct columns {
    double *status, *period, *start, *wall, *cpu, *bytes, *flops, *predicted, *worker;
    double *kept;                  /* seconds of all attempts of a job that led to its result */
    char **architecture, **schedule;
};

static int compare_jobs(const void *x, const void *y, void *context)
{
    const struct columns *c = context;
    size_t a = *(const size_t *)x, b = *(const size_t *)y;
    int order = strcmp(c->architecture[a], c->architecture[b]);
    if (!order && c->schedule)
        order = strcmp(c->schedule[a], c->schedule[b]);
    if (!order)
        order = (c->period[a] > c->period[b]) - (c->period[a] < c->period[b]);
    return order ? order : (a > b) - (a < b);
}

/* Is the row done without, by a rule that has not said so in the file yet? */
static bool is_skipped(const struct usage *usage, const struct columns *c, size_t job)
{
    return c->status[job] == STATUS_SKIPPED
           || (usage->by_until && c->status[job] == STATUS_PENDING && !until_is_active(&usage->until, job)
               && !until_is_reserved(&usage->until, job));
}

static void take_job(struct usage_cell *cell, const struct columns *c, size_t job, bool live, double now)
{
    cell->jobs++;
    cell->failed += c->status[job] == STATUS_FAILED;
    if (live && c->status[job] == STATUS_RUNNING) {   /* else it was lost */
        cell->running++;
        cell->elapsed += isfinite(c->start[job]) ? positive(now - c->start[job]) : 0;
    }
    if (isfinite(c->bytes[job]))
        cell->bytes = fmax(cell->bytes, c->bytes[job]);
    if (c->status[job] != STATUS_DONE)
        return;
    cell->done++;
    cell->seconds += positive(c->kept[job]);
    cell->squares += positive(c->kept[job]) * positive(c->kept[job]);
    cell->longest = fmax(cell->longest, positive(c->kept[job]));
    cell->cpu_seconds += positive(c->cpu[job]);
    cell->wall_seconds += positive(c->wall[job]);
    cell->flops += positive(c->flops[job]);
}

static int take_cells(const struct columns *c, bool live, double now, struct usage *usage, struct error *err)
{
    size_t *sorted = mem_alloc(usage->jobs, sizeof *sorted, err);
    usage->cells = mem_alloc(usage->jobs, sizeof *usage->cells, err);
    if (!sorted || !usage->cells) {
        mem_free(sorted);
        return -1;
    }
    for (size_t i = 0; i < usage->jobs; i++)
        sorted[i] = i;
    qsort_r(sorted, usage->jobs, sizeof *sorted, compare_jobs, (void *)(size_t)c);
    for (size_t i = 0; i < usage->jobs; i++) {
        size_t job = sorted[i];
        if (is_skipped(usage, c, job)) {
            usage->skipped++;
            continue;
        }
        const char *schedule = c->schedule ? c->schedule[job] : "constant";
        struct usage_cell *cell = usage->n_cells ? &usage->cells[usage->n_cells - 1] : NULL;
        if (!cell || strcmp(cell->architecture, c->architecture[job]) != 0 || strcmp(cell->schedule, schedule) != 0
            || cell->refresh_period != c->period[job]) {
            cell = &usage->cells[usage->n_cells++];
            *cell = (struct usage_cell){.architecture = c->architecture[job], .schedule = schedule, .refresh_period = c->period[job]};
        }
        take_job(cell, c, job, live, now);
        bool reserved = usage->by_until && c->status[job] == STATUS_PENDING && until_is_reserved(&usage->until, job);
        cell->reserved += reserved;
        usage->reserved += reserved;
        usage->running += live && c->status[job] == STATUS_RUNNING;
    }
    mem_free(sorted);
    return 0;
}

static int take_jobs(const struct columns *c, bool live, double now, struct usage *usage, struct error *err)
{
    double *ratio = mem_alloc(usage->jobs, sizeof *ratio, err), cpu = 0, wall = 0;
    if (!ratio)
        return -1;
    for (size_t i = 0; i < usage->jobs; i++) {
        usage->failed += c->status[i] == STATUS_FAILED;
        if (isfinite(c->bytes[i]))
            usage->bytes = fmax(usage->bytes, c->bytes[i]);
        if (c->status[i] != STATUS_DONE)
            continue;
        usage->done++;
        usage->job_seconds += positive(c->kept[i]);
        cpu += positive(c->cpu[i]);
        wall += positive(c->wall[i]);
        if (c->kept[i] > 0 && c->predicted[i] > 0)
            ratio[usage->compared++] = c->kept[i] / c->predicted[i];
    }
    usage->busy = wall > 0 ? cpu / wall : NAN;
    sort_numbers(ratio, usage->compared);
    static const double at[3] = {0.5, 0.05, 0.95};
    for (int k = 0; k < 3; k++)
        usage->ratio[k] = sorted_quantile(ratio, usage->compared, at[k]);
    mem_free(ratio);
    return take_cells(c, live, now, usage, err);
}

/* A job's seconds: those of its attempts that were kept, or, of what the timeline does not know, of its last attempt. */
static int count_kept(const struct timeline *timeline, struct columns *c, size_t n, struct error *err)
{
    c->kept = mem_alloc(n, sizeof *c->kept, err);
    if (!c->kept)
        return -1;
    for (size_t i = 0; i < timeline->n_attempts; i++) {
        const struct attempt *a = &timeline->attempts[i];
        bool other = a->job >= 0 && a->outcome == ATTEMPT_DONE && a->start != c->start[a->job];   /* damaged since, and run again */
        if (a->job >= 0 && !other)
            c->kept[a->job] += positive(a->kept);
    }
    for (size_t i = 0; i < n; i++)
        if (!(c->kept[i] > 0))
            c->kept[i] = c->wall[i];
    return 0;
}

/* But for the texts, which the cells name. */
static void free_columns(struct columns *c)
{
    double *all[] = {c->status, c->period, c->start, c->wall, c->cpu, c->bytes, c->flops, c->predicted, c->worker, c->kept};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
}

static int read_columns(const struct store_reader *reader, struct columns *c, struct error *err)
{
    size_t width;
    return store_read_numbers(reader, "status", &c->status, &width, err)
           || store_read_numbers(reader, "refresh_period", &c->period, &width, err)
           || store_read_numbers(reader, "start_time", &c->start, &width, err)
           || store_read_numbers(reader, "wall_seconds", &c->wall, &width, err)
           || store_read_numbers(reader, "cpu_seconds", &c->cpu, &width, err)
           || store_read_numbers(reader, "max_rss_bytes", &c->bytes, &width, err)
           || store_read_numbers(reader, "flops", &c->flops, &width, err)
           || store_read_numbers(reader, "predicted_seconds", &c->predicted, &width, err)
           || store_read_numbers(reader, "worker", &c->worker, &width, err)
           || store_read_texts(reader, "architecture", &c->architecture, err)
           || (store_read_has(reader, "schedule") && store_read_texts(reader, "schedule", &c->schedule, err)) ? -1 : 0;
}

int usage_read(const struct store_reader *reader, bool live, double now, struct usage *usage, struct error *err)
{
    struct timeline timeline = {0};
    struct columns c = {0};
    struct error unknown;
    *usage = (struct usage){.jobs = store_read_jobs(reader), .recent = NAN};
    int status = read_columns(reader, &c, err), ruled = until_read(&usage->until, &usage->sweep, reader, &unknown);
    usage->by_until = ruled == 0;   /* a rule of another program is not understood: then all pending jobs are left */
    if (!status && !(status = timeline_read(reader, &timeline, err)) && timeline.present) {
        struct timeline_jobs jobs = {.n = usage->jobs, .status = c.status, .start_time = c.start, .wall_seconds = c.wall, .worker = c.worker};
        status = timeline_reconcile(&timeline, &jobs, live, NULL, err) || take_runs(&timeline, live, now, usage, err) ? -1 : 0;
        usage->recent = status ? NAN : look_back(&timeline, usage, now);
    }
    if (!status)
        status = count_kept(&timeline, &c, usage->jobs, err) || take_jobs(&c, live, now, usage, err) ? -1 : 0;
    sum_runs(usage);
    timeline_free(&timeline);
    usage->architectures = c.architecture;
    usage->schedules = c.schedule;
    free_columns(&c);
    return status;
}

void usage_free(struct usage *usage)
{
    store_free_texts(usage->architectures, usage->jobs);
    store_free_texts(usage->schedules, usage->jobs);
    mem_free(usage->runs);
    mem_free(usage->cells);
    until_free(&usage->until);
    sweep_free(&usage->sweep);
}
