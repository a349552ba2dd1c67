/* Rows of a data set as the network sees them, in working precision. */
#ifndef RELIN_DATA_GATHER_H
#define RELIN_DATA_GATHER_H

#include "data/split.h"
#include "math/real.h"

/* x (n, features), overwritten: normalised inputs of n rows of a part. index holds
 * positions within the part; NULL stands for first, first+1, ... */
void gather_inputs(const struct split *split, enum data_part part, const size_t *index,
                   size_t first, size_t n, real *x);

/* The same of training rows as step `step` sees them, shifted and flipped by augment (data/augment.h);
 * pixels from outside the image are 0 after normalisation, so the channel's mean. The bits hang on seed
 * (training.seeds.augment), step and the row's position in the training subset alone: not on K, the
 * batch's other rows, or threads. Images only. */
void gather_augmented(const struct split *split, const struct augmentation *augment, const size_t *index,
                      size_t first, size_t n, uint64_t seed, int64_t step, real *x);

/* y (n, outputs), overwritten: one-hot classes or regression targets; of
 * training rows with label noise, where there is some. */
void gather_targets(const struct split *split, enum data_part part, const size_t *index,
                    size_t first, size_t n, real *y);

#endif
