/* What happens at refreshes (method.md section 5, per refresh): at most layout.refresh of a run's
 * refreshes, log-spaced, are recorded; where only the run will tell how many there are, log-spaced among the
 * most there can be. Private to src/sweep/core_*.c. */
#ifndef RELIN_SWEEP_CORE_REFRESH_H
#define RELIN_SWEEP_CORE_REFRESH_H

#include "base/checkpoint.h"
#include "sweep/job.h"
#include "sweep/result.h"
#include "train/trainer.h"

struct refresh_log {
    const struct problem *problem;
    const struct job *job;
    struct result *result;
    int64_t *numbers;        /* the recorded refreshes, 0 is a run's first */
    int64_t n, written;
    int64_t seen;            /* refreshes so far: the number of the current segment */
    int64_t segment;         /* step at which it began */
    double solver_iterations, solver_residual;   /* of the last step; NaN where none is solved for */
    real *start;             /* (P) theta_s of the segment, where a moment does not carry it: K = 1 */
    real *targets, *f_lin, *f, *f_start;   /* (train, outputs) */
};

/* Zero-initialise; destroy also after a failure. Returns 0, or -1 with *err filled. */
int refresh_log_create(struct refresh_log *log, const struct problem *problem, const struct job *job,
                       struct result *result, struct error *err);
void refresh_log_destroy(struct refresh_log *log);
/* At every moment of training. */
void refresh_log_moment(struct refresh_log *log, const struct moment *moment);
/* After every step. */
void refresh_log_step(struct refresh_log *log, const struct step_record *record);
/* Writes or reads how far it is. */
void refresh_log_carry(struct refresh_log *log, struct checkpoint *c);
/* Before every refresh. Returns 0, or -1 with *err filled. */
int refresh_log_record(struct refresh_log *log, const struct moment *moment, struct error *err);

#endif
