/* When in a run the metric is read, so that runs can be compared at equal steps, at equal training loss, at equal
 * feature updates, or each where its validation was best. A curve is known at its evaluations only, so a moment is
 * one of these:
 *
 *   step=N              the last evaluation not after step N
 *   train_loss=X        the first one at which the training loss of f_lin is X or less
 *   feature_updates=N   the last one with at most N feature updates before it, of runs that have N of them
 *   best=METRIC         the one with the best validation_loss or validation_accuracy of f_lin, the first of equals
 *
 * Read-outs at step t come before the refresh due at t (method.md section 1): with constant K the evaluation at step t
 * has ceil(t/K) - 1 updates before it, and N updates reach to step K(N + 1). */
#ifndef RELIN_ANALYSIS_MOMENT_H
#define RELIN_ANALYSIS_MOMENT_H

#include "observe.h"

struct store_reader;
struct text;

/* "step=100" and so on. Returns 0, or -1 with *err filled. The moment borrows the text. */
int moment_parse(struct moment *moment, const char *text, struct error *err);
/* The same words again; nothing of MOMENT_END. */
void moment_write(const struct moment *moment, struct text *out);
/* " at training loss <= 0.1": what it means, behind a metric's name. */
void moment_describe(const struct moment *moment, struct text *out);

/* Chooses an evaluation of each job: fills evaluation, at, unreached; `updates` becomes those before it, and `diverged`
 * what was so by then. Does nothing at MOMENT_END. Needs status, axes and updates of the new observations. Returns
 * 0, or -1 with *err filled: best= without a validation set. */
int moment_choose(const struct observations *o, const struct store_reader *reader, const struct moment *moment,
                  struct observation *new, size_t n, struct error *err);

/* One job's columns: evaluations, refreshes, and what decides (NULL: not read). */
struct moment_run {
    const double *steps, *refreshes, *curve;
    size_t width, refresh_width;
    bool constant;                         /* the period says when it refreshes */
    double period, done, updates;          /* steps done; updates: of the whole run */
};
/* The same for one observation, as it was read at the end, and a step: for those who look at many. */
void moment_at_step(const struct moment_run *run, double step, struct observation *x);

#endif
