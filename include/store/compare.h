/* Do two results of the same job agree? For `relin verify`. */
#ifndef RELIN_STORE_COMPARE_H
#define RELIN_STORE_COMPARE_H

#include <stdbool.h>

#include "base/text.h"
#include "sweep/result.h"

struct comparison {
    size_t numbers, differing;        /* compared, and not equal within the tolerance */
    double largest;                   /* largest difference |a-b| / (1 + |a|) of any number */
    struct text report;               /* a line per variable that differs; the caller frees */
};

/* Is a variable decided by the job alone (and not by where, when and how fast it ran)? */
bool compare_is_result(enum variable_id id);

/* Relative to a variable's largest number: what numbers from kernels in float32 may differ by. */
#define KERNEL_TOLERANCE 1e-5

/* Compares every such variable that the stored result has; again has those too, in the same lengths. A
 * measurement (writer ROWS) of which the stored result has no number at all was not measured: left out.
 * tolerance 0: the same numbers (any NaN equals any NaN); else |a-b| <= tolerance (1 + |a|). from_kernel
 * (VAR_COUNT, or NULL) marks variables that were computed from stored kernels: within KERNEL_TOLERANCE. */
void compare_results(const struct result *stored, const struct result *again, double tolerance,
                     const unsigned char *from_kernel, struct comparison *comparison);

/* The same of a run that measured more: again may have longer axes and more variables, and numbers where
 * stored says that nothing was measured (NaN, -1, no snapshots). Evaluations are matched by their step.
 * merged, bound to again's layout, is overwritten: what was stored, and what again has beyond it; in place
 * of numbers from stored kernels it has again's. */
void compare_extend(const struct result *stored, const struct result *again, double tolerance,
                    const unsigned char *from_kernel, struct result *merged, struct comparison *comparison);

#endif
