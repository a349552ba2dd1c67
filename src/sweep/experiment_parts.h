/* The parts of experiment_run; private to src/sweep/experiment*.c and core_experiment.c. */
#ifndef RELIN_SWEEP_EXPERIMENT_PARTS_H
#define RELIN_SWEEP_EXPERIMENT_PARTS_H

#include "base/error.h"
#include "base/hash.h"
#include "sweep/experiment.h"

struct checkpoint;
struct kernel_series;

/* A run's checkpoint. */
struct keeper {
    const struct experiment_checkpoint *options;   /* NULL: none is kept */
    char identity[512], job[HASH_HEX_SIZE];   /* whose state it is; the job's id, for the log */
    double worked;                       /* processor seconds when the last checkpoint began */
    double interval;                     /* in force: seconds from one written state to the next */
    double next_file, next_state;        /* clock_seconds() from which one is due, and to be gathered in memory */
    double begun;                        /* and when the last was */
    struct checkpoint *state;            /* as gathered last; NULL before */
    double looked;                       /* when the clock was last read, */
    int stride, skip;                    /* every how many steps it is, and how many are left */
    struct checkpoint *resume;           /* NULL: the run begins at its beginning */
};

struct experiment {
    const struct job *job;
    const struct split *split;
    struct result *result;
    const struct experiment_observer *observer;   /* never NULL */
    struct kernel_series *kernels;                /* NULL where no kernel is measured */
    struct keeper keeper;
};

/* Training in the job's precision: scores, curves, refreshes, outcome, and the kernels' moments.
 * Returns 0, or -1 with *err filled. */
int experiment_train_single(struct experiment *experiment, struct error *err);
int experiment_train_double(struct experiment *experiment, struct error *err);

/* --- its checkpoint --- */

/* Opens the file that is there, where it is of this job and program: else says why not in the log. */
void keeper_start(struct keeper *keeper, const struct experiment *experiment);
/* failure: of the run, or ERROR_NONE. */
void keeper_end(struct keeper *keeper, enum error_code failure);
/* Shall the run stop? */
bool keeper_stops(const struct keeper *keeper);
/* Is the state to be gathered now, and even to be written? */
enum keep { KEEP_NOTHING, KEEP_STATE, KEEP_FILE };
enum keep keeper_due(struct keeper *keeper);
/* Begins to gather it, NULL where it cannot, and ends it. A failure costs the checkpoint and a line in the log. */
struct checkpoint *keeper_begin(struct keeper *keeper);
void keeper_commit(struct keeper *keeper, enum keep what);

/* --- the kernels of one run as they are measured along it --- */

/* x (probe, features), y (probe, outputs): the probe, borrowed until destroyed. Returns the series,
 * or NULL with *err filled. */
struct kernel_series *kernel_series_create(const struct job *job, const struct split *split,
                                           const double *x, const double *y, struct result *result,
                                           const struct experiment_observer *observer, struct error *err);
void kernel_series_destroy(struct kernel_series *series);

/* Is anything measured at this step? Steps come in increasing order. */
bool kernel_series_due(const struct kernel_series *series, int64_t step);
/* The first step >= `step` at which something is measured; INT64_MAX where there is none. */
int64_t kernel_series_next(const struct kernel_series *series, int64_t step);
/* Must theta_s of this segment (its number) be handed over, or is its kernel known? Asked after
 * kernel_series_network of the same step. */
bool kernel_series_wants_linearised(const struct kernel_series *series, int64_t step, int64_t segment);
/* At a due step first the network at theta_t; eta of that step. Returns 0, a positive answer of the
 * observer, or -1 with *err filled. A kernel that is not finite ends the series, not the run. */
int kernel_series_network(struct kernel_series *series, int64_t step, double eta, const double *theta,
                          struct error *err);
/* Then the linear model: theta_s, or NULL where kernel_series_wants_linearised said no. */
int kernel_series_linearised(struct kernel_series *series, int64_t step, double eta, int64_t segment,
                             const double *theta_s, struct error *err);
/* Writes or reads what was measured so far, beside the result; then makes again what depends on theta_0 alone. */
void kernel_series_carry(struct kernel_series *series, struct checkpoint *c);
void kernel_series_restart(struct kernel_series *series, const double *theta_0);
/* Writes what is known at the end only: the path lengths of a run that was completed. */
void kernel_series_finish(struct kernel_series *series);

#endif
