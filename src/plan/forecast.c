#include "plan/forecast.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "plan/lessons.h"
#include "plan/quantile.h"
#include "sweep/sweep.h"

/* Of a job, what two threads and more divide. Measured with two (BENCHMARKS.md): steps of 784-512-512-10 1.19 times as fast,
 * linearised 1.28, its kernels 2.0; a convolutional network is slower. Files of jobs with other threads say more (--from). */
static const double PARALLEL = 0.35;
/* Simulated runs: so many jobs in all, within bounds. */
enum { DRAWN_JOBS = 2000000, MOST_RUNS = 200, LEAST_RUNS = 5 };
/* The shared error is not drawn: it multiplies all times, so the quantiles of both errors together come from every
 * run at so many of its quantiles. */
enum { STRATA = 99 };

double forecast_speedup(size_t threads)
{
    return 1 / (1 - PARALLEL + PARALLEL / (double)threads);
}

static int set_order(struct forecast *f, struct error *err)
{
    f->order = mem_alloc(f->n, sizeof *f->order, err);
    if (!f->order)
        return -1;
    order_largest_first(f->formula, f->n, f->order);
    return 0;
}

static void foresee(struct forecast *f, size_t i, const struct job *job, const struct job_cost *cost,
                    const struct lessons *lessons)
{
    size_t threads = (size_t)job->training.threads;
    double formula = cost->seconds / forecast_speedup(threads);
    struct lesson lesson;
    enum lesson_level level = lessons_find(lessons, job->network->name, job_engine_name(job), threads, formula, &lesson);
    f->formula[i] = cost->seconds;
    f->jobs[i] = (struct job_forecast){
        .seconds = formula * lesson.factor,
        .spread = lesson.spread,
        .bytes = cost->bytes * lesson.bytes_factor,
        .bytes_spread = lesson.bytes_spread,
        .learned = lesson.jobs,
        .level = level,
    };
    if (threads > f->threads)
        f->threads = threads;
    /* all but one of forty, by its own error */
    f->bytes = fmax(f->bytes, f->jobs[i].bytes * exp(2 * lesson.bytes_spread));
}

int forecast_make(struct forecast *f, const struct sweep *sweep, const struct job_cost *cost, double data_bytes,
                  const struct lessons *lessons, struct error *err)
{
    /* By formula alone: 0.25 is a factor of 1.5 at the 95th percentile, the margin that relin submit always took. An assumption
     * for cores that a job has to itself: a busy machine misses it by far. */
    *f = (struct forecast){
        .n = sweep->n_jobs,
        .common = lessons ? lessons->common : 0.25,
        .farm = {.change = FARM_CHANGE, .dispatch = FARM_DISPATCH, .commit = FARM_COMMIT},
        .threads = 1,
        .data_bytes = data_bytes,
        .jobs = mem_alloc(sweep->n_jobs, sizeof *f->jobs, err),
        .formula = mem_alloc(sweep->n_jobs, sizeof *f->formula, err),
    };
    if (lessons)
        f->farm = lessons->farm;
    if (!f->jobs || !f->formula)
        return -1;
    for (size_t i = 0; i < f->n; i++)
        foresee(f, i, &sweep->jobs[i], &cost[i], lessons);
    return set_order(f, err);
}

void forecast_free(struct forecast *f)
{
    mem_free(f->jobs);
    mem_free(f->formula);
    mem_free(f->order);
    *f = (struct forecast){0};
}

int forecast_repeat(struct forecast *f, size_t copies, struct error *err)
{
    size_t n = f->n, all;
    if (__builtin_mul_overflow(n, copies, &all))
        return error_set(err, ERROR_MEMORY, "%zu times %zu jobs", copies, n);
    struct job_forecast *jobs = mem_alloc(all, sizeof *jobs, err);
    double *formula = jobs ? mem_alloc(all, sizeof *formula, err) : NULL;
    if (!formula) {
        mem_free(jobs);
        return -1;
    }
    for (size_t i = 0; i < all; i++) {
        jobs[i] = f->jobs[i % n];
        formula[i] = f->formula[i % n];
    }
    mem_free(f->jobs);
    mem_free(f->formula);
    mem_free(f->order);
    f->jobs = jobs;
    f->formula = formula;
    f->n = all;
    return set_order(f, err);
}

int forecast_some(const struct forecast *f, const size_t *jobs, size_t n, struct forecast *some, struct error *err)
{
    *some = *f;
    some->n = n;
    some->order = NULL;
    some->jobs = mem_alloc(n, sizeof *some->jobs, err);
    some->formula = mem_alloc(n, sizeof *some->formula, err);
    for (size_t i = 0; some->jobs && some->formula && i < n; i++) {
        some->jobs[i] = f->jobs[jobs[i]];
        some->formula[i] = f->formula[jobs[i]];
    }
    return some->jobs && some->formula ? set_order(some, err) : -1;
}

double *forecast_seconds(const struct forecast *f, struct error *err)
{
    double *seconds = mem_alloc(f->n, sizeof *seconds, err);
    for (size_t i = 0; seconds && i < f->n; i++)
        seconds[i] = f->jobs[f->order[i]].seconds;
    return seconds;
}

double forecast_saturation(const struct forecast *f)
{
    double sum = 0, longest = 0;
    for (size_t i = 0; i < f->n; i++) {
        sum += f->jobs[i].seconds;
        longest = fmax(longest, f->jobs[i].seconds);
    }
    return longest > 0 ? sum / longest : 0;
}

/* --- simulated runs ----------------------------------------------------------------- */

/* Run number r, the shared error left out. */
static void draw(const struct forecast *f, size_t r, double *seconds)
{
    struct random random;
    random_start(&random, 0, RANDOM_PLAN, r);
    for (size_t i = 0; i < f->n; i++) {
        const struct job_forecast *job = &f->jobs[f->order[i]];
        double z = random_normal(&random);
        seconds[i] = job->seconds * exp(job->spread * (z - job->spread / 2));
    }
}

static double median_of(const struct schedule_estimate *runs, size_t n, size_t offset, double *values)
{
    for (size_t i = 0; i < n; i++)
        memcpy(&values[i], (const char *)&runs[i] + offset, sizeof *values);
    sort_numbers(values, n);
    return sorted_quantile(values, n, 0.5);
}

/* The shared error's factors: run by run at other places of each stratum, so that there are no steps. (STRATA, runs) */
static void spread_out(const struct forecast *f, size_t n_runs, double *factor)
{
    for (size_t i = 0; i < n_runs * STRATA; i++) {
        double p = ((double)(i / n_runs) + ((double)(i % n_runs) + 0.5) / (double)n_runs) / STRATA;
        factor[i] = f->common > 0 ? exp(f->common * normal_quantile(p)) : 1;
    }
}

static void conclude(const struct schedule_estimate *runs, size_t n_runs, const double *factor, struct allocation *a,
                     double *values)
{
    a->efficiency = median_of(runs, n_runs, offsetof(struct schedule_estimate, efficiency), values);
    a->tail_seconds = median_of(runs, n_runs, offsetof(struct schedule_estimate, tail_seconds), values);
    a->core_seconds = median_of(runs, n_runs, offsetof(struct schedule_estimate, core_seconds), values);
    for (size_t i = 0; i < n_runs * STRATA; i++)
        values[i] = runs[i % n_runs].makespan * factor[i];
    sort_numbers(values, n_runs * STRATA);
    a->makespan = sorted_quantile(values, n_runs * STRATA, 0.5);
    a->makespan_p95 = sorted_quantile(values, n_runs * STRATA, 0.95);
}

static size_t runs_of(size_t jobs)
{
    size_t runs = DRAWN_JOBS / (jobs ? jobs : 1);
    return runs > MOST_RUNS ? MOST_RUNS : runs < LEAST_RUNS ? LEAST_RUNS : runs;
}

int forecast_allocations(const struct forecast *f, struct allocation *allocations, size_t n, struct error *err)
{
    size_t n_runs = runs_of(f->n);
    double *seconds = mem_alloc(f->n, sizeof *seconds, err), *scaled = mem_alloc(f->n, sizeof *scaled, err);
    double *values = mem_alloc(n_runs * STRATA, sizeof *values, err), *factor = mem_alloc(n_runs * STRATA, sizeof *factor, err);
    struct schedule_estimate *runs = mem_alloc(n * n_runs, sizeof *runs, err);
    int status = seconds && scaled && values && factor && runs ? 0 : -1;
    for (size_t r = 0; r < n_runs && !status; r++) {
        draw(f, r, seconds);
        for (size_t k = 0; k < n && !status; k++) {
            const struct allocation *a = &allocations[k];
            size_t cores = a->cores ? a->cores : f->threads;
            double faster = forecast_speedup(cores) / forecast_speedup(f->threads);
            for (size_t i = 0; i < f->n && faster != 1; i++)
                scaled[i] = seconds[i] / faster;
            status = simulate_hand_out(f->n, faster == 1 ? seconds : scaled, a->workers, cores, &f->farm,
                                       &runs[k * n_runs + r], err);
        }
    }
    if (!status)
        spread_out(f, n_runs, factor);
    for (size_t k = 0; k < n && !status; k++)
        conclude(runs + k * n_runs, n_runs, factor, &allocations[k], values);
    mem_free(seconds);
    mem_free(scaled);
    mem_free(values);
    mem_free(factor);
    mem_free(runs);
    return status;
}
