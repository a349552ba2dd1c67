/* Metrics that are functions of a stored kernel, computed from the row that stores it: without training,
 * to the accuracy of the float32 in which it is stored.
 *
 * Not among them, because a row does not hold what they need: those of layers; those at theta_s, unless
 * the trained model is the network (K = 1, or the standard trainer); the condition number, whose smallest
 * eigenvalue float32 does not resolve; and what needs parameters: theta_T - theta_0 is kept in float32,
 * from which theta_T comes back but for its last bits. */
#ifndef RELIN_SWEEP_FROM_KERNEL_H
#define RELIN_SWEEP_FROM_KERNEL_H

#include <stdbool.h>

#include "data/dataset.h"
#include "sweep/job.h"
#include "sweep/result.h"

struct error;

/* Does a job's stored row hold what a variable needs? */
bool from_kernel_can(const struct job *job, const struct result *stored, enum variable_id id);
/* Must the data set be there, for its targets? */
bool from_kernel_needs_data(enum variable_id id);

/* Computes the variables marked in wanted (VAR_COUNT; each of them can) into result, which is bound to a
 * layout with room for them and may be the stored one's copy. set: may be NULL where no variable needs it.
 * Returns 0, or -1 with *err filled. */
int from_kernel_compute(const struct job *job, const struct dataset *set, const struct result *stored,
                        const unsigned char *wanted, struct result *result, struct error *err);

#endif
