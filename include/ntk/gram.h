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
#include "ntk/plan.h"

struct error;

struct gram;

/* For kernels of a network on x (n, inputs), both borrowed until destroyed. Holds the working memory. budget: bytes
 * of it, 0 for GRAM_BUDGET. Returns NULL with *err filled on failure. The caller destroys; destroy accepts NULL. */
struct gram *gram_create(const struct network *net, enum kernel_mode mode, size_t budget, const double *x, size_t n,
                         struct error *err);
void gram_destroy(struct gram *gram);

/* At theta: kernel (side, side), overwritten, symmetric. layer_kernels, overwritten:
 * n_parameterised blocks (side, side) of the layers' own terms (their sum is kernel). activations: per
 * parameterised layer l the Gram matrix Y Y^T (n, n) of its outputs after the layers without parameters that
 * follow (of the last: f), or NULL. */
void gram_compute(struct gram *gram, const double *theta, double *kernel, double *layer_kernels, double *activations);

#endif
