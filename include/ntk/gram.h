/* The empirical NTK of a dense network on a set of inputs, without a Jacobian
 * (method.md section 2, identity 5). Always in double.
 *
 *   Theta(x, x') = (1/C) sum_c Theta_cc(x, x')                          (trace mode)
 *   Theta_cc     = sum_l (a_l A_{l-1} A_{l-1}^T + b_l) o (Delta_l^c Delta_l^cT)
 * with A activations (n, fan_in), Delta^c derivatives of output c by layer l's own output;
 * a = weight_scale^2, b = bias_scale^2 (0 without bias). The 1/C matches
 * neural-tangents' default trace_axes=(-1,). */
#ifndef RELIN_NTK_GRAM_H
#define RELIN_NTK_GRAM_H

#include <stddef.h>

#include "nn/network.h"

struct error;

/* kernel (n, n), overwritten, symmetric. layer_kernels: n_parameterised blocks (n, n) of the layers'
 * own terms (their sum is kernel), or NULL. activations: per parameterised layer l the Gram matrix
 * Y Y^T (n, n) of its outputs after the activation that follows (the last: f itself), or NULL.
 * Returns 0, or -1 with *err filled. */
int gram_ntk(const struct network *net, const double *theta, const double *x, size_t n,
             double *kernel, double *layer_kernels, double *activations, struct error *err);

#endif
