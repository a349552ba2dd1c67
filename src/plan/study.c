#include "plan/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "plan/plan.h"
#include "plan/quantile.h"

const size_t study_threads[STUDY_THREADS] = {1, 2, 4, 8};
const char *const study_orders[STUDY_ORDERS] = {"longest first", "as in the file", "random"};
const double study_errors[STUDY_ERRORS] = {0, 0.1, 0.3, 1};

static const double BUSY = 0.9;
enum { WEAK_MOST_JOBS = 200000 };

static struct study_row row_of(const struct forecast *f, const struct allocation *a)
{
    return (struct study_row){.jobs = f->n, .workers = a->workers, .cores = a->cores ? a->cores : f->threads,
                              .makespan = a->makespan, .p95 = a->makespan_p95, .efficiency = a->efficiency,
                              .core_seconds = a->core_seconds};
}

static int simulate(const struct forecast *f, size_t workers, size_t cores, struct study_row *row, struct error *err)
{
    struct allocation a = {.workers = workers, .cores = cores};
    if (forecast_allocations(f, &a, 1, err))
        return -1;
    *row = row_of(f, &a);
    return 0;
}

/* --- scaling ------------------------------------------------------------------------ */

/* Powers of two, until twice the workers of P*. */
static int strong(struct study *s, const struct forecast *f, struct error *err)
{
    struct allocation a[STUDY_MOST];
    double most = forecast_saturation(f);
    for (size_t w = 1; s->n_strong < STUDY_MOST && (w == 1 || (double)w <= 2 * most); w *= 2)
        a[s->n_strong++] = (struct allocation){.workers = w};
    if (forecast_allocations(f, a, s->n_strong, err))
        return -1;
    s->base = 1;
    for (size_t i = 0; i < s->n_strong; i++) {
        s->strong[i] = row_of(f, &a[i]);
        if (a[i].efficiency >= BUSY)
            s->base = a[i].workers;
    }
    return 0;
}

/* Twice the seeds on twice the workers, and so on. */
static int weak(struct study *s, const struct plan *plan, struct error *err)
{
    struct forecast f;
    int status = forecast_make(&f, &plan->sweep, plan->cost, plan->all.data_bytes, plan->learned ? &plan->lessons : NULL, err);
    for (size_t w = s->base; !status && s->n_weak < STUDY_MOST; w *= 2) {
        status = simulate(&f, w, 0, &s->weak[s->n_weak++], err);
        if (2 * f.n > WEAK_MOST_JOBS)
            break;
        if (!status)
            status = forecast_repeat(&f, 2, err);
    }
    forecast_free(&f);
    return status;
}

/* --- threads ------------------------------------------------------------------------ */

static bool was_measured(const struct plan *plan, size_t threads)
{
    struct lesson lesson;
    for (size_t i = 0; i < plan->sweep.n_jobs && plan->learned; i++) {
        const struct job *job = &plan->sweep.jobs[i];
        if (lessons_find(&plan->lessons, job->network->name, job_engine_name(job), threads,
                         plan->cost[i].seconds / forecast_speedup(threads), &lesson) > LESSON_NETWORK)
            return false;
    }
    return plan->learned;
}

static int with_threads(struct plan *plan, size_t threads, const size_t cores[2], struct study_row *rows[2],
                        struct error *err)
{
    struct forecast f;
    for (size_t i = 0; i < plan->sweep.n_jobs; i++)
        plan->sweep.jobs[i].training.threads = (int)threads;
    int status = forecast_make(&f, &plan->sweep, plan->cost, plan->all.data_bytes, plan->learned ? &plan->lessons : NULL, err);
    for (size_t c = 0; c < 2 && !status; c++) {
        size_t workers = cores[c] / threads;
        status = simulate(&f, workers ? workers : 1, threads, rows[c], err);
        rows[c]->measured = was_measured(plan, threads);
    }
    forecast_free(&f);
    return status;
}

static int threads(struct study *s, struct plan *plan, struct error *err)
{
    size_t n = plan->sweep.n_jobs, past = 4;
    while ((double)past < 4 * forecast_saturation(&plan->forecast))
        past *= 2;
    const size_t cores[2] = {s->base, past};
    int *before = mem_alloc(n, sizeof *before, err);
    int status = before ? 0 : -1;
    for (size_t i = 0; before && i < n; i++)
        before[i] = (int)plan->sweep.jobs[i].training.threads;
    for (size_t t = 0; t < STUDY_THREADS && !status; t++) {
        struct study_row *rows[2] = {&s->threads[0][t], &s->threads[1][t]};
        status = with_threads(plan, study_threads[t], cores, rows, err);
    }
    for (size_t i = 0; before && i < n; i++)
        plan->sweep.jobs[i].training.threads = before[i];
    mem_free(before);
    return status;
}

/* --- orders ------------------------------------------------------------------------- */

/* Means over several shuffles, or over as many wrong predictions. error: NaN: any order. */
static int by_chance(const struct forecast *f, double error, size_t workers, size_t *order, double *key,
                     struct study_row *row, struct error *err)
{
    struct forecast other = *f;
    double rounds = error == 0 ? 1 : STUDY_SHUFFLES;
    struct study_row mean = {0};
    other.order = order;
    for (size_t r = 0; r < (size_t)rounds; r++) {
        struct random random;
        random_start(&random, 1, RANDOM_PLAN, r);
        for (size_t i = 0; i < f->n; i++)
            key[i] = isnan(error) ? random_uniform(&random) : log(f->jobs[i].seconds) + error * random_normal(&random);
        order_largest_first(key, f->n, order);
        if (simulate(&other, workers, 0, row, err))
            return -1;
        mean.makespan += row->makespan / rounds;
        mean.p95 += row->p95 / rounds;
        mean.efficiency += row->efficiency / rounds;
        mean.core_seconds += row->core_seconds / rounds;
    }
    row->makespan = mean.makespan;
    row->p95 = mean.p95;
    row->efficiency = mean.efficiency;
    row->core_seconds = mean.core_seconds;
    return 0;
}

static int orders(struct study *s, const struct forecast *f, struct error *err)
{
    size_t *order = mem_alloc(f->n, sizeof *order, err);
    double *key = mem_alloc(f->n, sizeof *key, err), most = ceil(forecast_saturation(f));
    const size_t workers[2] = {s->base, most > 1 ? (size_t)most : 1};
    struct forecast as_listed = *f;
    int status = order && key ? 0 : -1;
    as_listed.order = order;
    for (size_t w = 0; w < 2 && !status; w++) {
        for (size_t i = 0; i < f->n; i++)
            order[i] = i;
        status = simulate(f, workers[w], 0, &s->order[w][0], err) || simulate(&as_listed, workers[w], 0, &s->order[w][1], err)
                 || by_chance(f, NAN, workers[w], order, key, &s->order[w][2], err) ? -1 : 0;
        for (size_t e = 0; e < STUDY_ERRORS && !status; e++)
            status = by_chance(f, study_errors[e], workers[w], order, key, &s->wrong[w][e], err);
    }
    mem_free(order);
    mem_free(key);
    return status;
}

int study_make(struct study *study, struct plan *plan, struct error *err)
{
    *study = (struct study){0};
    return strong(study, &plan->forecast, err) || weak(study, plan, err) || threads(study, plan, err)
           || orders(study, &plan->forecast, err) ? -1 : 0;
}
