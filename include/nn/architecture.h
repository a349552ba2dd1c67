/* What a network is made of: the ONE list of layers that every type of architecture expands to. Networks are
 * built from it and costs are counted on it. Precision independent.
 *
 * Boundary 0 is the network's input, boundary i + 1 what layer i gives. Layers stand in an order in which each
 * comes after all that it reads. */
#ifndef RELIN_NN_ARCHITECTURE_H
#define RELIN_NN_ARCHITECTURE_H

#include "nn/spec.h"

struct error;

enum { ARCHITECTURE_MAX_LAYERS = 320 };

enum layer_kind {
    KIND_LAYER_TRANSPOSE, KIND_LAYER_DENSE, KIND_LAYER_CONVOLUTION, KIND_LAYER_POOLING, KIND_LAYER_ACTIVATION,
    KIND_LAYER_NORMALISATION, KIND_LAYER_SCALE
};

struct layer_spec {
    enum layer_kind kind;
    size_t input;                    /* the boundary it reads */
    int skip;                        /* the boundary that is added to its output, or -1 */
    struct image in, out;
    size_t window, stride, padding;  /* convolution, pooling (window 0: the whole image) */
    enum pooling pooling;
    enum activation activation;
    size_t groups;                   /* normalisation; 1 is layer normalisation */
    double scale;                    /* of a scale layer */
    bool bias;
    double parameters, multiply_adds;   /* multiply_adds a row: weights times positions of the output */
};

struct architecture {
    size_t n_layers;
    struct layer_spec layers[ARCHITECTURE_MAX_LAYERS];
};

/* The layers of a specification for inputs of a shape, the closing dense layer included. Returns 0, or -1
 * with *err filled where the specification does not fit the inputs; then the layers so far are there. */
int architecture_expand(const struct network_spec *spec, struct image input, size_t outputs,
                        struct architecture *architecture, struct error *err);

/* sigma_w, where it is auto what the activation asks for. */
double architecture_gain(const struct network_spec *spec);

/* The channels that a built-in type asks for, times the width multiplier: whole, at least 1. */
size_t architecture_channels(const struct network_spec *spec, double channels);

/* Scratch of derivatives: which buffer ("slot") holds what, decided once by looking at who reads what when. A
 * chain takes turns between two. */
enum skip_gradient { SKIP_GRADIENT_NONE, SKIP_GRADIENT_SHARES, SKIP_GRADIENT_COPIES, SKIP_GRADIENT_ADDS };

struct layer_buffers {
    bool varies;                     /* its output depends on the parameters, else its tangent is zero */
    bool input_varies;               /* its input does, so that a gradient by the input is wanted */
    int tangent;                     /* slot of its output's tangent; -1 for the last layer's: the caller's, and
                                        where nothing varies */
    int gradient;                    /* slot of its output's gradient; -1 for the last layer's: the caller's */
    int input_gradient;              /* slot that the gradient by its input is written to, or -1 */
    int sum;                         /* slot that it is then added to, where the boundary has one already, or -1 */
    enum skip_gradient skip;         /* what becomes of the gradient of the skip's boundary: takes over the
                                        buffer of the output's, copies it, or adds it */
    int skip_gradient;               /* its slot */
};

struct buffers {
    size_t n_slots;
    double features[ARCHITECTURE_MAX_LAYERS];        /* numbers a row, by slot */
    struct layer_buffers layers[ARCHITECTURE_MAX_LAYERS];
};

void buffers_assign(const struct architecture *architecture, struct buffers *buffers);

#endif
