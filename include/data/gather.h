/* Rows of a data set as the network sees them, in working precision. */
#ifndef RELIN_DATA_GATHER_H
#define RELIN_DATA_GATHER_H

#include "data/split.h"
#include "math/real.h"

/* x (n, features), overwritten: normalised inputs of n rows of a part. index holds
 * positions within the part; NULL stands for first, first+1, ... */
void gather_inputs(const struct split *split, enum data_part part, const size_t *index,
                   size_t first, size_t n, real *x);

/* y (n, outputs), overwritten: one-hot classes or regression targets. */
void gather_targets(const struct split *split, enum data_part part, const size_t *index,
                    size_t first, size_t n, real *y);

#endif
