#define _GNU_SOURCE   /* qsort_r */
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/predict.h"
#include "sweep/sweep.h"

static int dearest_first(const void *a, const void *b, void *context)
{
    const struct job_cost *cost = context;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    if (cost[i].seconds != cost[k].seconds)
        return cost[i].seconds > cost[k].seconds ? -1 : 1;
    return i < k ? -1 : 1;
}

/* The part with the least to do so far; of equals the one with the fewest jobs. */
static size_t next_part(size_t parts, const double *seconds, const size_t *jobs)
{
    size_t best = 0;
    for (size_t p = 1; p < parts; p++)
        if (seconds[p] < seconds[best] || (seconds[p] == seconds[best] && jobs[p] < jobs[best]))
            best = p;
    return best;
}

int predict_part(struct sweep *sweep, const char *data_root, size_t part, size_t parts, struct error *err)
{
    size_t n = sweep->n_jobs;
    if (parts > n)
        return error_set(err, ERROR_USAGE, "--part: expected at most as many parts as jobs, %zu, got %zu", n, parts);
    struct job_cost *cost = mem_alloc(n, sizeof *cost, err);
    size_t *order = mem_alloc(n, sizeof *order, err);
    bool *keep = mem_alloc(n, sizeof *keep, err);
    double *seconds = mem_alloc(parts, sizeof *seconds, err);
    size_t *jobs = mem_alloc(parts, sizeof *jobs, err);
    int status = cost && order && keep && seconds && jobs ? predict_sweep(sweep, data_root, cost, NULL, err) : -1;
    for (size_t i = 0; i < n && !status; i++)
        order[i] = i;
    if (!status) {
        qsort_r(order, n, sizeof *order, dearest_first, cost);
        for (size_t i = 0; i < n; i++) {
            size_t p = next_part(parts, seconds, jobs);
            seconds[p] += cost[order[i]].seconds;
            jobs[p]++;
            keep[order[i]] = p == part - 1;
        }
        sweep_keep(sweep, keep);
    }
    mem_free(cost);
    mem_free(order);
    mem_free(keep);
    mem_free(seconds);
    mem_free(jobs);
    return status;
}
