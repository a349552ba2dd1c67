/* A layer: one file with init, forward, VJP and JVP side by side, found through a table
 * of functions. Batches are row-major (n, features); a layer never keeps state: what it
 * computes goes into buffers of the caller. */
#ifndef RELIN_NN_LAYER_H
#define RELIN_NN_LAYER_H

#include "base/random.h"
#include "math/real.h"
#include "nn/architecture.h"

struct layer;

enum layer_uses { LAYER_USES_INPUT = 1, LAYER_USES_OUTPUT = 2 };

struct layer_ops {
    const char *name;
    /* What vjp and jvp read of the layer's own values: bits of enum layer_uses. */
    unsigned (*uses)(const struct layer *layer);
    /* Initial parameters: the layer's j-th tensor from substream tensor + j of the seed's
     * stream. Layers without parameters leave it NULL. */
    void (*init)(const struct layer *layer, uint64_t seed, uint64_t tensor, real *parameters);
    /* y (n, outputs) = layer(x), overwritten. x (n, inputs). */
    void (*forward)(const struct layer *layer, const real *parameters, const real *x, size_t n, real *y);
    /* Given dy (n, outputs): dx (n, inputs), overwritten, unless NULL; gradient (of this layer's
     * parameters), overwritten, unless NULL. x and y are the layer's own at the same point. */
    void (*vjp)(const struct layer *layer, const real *parameters, const real *x, const real *y,
                size_t n, const real *dy, real *dx, real *gradient);
    /* ty (n, outputs), overwritten: directional derivative along tx (n, inputs; NULL is zero) and
     * tangent (of this layer's parameters). */
    void (*jvp)(const struct layer *layer, const real *parameters, const real *x, const real *y,
                size_t n, const real *tx, const real *tangent, real *ty);
    /* The layer's term of the NTK where it follows from two inner products. For `count` pairs of rows:
     * inputs = <x, x'> and deltas = <dy, dy'>, dy the derivative of an output of the network by y;
     * term, overwritten, = <gradient, gradient'>; term may be deltas. NULL: ntk/gram.h takes gradients of
     * single rows from vjp. */
    void (*ntk)(const struct layer *layer, size_t count, const real *inputs, const real *deltas, real *term);
};

struct layer {
    const struct layer_ops *ops;
    size_t inputs, outputs;          /* features per example */
    size_t offset, n_parameters;     /* its slice of the flat parameter vector */
    int number;                      /* among layers with parameters, or -1 */
    double weight_scale, bias_scale; /* factors in the forward pass: 1 in standard parameterisation */
    double init_weight, init_bias;   /* standard deviations at initialisation */
    bool bias;
    enum activation activation;
    enum pooling pooling;
    /* convolution and pooling: square windows; a side of the output is (side + 2 padding - window)/stride + 1.
     * Pooling over the whole image (out 1 x 1) is window 0, stride and padding unused. */
    struct image in, out;            /* zeros in layers that know no images */
    size_t window, stride, padding;
    size_t groups;                   /* normalisation: channels are split into so many; 1 is layer normalisation */
    double scale;                    /* of a scale layer */
    /* its place in a network */
    size_t input;                    /* the boundary it reads */
    int skip;                        /* the boundary that the network adds to its output, or -1; then vjp and jvp
                                        must not use the output */
    struct layer_buffers buffers;
};

extern const struct layer_ops layer_dense;        /* weight (out, in), then bias (out) */
extern const struct layer_ops layer_activation;
extern const struct layer_ops layer_convolution;  /* weight (out.channels, window, window, in.channels),
                                                     then bias (out.channels) */
extern const struct layer_ops layer_pooling;      /* channel by channel; needs padding < window, but for window 0 */
extern const struct layer_ops layer_transpose;    /* `in` as data sets have it, (channels, height, width), to
                                                     `out`, the same numbers as (height, width, channels) */
extern const struct layer_ops layer_normalisation;   /* scale (channels), then shift (channels) */
extern const struct layer_ops layer_scale;

#endif
