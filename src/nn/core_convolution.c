/* Convolution. x (n, in.height, in.width, in.channels), y (n, out.height, out.width, out.channels),
 * weight W (out.channels, window, window, in.channels), bias b (out.channels). A position is a pixel of an
 * output, n*out.height*out.width of them; the patch of a position, (window, window, in.channels), is what its
 * window covers, zero outside the image. With Y (positions, out.channels), W (out.channels, patch) and
 * X (positions, patch), which is never stored as a whole, it is a dense layer over patches:
 *
 *   forward   Y  = s X W^T + c b
 *   vjp       dW = s dY^T X,  db = c sum_positions dY,  dX = s dY W, summed into the pixels that X copied
 *   jvp       tY = s (tX W^T + X tW^T) + c tb
 *
 * s = weight_scale, c = bias_scale. X is made for as many positions at a time as fit a scratch that stays in
 * the cache, over the borders of images; of a window of one pixel it is x itself. Where not even one patch
 * fits, products run over the lines of each patch where they lie in x. Windows of 3 x 3 with channels and positions
 * enough are left to winograd.h. */
#include <stdalign.h>
#include <string.h>

#include "math/blas.h"
#include "math/blas_setup.h"
#include "math/wide.h"
#include "nn/draw_normal.h"
#include "nn/window.h"
#include "nn/winograd.h"

enum {
    SCRATCH = 384 * 1024 / sizeof(real),   /* numbers of patches at a time */
    STEP = 8,                              /* numbers that are copied at once */
    SUMS = 64, SUMMED_ROWS = 4096,         /* numbers that are summed at once, and how often */
    SMALL_ROWS = 8, SMALL_CHANNELS = 16,   /* fewest positions and outputs for which small products pay */
    SMALL_WEIGHTS = BLAS_SMALL_PRODUCT / SMALL_ROWS,   /* numbers in the weights of a small product */
    SMALL_POSITIONS = 256,                 /* so many repay the turning of the weights */
};

/* How the positions are cut into blocks. small: products that the library does at once, without packing its
 * operands; fastest with the weights turned to (patch, out.channels). Else as large as the scratch allows.
 * rows 0: not even one patch fits the scratch. */
struct blocks {
    size_t positions, rows;
    bool small;
};

static size_t patch_size(const struct layer *l) { return l->window * l->window * l->in.channels; }

static bool is_patches(const struct layer *l)
{
    return l->window == 1 && l->stride == 1 && l->padding == 0;
}

static struct blocks blocks_of(const struct layer *l, size_t n)
{
    size_t positions = n * l->out.height * l->out.width, patch = patch_size(l);
    size_t fit = is_patches(l) ? positions : SCRATCH / patch, small = BLAS_SMALL_PRODUCT / (patch * l->out.channels);
    bool use_small = fit && small >= SMALL_ROWS && l->out.channels >= SMALL_CHANNELS
                     && positions >= SMALL_POSITIONS && blas_has_small_products();
    return (struct blocks){positions, least(positions, use_small ? least(small, fit) : fit), use_small};
}

/* Where a position's patch lies: columns column..column+columns-1 of lines line..line+lines-1 of it lie
 * inside the image, the first of them from x[pixel] on; both 0 where nothing does. */
struct place {
    size_t line, lines, column, columns, pixel;
};

/* One position after the other. */
struct cursor {
    size_t example, row, column;
};

static struct cursor cursor_at(const struct layer *l, size_t position)
{
    return (struct cursor){position / l->out.width / l->out.height, position / l->out.width % l->out.height,
                           position % l->out.width};
}

static void advance(const struct layer *l, struct cursor *c)
{
    if (++c->column < l->out.width)
        return;
    c->column = 0;
    if (++c->row < l->out.height)
        return;
    c->row = 0;
    c->example++;
}

static inline struct place place_of(const struct layer *l, const struct cursor *c)
{
    struct place p;
    size_t top = c->row * l->stride, left = c->column * l->stride;
    p.lines = window_clip(top, l->window, l->padding, l->in.height, &p.line);
    p.columns = window_clip(left, l->window, l->padding, l->in.width, &p.column);
    if (p.lines == 0 || p.columns == 0)
        return (struct place){0};
    size_t row = top + p.line - l->padding, column = left + p.column - l->padding;
    p.pixel = ((c->example * l->in.height + row) * l->in.width + column) * l->in.channels;
    return p;
}

/* to = from, n numbers. spare: up to STEP - 1 numbers more may be read and written, so that short lines,
 * which is what first layers have, need no call. */
static inline void copy(real *to, const real *from, size_t n, bool spare)
{
    if (spare && n <= 8 * STEP)
        for (size_t j = 0; j < n; j += STEP)
            memcpy(to + j, from + j, STEP * sizeof *to);
    else
        memcpy(to, from, n * sizeof *to);
}

/* Patches (rows, patch) of positions first.. of x (n, inputs): in x itself, or copied into scratch, which
 * has STEP numbers more than they need. */
WIDE static const real *patches_of(const struct layer *l, const real *x, size_t n, size_t first, size_t rows,
                              real *scratch)
{
    if (is_patches(l))
        return x + first * l->in.channels;
    size_t channels = l->in.channels, full = l->window * channels, across = l->in.width * channels;
    struct cursor c = cursor_at(l, first);
    real *to = scratch;
    for (size_t i = 0; i < rows; i++, advance(l, &c)) {
        struct place p = place_of(l, &c);
        size_t inside = p.columns * channels, last = p.pixel + p.lines * across + STEP;
        bool whole = p.columns == l->window, spare = whole && last <= n * l->inputs;
        /* upwards: what a copy writes too much is written over by the next */
        for (size_t line = 0; line < l->window; line++, to += full) {
            if (line < p.line || line >= p.line + p.lines) {
                memset(to, 0, full * sizeof *to);
                continue;
            }
            if (!whole)
                memset(to, 0, full * sizeof *to);
            copy(to + p.column * channels, x + p.pixel + (line - p.line) * across, inside, spare);
        }
    }
    return scratch;
}

/* dx += patches (rows, patch), each number where patches_of copies it from. */
WIDE static void add_patches(const struct layer *l, const real *patches, size_t first, size_t rows, real *dx)
{
    size_t channels = l->in.channels, full = l->window * channels, across = l->in.width * channels;
    struct cursor c = cursor_at(l, first);
    for (size_t i = 0; i < rows; i++, advance(l, &c), patches += l->window * full) {
        struct place p = place_of(l, &c);
        const real *from = patches + p.line * full + p.column * channels;
        real *to = dx + p.pixel;
        for (size_t line = 0; line < p.lines; line++, from += full, to += across)
            for (size_t j = 0; j < p.columns * channels; j++)
                to[j] += from[j];
    }
}

static unsigned convolution_uses(const struct layer *l)
{
    (void)l;
    return LAYER_USES_INPUT;
}

static void convolution_init(const struct layer *l, uint64_t seed, uint64_t tensor, real *parameters)
{
    size_t weights = l->out.channels * patch_size(l);
    draw_normal(seed, tensor, l->init_weight, weights, parameters);
    if (l->bias)
        draw_normal(seed, tensor + 1, l->init_bias, l->out.channels, parameters + weights);
}

/* y (rows, out.channels): every row c*b, for products that add to it. */
static void fill_bias(const struct layer *l, const real *bias, size_t rows, real *y)
{
    real c = (real)l->bias_scale;
    size_t channels = l->out.channels;
    for (size_t j = 0; j < channels; j++)
        y[j] = c * bias[j];
    for (size_t done = 1; done < rows; done *= 2)
        memcpy(y + done * channels, y, (done < rows - done ? done : rows - done) * channels * sizeof *y);
}

/* Y (positions, out.channels) += s X W^T, line by line where they lie in x. */
static void add_by_lines(const struct layer *l, const real *weight, const real *x, size_t positions, real *y)
{
    size_t patch = patch_size(l), channels = l->out.channels;
    struct cursor c = cursor_at(l, 0);
    for (size_t i = 0; i < positions; i++, advance(l, &c), y += channels) {
        struct place p = place_of(l, &c);
        for (size_t line = 0; line < p.lines; line++) {
            size_t from = ((p.line + line) * l->window + p.column) * l->in.channels;
            blas_gemm(false, true, 1, channels, p.columns * l->in.channels, (real)l->weight_scale,
                      x + p.pixel + line * l->in.width * l->in.channels, p.columns * l->in.channels,
                      weight + from, patch, 1, y, channels);
        }
    }
}

/* turned (patch, out.channels) = W^T */
static void turn_weights(const struct layer *l, const real *weight, real *turned)
{
    size_t patch = patch_size(l), channels = l->out.channels;
    for (size_t j = 0; j < patch; j++)
        for (size_t o = 0; o < channels; o++)
            turned[j * channels + o] = weight[o * patch + j];
}

/* Y (positions, out.channels) = s X W^T + c b, without c b where bias is NULL; add: += s X W^T. */
static void multiply(const struct layer *l, const real *weight, const real *bias, const real *x, size_t n,
                     bool add, real *y)
{
    alignas(64) real scratch[SCRATCH + STEP], turned[SMALL_WEIGHTS];
    size_t patch = patch_size(l), channels = l->out.channels;
    struct blocks b = blocks_of(l, n);
    if (b.small)
        turn_weights(l, weight, turned);
    for (size_t first = 0, rows; first < b.positions; first += rows, y += rows * channels) {
        rows = b.rows ? least(b.rows, b.positions - first) : b.positions;
        if (bias)
            fill_bias(l, bias, rows, y);
        if (b.rows == 0) {
            if (!bias && !add)
                memset(y, 0, rows * channels * sizeof *y);
            add_by_lines(l, weight, x, rows, y);
            continue;
        }
        const real *X = patches_of(l, x, n, first, rows, scratch);
        blas_gemm(false, !b.small, rows, channels, patch, (real)l->weight_scale, X, patch,
                  b.small ? turned : weight, b.small ? channels : patch, bias || add ? 1 : 0, y, channels);
    }
}

static const real *bias_of(const struct layer *l, const real *parameters)
{
    return l->bias ? parameters + l->out.channels * patch_size(l) : NULL;
}

static void convolution_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    if (winograd_pays(l, n))
        winograd_forward(l, &(struct winograd_source){x, parameters}, 1, bias_of(l, parameters), n, y);
    else
        multiply(l, parameters, bias_of(l, parameters), x, n, false, y);
}

static void convolution_jvp(const struct layer *l, const real *parameters, const real *x, const real *y,
                            size_t n, const real *tx, const real *tangent, real *ty)
{
    (void)y;
    if (tx && winograd_pays(l, n)) {
        const struct winograd_source sources[] = {{x, tangent}, {tx, parameters}};
        winograd_forward(l, sources, 2, bias_of(l, tangent), n, ty);
        return;
    }
    convolution_forward(l, tangent, x, n, ty);
    if (tx)
        multiply(l, parameters, NULL, tx, n, true, ty);
}

/* db = c sum of the rows of dY (rows, channels), so many of them summed by themselves first that sums over many
 * positions keep their precision. */
WIDE static void sum_rows(const struct layer *l, const real *dy, size_t rows, real *db)
{
    size_t channels = l->out.channels;
    memset(db, 0, channels * sizeof *db);
    for (size_t first = 0; first < rows; first += SUMMED_ROWS)
        for (size_t j = 0, width; j < channels; j += width) {
            real sum[SUMS] = {0};
            width = least(SUMS, channels - j);
            for (size_t i = first; i < least(first + SUMMED_ROWS, rows); i++)
                for (size_t k = 0; k < width; k++)
                    sum[k] += dy[i * channels + j + k];
            for (size_t k = 0; k < width; k++)
                db[j + k] += (real)l->bias_scale * sum[k];
        }
}

/* Both derivatives of one position, line by line of its patch where it lies in x. dx, dW: NULL or added to. */
static void add_derivatives_by_lines(const struct layer *l, const real *weight, const real *x, size_t position,
                                     const real *dy, real *dx, real *dW)
{
    size_t patch = patch_size(l), channels = l->out.channels;
    struct cursor c = cursor_at(l, position);
    struct place p = place_of(l, &c);
    size_t length = p.columns * l->in.channels;
    for (size_t line = 0; line < p.lines; line++) {
        size_t from = ((p.line + line) * l->window + p.column) * l->in.channels;
        size_t pixel = p.pixel + line * l->in.width * l->in.channels;
        if (dW)
            blas_gemm(true, false, channels, length, 1, (real)l->weight_scale, dy, channels, x + pixel, length, 1,
                      dW + from, patch);
        if (dx)
            blas_gemm(false, false, 1, length, channels, (real)l->weight_scale, dy, channels, weight + from, patch,
                      1, dx + pixel, length);
    }
}

/* The same of all positions, block by block. */
static void add_derivatives(const struct layer *l, const real *weight, const real *x, size_t n, const real *dy,
                            real *dx, real *dW)
{
    alignas(64) real scratch[SCRATCH + STEP];
    size_t patch = patch_size(l), channels = l->out.channels;
    struct blocks b = blocks_of(l, n);
    real s = (real)l->weight_scale;
    for (size_t first = 0, rows; first < b.positions; first += rows, dy += rows * channels) {
        rows = b.rows ? least(b.rows, b.positions - first) : 1;
        if (b.rows == 0) {
            add_derivatives_by_lines(l, weight, x, first, dy, dx, dW);
            continue;
        }
        if (dW)
            blas_gemm(true, false, channels, patch, rows, s, dy, channels,
                      patches_of(l, x, n, first, rows, scratch), patch, 1, dW, patch);
        if (dx) {
            real *dX = is_patches(l) ? dx + first * patch : scratch;
            blas_gemm(false, false, rows, patch, channels, s, dy, channels, weight, patch, 0, dX, patch);
            if (dX == scratch)
                add_patches(l, dX, first, rows, dx);
        }
    }
}

static void convolution_vjp(const struct layer *l, const real *parameters, const real *x, const real *y,
                            size_t n, const real *dy, real *dx, real *gradient)
{
    (void)y;
    size_t weights = l->out.channels * patch_size(l);
    if (dx && !is_patches(l))
        memset(dx, 0, n * l->inputs * sizeof *dx);
    if (gradient && l->bias)
        sum_rows(l, dy, n * l->out.height * l->out.width, gradient + weights);
    if (winograd_pays(l, n)) {
        winograd_vjp(l, parameters, x, n, dy, dx, gradient);
        return;
    }
    if (gradient)
        memset(gradient, 0, weights * sizeof *gradient);
    add_derivatives(l, parameters, x, n, dy, dx, gradient);
}

const struct layer_ops layer_convolution = {
    .name = "convolution",
    .uses = convolution_uses,
    .init = convolution_init,
    .forward = convolution_forward,
    .vjp = convolution_vjp,
    .jvp = convolution_jvp,
};
