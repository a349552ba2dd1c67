/* F(2x2, 3x3). The image of a channel is cut into tiles: 2 x 2 outputs Y, which 4 x 4 inputs D decide. Of a tile,
 * with weights g (3, 3):
 *
 *   forward   Y  = A' [ (G g G') * (B' D B) ] A        * number by number, ' transposed
 *   vjp       dD = B [ (G g G') * (A dY A') ] B',  dg = G' [ (B' D B) * (A dY A') ] G      (the same, adjoint)
 *
 *        1  0 -1  0           1    0    0
 *   B' = 0  1  1  0      G = 1/2  1/2  1/2      A' = 1  1  1  0
 *        0 -1  1  0          1/2 -1/2  1/2           0  1 -1 -1
 *        0  1  0 -1           0    0    1
 *
 * Summed over channels, each of the 16 places of * is a product of matrices: with V = B' D B (16, tiles,
 * in.channels), U = G g G' (16, in.channels, out.channels) and M (16, tiles, out.channels),
 *
 *   M_k = V_k U_k,   dV_k = dM_k U_k',   dU_k = V_k' dM_k
 *
 * for as many tiles at a time as keep all of it in the cache, over the borders of images. The transforms are sums
 * over whole lines of channels, which never overlap (ivdep says so). What of D lies outside the image is zero; what of Y does, where sides are odd, is
 * not looked at. */
#include <stdalign.h>
#include <string.h>

#include "math/blas.h"
#include "math/wide.h"
#include "nn/window.h"
#include "nn/winograd.h"

enum {
    PLACES = WINOGRAD_PLACES,
    SCRATCH = 384 * 1024 / sizeof(real),               /* numbers of V and M at a time */
    WEIGHTS = WINOGRAD_WEIGHT_BYTES / sizeof(real),    /* most numbers in U */
    LEAST_CHANNELS = 8,
    LEAST_TILES = 256,                                 /* so many repay the transform of the weights */
    MOST_TILES = 64,                                   /* at a time */
    CHANNELS = WEIGHTS / PLACES / WINOGRAD_LEAST_CHANNELS,   /* most in a layer that pays */
};

static size_t tiles_down(const struct layer *l) { return (l->out.height + 1) / 2; }
static size_t tiles_across(const struct layer *l) { return (l->out.width + 1) / 2; }

bool winograd_pays(const struct layer *l, size_t n)
{
    return winograd_suits(l->window, l->stride, l->in.channels, l->out.channels, sizeof(real))
           && n * tiles_down(l) * tiles_across(l) >= LEAST_TILES;
}

/* A tile's part of an image (height, width, channels): lines line..line+lines-1 and columns column..column+columns-1
 * of it lie inside, the first of them from [pixel] on. */
struct part {
    size_t line, lines, column, columns, pixel;
};

static inline struct part part_of(struct image image, size_t tile, size_t across, size_t down, size_t n, size_t padding)
{
    struct part p;
    size_t row = tile / across % down * 2, column = tile % across * 2, example = tile / across / down;
    p.lines = window_clip(row, n, padding, image.height, &p.line);
    p.columns = window_clip(column, n, padding, image.width, &p.column);
    if (p.lines == 0 || p.columns == 0)
        return (struct part){0};
    p.pixel = ((example * image.height + row + p.line - padding) * image.width + column + p.column - padding)
              * image.channels;
    return p;
}

static inline struct part input_of(const struct layer *l, size_t tile)
{
    return part_of(l->in, tile, tiles_across(l), tiles_down(l), 4, l->padding);
}

static inline struct part output_of(const struct layer *l, size_t tile)
{
    return part_of(l->out, tile, tiles_across(l), tiles_down(l), 2, 0);
}

/* whole (side, side, channels): the part from x, zeros around it */
static void take_part(const struct part *p, size_t side, const real *x, struct image image, real *whole)
{
    memset(whole, 0, side * side * image.channels * sizeof *whole);
    for (size_t i = 0; i < p->lines; i++)
        memcpy(whole + ((p->line + i) * side + p->column) * image.channels,
               x + p->pixel + i * image.width * image.channels, p->columns * image.channels * sizeof *x);
}

/* v[k * apart + c] = (B' D B)[k] of channel c; D (4 lines `across` apart, 4 columns, channels) */
static inline void transform_input(const real * D, size_t across, size_t channels, real * v, size_t apart)
{
#pragma GCC ivdep
    for (size_t c = 0; c < channels; c++) {
        real t[PLACES];
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            const real *d = D + j * channels + c;
            t[j] = d[0] - d[2 * across];
            t[4 + j] = d[across] + d[2 * across];
            t[8 + j] = d[2 * across] - d[across];
            t[12 + j] = d[across] - d[3 * across];
        }
#pragma GCC unroll 4
        for (size_t i = 0; i < PLACES; i += 4) {
            v[i * apart + c] = t[i] - t[i + 2];
            v[(i + 1) * apart + c] = t[i + 1] + t[i + 2];
            v[(i + 2) * apart + c] = t[i + 2] - t[i + 1];
            v[(i + 3) * apart + c] = t[i + 1] - t[i + 3];
        }
    }
}

/* D[...] += (B v B'), the adjoint */
static inline void add_input(const real * v, size_t apart, size_t channels, real * D, size_t across)
{
#pragma GCC ivdep
    for (size_t c = 0; c < channels; c++) {
        real t[PLACES];
#pragma GCC unroll 4
        for (size_t i = 0; i < PLACES; i += 4) {
            real v0 = v[i * apart + c], v1 = v[(i + 1) * apart + c], v2 = v[(i + 2) * apart + c],
                 v3 = v[(i + 3) * apart + c];
            t[i] = v0;
            t[i + 1] = v1 - v2 + v3;
            t[i + 2] = v1 + v2 - v0;
            t[i + 3] = -v3;
        }
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            real *d = D + j * channels + c;
            d[0] += t[j];
            d[across] += t[4 + j] - t[8 + j] + t[12 + j];
            d[2 * across] += t[4 + j] + t[8 + j] - t[j];
            d[3 * across] -= t[12 + j];
        }
    }
}

/* Y (2 lines `across` apart, 2 columns, channels) = A' m A + bias */
static inline void transform_output(const real * m, size_t apart, size_t channels, const real * bias,
                                    real * Y, size_t across)
{
#pragma GCC ivdep
    for (size_t c = 0; c < channels; c++) {
        real t[8];
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            real m0 = m[j * apart + c], m1 = m[(4 + j) * apart + c], m2 = m[(8 + j) * apart + c],
                 m3 = m[(12 + j) * apart + c];
            t[j] = m0 + m1 + m2;
            t[4 + j] = m1 - m2 - m3;
        }
        Y[c] = t[0] + t[1] + t[2] + bias[c];
        Y[channels + c] = t[1] - t[2] - t[3] + bias[c];
        Y[across + c] = t[4] + t[5] + t[6] + bias[c];
        Y[across + channels + c] = t[5] - t[6] - t[7] + bias[c];
    }
}

/* m = A Y A', the adjoint */
static inline void spread_output(const real * Y, size_t across, size_t channels, real * m, size_t apart)
{
#pragma GCC ivdep
    for (size_t c = 0; c < channels; c++) {
        real y0 = Y[c], y1 = Y[channels + c], y2 = Y[across + c], y3 = Y[across + channels + c];
        real t[8] = {y0, y1, y0 + y2, y1 + y3, y0 - y2, y1 - y3, -y2, -y3};
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) {
            real left = t[2 * i], right = t[2 * i + 1], *to = m + 4 * i * apart + c;
            to[0] = left;
            to[apart] = left + right;
            to[2 * apart] = left - right;
            to[3 * apart] = -right;
        }
    }
}

/* V (16, tiles, in.channels) of tiles first.., its rows `row` apart */
WIDE static void inputs_of(const struct layer *l, const real *x, size_t first, size_t tiles, real *V, size_t row)
{
    real whole[PLACES * CHANNELS];
    size_t channels = l->in.channels, across = l->in.width * channels;
    for (size_t i = 0; i < tiles; i++, V += row) {
        struct part p = input_of(l, first + i);
        bool inside = p.lines == 4 && p.columns == 4;
        if (!inside)
            take_part(&p, 4, x, l->in, whole);
        transform_input(inside ? x + p.pixel : whole, inside ? across : 4 * channels, channels, V, tiles * row);
    }
}

/* dx += what dV (16, tiles, in.channels) says of it */
WIDE static void add_inputs(const struct layer *l, const real *V, size_t first, size_t tiles, real *dx)
{
    real whole[PLACES * CHANNELS];
    size_t channels = l->in.channels, across = l->in.width * channels;
    for (size_t i = 0; i < tiles; i++, V += channels) {
        struct part p = input_of(l, first + i);
        if (p.lines == 4 && p.columns == 4) {
            add_input(V, tiles * channels, channels, dx + p.pixel, across);
            continue;
        }
        memset(whole, 0, PLACES * channels * sizeof *whole);
        add_input(V, tiles * channels, channels, whole, 4 * channels);
        for (size_t line = 0; line < p.lines; line++) {
            const real *from = whole + ((p.line + line) * 4 + p.column) * channels;
            for (size_t j = 0; j < p.columns * channels; j++)
                dx[p.pixel + line * across + j] += from[j];
        }
    }
}

/* y from M (16, tiles, out.channels) */
WIDE static void outputs_of(const struct layer *l, const real *M, const real *bias, size_t first, size_t tiles, real *y)
{
    real whole[4 * CHANNELS];
    size_t channels = l->out.channels, across = l->out.width * channels;
    for (size_t i = 0; i < tiles; i++, M += channels) {
        struct part p = output_of(l, first + i);
        if (p.lines == 2 && p.columns == 2) {
            transform_output(M, tiles * channels, channels, bias, y + p.pixel, across);
            continue;
        }
        transform_output(M, tiles * channels, channels, bias, whole, 2 * channels);
        for (size_t line = 0; line < p.lines; line++)
            memcpy(y + p.pixel + line * across, whole + line * 2 * channels, p.columns * channels * sizeof *y);
    }
}

/* dM (16, tiles, out.channels) from dy */
WIDE static void spread_outputs(const struct layer *l, const real *dy, size_t first, size_t tiles, real *M)
{
    real whole[4 * CHANNELS];
    size_t channels = l->out.channels, across = l->out.width * channels;
    for (size_t i = 0; i < tiles; i++, M += channels) {
        struct part p = output_of(l, first + i);
        bool inside = p.lines == 2 && p.columns == 2;
        if (!inside)
            take_part(&p, 2, dy, l->out, whole);
        spread_output(inside ? dy + p.pixel : whole, inside ? across : 2 * channels, channels, M, tiles * channels);
    }
}

/* u[k * apart + c] = s (G g G')[k]; g (3, 3, channels) of one output */
WIDE static void transform_weights(const real *g, real s, size_t channels, real *u, size_t apart)
{
#pragma GCC ivdep
    for (size_t c = 0; c < channels; c++) {
        real t[12];
        for (size_t j = 0; j < 3; j++) {
            real g0 = s * g[j * channels + c], g1 = s * g[(3 + j) * channels + c], g2 = s * g[(6 + j) * channels + c];
            t[j] = g0;
            t[3 + j] = (g0 + g1 + g2) / 2;
            t[6 + j] = (g0 - g1 + g2) / 2;
            t[9 + j] = g2;
        }
        for (size_t i = 0; i < 4; i++) {
            const real *row = t + 3 * i;
            real *to = u + 4 * i * apart + c;
            to[0] = row[0];
            to[apart] = (row[0] + row[1] + row[2]) / 2;
            to[2 * apart] = (row[0] - row[1] + row[2]) / 2;
            to[3 * apart] = row[2];
        }
    }
}

/* g = s G' u G, the adjoint */
WIDE static void weights_from(const real *u, size_t apart, real s, size_t channels, real *g)
{
#pragma GCC ivdep
    for (size_t c = 0; c < channels; c++) {
        real t[12];
        for (size_t j = 0; j < 4; j++) {
            real u0 = u[j * apart + c], half1 = u[(4 + j) * apart + c] / 2, half2 = u[(8 + j) * apart + c] / 2;
            t[j] = u0 + half1 + half2;
            t[4 + j] = half1 - half2;
            t[8 + j] = half1 + half2 + u[(12 + j) * apart + c];
        }
        for (size_t i = 0; i < 3; i++) {
            real half1 = t[4 * i + 1] / 2, half2 = t[4 * i + 2] / 2;
            g[3 * i * channels + c] = s * (t[4 * i] + half1 + half2);
            g[(3 * i + 1) * channels + c] = s * (half1 - half2);
            g[(3 * i + 2) * channels + c] = s * (half1 + half2 + t[4 * i + 3]);
        }
    }
}

/* U_k' (out.channels, in.channels) for every k */
static void weights_of(const struct layer *l, const real *weight, real *U)
{
    size_t in = l->in.channels, out = l->out.channels;
    for (size_t o = 0; o < out; o++)
        transform_weights(weight + o * 9 * in, (real)l->weight_scale, in, U + o * in, out * in);
}

/* U_k (in.channels, out.channels) for every k, the matrices `apart` apart: small products are fastest so. */
WIDE static void turned_weights_of(const struct layer *l, const real *weight, real *U, size_t apart)
{
    real of_one[PLACES * CHANNELS];
    size_t in = l->in.channels, out = l->out.channels;
    for (size_t o = 0; o < out; o++) {
        transform_weights(weight + o * 9 * in, (real)l->weight_scale, in, of_one, in);
        for (size_t k = 0; k < PLACES; k++)
            for (size_t c = 0; c < in; c++)
                U[k * apart + c * out + o] = of_one[k * in + c];
    }
}

static size_t tiles_at_once(size_t numbers_of_a_tile)
{
    return least(MOST_TILES, SCRATCH / (PLACES * numbers_of_a_tile));
}

void winograd_forward(const struct layer *l, const struct winograd_source *sources, size_t n_sources,
                      const real *bias, size_t n, real *y)
{
    alignas(64) real scratch[SCRATCH], U[WINOGRAD_MOST_SOURCES * WEIGHTS], scaled[CHANNELS];
    size_t in = l->in.channels, out = l->out.channels, row = n_sources * in;
    size_t all = n * tiles_down(l) * tiles_across(l), at_once = tiles_at_once(row + out);
    for (size_t o = 0; o < out; o++)
        scaled[o] = bias ? (real)l->bias_scale * bias[o] : 0;
    for (size_t s = 0; s < n_sources; s++)
        turned_weights_of(l, sources[s].weight, U + s * in * out, row * out);
    for (size_t first = 0, tiles; first < all; first += tiles) {
        tiles = least(at_once, all - first);
        real *V = scratch, *M = scratch + PLACES * tiles * row;
        for (size_t s = 0; s < n_sources; s++)
            inputs_of(l, sources[s].x, first, tiles, V + s * in, row);
        for (size_t k = 0; k < PLACES; k++)
            blas_gemm(false, false, tiles, out, row, 1, V + k * tiles * row, row, U + k * row * out, out, 0,
                      M + k * tiles * out, out);
        outputs_of(l, M, scaled, first, tiles, y);
    }
}

void winograd_vjp(const struct layer *l, const real *weight, const real *x, size_t n, const real *dy,
                  real *dx, real *dW)
{
    alignas(64) real scratch[SCRATCH], U[WEIGHTS], dU[WEIGHTS];
    size_t in = l->in.channels, out = l->out.channels;
    size_t all = n * tiles_down(l) * tiles_across(l), at_once = tiles_at_once(in + out);
    if (dx)
        weights_of(l, weight, U);
    if (dW)
        memset(dU, 0, PLACES * in * out * sizeof *dU);
    for (size_t first = 0, tiles; first < all; first += tiles) {
        tiles = least(at_once, all - first);
        real *V = scratch, *M = scratch + PLACES * tiles * in;
        spread_outputs(l, dy, first, tiles, M);
        if (dW)
            inputs_of(l, x, first, tiles, V, in);
        for (size_t k = 0; dW && k < PLACES; k++)
            blas_gemm(true, false, out, in, tiles, 1, M + k * tiles * out, out, V + k * tiles * in, in, 1,
                      dU + k * out * in, in);
        for (size_t k = 0; dx && k < PLACES; k++)
            blas_gemm(false, false, tiles, in, out, 1, M + k * tiles * out, out, U + k * out * in, in, 0,
                      V + k * tiles * in, in);
        if (dx)
            add_inputs(l, V, first, tiles, dx);
    }
    for (size_t o = 0; dW && o < out; o++)
        weights_from(dU + o * in, out * in, (real)l->weight_scale, in, dW + o * 9 * in);
}
