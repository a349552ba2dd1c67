#include "train/optimiser.h"

#include "math/wide.h"

WIDE void optimiser_update(size_t n, real lr, real momentum, real decay, const real *restrict gradient,
                      real *restrict velocity, real *restrict theta, const real *restrict base,
                      real *restrict delta)
{
    /* One pass, because the step is bound by memory here. Four loops of the same arithmetic,
     * so that each vectorises; contraction to fused multiply-adds is off in every build. */
    if (velocity && delta) {
        for (size_t i = 0; i < n; i++) {
            velocity[i] = momentum * velocity[i] + (gradient[i] + decay * theta[i]);
            theta[i] -= lr * velocity[i];
            delta[i] = theta[i] - base[i];
        }
    } else if (velocity) {
        for (size_t i = 0; i < n; i++) {
            velocity[i] = momentum * velocity[i] + (gradient[i] + decay * theta[i]);
            theta[i] -= lr * velocity[i];
        }
    } else if (delta) {
        for (size_t i = 0; i < n; i++) {
            theta[i] -= lr * (gradient[i] + decay * theta[i]);
            delta[i] = theta[i] - base[i];
        }
    } else {
        for (size_t i = 0; i < n; i++)
            theta[i] -= lr * (gradient[i] + decay * theta[i]);
    }
}
