/* For benchmarks of the master: a file that takes everything and keeps nothing, in the place of src/store, and a campaign
 * in it. */
#ifndef RELIN_BENCH_NOWHERE_H
#define RELIN_BENCH_NOWHERE_H

#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "farm/campaign.h"
#include "store/store.h"
#include "store/timeline.h"

static size_t written;   /* records */

int store_write_one(struct store *store, size_t job, enum variable_id id, const struct result *result, struct error *err)
{
    (void)store, (void)job, (void)id, (void)result, (void)err;
    return 0;
}

int store_write_rows(struct store *store, size_t job, const struct result *result, struct error *err)
{
    (void)store, (void)job, (void)result, (void)err;
    return 0;
}

int store_write_record(struct store *store, size_t job, const struct result *result, struct error *err)
{
    (void)store, (void)job, (void)result, (void)err;
    written++;
    return 0;
}

int store_write_records(struct store *store, size_t first, size_t n, const struct result *const *results, struct error *err)
{
    (void)store, (void)first, (void)results, (void)err;
    written += n;
    return 0;
}

int store_write_status(struct store *store, size_t job, enum job_status status, int32_t attempts, struct error *err)
{
    (void)store, (void)job, (void)status, (void)attempts, (void)err;
    return 0;
}

int store_sync(struct store *store, struct error *err)
{
    (void)store, (void)err;
    return 0;
}

int store_write_attempts(struct store *store, size_t first, size_t n, struct attempt *attempts, struct error *err)
{
    (void)store, (void)first, (void)n, (void)attempts, (void)err;
    return 0;
}

int store_write_run(struct store *store, size_t index, struct run_record *run, struct error *err)
{
    (void)store, (void)index, (void)run, (void)err;
    return 0;
}

/* The sweep is loaded. Every job is thought to take 0.1 ms. Returns 0, or -1 with *err filled. */
static inline int nowhere_prepare(struct campaign *campaign, struct error *err)
{
    size_t n = campaign->sweep.n_jobs;
    snprintf(campaign->path, sizeof campaign->path, "/nonexistent/bench.h5");
    campaign->status = mem_alloc(n, sizeof *campaign->status, err);
    campaign->attempts = mem_alloc(n, sizeof *campaign->attempts, err);
    campaign->found = mem_alloc(n, sizeof *campaign->found, err);
    campaign->seconds = mem_alloc(n, sizeof *campaign->seconds, err);
    campaign->sets.of_job = mem_alloc(n, sizeof *campaign->sets.of_job, err);
    for (size_t i = 0; campaign->seconds && i < n; i++)
        campaign->seconds[i] = 1e-4;
    return campaign->status && campaign->attempts && campaign->found && campaign->seconds && campaign->sets.of_job ? 0 : -1;
}

#endif
