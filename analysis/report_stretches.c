#include "report_stretches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "must.h"
#include "store/timeline.h"

static void add(struct stretches *s, struct stretch one)
{
    if ((s->n & (s->n - 1)) == 0)   /* full: 0, 1, 2, 4, ... */
        s->at = must(realloc(s->at, (s->n ? 2 * s->n : 1) * sizeof *s->at));
    s->at[s->n++] = one;
}

/* The columns that say what became of each job of a file. */
struct fates {
    size_t n;
    double *status, *start, *wall, *worker;
};

static int read_fates(const struct store_reader *reader, struct fates *f, struct error *err)
{
    size_t one;
    f->n = store_read_jobs(reader);
    return store_read_numbers(reader, "status", &f->status, &one, err) != 0 ||
           store_read_numbers(reader, "start_time", &f->start, &one, err) != 0 ||
           store_read_numbers(reader, "wall_seconds", &f->wall, &one, err) != 0 ||
           store_read_numbers(reader, "worker", &f->worker, &one, err) != 0 ? -1 : 0;
}

static void free_fates(struct fates *f)
{
    mem_free(f->status);
    mem_free(f->start);
    mem_free(f->wall);
    mem_free(f->worker);
}

static void add_attempts(struct stretches *s, uint32_t file, const struct timeline *timeline)
{
    double now = clock_unix();
    for (size_t i = 0; i < timeline->n_attempts; i++) {
        const struct attempt *a = &timeline->attempts[i];
        double end = isfinite(a->end) ? a->end : now;
        if (a->job >= 0 && isfinite(a->start) && a->start > 0 && end >= a->start)
            add(s, (struct stretch){file, a->worker, a->start, end, 1, a->outcome == ATTEMPT_FAILED,
                                    a->outcome == ATTEMPT_LOST || a->outcome == ATTEMPT_STOPPED});
    }
}

static void add_jobs(struct stretches *s, uint32_t file, const struct fates *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (isfinite(f->start[i]) && f->start[i] > 0 && isfinite(f->wall[i]) && f->wall[i] >= 0)
            add(s, (struct stretch){file, f->worker[i], f->start[i], f->start[i] + f->wall[i], 1, f->status[i] == STATUS_FAILED, 0});
}

static int read_one(const struct report *r, uint32_t file, struct stretches *s, struct error *err)
{
    const struct store_reader *reader = r->lookup->readers[file];
    struct timeline timeline = {0};
    struct fates fates = {0};
    struct store_lock_info lock;
    int result = read_fates(reader, &fates, err);
    if (result == 0)
        result = timeline_read(reader, &timeline, err);
    if (result == 0 && timeline.present) {
        struct timeline_jobs jobs = {.n = fates.n, .status = fates.status, .start_time = fates.start, .wall_seconds = fates.wall,
                                     .worker = fates.worker};
        bool live = store_lock_read(r->asked->files[file], &lock) && lock.live;
        result = timeline_reconcile(&timeline, &jobs, live, NULL, err);
        if (result == 0)
            add_attempts(s, file, &timeline);
    } else if (result == 0) {
        s->whole = false;
        add_jobs(s, file, &fates);
    }
    timeline_free(&timeline);
    free_fates(&fates);
    return result;
}

/* --- together -------------------------------------------------------------- */

static int compare_workers(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->worker != y->worker)
        return x->worker < y->worker ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static int compare_from(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* The time during which any worker was busy: what lies between two runs of one file is none of it. */
static void sum_up(struct stretches *s)
{
    double until = -INFINITY;
    s->first = INFINITY;
    s->last = -INFINITY;
    if (s->n > 1)
        qsort(s->at, s->n, sizeof *s->at, compare_from);
    for (size_t i = 0; i < s->n; i++) {
        const struct stretch *one = &s->at[i];
        s->first = fmin(s->first, one->from);
        s->last = fmax(s->last, one->to);
        s->busy += one->to - one->from;
        s->work += fmax(0, one->to - fmax(one->from, until));
        until = fmax(until, one->to);
    }
    if (s->n > 1)
        qsort(s->at, s->n, sizeof *s->at, compare_workers);
    for (size_t i = 0; i < s->n; i++)
        s->workers += i == 0 || s->at[i].file != s->at[i - 1].file || s->at[i].worker != s->at[i - 1].worker;
}

int stretches_read(const struct report *r, struct stretches *s, struct error *err)
{
    *s = (struct stretches){.whole = true};
    for (size_t f = 0; f < r->asked->n_files; f++)
        if (read_one(r, (uint32_t)f, s, err) != 0)
            return -1;
    sum_up(s);
    return 0;
}

/* Neighbours with less than `gap` seconds between them become one. */
static void merge(struct stretches *s, double gap)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct stretch *last = kept ? &s->at[kept - 1] : NULL, one = s->at[i];
        if (last && last->file == one.file && last->worker == one.worker && one.from - last->to < gap) {
            last->to = fmax(last->to, one.to);
            last->attempts += one.attempts;
            last->failed += one.failed;
            last->lost += one.lost;
        } else {
            s->at[kept++] = one;
        }
    }
    s->n = kept;
}

void stretches_merge(struct stretches *s, size_t most)
{
    double all = s->last - s->first;
    for (double gap = all / 4000; s->n > most && gap < all; gap *= 2)
        merge(s, gap);
}
