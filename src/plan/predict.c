#include "plan/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "sweep/fit.h"
#include "sweep/sweep.h"

static int longest_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x > y ? -1 : x < y;
}

static double pool_bytes(const struct data_pool *pool, size_t outputs)
{
    double value = pool->bytes ? 1 : sizeof(float);
    return (double)pool->rows * ((double)pool->features * value + (double)outputs * sizeof(float));
}

/* Jobs of one data specification stand together mostly: a set is kept until another is wanted. */
struct current {
    struct dataset set;
    struct text identity;        /* of the set; empty: none */
};

/* 1: loaded now, 0: it was there, or what is wrong with it was noted; -1 with *err filled. */
static int want(struct current *current, const struct job *job, const char *data_root, struct fit *fit, struct error *err)
{
    struct text identity = {0};
    dataset_identity(&job->data, &identity);
    if (current->identity.chars && strcmp(current->identity.chars, identity.chars) == 0) {
        text_free(&identity);
        return 0;
    }
    dataset_close(&current->set);
    text_free(&current->identity);
    current->set = (struct dataset){0};
    current->identity = identity;
    if (dataset_load(&current->set, &job->data, data_root, err))
        return fit_note(fit, job, err);
    return 1;
}

static int predict(struct sweep *sweep, const char *data_root, struct job_cost *cost, struct sweep_cost *all,
                   struct fit *fit, struct error *err)
{
    struct current current = {0};
    int loaded = 0;
    for (size_t i = 0; i < sweep->n_jobs && loaded >= 0; i++) {
        struct job *job = &sweep->jobs[i];
        bool program = job->training.trainer == TRAINER_COMMAND;   /* reads its data itself */
        loaded = program ? 0 : want(&current, job, data_root, fit, err);
        if (loaded > 0)
            all->data_bytes += pool_bytes(&current.set.train, current.set.outputs)
                               + pool_bytes(&current.set.test, current.set.outputs);
        if (loaded >= 0 && (program || (current.set.outputs && fit_job(fit, job, &current.set)))) {
            job_plan_engine(job, &current.set);
            job_predict(job, &current.set, &cost[i]);
            all->seconds[i] = cost[i].seconds;
            all->bytes = fmax(all->bytes, cost[i].bytes);
        }
        if ((size_t)job->training.threads > all->threads)
            all->threads = (size_t)job->training.threads;
    }
    dataset_close(&current.set);
    text_free(&current.identity);
    return loaded < 0 ? -1 : 0;
}

int predict_sweep(struct sweep *sweep, const char *data_root, struct job_cost *cost, struct sweep_cost *sum,
                  struct error *err)
{
    struct sweep_cost all = {.threads = 1};
    all.seconds = mem_alloc(sweep->n_jobs, sizeof *all.seconds, err);
    struct fit *fit = all.seconds ? fit_begin(sweep, err) : NULL;
    int status = fit ? predict(sweep, data_root, cost, &all, fit, err) : -1;
    if (fit && fit_end(fit, status == 0 ? err : NULL))
        status = -1;
    if (!status)
        qsort(all.seconds, sweep->n_jobs, sizeof *all.seconds, longest_first);
    if (status || !sum) {
        mem_free(all.seconds);
        all.seconds = NULL;
    }
    if (sum)
        *sum = all;
    return status;
}
