/* Dense layer. x (n, in), y (n, out), weight W (out, in) row-major, bias b (out):
 *
 *   forward   y  = s x W^T + c b
 *   vjp       dW = s dy^T x,  db = c sum_rows dy,  dx = s dy W
 *   jvp       ty = s (tx W^T + x tW^T) + c tb
 *   ntk       (s^2 <x, x'> + c^2) <dy, dy'>                       (method.md section 2, identity 5)
 *
 * s = weight_scale, c = bias_scale: both 1 in the standard parameterisation. */
#include <string.h>

#include "math/blas.h"
#include "nn/draw_normal.h"
#include "nn/layer.h"

static const real *bias_of(const struct layer *l, const real *parameters)
{
    return parameters + l->outputs * l->inputs;
}

static unsigned dense_uses(const struct layer *l)
{
    (void)l;
    return LAYER_USES_INPUT;
}

static void dense_init(const struct layer *l, uint64_t seed, uint64_t tensor, real *parameters)
{
    size_t weights = l->outputs * l->inputs;
    draw_normal(seed, tensor, l->init_weight, weights, parameters);
    if (l->bias)
        draw_normal(seed, tensor + 1, l->init_bias, l->outputs, parameters + weights);
}

/* y (n, out): every row c*b, for products that add to it. */
static void fill_bias(const struct layer *l, const real *bias, size_t n, real *y)
{
    real c = (real)l->bias_scale;
    for (size_t j = 0; j < l->outputs; j++)
        y[j] = c * bias[j];
    for (size_t i = 1; i < n; i++)
        memcpy(y + i * l->outputs, y, l->outputs * sizeof *y);
}

static void dense_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    if (l->bias && n > 0)
        fill_bias(l, bias_of(l, parameters), n, y);
    blas_gemm(false, true, n, l->outputs, l->inputs, (real)l->weight_scale, x, l->inputs,
              parameters, l->inputs, l->bias ? 1 : 0, y, l->outputs);
}

static void dense_vjp(const struct layer *l, const real *parameters, const real *x, const real *y,
                      size_t n, const real *dy, real *dx, real *gradient)
{
    (void)y;
    if (gradient) {
        blas_gemm(true, false, l->outputs, l->inputs, n, (real)l->weight_scale, dy, l->outputs,
                  x, l->inputs, 0, gradient, l->inputs);
        if (l->bias) {
            real *db = gradient + l->outputs * l->inputs, c = (real)l->bias_scale;
            memset(db, 0, l->outputs * sizeof *db);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < l->outputs; j++)
                    db[j] += dy[i * l->outputs + j];
            for (size_t j = 0; j < l->outputs; j++)
                db[j] *= c;
        }
    }
    if (dx)
        blas_gemm(false, false, n, l->inputs, l->outputs, (real)l->weight_scale, dy, l->outputs,
                  parameters, l->inputs, 0, dx, l->inputs);
}

static void dense_jvp(const struct layer *l, const real *parameters, const real *x, const real *y,
                      size_t n, const real *tx, const real *tangent, real *ty)
{
    (void)y;
    dense_forward(l, tangent, x, n, ty);
    if (tx)
        blas_gemm(false, true, n, l->outputs, l->inputs, (real)l->weight_scale, tx, l->inputs,
                  parameters, l->inputs, 1, ty, l->outputs);
}

static void dense_ntk(const struct layer *l, size_t count, const real *inputs, const real *deltas, real *term)
{
    real a = (real)(l->weight_scale * l->weight_scale), b = l->bias ? (real)(l->bias_scale * l->bias_scale) : 0;
    for (size_t i = 0; i < count; i++)
        term[i] = (a * inputs[i] + b) * deltas[i];
}

const struct layer_ops layer_dense = {
    .name = "dense",
    .uses = dense_uses,
    .init = dense_init,
    .forward = dense_forward,
    .vjp = dense_vjp,
    .jvp = dense_jvp,
    .ntk = dense_ntk,
};
