/* Architectures of sweep files: messages, texts of jobs, identities, and lists of layers that copy a built-in type. */
#include <math.h>

#include "base/text.h"
#include "network_messages.h"
#include "nn/architecture.h"
#include "sweep_text.h"

#define ONE(network) DATA TRAINING "architectures: {a: " network "}\n"

START_TEST(a_wrong_architecture_is_refused_in_these_words)
{
    struct sweep sweep;
    struct error err = {0};
    struct text text = {0}, wanted = {0};
    char path[64];
    text_add(&text, "%sarchitectures: {a: %s}\n", DATA TRAINING, refused_networks[_i].text);
    ck_assert_msg(load_bytes(&sweep, text.chars, text.length, NULL, path, &err) == -1, "not refused:\n%s", text.chars);
    for (const char *c = refused_networks[_i].message; *c; c++)
        text_add(&wanted, *c == '@' ? "%s" : "%.1s", *c == '@' ? path : c);
    ck_assert_str_eq(err.text, wanted.chars);
    ck_assert_int_eq(error_exit_code(err.code), 2);
    text_free(&text);
    text_free(&wanted);
    sweep_free(&sweep);
}
END_TEST

static const char *const networks[] = {
    ONE("{type: cnn}"),
    ONE("{type: cnn, channels: [8, 16], window: 5, convolutions: 2, pooling: average, pool: 3, pooled: 2, head: flatten, "
        "widths: [12], norm: group, groups: 2, width_multiplier: 0.5, activation: gelu, parameterisation: ntk}"),
    ONE("{type: lenet, activation: tanh, pooling: none}"),
    ONE("{type: myrtle, depth: 7}"),
    ONE("{type: resnet, depth: 20, norm: none, width_multiplier: 0.3}"),
    ONE("{type: layers, layers: []}"),
    ONE("{type: layers, layers: [conv: 8, conv: {channels: 4, window: 2, padding: 0}, norm: layer, norm: {type: group, groups: 2}, "
        "activation, activation: erf, pool: average, pool: {type: max, window: 3, stride: 1}, "
        "{residual: [{conv: 8}, {residual: [{conv: 8}]}], shortcut: projection, scale: 0.125}, "
        "{residual: [{pool: max}], shortcut: [{conv: {channels: 8, window: 1, stride: 2}}, norm: group]}, flatten, "
        "dense: 7, {residual: [activation]}]}"),
    ONE("{type: layers, layers: [conv: 8, global_pool: average]}"),
    ONE("{widths: [8, 4]}"),
};

START_TEST(an_architecture_reads_back_from_the_text_of_a_job)
{
    struct sweep sweep;
    struct job job;
    struct error err = {0};
    load_right(&sweep, networks[_i], NULL);
    ck_assert_uint_eq(sweep.n_jobs, 1);
    ck_assert_msg(job_parse(&job, sweep.jobs[0].text, &err) == 0, "%s\n%s", err.text, sweep.jobs[0].text);
    ck_assert_str_eq(job.text, sweep.jobs[0].text);
    ck_assert_str_eq(job.id, sweep.jobs[0].id);
    const struct network_spec *a = job.network, *b = sweep.jobs[0].network;
    ck_assert(a->type == b->type && a->depth == b->depth && a->width_multiplier == b->width_multiplier);
    ck_assert_uint_eq(a->n_items, b->n_items);
    ck_assert_mem_eq(a->items, b->items, sizeof a->items);
    ck_assert_mem_eq(a->channels, b->channels, sizeof a->channels);
    job_free(&job);
    sweep_free(&sweep);
}
END_TEST

START_TEST(the_text_of_a_job_has_the_keys_of_its_type_only)
{
    struct sweep sweep;
    load_right(&sweep, ONE("{widths: [8, 4]}"), NULL);
    ck_assert_ptr_nonnull(strstr(sweep.jobs[0].text, "{\"architecture\":{\"name\":\"a\",\"type\":\"mlp\",\"widths\":[8,4],"
                                 "\"activation\":\"relu\",\"parameterisation\":\"standard\",\"sigma_w\":\"auto\","
                                 "\"sigma_b\":0,\"bias\":true}"));
    ck_assert_ptr_null(strstr(sweep.resolved, "channels"));
    sweep_free(&sweep);
    load_right(&sweep, ONE("{type: myrtle, depth: 5}"), NULL);
    ck_assert_ptr_nonnull(strstr(sweep.jobs[0].text, "\"type\":\"myrtle\",\"depth\":5,\"width_multiplier\":1,\"activation\""));
    sweep_free(&sweep);
}
END_TEST

static void id_of(const char *text, char id[HASH_HEX_SIZE])
{
    struct sweep sweep;
    load_right(&sweep, text, NULL);
    memcpy(id, sweep.jobs[0].id, HASH_HEX_SIZE);
    sweep_free(&sweep);
}

START_TEST(defaults_of_an_architecture_are_not_in_its_id_and_other_values_are)
{
    static const char *const same[][2] = {
        {ONE("{type: cnn}"), ONE("{type: cnn, channels: [32, 64, 64], window: 3, pooled: auto, norm: auto, width_multiplier: 1, groups: 4}")},
        {ONE("{type: resnet, depth: 8}"), ONE("{type: resnet, depth: 8, norm: auto, groups: 4, activation: relu}")},
        {ONE("{type: layers, layers: [conv: 8]}"), ONE("{type: layers, layers: [{conv: {channels: 8, window: 3, stride: 1, padding: same}}]}")},
        {ONE("{type: layers, layers: [{residual: [{dense: 8}]}]}"), ONE("{type: layers, layers: [{residual: [{dense: 8}], shortcut: identity, scale: 1}]}")},
    };
    static const char *const other[] = {
        ONE("{type: cnn}"), ONE("{type: cnn, channels: [32, 64]}"), ONE("{type: cnn, pooled: 2}"), ONE("{type: cnn, norm: layer}"),
        ONE("{type: lenet}"), ONE("{type: resnet, depth: 8}"), ONE("{type: resnet, depth: 14}"), ONE("{type: layers, layers: [conv: 8]}"),
        ONE("{type: layers, layers: [conv: 9]}"), ONE("{type: layers, layers: [{residual: [{conv: 8}]}]}"),
        ONE("{type: layers, layers: [{residual: [{conv: 8}], shortcut: projection}]}"), ONE("{}")};
    enum { OTHER = sizeof other / sizeof *other };
    char ids[OTHER][HASH_HEX_SIZE], a[HASH_HEX_SIZE], b[HASH_HEX_SIZE];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        id_of(same[i][0], a);
        id_of(same[i][1], b);
        ck_assert_msg(strcmp(a, b) == 0, "%s", same[i][1]);
    }
    for (size_t i = 0; i < OTHER; i++) {
        id_of(other[i], ids[i]);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(strcmp(ids[i], ids[j]) != 0, "%s and %s", other[i], other[j]);
    }
}
END_TEST

/* Layers that are what a built-in type is. A norm takes the bias of the layer before it, here as there. */
#define RES(c, shortcut) "{residual: [{conv: " c "}, {norm: group}, activation, {conv: " c "}, {norm: group}]" shortcut "}, activation, "
#define DOWN(c) "{residual: [{conv: {channels: " c ", stride: 2}}, {norm: group}, activation, {conv: " c "}, {norm: group}], " \
                "shortcut: [{conv: {channels: " c ", window: 1, stride: 2}}, {norm: group}]}, activation, "
static const struct { const char *type, *layers; } copies[] = {
    {ONE("{widths: [8, 4], activation: erf}"), ONE("{type: layers, activation: erf, layers: [flatten, dense: 8, activation, dense: 4, activation: erf]}")},
    {ONE("{type: cnn, pooled: 2}"),
     ONE("{type: layers, layers: [conv: 32, activation, pool: max, conv: 64, activation, pool: max, conv: 64, activation, global_pool]}")},
    {ONE("{type: lenet}"), ONE("{type: layers, layers: [{conv: {channels: 6, window: 5, padding: 2}}, activation, pool: average, "
                               "{conv: {channels: 16, window: 5, padding: 0}}, activation, pool: average, dense: 120, activation, dense: 84, activation]}")},
    {ONE("{type: myrtle, depth: 5}"),
     ONE("{type: layers, layers: [conv: 64, activation, conv: 64, activation, pool: average, conv: 64, activation, pool: average, "
         "conv: 64, activation, global_pool]}")},
    {ONE("{type: resnet, depth: 8}"),
     ONE("{type: layers, layers: [conv: 16, norm: group, activation, " RES("16", "") DOWN("32") DOWN("64") "global_pool]}")},
    {ONE("{type: resnet, depth: 8, norm: none}"),   /* 1/sqrt(3) */
     ONE("{type: layers, layers: [conv: 16, activation, {residual: [conv: 16, activation, conv: 16], scale: 0.57735026918962584}, activation, "
         "{residual: [{conv: {channels: 32, stride: 2}}, activation, conv: 32], shortcut: projection, scale: 0.57735026918962584}, activation, "
         "{residual: [{conv: {channels: 64, stride: 2}}, activation, conv: 64], shortcut: projection, scale: 0.57735026918962584}, activation, "
         "global_pool]}")},
};

static bool same_image(struct image a, struct image b)
{
    return a.height == b.height && a.width == b.width && a.channels == b.channels;
}

/* All that a network is built from, beside what both have. */
static bool same_layer(const struct layer_spec *a, const struct layer_spec *b)
{
    return a->kind == b->kind && a->input == b->input && a->skip == b->skip && same_image(a->in, b->in)
           && same_image(a->out, b->out) && a->window == b->window && a->stride == b->stride && a->padding == b->padding
           && a->pooling == b->pooling && a->activation == b->activation && a->groups == b->groups
           && a->scale == b->scale && a->bias == b->bias && a->parameters == b->parameters
           && a->multiply_adds == b->multiply_adds;
}

START_TEST(a_list_of_layers_copies_a_built_in_type_to_the_last_bit)
{
    static struct architecture a, b;
    struct sweep type, layers;
    const struct image images[] = {{32, 32, 3}, {28, 28, 1}};
    load_right(&type, copies[_i].type, NULL);
    load_right(&layers, copies[_i].layers, NULL);
    for (size_t k = 0; k < 2; k++) {
        ck_assert_int_eq(architecture_expand(type.jobs[0].network, images[k], 10, &a, NULL), 0);
        ck_assert_int_eq(architecture_expand(layers.jobs[0].network, images[k], 10, &b, NULL), 0);
        ck_assert_uint_eq(a.n_layers, b.n_layers);
        for (size_t i = 0; i < a.n_layers; i++)
            ck_assert_msg(same_layer(&a.layers[i], &b.layers[i]), "layer %zu", i);
    }
    sweep_free(&type);
    sweep_free(&layers);
}
END_TEST

START_TEST(depth_and_lists_can_be_axes)
{
    struct sweep sweep;
    char path[64];
    struct error err = {0};
    load_right(&sweep, ONE("{type: resnet}") "grid: {architectures.a.depth: [8, 20]}\n", NULL);
    ck_assert_uint_eq(sweep.n_jobs, 2);
    ck_assert_int_eq(sweep.jobs[1].network->depth, 20);
    sweep_free(&sweep);
    load_right(&sweep, ONE("{type: layers}") "grid: {architectures.a.layers: [[dense: 8], [dense: 9, activation]]}\n", NULL);
    ck_assert_uint_eq(sweep.n_jobs, 2);
    ck_assert_uint_eq(sweep.jobs[1].network->n_items, 2);
    ck_assert_str_eq(sweep.axes[0].label[0], "[{\"dense\":8}]");
    sweep_free(&sweep);
    static const char *const wrong[][2] = {
        {"grid: {architectures.a.depth: [8, 9]}\n", ":4:7: architectures.a.depth: expected 8, 14, 20 or 32 with type resnet, got 9"},
        {"grid: {architectures.a.layers: [dense: 8]}\n",
         ":4:32: grid.architectures.a.layers: expected a list of lists, such as [[dense: 8], [dense: 9, activation]], got [{dense: 8}]"}};
    for (size_t i = 0; i < 2; i++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s", ONE("{type: resnet, depth: 8}"), wrong[i][0]);
        ck_assert_int_eq(load_bytes(&sweep, text, strlen(text), NULL, path, &err), -1);
        ck_assert_msg(strstr(err.text, wrong[i][1]) != NULL, "%s", err.text);
        sweep_free(&sweep);
    }
}
END_TEST

START_TEST(a_network_that_does_not_fit_its_data_is_refused_before_anything_runs)
{
    struct sweep sweep;
    struct error err = {0};
    const struct dataset flat = {.n_dims = 1, .shape = {12}, .outputs = 2, .train.features = 12};
    load_right(&sweep, ONE("{type: cnn}"), NULL);
    ck_assert_int_eq(job_check_network(&sweep.jobs[0], &flat, &err), -1);
    ck_assert_str_eq(err.text, "data set sprites: architecture a: layer 0 (convolution): expected an image (data sets without "
                     "images suit dense layers; flatten, dense and global pooling leave no image), got 1 x 1 x 12 (height, width, channels)");
    ck_assert_int_eq(err.code, ERROR_SWEEP);
    const struct dataset image = {.n_dims = 3, .shape = {1, 8, 8}, .outputs = 2, .train.features = 64};
    ck_assert_int_eq(job_check_network(&sweep.jobs[0], &image, &err), 0);
    sweep_free(&sweep);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_wrong_architecture_is_refused_in_these_words, 0,
                        (int)(sizeof refused_networks / sizeof *refused_networks));
    tcase_add_loop_test(tests, an_architecture_reads_back_from_the_text_of_a_job, 0, (int)(sizeof networks / sizeof *networks));
    tcase_add_test(tests, the_text_of_a_job_has_the_keys_of_its_type_only);
    tcase_add_test(tests, defaults_of_an_architecture_are_not_in_its_id_and_other_values_are);
    tcase_add_loop_test(tests, a_list_of_layers_copies_a_built_in_type_to_the_last_bit, 0, (int)(sizeof copies / sizeof *copies));
    tcase_add_test(tests, depth_and_lists_can_be_axes);
    tcase_add_test(tests, a_network_that_does_not_fit_its_data_is_refused_before_anything_runs);
}

UNIT_MAIN("architectures of sweep files", add)
