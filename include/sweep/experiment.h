/* Runs one job: data, network, trainer, evaluations and kernels -> numbers. Serial C, no MPI, no HDF5. */
#ifndef RELIN_SWEEP_EXPERIMENT_H
#define RELIN_SWEEP_EXPERIMENT_H

#include "data/split.h"
#include "sweep/job.h"
#include "sweep/result.h"

/* Where a run keeps its state, so that it can be stopped and go on to the same bits (base/checkpoint.h). */
struct checkpoint;
struct experiment_checkpoint {
    const char *path;                   /* read at the start where it is there and fits; left at the end */
    double interval;                    /* seconds between two written states, or 128 times what the last took, if more */
    bool (*stops)(void *context);       /* asked between steps: write, and end quietly (outcome "stopped")? May be NULL */
    void *context;
    /* Not NULL: *held is the state of a moment ago, gathered in memory, for checkpoint_rescue where the run cannot be
       waited for; NULL before the first and after the last. Gathering takes 1/500 of the time */
    struct checkpoint *volatile *held;
    volatile double *slowest;           /* raised to the seconds that a writing took; may be NULL */
};

/* What an onlooker of a run may want; every function may be NULL. Reals come as double, and pointers are
 * valid during the call only. A non-zero answer ends the run: negative as an error, positive quietly
 * (outcome "stopped"). Order: start; then for t = 0..T snapshot and layers of t before step of t; finish
 * after the last, unless the run diverged. */
struct experiment_observer {
    void *context;
    int (*start)(void *context, const struct network_spec *spec, const struct tensor *tensors, size_t n_tensors,
                 const struct split *split, const double *theta_0, size_t n_parameters);
    /* step t, just done: loss is that before it, lr the eta it took; batch: positions in the training
       subset, NULL for the full batch */
    int (*step)(void *context, int64_t step, const size_t *batch, size_t batch_size, double lr,
                bool refresh, double loss);
    /* t = at_step, before the step: theta and the probe's values at every layer boundary (probe, features) */
    int64_t at_step;
    int (*layers)(void *context, const double *theta, size_t n_boundaries, const size_t *features,
                  const double *const *values, size_t probe);
    int (*snapshot)(void *context, int64_t step, const double *kernel, size_t probe);
    int (*finish)(void *context, const double *theta, size_t n_parameters,
                  const double *train_f, const double *train_f_lin,
                  const double *test_f, const double *test_f_lin);
    volatile int64_t *steps_done;       /* for progress and ETA; may be NULL */
    const struct experiment_checkpoint *checkpoint;   /* NULL: none. A run that goes on shows what comes after only */
};

/* Runs a job with the calling process's BLAS threads setting and memory high-water mark. result: bound
 * and cleared by the caller; observer may be NULL. Fills the result's variables of writer ROWS and those of
 * RECORD that belong to the numbers (scores, outcome, error, engine, flops, steps_done, learning_rate,
 * lambda_max_initial, max_rss_bytes, threads, blas_core). Diverged is an outcome: 0. Returns 0, or -1 with
 * *err filled. */
int experiment_run(const struct job *job, const struct dataset *set, struct result *result,
                   const struct experiment_observer *observer, struct error *err);

#endif
