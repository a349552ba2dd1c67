/* A small network of every architecture, by number, for tests that all of them must pass. */
#ifndef RELIN_TESTS_ZOO_H
#define RELIN_TESTS_ZOO_H

#include <math.h>

#include "nn/spec.h"

struct specimen {
    const char *label;
    struct network_spec spec;
    struct image input;
    size_t outputs;
};

#define ZOO_SCALED(multiplier) .sigma_w = NAN, .sigma_b = 0.3, .bias = true, .width_multiplier = multiplier, .groups = 2, \
                               .pooled = -1, .pool = 2, .window = 3, .convolutions = 1
#define ZOO_COMMON ZOO_SCALED(1)
#define ZOO_CONV(channels) {.kind = ITEM_CONVOLUTION, .window = 3, .stride = 1, .padding = ITEM_PADDING_SAME, .size = channels}

static const struct specimen zoo[] = {
    {"mlp", {.type = NETWORK_MLP, .n_widths = 2, .widths = {6, 5}, ZOO_COMMON}, {1, 1, 5}, 3},
    {"mlp on images", {.type = NETWORK_MLP, .n_widths = 1, .widths = {6}, .activation = ACTIVATION_GELU, ZOO_COMMON}, {3, 4, 2}, 3},
    {"cnn", {.type = NETWORK_CNN, .n_channels = 3, .channels = {3, 4, 4}, .pooling = POOLING_AUTO, ZOO_COMMON}, {8, 8, 3}, 3},
    {"cnn of one channel, average pooling, flattened", {.type = NETWORK_CNN, .n_channels = 2, .channels = {3, 4},
     .pooling = POOLING_AVERAGE, .head = HEAD_FLATTEN, .n_widths = 1, .widths = {5}, .activation = ACTIVATION_ERF,
     ZOO_COMMON}, {7, 6, 1}, 2},
    {"cnn without pooling, layer normalisation", {.type = NETWORK_CNN, .n_channels = 2, .channels = {3, 4},
     .pooling = POOLING_NONE, .norm = NORMALISATION_LAYER, .activation = ACTIVATION_TANH, ZOO_COMMON}, {4, 4, 2}, 3},
    {"lenet", {.type = NETWORK_LENET, .pooling = POOLING_AUTO, .activation = ACTIVATION_TANH, ZOO_COMMON}, {12, 12, 1}, 3},
    {"myrtle", {.type = NETWORK_MYRTLE, .depth = 5, .activation = ACTIVATION_GELU, ZOO_SCALED(0.05)},
     {8, 8, 3}, 3},
    {"resnet, group normalisation", {.type = NETWORK_RESNET, .depth = 8, .activation = ACTIVATION_GELU, ZOO_SCALED(0.125)}, {6, 6, 3}, 3},
    {"resnet without normalisation", {.type = NETWORK_RESNET, .depth = 14, .norm = NORMALISATION_NONE,
     .activation = ACTIVATION_TANH, ZOO_SCALED(0.125)}, {5, 5, 3}, 3},
    {"resnet of relu", {.type = NETWORK_RESNET, .depth = 8, .norm = NORMALISATION_LAYER, ZOO_SCALED(0.125)}, {6, 6, 1}, 3},
    {"residual blocks of dense layers", {.type = NETWORK_LAYERS, .activation = ACTIVATION_TANH, ZOO_COMMON, .n_items = 11,
     .items = {{.kind = ITEM_DENSE, .size = 6},
               {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_IDENTITY, .scale = 0.5},   /* its input is a sum's, too */
               {.kind = ITEM_ACTIVATION, .choice = ITEM_ACTIVATION_OWN},
               {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_IDENTITY, .scale = 1}, {.kind = ITEM_DENSE, .size = 6}, {.kind = ITEM_END},
               {.kind = ITEM_END},
               {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_PROJECTION, .scale = 0.7}, {.kind = ITEM_DENSE, .size = 4},
               {.kind = ITEM_ACTIVATION, .choice = ACTIVATION_ERF}, {.kind = ITEM_END}}}, {1, 1, 5}, 3},
    {"a block on the inputs, a shortcut of layers, nested blocks", {.type = NETWORK_LAYERS, .activation = ACTIVATION_ERF,
     ZOO_COMMON, .n_items = 17,
     .items = {{.kind = ITEM_RESIDUAL, .choice = SHORTCUT_IDENTITY, .scale = 1}, ZOO_CONV(3), {.kind = ITEM_END},
               {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_LAYERS, .scale = 0.6}, ZOO_CONV(4),
               {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_IDENTITY, .scale = 1}, ZOO_CONV(4),
               {.kind = ITEM_NORM, .choice = NORMALISATION_GROUP, .size = 2},
               {.kind = ITEM_ACTIVATION, .choice = ITEM_ACTIVATION_OWN}, {.kind = ITEM_END},
               {.kind = ITEM_POOL, .choice = POOLING_AVERAGE, .window = 2, .stride = 2},
               {.kind = ITEM_SHORTCUT}, {.kind = ITEM_CONVOLUTION, .window = 2, .stride = 2, .size = 4},
               {.kind = ITEM_ACTIVATION, .choice = ACTIVATION_TANH}, {.kind = ITEM_END},
               {.kind = ITEM_FLATTEN}, {.kind = ITEM_NORM, .choice = NORMALISATION_LAYER}}}, {4, 4, 3}, 2},
    {"a dense block on images, with a projection", {.type = NETWORK_LAYERS, .activation = ACTIVATION_TANH, ZOO_COMMON, .n_items = 5,
     .items = {ZOO_CONV(2), {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_PROJECTION, .scale = 0.5}, {.kind = ITEM_DENSE, .size = 4},
               {.kind = ITEM_ACTIVATION, .choice = ITEM_ACTIVATION_OWN}, {.kind = ITEM_END}}}, {3, 3, 2}, 2},
    {"activations of the inputs before images", {.type = NETWORK_LAYERS, ZOO_COMMON, .n_items = 4,
     .items = {{.kind = ITEM_ACTIVATION, .choice = ACTIVATION_TANH}, ZOO_CONV(2),
               {.kind = ITEM_ACTIVATION, .choice = ACTIVATION_GELU}, {.kind = ITEM_GLOBAL_POOL}}}, {3, 4, 2}, 2},
};
enum { ZOO = sizeof zoo / sizeof *zoo };

/* The i-th of 2 ZOO: every specimen in both parameterisations. */
static inline struct specimen zoo_specimen(int i)
{
    struct specimen s = zoo[i / 2];
    s.spec.parameterisation = (enum parameterisation)(i % 2);
    return s;
}

#endif
