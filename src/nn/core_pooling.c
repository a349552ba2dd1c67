/* Pooling over windows, channel by channel. x (n, in.height, in.width, channels),
 * y (n, out.height, out.width, channels). Window 0 is the whole image, else square.
 *
 *   average   y = (sum of x in the window)/(pixels of the window, those outside the image too)
 *   max       y = the largest x in the window, never padding; a NaN in it wins, so that a diverged run shows.
 *             Its derivative goes to the first pixel that is the largest, line by line; of a window with a
 *             NaN to the first pixel. */
#include <assert.h>
#include <string.h>

#include "math/wide.h"
#include "nn/layer.h"

enum { CHUNK = 64 };   /* channels at a time, so that what is kept of each stays in the first cache */

/* What the window of one pixel of the outputs covers: its image begins at x[image], pixels are rows
 * top..bottom-1 by columns left..right-1, at least one. */
struct window {
    size_t image, top, bottom, left, right;
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static inline struct window window_of(const struct layer *l, size_t pixel)
{
    size_t p = l->padding, across = l->out.width, down = l->out.height;
    size_t image = pixel / (across * down) * l->inputs;
    if (l->window == 0)
        return (struct window){image, 0, l->in.height, 0, l->in.width};
    size_t y = pixel / across % down * l->stride, x = pixel % across * l->stride;   /* in the padded image */
    struct window w = {image, y < p ? 0 : y - p, least(y + l->window - p, l->in.height),
                       x < p ? 0 : x - p, least(x + l->window - p, l->in.width)};
    assert(p < l->window && w.top < w.bottom && w.left < w.right);
    return w;
}

static size_t pixels_of(const struct layer *l, size_t n) { return n * l->out.height * l->out.width; }

static real weight_of(const struct layer *l)
{
    return 1 / (real)(l->window ? l->window * l->window : l->in.height * l->in.width);
}

WIDE static void average(const struct layer *l, const real *x, size_t n, real *y)
{
    size_t channels = l->in.channels, pixels = pixels_of(l, n);
    real weight = weight_of(l);
    memset(y, 0, n * l->outputs * sizeof *y);
    for (size_t i = 0; i < pixels; i++, y += channels) {
        struct window w = window_of(l, i);
        for (size_t row = w.top; row < w.bottom; row++)
            for (size_t column = w.left; column < w.right; column++) {
                const real *from = x + w.image + (row * l->in.width + column) * channels;
                for (size_t c = 0; c < channels; c++)
                    y[c] += from[c];
            }
        for (size_t c = 0; c < channels; c++)
            y[c] *= weight;
    }
}

WIDE static void average_vjp(const struct layer *l, size_t n, const real *dy, real *dx)
{
    size_t channels = l->in.channels, pixels = pixels_of(l, n);
    real weight = weight_of(l);
    memset(dx, 0, n * l->inputs * sizeof *dx);
    for (size_t i = 0; i < pixels; i++, dy += channels) {
        struct window w = window_of(l, i);
        for (size_t row = w.top; row < w.bottom; row++)
            for (size_t column = w.left; column < w.right; column++) {
                real *to = dx + w.image + (row * l->in.width + column) * channels;
                for (size_t c = 0; c < channels; c++)
                    to[c] += weight * dy[c];
            }
    }
}

WIDE static void max(const struct layer *l, const real *x, size_t n, real *y)
{
    size_t channels = l->in.channels, pixels = pixels_of(l, n);
    for (size_t i = 0; i < pixels; i++, y += channels) {
        struct window w = window_of(l, i);
        memcpy(y, x + w.image + (w.top * l->in.width + w.left) * channels, channels * sizeof *y);
        for (size_t row = w.top; row < w.bottom; row++)
            for (size_t column = w.left; column < w.right; column++) {
                const real *from = x + w.image + (row * l->in.width + column) * channels;
                for (size_t c = 0; c < channels; c++)
                    y[c] = (from[c] > y[c]) | (from[c] != from[c]) ? from[c] : y[c];
            }
    }
}

/* dx += dy at the maximum of one pixel's window, channels c..c+width-1. A pixel is the maximum where it is
 * not less than y, and the first such one takes what is left of dy. */
static inline __attribute__((always_inline)) void max_vjp_chunk(const struct layer *l, struct window w, size_t c, size_t width, const real *x,
                          const real *y, const real *dy, real *dx)
{
    real left[CHUNK];
    memcpy(left, dy, width * sizeof *left);
    for (size_t row = w.top; row < w.bottom; row++)
        for (size_t column = w.left; column < w.right; column++) {
            size_t at = w.image + (row * l->in.width + column) * l->in.channels + c;
            for (size_t k = 0; k < width; k++) {
                real all = left[k];   /* read in any case: no branch to mispredict */
                dx[at + k] += x[at + k] < y[k] ? 0 : all;
                left[k] = x[at + k] < y[k] ? all : 0;
            }
        }
}

/* ty = tx at the maximum, likewise. */
static inline __attribute__((always_inline)) void max_jvp_chunk(const struct layer *l, struct window w, size_t c, size_t width, const real *x,
                          const real *y, const real *tx, real *ty)
{
    real searching[CHUNK];   /* 1 until the maximum was found */
    for (size_t k = 0; k < width; k++) {
        searching[k] = 1;
        ty[k] = 0;
    }
    for (size_t row = w.top; row < w.bottom; row++)
        for (size_t column = w.left; column < w.right; column++) {
            size_t at = w.image + (row * l->in.width + column) * l->in.channels + c;
            for (size_t k = 0; k < width; k++) {
                real still = searching[k], here = tx[at + k], before = ty[k];   /* as above */
                real take = x[at + k] < y[k] ? 0 : still;
                ty[k] = take > 0 ? here : before;
                searching[k] = x[at + k] < y[k] ? still : 0;
            }
        }
}

WIDE static void max_vjp(const struct layer *l, const real *x, const real *y, size_t n, const real *dy, real *dx)
{
    size_t channels = l->in.channels, pixels = pixels_of(l, n);
    memset(dx, 0, n * l->inputs * sizeof *dx);
    for (size_t i = 0; i < pixels; i++) {
        struct window w = window_of(l, i);
        for (size_t c = 0; c < channels; c += CHUNK)
            max_vjp_chunk(l, w, c, least(CHUNK, channels - c), x, y + i * channels + c, dy + i * channels + c, dx);
    }
}

WIDE static void max_jvp(const struct layer *l, const real *x, const real *y, size_t n, const real *tx, real *ty)
{
    size_t channels = l->in.channels, pixels = pixels_of(l, n);
    for (size_t i = 0; i < pixels; i++) {
        struct window w = window_of(l, i);
        for (size_t c = 0; c < channels; c += CHUNK)
            max_jvp_chunk(l, w, c, least(CHUNK, channels - c), x, y + i * channels + c, tx, ty + i * channels + c);
    }
}

static unsigned pooling_uses(const struct layer *l)
{
    return l->pooling == POOLING_MAX ? LAYER_USES_INPUT | LAYER_USES_OUTPUT : 0;
}

static void pooling_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    (void)parameters;
    if (l->pooling == POOLING_AVERAGE)
        average(l, x, n, y);
    else
        max(l, x, n, y);
}

static void pooling_vjp(const struct layer *l, const real *parameters, const real *x, const real *y,
                        size_t n, const real *dy, real *dx, real *gradient)
{
    (void)parameters, (void)gradient;
    if (!dx)
        return;
    if (l->pooling == POOLING_AVERAGE) {
        average_vjp(l, n, dy, dx);
        return;
    }
    max_vjp(l, x, y, n, dy, dx);
}

static void pooling_jvp(const struct layer *l, const real *parameters, const real *x, const real *y,
                        size_t n, const real *tx, const real *tangent, real *ty)
{
    (void)parameters, (void)tangent;
    if (!tx) {
        memset(ty, 0, n * l->outputs * sizeof *ty);
        return;
    }
    if (l->pooling == POOLING_AVERAGE) {   /* linear */
        average(l, tx, n, ty);
        return;
    }
    max_jvp(l, x, y, n, tx, ty);
}

const struct layer_ops layer_pooling = {
    .name = "pooling",
    .uses = pooling_uses,
    .forward = pooling_forward,
    .vjp = pooling_vjp,
    .jvp = pooling_jvp,
};
