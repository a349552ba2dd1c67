/* Lists of layers: sizes from the literature, what does not fit, scratch buffers. */
#include <string.h>

#include "base/error.h"
#include "nn/cost.h"
#include "unit.h"
#include "zoo.h"

static const struct image cifar = {32, 32, 3}, mnist = {28, 28, 1};

#define COMMON .sigma_w = NAN, .bias = true, .width_multiplier = 1, .groups = 4, .pooled = -1, .pool = 2, .window = 3, \
               .convolutions = 1, .pooling = POOLING_AUTO

/* Parameters, and multiply-adds a row where they are known. */
static const struct { struct network_spec spec; const struct image *input; double parameters, multiply_adds; } sizes[] = {
    /* LeNet-5 with full convolutions: 156 + 2416 + 48120 + 10164 + 850 */
    {{.type = NETWORK_LENET, COMMON}, &mnist, 61706, 6 * 25 * 784 + 16 * 150 * 100 + 48000 + 10080 + 840},
    /* ResNet-20 and -32 with projections: 272,474 and 466,906, as with batch normalisation's scales and shifts;
     * 40.81 M multiply-adds */
    {{.type = NETWORK_RESNET, .depth = 20, COMMON}, &cifar, 272474, 40813184},
    {{.type = NETWORK_RESNET, .depth = 32, COMMON}, &cifar, 466906, 0},
    /* without normalisation: biases for shifts, no scales */
    {{.type = NETWORK_RESNET, .depth = 20, .norm = NORMALISATION_NONE, COMMON}, &cifar,
     272474 - 7 * 16 - 7 * 32 - 7 * 64, 40813184},
    {{.type = NETWORK_MYRTLE, .depth = 5, COMMON}, &cifar, 1792 + 3 * 36928 + 650, 0},
    {{.type = NETWORK_MYRTLE, .depth = 7, COMMON}, &cifar, 1792 + 5 * 36928 + 650, 0},
    {{.type = NETWORK_MYRTLE, .depth = 10, COMMON}, &cifar, 1792 + 8 * 36928 + 650, 0},
    {{.type = NETWORK_CNN, .n_channels = 3, .channels = {32, 64, 64}, .pooled = 2, .sigma_w = NAN, .bias = true, .window = 3,
      .width_multiplier = 1, .pool = 2, .convolutions = 1, .pooling = POOLING_AUTO},
     &cifar, 896 + 18496 + 36928 + 650, 864 * 1024 + 18432 * 256 + 36864 * 64 + 640},
    {{.type = NETWORK_CNN, .n_channels = 1, .channels = {8}, .head = HEAD_FLATTEN, .n_widths = 1, .widths = {5}, COMMON},
     &mnist, 80 + 5 * (8 * 784 + 1) + 60, 72 * 784 + 5 * 8 * 784 + 50},
    {{.type = NETWORK_MLP, .n_widths = 2, .widths = {512, 512}, COMMON}, &mnist, 784 * 512 + 512 * 512 + 512 * 10 + 1034,
     784 * 512 + 512 * 512 + 5120},
};

START_TEST(sizes_are_those_of_the_literature)
{
    struct network_size size;
    struct error err = {0};
    ck_assert_msg(network_measure(&sizes[_i].spec, *sizes[_i].input, 10, &size, &err) == 0, "%s", err.text);
    ck_assert_double_eq(size.parameters, sizes[_i].parameters);
    if (sizes[_i].multiply_adds > 0)
        ck_assert_double_eq(size.first + size.rest, sizes[_i].multiply_adds);
}
END_TEST

START_TEST(a_width_multiplier_rounds_channels_and_keeps_at_least_one)
{
    struct network_spec spec = {.width_multiplier = 0.25};
    ck_assert_uint_eq(architecture_channels(&spec, 6), 2);
    ck_assert_uint_eq(architecture_channels(&spec, 16), 4);
    ck_assert_uint_eq(architecture_channels(&spec, 1), 1);
    spec.width_multiplier = 2.5;
    ck_assert_uint_eq(architecture_channels(&spec, 3), 8);
}
END_TEST

/* Only what a residual network without normalisation has: branches scaled by 1/sqrt(blocks). */
START_TEST(branches_without_normalisation_are_scaled_and_with_it_they_are_not)
{
    static struct architecture list;
    struct network_spec spec = {.type = NETWORK_RESNET, .depth = 14, .norm = NORMALISATION_NONE, COMMON};
    int scales = 0, skips = 0;
    ck_assert_int_eq(architecture_expand(&spec, cifar, 10, &list, NULL), 0);
    for (size_t i = 0; i < list.n_layers; i++) {
        if (list.layers[i].kind == KIND_LAYER_SCALE) {
            ck_assert_double_eq(list.layers[i].scale, 1 / sqrt(6));
            scales++;
        }
        skips += list.layers[i].skip >= 0;
    }
    ck_assert_int_eq(scales, 6);
    ck_assert_int_eq(skips, 6);
    spec.norm = NORMALISATION_AUTO;
    ck_assert_int_eq(architecture_expand(&spec, cifar, 10, &list, NULL), 0);
    for (size_t i = 0; i < list.n_layers; i++) {
        ck_assert_int_ne(list.layers[i].kind, KIND_LAYER_SCALE);
        if (list.layers[i].kind == KIND_LAYER_CONVOLUTION)   /* the shift of the normalisation is the bias */
            ck_assert(!list.layers[i].bias && list.layers[i + 1].kind == KIND_LAYER_NORMALISATION);
    }
}
END_TEST

#define LAYERS(...) {.name = "net", .type = NETWORK_LAYERS, .items = {__VA_ARGS__}, COMMON}
#define CONV(c, w, s, p) {.kind = ITEM_CONVOLUTION, .window = w, .stride = s, .padding = p, .size = c}
static const struct { struct network_spec spec; size_t n_items; struct image input; const char *message; } unfit[] = {
    {LAYERS({.kind = ITEM_FLATTEN}, CONV(8, 3, 1, 1)), 2, {4, 4, 2},
     "architecture net: layer 0 (convolution): expected an image (data sets without images suit dense layers; flatten, dense "
     "and global pooling leave no image), got 1 x 1 x 32 (height, width, channels)"},
    {LAYERS({.kind = ITEM_GLOBAL_POOL}, {.kind = ITEM_POOL, .window = 2, .stride = 2}), 2, {4, 4, 1},
     "architecture net: layer 1 (pooling): expected an image (data sets without images suit dense layers; flatten, dense "
     "and global pooling leave no image), got 1 x 1 x 1 (height, width, channels)"},
    {LAYERS({.kind = ITEM_GLOBAL_POOL}), 1, {1, 1, 7},
     "architecture net: layer 0 (global pooling): expected an image (data sets without images suit dense layers; flatten, "
     "dense and global pooling leave no image), got 1 x 1 x 7 (height, width, channels)"},
    {LAYERS(CONV(8, 5, 1, 0)), 1, {6, 4, 1},
     "architecture net: layer 0 (convolution): expected an image that a window of 5 with padding 0 fits into, got 6 x 4 x 1 "
     "(height, width, channels)"},
    {LAYERS({.kind = ITEM_POOL, .window = 3, .stride = 3}, {.kind = ITEM_POOL, .window = 3, .stride = 3}), 2, {8, 8, 2},
     "architecture net: layer 2 (pooling): expected an image that a window of 3 with padding 0 fits into, got 2 x 2 x 2 "
     "(height, width, channels)"},
    {LAYERS(CONV(6, 3, 1, 1), {.kind = ITEM_NORM, .choice = NORMALISATION_GROUP, .size = 4}), 2, {4, 4, 1},
     "architecture net: layer 1 (norm): expected channels that 4 groups divide evenly, got 4 x 4 x 6 (height, width, channels)"},
    {LAYERS({.kind = ITEM_RESIDUAL, .scale = 1}, CONV(6, 3, 2, 1), {.kind = ITEM_END}), 3, {8, 8, 2},
     "architecture net: layer 2 (residual): expected a shortcut of the shape of its layers' output, 4 x 4 x 6 (see shortcut: "
     "projection), got 8 x 8 x 2 (height, width, channels)"},
    {LAYERS({.kind = ITEM_RESIDUAL, .choice = SHORTCUT_PROJECTION, .scale = 1}, CONV(6, 4, 1, 0), {.kind = ITEM_END}), 3, {8, 8, 1},
     "architecture net: layer 2 (residual): expected a shortcut of the shape of its layers' output, 5 x 5 x 6 (see shortcut: "
     "projection), got 4 x 4 x 6 (height, width, channels)"},
    {LAYERS({.kind = ITEM_RESIDUAL, .scale = 1}, {.kind = ITEM_DENSE, .size = 9}, {.kind = ITEM_END}), 3, {8, 8, 1},
     "architecture net: layer 1 (residual): expected a shortcut of the shape of its layers' output, 1 x 1 x 9 (see shortcut: "
     "projection), got 8 x 8 x 1 (height, width, channels)"},
    {LAYERS({.kind = ITEM_RESIDUAL, .scale = 1}, {.kind = ITEM_FLATTEN}, {.kind = ITEM_END}), 3, {8, 8, 1},
     "architecture net: layer 0 (residual): expected a layer in the block, got 8 x 8 x 1 (height, width, channels)"},
    {{.name = "net", .type = NETWORK_CNN, .n_channels = 8, .channels = {8, 8, 8, 8, 8, 8, 8, 8}, .convolutions = 16, .norm = NORMALISATION_LAYER,
      .pooling = POOLING_NONE, .window = 3, .width_multiplier = 1}, 0, {8, 8, 1},
     "architecture net: expected at most 320 layers, got more"},
};

START_TEST(a_layer_that_does_not_fit_is_refused_with_the_reason)
{
    struct network_spec spec = unfit[_i].spec;
    struct network_size size;
    struct error err = {0};
    spec.n_items = unfit[_i].n_items;
    ck_assert_int_eq(network_measure(&spec, unfit[_i].input, 3, &size, &err), -1);
    ck_assert_str_eq(err.text, unfit[_i].message);
    ck_assert_int_eq(err.code, ERROR_SWEEP);
}
END_TEST

START_TEST(a_chain_takes_turns_between_two_buffers_and_blocks_need_few_more)
{
    static struct architecture list;
    static struct buffers buffers;
    static const struct { struct network_spec spec; size_t slots; } cases[] = {
        {{.type = NETWORK_MLP, .n_widths = 3, .widths = {4, 5, 6}, COMMON}, 2},
        {{.type = NETWORK_MLP, COMMON}, 0},
        {{.type = NETWORK_CNN, .n_channels = 3, .channels = {8, 8, 8}, COMMON}, 2},
        {{.type = NETWORK_RESNET, .depth = 32, COMMON}, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(architecture_expand(&cases[i].spec, cifar, 10, &list, NULL), 0);
        buffers_assign(&list, &buffers);
        ck_assert_uint_eq(buffers.n_slots, cases[i].slots);
    }
}
END_TEST

/* A slot may not be written to before its last reader is through. */
START_TEST(no_buffer_is_overwritten_while_something_still_reads_it)
{
    static struct architecture list;
    static struct buffers buffers;
    ck_assert_int_eq(architecture_expand(&zoo[_i].spec, zoo[_i].input, zoo[_i].outputs, &list, NULL), 0);
    buffers_assign(&list, &buffers);
    for (size_t i = 0; i < list.n_layers; i++)           /* whose tangent is in a slot that a later layer takes */
        for (size_t j = i + 1; j < list.n_layers; j++) {
            if (buffers.layers[i].tangent < 0 || buffers.layers[i].tangent != buffers.layers[j].tangent)
                continue;
            for (size_t k = j; k < list.n_layers; k++)
                ck_assert_msg(list.layers[k].input != i + 1 && list.layers[k].skip != (int)i + 1,
                              "%s: layer %zu overwrites the tangent of %zu that %zu reads", zoo[_i].label, j, i, k);
        }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, sizes_are_those_of_the_literature, 0, (int)(sizeof sizes / sizeof *sizes));
    tcase_add_test(tests, a_width_multiplier_rounds_channels_and_keeps_at_least_one);
    tcase_add_test(tests, branches_without_normalisation_are_scaled_and_with_it_they_are_not);
    tcase_add_loop_test(tests, a_layer_that_does_not_fit_is_refused_with_the_reason, 0, (int)(sizeof unfit / sizeof *unfit));
    tcase_add_test(tests, a_chain_takes_turns_between_two_buffers_and_blocks_need_few_more);
    tcase_add_loop_test(tests, no_buffer_is_overwritten_while_something_still_reads_it, 0, ZOO);
}

UNIT_MAIN("architectures", add)
