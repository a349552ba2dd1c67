/* Initial values of one parameter tensor, shared by the layers that have parameters. */
#ifndef RELIN_NN_DRAW_NORMAL_H
#define RELIN_NN_DRAW_NORMAL_H

#include <string.h>

#include "base/random.h"
#include "math/real.h"

/* x (n), overwritten: normal with a standard deviation, from the tensor's substream of the seed. */
static inline void draw_normal(uint64_t seed, uint64_t tensor, double deviation, size_t n, real *x)
{
    struct random r;
    if (deviation == 0) {   /* and not the -0 that products with 0 would give */
        memset(x, 0, n * sizeof *x);
        return;
    }
    random_start(&r, seed, RANDOM_INIT, tensor);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(deviation * random_normal(&r));
}

#endif
