/* Layer after layer into the list of an architecture. Functions return 0, or -1 with the builder's *err filled. */
#ifndef RELIN_NN_BUILDER_H
#define RELIN_NN_BUILDER_H

#include "nn/architecture.h"

/* Where the next layer is put. */
struct builder {
    const struct network_spec *spec;
    struct architecture *into;
    size_t at;                /* the boundary that it reads */
    struct image shape;       /* of that boundary */
    bool image;               /* is that an image, with places that windows can move over? */
    bool as_data;             /* an image in the data set's order, (channels, height, width) */
    struct error *err;
};

/* Leaves an image's places: the numbers stay in the order that they have. */
void build_flatten(struct builder *b);
/* A dense layer reads all features, also of an image. */
int build_dense(struct builder *b, size_t width, bool bias);
/* padding: ITEM_PADDING_SAME keeps the size of the image at stride 1. */
int build_convolution(struct builder *b, size_t channels, size_t window, size_t stride, int padding, bool bias);
int build_pooling(struct builder *b, enum pooling pooling, size_t window, size_t stride);
int build_global_average(struct builder *b);
int build_activation(struct builder *b, enum activation activation);
int build_norm(struct builder *b, enum normalisation norm, size_t groups);

/* A residual block, y = shortcut(x) + scale branch(x): build_block, the branch's layers, build_shortcut, the
 * shortcut's layers, build_addition. */
struct block {
    size_t start, branch;     /* boundaries: x, and what the branch gives */
    struct image in, out;
    bool image_in, image_out;
    double scale;
    bool plain;
};

int build_block(struct builder *b, struct block *block, double scale);
/* plain: a shortcut without layers; then the addition applies the scale, else a layer before it. */
int build_shortcut(struct builder *b, struct block *block, bool plain);
/* A 1 x 1 convolution with the stride that gives the shape of the branch; where that is no image, a dense layer. */
int build_projection(struct builder *b, const struct block *block, bool bias);
int build_addition(struct builder *b, const struct block *block);

#endif
