/* What a killed run could not write of its timeline any more. */
#include "store/timeline.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sweep/result.h"

/* Later of two times, the first of which may be missing. */
static double later(double a, double b)
{
    return isfinite(b) && !(a >= b) ? b : a;
}

/* When each run that has no end was last heard of. */
static void hear(struct timeline *t)
{
    for (size_t r = 0; r < t->n_runs; r++)
        t->runs[r].last = later(later(t->runs[r].last, t->runs[r].start), t->runs[r].end);
    for (size_t i = 0; i < t->n_attempts; i++) {
        const struct attempt *a = &t->attempts[i];
        if (a->job < 0 || (size_t)a->run >= t->n_runs)
            continue;
        struct run_record *run = &t->runs[a->run];
        run->last = later(later(run->last, a->start), a->end);
    }
}

static bool has_ended(const struct timeline_jobs *jobs, size_t job)
{
    return (jobs->status[job] == STATUS_DONE || jobs->status[job] == STATUS_FAILED) && isfinite(jobs->start_time[job]);
}

/* As the job's record has it. */
static void end_as_job(struct attempt *a, const struct timeline_jobs *jobs)
{
    size_t job = (size_t)a->job;
    bool done = jobs->status[job] == STATUS_DONE;
    a->start = jobs->start_time[job];
    a->end = a->start + (isfinite(jobs->wall_seconds[job]) ? jobs->wall_seconds[job] : 0);
    a->outcome = done ? ATTEMPT_DONE : ATTEMPT_FAILED;
    a->kept = done ? a->end - a->start : 0;
}

static void end_as_lost(struct attempt *a, const struct timeline *t, const struct timeline_jobs *jobs)
{
    double last = (size_t)a->run < t->n_runs ? t->runs[a->run].last : a->start;
    double written = jobs->checkpoint ? jobs->checkpoint(jobs->context, (size_t)a->job) : NAN;
    a->end = last > a->start ? last : a->start;
    a->outcome = ATTEMPT_LOST;
    a->kept = 0;
    if (written > a->start) {   /* then it lived at least so long */
        a->end = later(a->end, written);
        a->kept = written - a->start;
    }
}

/* The last attempt of each job, SIZE_MAX where there is none. */
static size_t *find_last(const struct timeline *t, size_t n_jobs, struct error *err)
{
    size_t *last = mem_alloc(n_jobs, sizeof *last, err);
    for (size_t job = 0; last && job < n_jobs; job++)
        last[job] = SIZE_MAX;
    for (size_t i = 0; last && i < t->n_attempts; i++)
        if (t->attempts[i].job >= 0)
            last[t->attempts[i].job] = i;
    return last;
}

/* Of an ended job whose attempt began and ended after the last writing, the run that it was in; else SIZE_MAX. */
static size_t run_of_missing(const struct timeline *t, const struct timeline_jobs *jobs, size_t job, size_t last)
{
    size_t run = SIZE_MAX;
    if (!has_ended(jobs, job) || jobs->worker[job] < 0)
        return SIZE_MAX;
    if (last != SIZE_MAX && (t->attempts[last].outcome == ATTEMPT_DONE || t->attempts[last].end > jobs->start_time[job]
                             || t->attempts[last].start >= jobs->start_time[job]))
        return SIZE_MAX;
    for (size_t r = 0; r < t->n_runs; r++)
        if (t->runs[r].start <= jobs->start_time[job])
            run = r;
    return run;
}

/* Makes room for one row more in memory. */
static int append(struct timeline *t, const struct attempt *a, unsigned char **changed, struct error *err)
{
    if (t->n_attempts == t->capacity) {
        size_t capacity = 2 * t->capacity + 16;
        struct attempt *attempts = mem_alloc(capacity, sizeof *attempts, err);
        unsigned char *marks = mem_alloc(capacity, 1, err);
        if (!attempts || !marks) {
            mem_free(attempts);
            mem_free(marks);
            return -1;
        }
        memcpy(marks, *changed, t->n_attempts);
        if (t->n_attempts)
            memcpy(attempts, t->attempts, t->n_attempts * sizeof *attempts);
        mem_free(t->attempts);
        mem_free(*changed);
        t->attempts = attempts;
        t->capacity = capacity;
        *changed = marks;
    }
    (*changed)[t->n_attempts] = 1;
    t->attempts[t->n_attempts++] = *a;
    return 0;
}

int timeline_reconcile(struct timeline *t, const struct timeline_jobs *jobs, bool live, unsigned char **changed,
                       struct error *err)
{
    unsigned char *marks = mem_alloc(t->capacity + 1, 1, err);
    size_t *last = find_last(t, jobs->n, err), n = t->n_attempts;
    int status = marks && last ? 0 : -1;
    hear(t);
    for (size_t i = 0; i < n && !status; i++) {
        struct attempt *a = &t->attempts[i];
        if (a->job < 0 || a->outcome != ATTEMPT_RUNNING || (live && (size_t)a->run + 1 == t->n_runs))
            continue;
        if (last[a->job] == i && has_ended(jobs, (size_t)a->job))
            end_as_job(a, jobs);
        else
            end_as_lost(a, t, jobs);
        marks[i] = 1;
    }
    for (size_t job = 0; job < jobs->n && !status && !live; job++) {
        size_t run = run_of_missing(t, jobs, job, last[job]);
        struct attempt a = {.job = (int64_t)job, .run = (int32_t)run, .worker = (int32_t)jobs->worker[job]};
        if (run == SIZE_MAX)
            continue;
        end_as_job(&a, jobs);
        status = append(t, &a, &marks, err);
    }
    mem_free(last);
    if (changed && !status)
        *changed = marks;
    else
        mem_free(marks);
    return status;
}
