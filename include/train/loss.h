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

/* The Hessian of a row's loss by f is S S^T (half-MSE: 1; cross-entropy: diag(p) - p p^T, p = softmax(f),
 * where S = diag(q) - p q^T with q = sqrt(p): S S^T = diag(p) - 2 p p^T + p (q.q) p^T, and q.q = 1).
 * p (n, outputs), overwritten, = softmax(f - f_0), f_0 NULL: 0. p may be f. */
void loss_softmax(size_t n, size_t outputs, const real *f, const real *f_0, real *p);
/* u (n, outputs), overwritten, = S v, by rows. p NULL: S = 1, half-MSE. */
void loss_factor(size_t n, size_t outputs, const real *p, const double *v, real *u);
/* v (n, outputs), overwritten, = S^T w. */
void loss_factor_transposed(size_t n, size_t outputs, const real *p, const real *w, double *v);

#endif
