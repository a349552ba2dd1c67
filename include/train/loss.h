/* Losses. half-MSE: 1/(2n) sum (f-y)^2; cross-entropy: mean of -log softmax(f)[y]
 * (y one-hot rows). Sums are in double. */
#ifndef RELIN_TRAIN_LOSS_H
#define RELIN_TRAIN_LOSS_H

#include <stddef.h>

#include "math/real.h"
#include "train/spec.h"

/* Mean loss of f (n, outputs) against y (n, outputs). */
double loss_value(enum loss loss, size_t n, size_t outputs, const real *f, const real *y);

/* g (n, outputs), overwritten: derivative of loss_value by f. g may be f. */
void loss_gradient(enum loss loss, size_t n, size_t outputs, const real *f, const real *y, real *g);

/* Adds n rows' summed loss, and the count of rows whose largest output is the target's largest. */
void loss_sums(enum loss loss, size_t n, size_t outputs, const real *f, const real *y,
               double *loss_sum, double *correct);

#endif
