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

/* Compares every such variable of two results of one layout. tolerance 0: the same numbers
 * (any NaN equals any NaN); else |a-b| <= tolerance (1 + |a|). */
void compare_results(const struct result *stored, const struct result *again, double tolerance,
                     struct comparison *comparison);

#endif
