#include "plan/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/forecast.h"
#include "plan/predict.h"
#include "plan/quantile.h"
#include "store/store.h"
#include "sweep/sweep.h"

static int by_start(const void *a, const void *b)
{
    const struct recorded_job *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* --- phases ------------------------------------------------------------------------- */

/* Where each worker's last job ended, by its rank; -infinity: none in this phase. */
struct seats {
    double *end;
    size_t n;
};

static size_t count_seats(const struct record *record)
{
    int most = -1;
    for (size_t i = 0; i < record->n; i++)
        most = record->jobs[i].worker > most ? record->jobs[i].worker : most;
    return (size_t)(most + 1);
}

static void clear(struct seats *seats)
{
    for (size_t w = 0; w < seats->n; w++)
        seats->end[w] = -INFINITY;
}

/* Seats a job; gap: NaN, or how long its worker had none. */
static void seat(struct record *record, struct seats *seats, const struct recorded_job *job, double *gap)
{
    struct recorded_phase *phase = &record->phases[record->n_phases - 1];
    double end = job->start + job->seconds, *last = &seats->end[job->worker];
    *gap = *last > -INFINITY ? fmax(0, job->start - *last) : NAN;
    phase->workers += *last == -INFINITY;
    phase->n++;
    phase->end = fmax(phase->end, end);
    *last = end;
}

int record_sort(struct record *record, struct error *err)
{
    struct seats seats = {.n = count_seats(record)};
    size_t n_gaps = 0;
    seats.end = mem_alloc(seats.n, sizeof *seats.end, err);
    double *gaps = mem_alloc(record->n, sizeof *gaps, err);
    record->phases = mem_alloc(record->n, sizeof *record->phases, err);
    int status = seats.end && gaps && record->phases ? 0 : -1;
    record->change = NAN;
    qsort(record->jobs, record->n, sizeof *record->jobs, by_start);
    for (size_t i = 0; i < record->n && !status; i++) {
        const struct recorded_job *job = &record->jobs[i];
        const struct recorded_phase *phase = record->n_phases ? &record->phases[record->n_phases - 1] : NULL;
        if (!phase || job->start - phase->end > RECORD_PAUSE) {
            clear(&seats);
            record->phases[record->n_phases++] = (struct recorded_phase){.first = i, .start = job->start, .end = job->start};
        }
        seat(record, &seats, job, &gaps[n_gaps]);
        n_gaps += !isnan(gaps[n_gaps]);
    }
    if (!status && n_gaps) {
        sort_numbers(gaps, n_gaps);
        record->change = sorted_quantile(gaps, n_gaps, 0.5);
    }
    mem_free(seats.end);
    mem_free(gaps);
    return status;
}

/* --- the file ----------------------------------------------------------------------- */

struct columns {
    double *status, *start, *seconds, *cpu, *worker, *attempts, *bytes, *accuracy;
    char **outcome;
};

static int read_columns(const struct store_reader *reader, struct columns *c, struct error *err)
{
    size_t width;
    return store_read_numbers(reader, "status", &c->status, &width, err)
           || store_read_numbers(reader, "start_time", &c->start, &width, err)
           || store_read_numbers(reader, "wall_seconds", &c->seconds, &width, err)
           || store_read_numbers(reader, "cpu_seconds", &c->cpu, &width, err)
           || store_read_numbers(reader, "worker", &c->worker, &width, err)
           || store_read_numbers(reader, "attempts", &c->attempts, &width, err)
           || store_read_numbers(reader, "max_rss_bytes", &c->bytes, &width, err)
           || store_read_numbers(reader, "test_accuracy", &c->accuracy, &width, err)
           || store_read_texts(reader, "outcome", &c->outcome, err) ? -1 : 0;
}

static bool has_ended(const struct columns *c, size_t row)
{
    return (c->status[row] == STATUS_DONE || c->status[row] == STATUS_FAILED) && c->seconds[row] > 0
           && c->start[row] > 0 && c->worker[row] >= 0 && c->worker[row] < 1e7;
}

static int read_jobs(struct record *record, const struct store_reader *reader, const struct columns *c, struct error *err)
{
    for (size_t row = 0; row < store_read_jobs(reader); row++) {
        if (!has_ended(c, row))
            continue;
        struct recorded_job *to = &record->jobs[record->n];
        bool done = c->status[row] == STATUS_DONE;
        *to = (struct recorded_job){
            .row = row, .start = c->start[row], .seconds = c->seconds[row], .worker = (int)c->worker[row], .done = done,
            .usual = done && c->attempts[row] == 1 && strcmp(c->outcome[row], "completed") == 0, .bytes = c->bytes[row],
            .cpu_seconds = c->cpu[row], .accuracy = c->accuracy[row],
        };
        char *text = store_read_job_text(reader, row, err);
        int failed = !text || job_parse(&to->job, text, err);
        free(text);
        if (failed)
            return error_prefix(err, "job %zu", row);
        record->n++;
    }
    return 0;
}

static int predict_jobs(struct record *record, const char *path, const char *data_root, struct error *err)
{
    struct sweep sweep = {.path = (char *)path, .text = "", .n_jobs = record->n};
    struct job_cost *cost = mem_alloc(record->n, sizeof *cost, err);
    sweep.jobs = mem_alloc(record->n, sizeof *sweep.jobs, err);
    for (size_t i = 0; sweep.jobs && i < record->n; i++)
        sweep.jobs[i] = record->jobs[i].job;
    int status = cost && sweep.jobs ? predict_sweep(&sweep, data_root, cost, NULL, err) : -1;
    for (size_t i = 0; sweep.jobs && i < record->n; i++) {   /* choosing an engine writes the job's text anew */
        record->jobs[i].job = sweep.jobs[i];
        if (!status)
            record->jobs[i].cost = cost[i];
    }
    mem_free(cost);
    mem_free(sweep.jobs);
    return status;
}

int record_read(struct record *record, const char *path, const char *data_root, struct error *err)
{
    struct columns c = {0};
    *record = (struct record){0};
    struct store_reader *reader = store_read_open(path, err);
    if (!reader)
        return -1;
    size_t n = store_read_jobs(reader);
    record->jobs = mem_alloc(n, sizeof *record->jobs, err);
    int status = !record->jobs || read_columns(reader, &c, err) || read_jobs(record, reader, &c, err) ? -1 : 0;
    if (!status && record->n == 0)
        status = error_set(err, ERROR_USAGE, "expected a file in which jobs have ended, got none of %zu", n);
    if (status || predict_jobs(record, path, data_root, err) || record_sort(record, err))
        status = error_prefix(err, "%s", path);
    mem_free(c.status);
    mem_free(c.start);
    mem_free(c.seconds);
    mem_free(c.cpu);
    mem_free(c.worker);
    mem_free(c.attempts);
    mem_free(c.bytes);
    mem_free(c.accuracy);
    store_free_texts(c.outcome, n);
    store_read_close(reader);
    return status;
}

void record_free(struct record *record)
{
    for (size_t i = 0; record->jobs && i < record->n; i++)
        job_free(&record->jobs[i].job);
    mem_free(record->jobs);
    mem_free(record->phases);
    *record = (struct record){0};
}

/* --- the check ---------------------------------------------------------------------- */

static int dearest_first(const void *a, const void *b)
{
    const struct recorded_job *const *x = a, *const *y = b;
    if ((*x)->cost.seconds != (*y)->cost.seconds)
        return (*x)->cost.seconds > (*y)->cost.seconds ? -1 : 1;
    return (*x)->row < (*y)->row ? -1 : (*x)->row > (*y)->row;
}

static int check_phase(const struct record *record, const struct recorded_phase *phase, const struct farm_cost *farm,
                       const struct recorded_job **order, double *seconds, double *simulated, struct error *err)
{
    struct schedule_estimate e;
    for (size_t i = 0; i < phase->n; i++)
        order[i] = &record->jobs[phase->first + i];
    qsort(order, phase->n, sizeof *order, dearest_first);
    for (size_t i = 0; i < phase->n; i++)
        seconds[i] = order[i]->seconds;
    if (simulate_hand_out(phase->n, seconds, phase->workers, 1, farm, &e, err))
        return -1;
    *simulated += e.makespan;
    return 0;
}

int record_check(const struct record *record, const struct farm_cost *farm, double *measured, double *simulated,
                 struct error *err)
{
    const struct recorded_job **order = mem_alloc(record->n, sizeof *order, err);
    double *seconds = mem_alloc(record->n, sizeof *seconds, err);
    int status = order && seconds ? 0 : -1;
    *measured = *simulated = 0;
    for (size_t p = 0; p < record->n_phases && !status; p++) {
        *measured += record->phases[p].end - record->phases[p].start;
        status = check_phase(record, &record->phases[p], farm, order, seconds, simulated, err);
    }
    mem_free(order);
    mem_free(seconds);
    return status;
}
