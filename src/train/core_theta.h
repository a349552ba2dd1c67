/* The empirical NTK of all training rows, as a matrix. Private to src/train.
 *
 *   Theta = Phi Phi^T (NC, NC), row i C + c for output c of input i   (method.md section 1)
 *
 * A layer with an op `ntk` gives its term from inner products (identity 5), another from its gradients of
 * single rows. Unlike ntk/gram.h only the sum over the layers is kept, and in the precision of training. */
#ifndef RELIN_TRAIN_CORE_THETA_H
#define RELIN_TRAIN_CORE_THETA_H

#include "train/trainer.h"

/* Fills kernel (NC, NC), both triangles, and f (N, C), the outputs at theta. budget: bytes of activations
 * and rows, 0 for 256 MiB; what does not fit is computed in blocks, up to about twice. Returns 0, or -1 with
 * *err filled. */
int theta_form(const struct problem *problem, const real *theta, size_t budget, real *kernel, real *f,
               struct error *err);

/* Bytes theta_form holds at most without a budget, kernel included. */
double theta_bytes(const struct problem *problem);

#endif
