/* Mistakes of a sweep that show only beside the data: rows that a pool does not have, layers that do not fit.
 * They are collected over all jobs and told at once, each at its key's place in the file. */
#ifndef RELIN_SWEEP_FIT_H
#define RELIN_SWEEP_FIT_H

#include "sweep/sweep.h"

struct fit;

/* Begins to look at the jobs of sweep, which must outlive it. Returns it, or NULL with *err filled. */
struct fit *fit_begin(const struct sweep *sweep, struct error *err);

/* Notes that the data set of a job could not be had. Returns 0, or -1 where *err is no mistake of the sweep
 * or its data and must be told by itself. */
int fit_note(struct fit *fit, const struct job *job, const struct error *err);

/* Do the job's row counts and network fit this set? Notes what does not. Returns whether all did. */
bool fit_job(struct fit *fit, const struct job *job, const struct dataset *set);

/* Frees. Returns 0, or -1 with all that was noted in *err, a line each: file:line:column: key: expected ..., got ... */
int fit_end(struct fit *fit, struct error *err);

#endif
