/* What every program does with the jobs of a sweep before one runs, on a set that needs no file. */
#ifndef RELIN_TESTS_FUZZ_JOBS_H
#define RELIN_TESTS_FUZZ_JOBS_H

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "fuzz.h"
#include "sweep/sweep.h"

enum { FUZZ_MOST_CELLS = 400, FUZZ_MOST_JOBS = 6 };

static inline struct dataset fuzz_set(const struct job *job, bool images)
{
    struct dataset set = {.outputs = 10, .task = job->data.task, .n_dims = images ? 3 : 1, .shape = {8, 0, 0}};
    if (images)
        memcpy(set.shape, (size_t[]){3, 32, 32}, sizeof set.shape);
    size_t features = images ? 3 * 32 * 32 : 8;
    set.train = (struct data_pool){.rows = 5000, .features = features, .bytes = images};
    set.test = (struct data_pool){.rows = 1000, .features = features, .bytes = images};
    return set;
}

/* Predicted sizes are counted in double: they may be vast, not wrong. */
static inline void fuzz_job(struct job *job)
{
    struct error err = {0};
    for (int images = 0; images < 2; images++) {
        struct dataset set = fuzz_set(job, images);
        struct job_cost cost;
        if (dataset_check_counts(&set, &job->data, &err) || job_check_network(job, &set, &err)) {
            FUZZ_CLAIM(err.code != ERROR_NONE && err.text[0]);
            continue;
        }
        job_plan_engine(job, &set);
        job_predict(job, &set, &cost);
        FUZZ_CLAIM(cost.flops >= 0 && cost.seconds >= 0 && cost.bytes >= 0);
        FUZZ_CLAIM(job_engine_name(job)[0]);
    }
}

/* A job's text says all of it: read again it is the same. */
static inline void fuzz_job_again(const struct job *job)
{
    struct job again;
    struct error err = {0};
    if (job_parse(&again, job->text, &err)) {
        fprintf(stderr, "%s\n%s\n", job->text, err.text);
        FUZZ_CLAIM(!"a job's own text is read");
    }
    FUZZ_CLAIM(strcmp(again.text, job->text) == 0 && strcmp(again.id, job->id) == 0);
    job_free(&again);
}

static inline void fuzz_sweep(const uint8_t *text, size_t size, const char *const *overrides, size_t n)
{
    struct sweep sweep;
    struct error err = {0};
    size_t held = mem_in_use();
    sweep_most_cells = FUZZ_MOST_CELLS;
    if (sweep_load(&sweep, fuzz_file(text, size), overrides, n, &err)) {
        FUZZ_CLAIM(err.code == ERROR_SWEEP && err.text[0] && memchr(err.text, 0, sizeof err.text));
    } else {
        FUZZ_CLAIM(sweep.n_jobs > 0);
        for (size_t i = 0; i < sweep.n_jobs && i < FUZZ_MOST_JOBS; i++) {
            char label[256];
            fuzz_job_again(&sweep.jobs[i]);
            job_label(&sweep.jobs[i], label, sizeof label);
            fuzz_job(&sweep.jobs[i]);
        }
    }
    sweep_free(&sweep);
    FUZZ_CLAIM(mem_in_use() == held);
}

#endif
