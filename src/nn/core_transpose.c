/* Images as data sets have them to images as networks have them:
 * x (n, channels, height, width), y (n, height, width, channels), the same numbers. */
#include <string.h>

#include "nn/layer.h"

/* b (n, columns, rows) = a (n, rows, columns), each of the n turned over. */
static void transpose(size_t n, size_t rows, size_t columns, const real *a, real *b)
{
    for (size_t i = 0; i < n; i++, a += rows * columns, b += rows * columns)
        for (size_t c = 0; c < columns; c++)
            for (size_t r = 0; r < rows; r++)
                b[c * rows + r] = a[r * columns + c];
}

static unsigned transpose_uses(const struct layer *l)
{
    (void)l;
    return 0;
}

static void transpose_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    (void)parameters;
    transpose(n, l->in.channels, l->in.height * l->in.width, x, y);
}

static void transpose_vjp(const struct layer *l, const real *parameters, const real *x, const real *y,
                          size_t n, const real *dy, real *dx, real *gradient)
{
    (void)parameters, (void)x, (void)y, (void)gradient;
    if (dx)
        transpose(n, l->in.height * l->in.width, l->in.channels, dy, dx);
}

static void transpose_jvp(const struct layer *l, const real *parameters, const real *x, const real *y,
                          size_t n, const real *tx, const real *tangent, real *ty)
{
    (void)x, (void)y, (void)tangent;
    if (tx)
        transpose_forward(l, parameters, tx, n, ty);
    else
        memset(ty, 0, n * l->outputs * sizeof *ty);
}

const struct layer_ops layer_transpose = {
    .name = "transpose",
    .uses = transpose_uses,
    .forward = transpose_forward,
    .vjp = transpose_vjp,
    .jvp = transpose_jvp,
};
