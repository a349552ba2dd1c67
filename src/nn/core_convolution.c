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
 * the cache, over the borders of images. Where x is X already (windows of one pixel) nothing is copied; where
 * not even one patch fits, products run over the lines of each patch where they lie in x. */
#include <stdalign.h>
#include <string.h>

#include "math/blas.h"
#include "nn/draw_normal.h"
#include "nn/layer.h"

enum { SCRATCH_BYTES = 384 * 1024, SCRATCH = SCRATCH_BYTES / sizeof(real) };

/* The part of one line of a patch that lies inside the image: `length` numbers from x[pixel] on are
 * patch[0..] of the line from `skip` on. length 0: the line lies outside. */
struct stretch {
    size_t pixel, skip, length;
};

static size_t patch_size(const struct layer *l) { return l->window * l->window * l->in.channels; }
static size_t line_size(const struct layer *l) { return l->window * l->in.channels; }
static size_t positions_of(const struct layer *l, size_t n) { return n * l->out.height * l->out.width; }

static bool is_patches(const struct layer *l)
{
    return l->window == 1 && l->stride == 1 && l->padding == 0;
}

/* How many positions at a time; 0: not even one patch fits the scratch. */
static size_t block_size(const struct layer *l, size_t positions)
{
    size_t fit = is_patches(l) ? positions : SCRATCH / patch_size(l);
    return fit < positions ? fit : positions;
}

/* Line `line` of the patch of a position. */
static struct stretch stretch_of(const struct layer *l, size_t position, size_t line)
{
    size_t column = position % l->out.width, row = position / l->out.width % l->out.height;
    size_t example = position / (l->out.width * l->out.height);
    size_t top = row * l->stride + line, left = column * l->stride;   /* in the padded image */
    if (top < l->padding || top >= l->padding + l->in.height)
        return (struct stretch){0};
    size_t begin = left < l->padding ? l->padding : left, end = l->padding + l->in.width;
    if (left + l->window < end)
        end = left + l->window;
    if (begin >= end)
        return (struct stretch){0};
    return (struct stretch){
        .pixel = ((example * l->in.height + top - l->padding) * l->in.width + begin - l->padding) * l->in.channels,
        .skip = (begin - left) * l->in.channels,
        .length = (end - begin) * l->in.channels,
    };
}

/* Patches (rows, patch) of positions first.. of x: in x itself, or copied into scratch. */
static const real *patches_of(const struct layer *l, const real *x, size_t first, size_t rows, real *scratch)
{
    if (is_patches(l))
        return x + first * l->in.channels;
    size_t full = line_size(l);
    real *to = scratch;
    for (size_t i = 0; i < rows; i++)
        for (size_t line = 0; line < l->window; line++, to += full) {
            struct stretch s = stretch_of(l, first + i, line);
            if (s.length < full)
                memset(to, 0, full * sizeof *to);
            memcpy(to + s.skip, x + s.pixel, s.length * sizeof *to);
        }
    return scratch;
}

/* dx += patches, each number where patches_of would have copied it from. */
static void add_patches(const struct layer *l, const real *patches, size_t first, size_t rows, real *dx)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t line = 0; line < l->window; line++, patches += line_size(l)) {
            struct stretch s = stretch_of(l, first + i, line);
            for (size_t j = 0; j < s.length; j++)
                dx[s.pixel + j] += patches[s.skip + j];
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

/* Y (positions, out.channels) += s X W^T, patch by patch where it lies in x. */
static void add_by_lines(const struct layer *l, const real *weight, const real *x, size_t positions, real *y)
{
    for (size_t i = 0; i < positions; i++)
        for (size_t line = 0; line < l->window; line++) {
            struct stretch s = stretch_of(l, i, line);
            blas_gemm(false, true, 1, l->out.channels, s.length, (real)l->weight_scale, x + s.pixel, s.length,
                      weight + line * line_size(l) + s.skip, patch_size(l), 1, y + i * l->out.channels,
                      l->out.channels);
        }
}

/* Y (n, outputs) = s X W^T, or added to what is there. */
static void multiply(const struct layer *l, const real *weight, const real *x, size_t first, size_t rows,
                     bool add, real *y)
{
    alignas(64) real scratch[SCRATCH];
    size_t patch = patch_size(l), channels = l->out.channels;
    const real *X = patches_of(l, x, first, rows, scratch);
    blas_gemm(false, true, rows, channels, patch, (real)l->weight_scale, X, patch, weight, patch, add,
              y + first * channels, channels);
}

/* Y (n, outputs) = s X W^T + c b with the parameters (W, b), then + s tX V^T unless tx is NULL. */
static void map(const struct layer *l, const real *parameters, const real *x, const real *V, const real *tx,
                size_t n, real *y)
{
    size_t positions = positions_of(l, n), block = block_size(l, positions), channels = l->out.channels;
    const real *bias = parameters + channels * patch_size(l);
    if (block == 0 && positions > 0) {
        if (l->bias)
            fill_bias(l, bias, positions, y);
        else
            memset(y, 0, positions * channels * sizeof *y);
        add_by_lines(l, parameters, x, positions, y);
        if (tx)
            add_by_lines(l, V, tx, positions, y);
        return;
    }
    for (size_t first = 0, rows; first < positions; first += rows) {
        rows = block < positions - first ? block : positions - first;
        if (l->bias)
            fill_bias(l, bias, rows, y + first * channels);
        multiply(l, parameters, x, first, rows, l->bias, y);
        if (tx)
            multiply(l, V, tx, first, rows, true, y);
    }
}

static void convolution_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    map(l, parameters, x, NULL, NULL, n, y);
}

static void convolution_jvp(const struct layer *l, const real *parameters, const real *x, const real *y,
                            size_t n, const real *tx, const real *tangent, real *ty)
{
    (void)y;
    map(l, tangent, x, parameters, tx, n, ty);
}

/* db += sum of the rows of dY (rows, out.channels), a block at a time so that sums over many positions
 * keep their precision. */
static void add_rows(const struct layer *l, const real *dy, size_t rows, real *db)
{
    enum { CHUNK = 64 };
    size_t channels = l->out.channels;
    for (size_t j = 0, width; j < channels; j += width) {
        real sum[CHUNK] = {0};
        width = channels - j < CHUNK ? channels - j : CHUNK;
        for (size_t i = 0; i < rows; i++)
            for (size_t k = 0; k < width; k++)
                sum[k] += dy[i * channels + j + k];
        for (size_t k = 0; k < width; k++)
            db[j + k] += sum[k];
    }
}

/* dW += s dY^T X of rows of positions, where a patch fits the scratch. */
static void add_gradient(const struct layer *l, const real *x, const real *dy, size_t first, size_t rows, real *dW)
{
    alignas(64) real scratch[SCRATCH];
    size_t patch = patch_size(l), channels = l->out.channels;
    const real *X = patches_of(l, x, first, rows, scratch);
    blas_gemm(true, false, channels, patch, rows, (real)l->weight_scale, dy + first * channels, channels, X,
              patch, 1, dW, patch);
}

/* dx += s dY W of rows of positions. */
static void add_input_gradient(const struct layer *l, const real *weight, const real *dy, size_t first,
                               size_t rows, real *dx)
{
    alignas(64) real scratch[SCRATCH];
    size_t patch = patch_size(l), channels = l->out.channels;
    bool direct = is_patches(l);
    blas_gemm(false, false, rows, patch, channels, (real)l->weight_scale, dy + first * channels, channels,
              weight, patch, 0, direct ? dx + first * patch : scratch, patch);
    if (!direct)
        add_patches(l, scratch, first, rows, dx);
}

/* Both derivatives of one position, line by line of its patch where it lies in x. */
static void add_derivatives_by_lines(const struct layer *l, const real *weight, const real *x, size_t position,
                                     const real *dy, real *dx, real *dW)
{
    size_t patch = patch_size(l), channels = l->out.channels;
    const real *d = dy + position * channels;
    for (size_t line = 0; line < l->window; line++) {
        struct stretch s = stretch_of(l, position, line);
        size_t from = line * line_size(l) + s.skip;
        if (dW)
            blas_gemm(true, false, channels, s.length, 1, (real)l->weight_scale, d, channels, x + s.pixel,
                      s.length, 1, dW + from, patch);
        if (dx)
            blas_gemm(false, false, 1, s.length, channels, (real)l->weight_scale, d, channels, weight + from,
                      patch, 1, dx + s.pixel, s.length);
    }
}

static void convolution_vjp(const struct layer *l, const real *parameters, const real *x, const real *y,
                            size_t n, const real *dy, real *dx, real *gradient)
{
    (void)y;
    size_t positions = positions_of(l, n), block = block_size(l, positions), channels = l->out.channels;
    real *db = gradient && l->bias ? gradient + channels * patch_size(l) : NULL;
    if (gradient)
        memset(gradient, 0, l->n_parameters * sizeof *gradient);
    if (dx && !is_patches(l))
        memset(dx, 0, n * l->inputs * sizeof *dx);
    for (size_t first = 0, rows; first < positions; first += rows) {
        rows = block == 0 ? 1 : block < positions - first ? block : positions - first;
        if (db)
            add_rows(l, dy + first * channels, rows, db);
        if (block == 0) {
            add_derivatives_by_lines(l, parameters, x, first, dy, dx, gradient);
            continue;
        }
        if (gradient)
            add_gradient(l, x, dy, first, rows, gradient);
        if (dx)
            add_input_gradient(l, parameters, dy, first, rows, dx);
    }
    for (size_t j = 0; db && j < channels; j++)
        db[j] *= (real)l->bias_scale;
}

const struct layer_ops layer_convolution = {
    .name = "convolution",
    .uses = convolution_uses,
    .init = convolution_init,
    .forward = convolution_forward,
    .vjp = convolution_vjp,
    .jvp = convolution_jvp,
};
