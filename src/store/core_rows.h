/* Rows of a data set as a network of either precision sees them, as double. Private to the store. */
#ifndef RELIN_STORE_CORE_ROWS_H
#define RELIN_STORE_CORE_ROWS_H

#include "data/split.h"

struct error;

/* x (n, features), overwritten: rows first..first+n-1 of a part, rounded to the precision. Return 0,
 * or -1 with *err filled. */
int trace_inputs_single(const struct split *split, enum data_part part, size_t first, size_t n, double *x,
                        struct error *err);
int trace_inputs_double(const struct split *split, enum data_part part, size_t first, size_t n, double *x,
                        struct error *err);
/* y (n, outputs), overwritten. */
int trace_targets_single(const struct split *split, enum data_part part, size_t first, size_t n, double *y,
                         struct error *err);
int trace_targets_double(const struct split *split, enum data_part part, size_t first, size_t n, double *y,
                         struct error *err);

#endif
