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

int predict_part(struct sweep *sweep, const char *data_root, size_t part, size_t parts, struct error *err)
{
    size_t n = sweep->n_jobs;
    if (parts > n)
        return error_set(err, ERROR_USAGE, "--part: expected at most as many parts as jobs, %zu, got %zu", n, parts);
    struct job_cost *cost = mem_alloc(n, sizeof *cost, err);
    size_t *order = mem_alloc(n, sizeof *order, err);
    bool *keep = mem_alloc(n, sizeof *keep, err);
    int status = cost && order && keep ? predict_sweep(sweep, data_root, cost, NULL, err) : -1;
    for (size_t i = 0; i < n && !status; i++)
        order[i] = i;
    if (!status) {
        qsort_r(order, n, sizeof *order, dearest_first, cost);
        for (size_t i = 0; i < n; i++) {
            size_t turn = i % parts;
            keep[order[i]] = (i / parts % 2 ? parts - 1 - turn : turn) == part - 1;
        }
        sweep_keep(sweep, keep);
    }
    mem_free(cost);
    mem_free(order);
    mem_free(keep);
    return status;
}
