/* Kernel regression from the training half of a probe to its test half: what a model can predict that is
 * linear in the features of the snapshot (the "after kernel").
 *
 *   f(x*) = ybar + K_*X (K_XX + rho I)^-1 (Y - ybar),   rho = ridge tr(K_XX)/m
 * ybar is the mean of the training targets, of each output by itself. In trace and sum-of-logits mode one n x n
 * kernel serves all outputs; in full mode the system is that of all inputs and outputs. */
#ifndef RELIN_NTK_REGRESSION_H
#define RELIN_NTK_REGRESSION_H

#include <stdbool.h>
#include <stddef.h>

struct error;

struct regression {
    size_t n_train, n_test, outputs;
    bool full;                /* kernel rows are i*outputs + c, else i */
    bool classes;             /* targets are one-hot: there is an accuracy */
    double ridge;
    const double *y;          /* (n_train + n_test, outputs), training rows first */
};

/* kernel: of all rows, training first, ((n_train + n_test) per)^2. loss: half-MSE of the test half,
 * 1/(2 n_test) sum (f - y)^2; accuracy: 0 to 1. Both NaN where a half is empty or K_XX + rho I is not positive
 * definite to rounding; accuracy NaN too unless `classes`. scratch: room for a training block of the kernel.
 * Returns 0, or -1 with *err filled. */
int regression_score(const struct regression *regression, const double *kernel, double *scratch, double *loss,
                     double *accuracy, struct error *err);

#endif
