/* One run of an experiment, shared by src/sweep/core_experiment.c and core_show.c. */
#ifndef RELIN_SWEEP_CORE_RUN_H
#define RELIN_SWEEP_CORE_RUN_H

#include "sweep/core_refresh.h"
#include "sweep/experiment_parts.h"
#include "train/products.h"

struct run {
    struct experiment *e;
    const struct experiment_observer *observer;
    const struct training_spec *spec;
    struct network *net;
    struct problem problem;
    real *theta, *theta_s, *theta_0;     /* (P); theta_0 only where training is centred */
    double *wide;                        /* (P) parameters in double, for kernels and observer */
    int64_t *eval_steps, n_evals, evaluated;
    struct refresh_log refreshes;
    bool settled;                        /* the learning rate is known: training has begun */
    struct products limit;               /* before it is: of the limit's Lanczos */
    struct error error;                  /* of a hook; what the trainer says of it is less */
};

/* Parameters in double: those themselves where the precision is, else a copy valid until the next call. */
static inline const double *widen(struct run *run, const real *parameters)
{
    if (sizeof(real) == sizeof(double))
        return (const double *)(const void *)parameters;
    for (size_t i = 0; i < run->net->n_parameters; i++)
        run->wide[i] = (double)parameters[i];
    return run->wide;
}

/* An observer's answer; it need not say why it refuses. */
static inline int heed(struct run *run, int answer)
{
    if (answer < 0 && run->error.code == ERROR_NONE)
        error_set(&run->error, ERROR_FILE, "the run was ended by its observer");
    return answer;
}

/* To the observer: the probe's values at every layer boundary; theta and the outputs at the end. Returns its answer,
 * or -1 with run->error filled. */
int run_show_layers(struct run *run, const struct moment *moment);
int run_show_end(struct run *run, const struct moment *moment);

#endif
