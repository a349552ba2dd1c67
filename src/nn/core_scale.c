/* y = a x: the scale of a residual branch; with a skip, its addition. */
#include <string.h>

#include "nn/layer.h"

static unsigned scale_uses(const struct layer *l)
{
    (void)l;
    return 0;
}

static void multiply(const struct layer *l, size_t count, const real *in, real *out)
{
    real a = (real)l->scale;
    for (size_t i = 0; i < count; i++)
        out[i] = a * in[i];
}

static void scale_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    (void)parameters;
    multiply(l, n * l->outputs, x, y);
}

static void scale_vjp(const struct layer *l, const real *parameters, const real *x, const real *y, size_t n,
                      const real *dy, real *dx, real *gradient)
{
    (void)parameters, (void)x, (void)y, (void)gradient;
    if (dx)
        multiply(l, n * l->outputs, dy, dx);
}

static void scale_jvp(const struct layer *l, const real *parameters, const real *x, const real *y, size_t n,
                      const real *tx, const real *tangent, real *ty)
{
    (void)parameters, (void)x, (void)y, (void)tangent;
    if (tx)
        multiply(l, n * l->outputs, tx, ty);
    else
        memset(ty, 0, n * l->outputs * sizeof *ty);
}

const struct layer_ops layer_scale = {
    .name = "scale",
    .uses = scale_uses,
    .forward = scale_forward,
    .vjp = scale_vjp,
    .jvp = scale_jvp,
};
