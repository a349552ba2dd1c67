/* SGD with heavy-ball momentum and weight decay, one pass over the parameters. */
#ifndef RELIN_TRAIN_OPTIMISER_H
#define RELIN_TRAIN_OPTIMISER_H

#include <stddef.h>

#include "math/real.h"

/* v = momentum*v + gradient + decay*theta;  theta -= lr*v;  delta = theta - base.
 * velocity may be NULL where momentum is 0 (then v = gradient + decay*theta);
 * delta and base may be NULL together. Same arithmetic, bit for bit, with and without them. */
void optimiser_update(size_t n, real lr, real momentum, real decay, const real *gradient,
                      real *velocity, real *theta, const real *base, real *delta);

#endif
