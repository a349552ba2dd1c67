/* Convolutions of windows of 3 x 3 pixels and stride 1 with 16 products where 36 are written in their definition:
 * Winograd's F(2x2, 3x3), Lavin and Gray (arXiv:1509.09308). Shapes are those of core_convolution.c. */
#ifndef RELIN_NN_WINOGRAD_H
#define RELIN_NN_WINOGRAD_H

#include "nn/layer.h"

enum { WINOGRAD_MOST_SOURCES = 2 };

/* A pair that is convolved: x (n, inputs) with weight W. */
struct winograd_source {
    const real *x, *weight;
};

/* Is the layer such a convolution, and are channels and examples enough for the transforms to pay? */
bool winograd_pays(const struct layer *l, size_t n);

/* y (n, outputs) = s sum of the sources' convolutions + c bias, overwritten; bias (out.channels) or NULL. */
void winograd_forward(const struct layer *l, const struct winograd_source *sources, size_t n_sources,
                      const real *bias, size_t n, real *y);

/* Given dy (n, outputs): adds to dx (n, inputs) unless NULL; dW, overwritten, unless NULL. */
void winograd_vjp(const struct layer *l, const real *weight, const real *x, size_t n, const real *dy,
                  real *dx, real *dW);

#endif
