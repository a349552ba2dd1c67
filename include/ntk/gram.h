/* The empirical NTK of a network on a set of inputs. Always in double.
 *
 *   Theta_cc'(x, x') = sum_l <df_c(x)/dtheta_l, df_c'(x')/dtheta_l>
 * A layer with an op `ntk` (nn/layer.h) gives its term without a Jacobian (method.md section 2, identity
 * 5), from inner products of its inputs and of the back-propagated deltas. Of any other layer the gradients
 * of single inputs and outputs are rows of a matrix, a block at a time, and the term is its Gram matrix.
 * Modes: ntk/spec.h. The 1/C of trace matches neural-tangents' default trace_axes=(-1,). */
#ifndef RELIN_NTK_GRAM_H
#define RELIN_NTK_GRAM_H

#include <stddef.h>

#include "nn/network.h"
#include "ntk/spec.h"

struct error;

/* Working memory of a kernel besides its matrices: activations and rows of a block. Where not everything
 * fits, blocks are computed several times, up to about twice; it is exceeded only where one input needs more. */
enum { GRAM_BUDGET = 512 * 1024 * 1024 };

/* Rows of the kernel: n, or n*outputs in full mode. */
size_t gram_side(enum kernel_mode mode, size_t n, size_t outputs);

/* kernel (side, side), overwritten, symmetric. layer_kernels: n_parameterised blocks (side, side) of the
 * layers' own terms (their sum is kernel), or NULL. activations: per parameterised layer l the Gram matrix
 * Y Y^T (n, n) of its outputs after the layers without parameters that follow (of the last: f), or NULL.
 * budget: bytes of working memory, 0 for GRAM_BUDGET. Returns 0, or -1 with *err filled. */
int gram_ntk(const struct network *net, enum kernel_mode mode, size_t budget, const double *theta,
             const double *x, size_t n, double *kernel, double *layer_kernels, double *activations,
             struct error *err);

#endif
