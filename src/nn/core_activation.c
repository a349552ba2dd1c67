/* Activations, element by element: y = phi(x), dx = phi'(x) dy, ty = phi'(x) tx.
 *
 *   relu  max(x, 0), phi'(0) = 0          tanh  phi' = 1 - y^2
 *   erf   erf(x), phi' = 2/sqrt(pi) exp(-x^2)
 *   gelu  x Phi(x), phi' = Phi(x) + x exp(-x^2/2)/sqrt(2 pi), Phi the normal distribution */
#include <string.h>

#include "math/wide.h"
#include "nn/layer.h"
#include "nn/vector_functions.h"

static const real TWO_OVER_SQRT_PI = (real)1.1283791670955126;
static const real SQRT_HALF = (real)0.7071067811865476;
static const real ONE_OVER_SQRT_2PI = (real)0.3989422804014327;

static real normal_distribution(real x) { return (real)0.5 * (1 + ERF(x * SQRT_HALF)); }

/* The derivatives, from x or from y, whichever is cheaper. */
static real tanh_slope(real y) { return 1 - y * y; }
static real erf_slope(real x) { return TWO_OVER_SQRT_PI * EXP(-x * x); }
static real gelu_slope(real x)
{
    return normal_distribution(x) + x * ONE_OVER_SQRT_2PI * EXP((real)-0.5 * x * x);
}

/* Written so that NaN stays NaN: a diverged run must show. */
WIDE static void rectify(size_t count, const real *x, real *y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

WIDE static void rectify_slope(size_t count, const real *y, const real *in, real *out)
{
    for (size_t i = 0; i < count; i++) {
        real slope_one = in[i];   /* read in any case: no branch to mispredict on every other unit */
        out[i] = y[i] > 0 ? slope_one : 0;
    }
}

static unsigned activation_uses(const struct layer *l)
{
    return l->activation == ACTIVATION_RELU || l->activation == ACTIVATION_TANH ? LAYER_USES_OUTPUT
                                                                                : LAYER_USES_INPUT;
}

static void activation_forward(const struct layer *l, const real *parameters, const real *x, size_t n,
                               real *y)
{
    (void)parameters;
    size_t count = n * l->outputs;
    switch (l->activation) {
    case ACTIVATION_RELU:
        rectify(count, x, y);
        break;
    case ACTIVATION_TANH:
        for (size_t i = 0; i < count; i++)
            y[i] = TANH(x[i]);
        break;
    case ACTIVATION_ERF:
        for (size_t i = 0; i < count; i++)
            y[i] = ERF(x[i]);
        break;
    case ACTIVATION_GELU:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * normal_distribution(x[i]);
        break;
    }
}

/* out = phi' * in, the same product for vjp and jvp. */
static void multiply_slope(const struct layer *l, const real *x, const real *y, size_t count,
                           const real *in, real *out)
{
    switch (l->activation) {
    case ACTIVATION_RELU:
        rectify_slope(count, y, in, out);
        break;
    case ACTIVATION_TANH:
        for (size_t i = 0; i < count; i++)
            out[i] = tanh_slope(y[i]) * in[i];
        break;
    case ACTIVATION_ERF:
        for (size_t i = 0; i < count; i++)
            out[i] = erf_slope(x[i]) * in[i];
        break;
    case ACTIVATION_GELU:
        for (size_t i = 0; i < count; i++)
            out[i] = gelu_slope(x[i]) * in[i];
        break;
    }
}

static void activation_vjp(const struct layer *l, const real *parameters, const real *x, const real *y,
                           size_t n, const real *dy, real *dx, real *gradient)
{
    (void)parameters;
    (void)gradient;
    if (dx)
        multiply_slope(l, x, y, n * l->outputs, dy, dx);
}

static void activation_jvp(const struct layer *l, const real *parameters, const real *x, const real *y,
                           size_t n, const real *tx, const real *tangent, real *ty)
{
    (void)parameters;
    (void)tangent;
    if (tx)
        multiply_slope(l, x, y, n * l->outputs, tx, ty);
    else
        memset(ty, 0, n * l->outputs * sizeof *ty);
}

const struct layer_ops layer_activation = {
    .name = "activation",
    .uses = activation_uses,
    .forward = activation_forward,
    .vjp = activation_vjp,
    .jvp = activation_jvp,
};
