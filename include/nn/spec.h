/* What a network is, before it has parameters. The same for both precisions. */
#ifndef RELIN_NN_SPEC_H
#define RELIN_NN_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"

enum {
    NETWORK_MAX_WIDTHS = 64, NETWORK_MAX_CHANNELS = 16, NETWORK_MAX_ITEMS = 128, NETWORK_MAX_NESTING = 8,
    NETWORK_NAME_SIZE = 64, TENSOR_NAME_SIZE = 48, TENSOR_MAX_DIMS = 4
};

enum network_type { NETWORK_MLP, NETWORK_CNN, NETWORK_LENET, NETWORK_MYRTLE, NETWORK_RESNET, NETWORK_LAYERS };
/* none and auto (max in a cnn, average in lenet) are words of the sweep file, not layers */
enum pooling { POOLING_MAX, POOLING_AVERAGE, POOLING_NONE, POOLING_AUTO };
enum network_head { HEAD_GLOBAL, HEAD_FLATTEN };      /* average over the image, or all its features */
enum normalisation { NORMALISATION_AUTO, NORMALISATION_NONE, NORMALISATION_LAYER, NORMALISATION_GROUP };
enum activation { ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_ERF, ACTIVATION_GELU };
/* method.md section 4. standard: W ~ N(0, sigma_w^2/fan_in), b ~ N(0, sigma_b^2), f = W a + b.
 * ntk: W, b ~ N(0, 1), f = sigma_w/sqrt(fan_in) W a + sigma_b b. */
enum parameterisation { PARAMETERISATION_STANDARD, PARAMETERISATION_NTK };

/* Images: a row is (height, width, channels) inside a network, channels fastest, so that a convolution of
 * a whole batch is one matrix product; data sets come as (channels, height, width). Inputs that are no
 * images are (1, 1, features). */
struct image { size_t height, width, channels; };

static inline size_t image_features(struct image image)
{
    return image.height * image.width * image.channels;
}

static inline struct image image_flat(size_t features)
{
    return (struct image){1, 1, features};
}

/* What a network sees of a data set. */
static inline struct image image_of(const struct dataset *set)
{
    return set->n_dims == 3 ? (struct image){set->shape[1], set->shape[2], set->shape[0]}
                            : image_flat(set->train.features);
}

/* `type: layers`, as written: one item a layer; a residual block is RESIDUAL, its layers, SHORTCUT and the
 * shortcut's layers (where it has any of its own), END. */
enum item_kind {
    ITEM_CONVOLUTION, ITEM_DENSE, ITEM_ACTIVATION, ITEM_POOL, ITEM_GLOBAL_POOL, ITEM_FLATTEN, ITEM_NORM,
    ITEM_RESIDUAL, ITEM_SHORTCUT, ITEM_END
};
enum shortcut { SHORTCUT_IDENTITY, SHORTCUT_PROJECTION, SHORTCUT_LAYERS };
enum { ITEM_PADDING_SAME = -1, ITEM_ACTIVATION_OWN = 255 /* the network's */ };

struct layer_item {
    uint8_t kind, choice;           /* enum item_kind; enum activation, pooling, normalisation or shortcut */
    uint16_t window, stride;
    int16_t padding;                /* or ITEM_PADDING_SAME */
    union {
        int64_t size;               /* channels, width, or groups */
        double scale;               /* of the branch of a residual block */
    };
};

/* Plain numbers without pointers: jobs with the same network share one. */
struct network_spec {
    char name[NETWORK_NAME_SIZE];   /* its key under `architectures:` */
    enum network_type type;
    size_t n_widths;                /* mlp, cnn: hidden dense layers; 0 is a linear model */
    int64_t widths[NETWORK_MAX_WIDTHS];
    enum activation activation;
    enum parameterisation parameterisation;
    double sigma_w;                 /* NaN: sqrt(2) for relu and gelu, else 1 */
    double sigma_b;                 /* standard deviation (standard) or factor (ntk) of biases; 0 under
                                       standard: biases start at 0; under ntk with 0 they do not act */
    bool bias;
    /* cnn: stages of `convolutions` convolutions each; the first `pooled` stages end in pooling (-1: all but
     * the last) */
    size_t n_channels;
    int64_t channels[NETWORK_MAX_CHANNELS];
    int64_t window, convolutions, pool, pooled;
    enum network_head head;
    enum pooling pooling;           /* cnn, lenet */
    int64_t depth;                  /* myrtle, resnet */
    enum normalisation norm;        /* cnn, resnet */
    int64_t groups;
    double width_multiplier;        /* of all channels, cnn, lenet, myrtle, resnet; rounded, at least 1 */
    size_t n_items;                 /* layers */
    struct layer_item items[NETWORK_MAX_ITEMS];
};

/* One named tensor in the flat parameter vector. */
struct tensor {
    char name[TENSOR_NAME_SIZE];    /* "layer0.weight", "layer0.bias", ... */
    size_t offset, size;            /* in the flat vector, in numbers */
    size_t n_dims, shape[TENSOR_MAX_DIMS];   /* dense weights (out, in); of a convolution
                                                (out, height, width, in) */
    int layer;                      /* number of the parameterised layer it belongs to */
};

#endif
