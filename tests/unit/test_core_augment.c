/* Random crops and flips: against an obvious loop, and what they may and may not depend on. */
#include <stdio.h>

#include "data/augment.h"
#include "data/gather.h"
#include "toy.h"

enum { TRAIN = 24, SIDE = 32, CHANNELS = 2, FEATURES = CHANNELS * SIDE * SIDE };

static struct dataset set;
static struct split split;
static unsigned char pixels[TRAIN * FEATURES];
static int32_t labels[TRAIN];
static size_t rows[TRAIN];

/* Images of noise with two channels that are normalised apart. */
static void load(void)
{
    struct random r;
    random_start(&r, 5, RANDOM_SET, 0);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)random_below(&r, 256);
    for (size_t i = 0; i < TRAIN; i++) {
        rows[i] = (i * 5) % TRAIN;
        labels[i] = (int32_t)(i % 3);
    }
    set = (struct dataset){.outputs = 3, .n_dims = 3, .shape = {CHANNELS, SIDE, SIDE},
                           .train = {.rows = TRAIN, .features = FEATURES, .bytes = true, .x = pixels, .label = labels}};
    set.test = set.train;
    split = (struct split){.set = &set, .channels = CHANNELS, .mean = {0.3, 0.6}, .scale = {2, 3}};
    split.count[PART_TRAIN] = split.count[PART_TEST] = TRAIN;
    split.row[PART_TRAIN] = split.row[PART_TEST] = rows;
}

static struct augmentation augmentations[] = {{4, true}, {4, false}, {0, true}, {31, true}};
enum { AUGMENTATIONS = sizeof augmentations / sizeof *augmentations };

/* Pads by crop with zeros, cuts the old size out, mirrors: as one would say it. */
static real obvious(const real *x, const struct augmentation *augment, const struct augment_draw *draw, size_t c,
                    int64_t i, int64_t j)
{
    int64_t crop = augment->crop, wide = SIDE + 2 * crop;
    static real padded[(SIDE + 62) * (SIDE + 62)];
    memset(padded, 0, sizeof padded);
    for (int64_t k = 0; k < SIDE; k++)
        for (int64_t l = 0; l < SIDE; l++)
            padded[(k + crop) * wide + l + crop] = x[(int64_t)c * SIDE * SIDE + k * SIDE + l];
    int64_t column = draw->flip ? SIDE - 1 - j : j;
    return padded[(i + crop - draw->down) * wide + column + crop - draw->right];
}

START_TEST(rows_are_padded_cut_and_mirrored_as_drawn)
{
    static real plain[FEATURES], x[TRAIN * FEATURES];
    const struct augmentation *augment = &augmentations[_i];
    load();
    gather_augmented(&split, augment, NULL, 0, TRAIN, 7, 12, x);
    for (size_t n = 0; n < 4; n++) {
        struct augment_draw draw = augment_at(augment, 7, 12, n);
        gather_inputs(&split, PART_TRAIN, NULL, n, 1, plain);
        for (size_t c = 0; c < CHANNELS; c++)
            for (int64_t i = 0; i < SIDE; i += 3)
                for (int64_t j = 0; j < SIDE; j += 5)
                    ck_assert(x[n * FEATURES + c * SIDE * SIDE + (size_t)(i * SIDE + j)]
                              == obvious(plain, augment, &draw, c, i, j));
    }
}
END_TEST

START_TEST(bits_hang_on_seed_step_and_position_alone)
{
    static real all[TRAIN * FEATURES], some[3 * FEATURES];
    const size_t index[3] = {17, 4, 17};
    load();
    gather_augmented(&split, &augmentations[0], NULL, 0, TRAIN, 7, 12, all);
    gather_augmented(&split, &augmentations[0], index, 99, 3, 7, 12, some);
    for (size_t b = 0; b < 3; b++)
        ck_assert_mem_eq(some + b * FEATURES, all + index[b] * FEATURES, FEATURES * sizeof(real));
    gather_augmented(&split, &augmentations[0], NULL, 10, 2, 7, 12, some);
    ck_assert_mem_eq(some, all + 10 * FEATURES, 2 * FEATURES * sizeof(real));
    size_t same_step = 0, same_seed = 0;
    for (size_t p = 0; p < 1000; p++) {
        struct augment_draw a = augment_at(&augmentations[0], 7, 12, p), b = augment_at(&augmentations[0], 7, 13, p);
        struct augment_draw c = augment_at(&augmentations[0], 8, 12, p);
        same_step += a.down == b.down && a.right == b.right && a.flip == b.flip;
        same_seed += a.down == c.down && a.right == c.right && a.flip == c.flip;
    }
    ck_assert_msg(same_step < 30 && same_seed < 30, "%zu and %zu of 1000 draws alike, expected 6", same_step, same_seed);
}
END_TEST

START_TEST(shifts_are_uniform_and_every_other_image_is_flipped)
{
    enum { DRAWS = 81000 };
    size_t count[9][9] = {{0}}, flips = 0, along = 0, steps = 0;
    for (size_t n = 0; n < DRAWS; n++) {
        size_t position = n % 900, step = n / 900;
        struct augment_draw draw = augment_at(&augmentations[0], 3, (int64_t)step, position);
        ck_assert(draw.down >= -4 && draw.down <= 4 && draw.right >= -4 && draw.right <= 4);
        count[draw.down + 4][draw.right + 4]++;
        flips += draw.flip;
        along += draw.flip == augment_at(&augmentations[0], 3, (int64_t)step, position + 1).flip;
        steps += draw.flip == augment_at(&augmentations[0], 3, (int64_t)step + 1, position).flip;
    }
    double chi = 0;
    for (size_t i = 0; i < 81; i++) {
        double difference = (double)count[i / 9][i % 9] - DRAWS / 81.0;
        chi += difference * difference / (DRAWS / 81.0);
    }
    ck_assert_msg(chi > 38 && chi < 143, "chi^2 of 80 degrees of freedom: %g", chi);   /* 1e-5 on either side */
    const size_t halves[] = {flips, along, steps};
    for (int i = 0; i < 3; i++)   /* 4.5 standard deviations */
        ck_assert_double_eq_tol((double)halves[i] / DRAWS, 0.5, 0.008);
    ck_assert(!data_augments(&(struct augmentation){0, false}));
    ck_assert(data_augments(&augmentations[1]) && data_augments(&augmentations[2]));
}
END_TEST

/* --- in training --- */

struct watched {
    struct network *net;
    struct training_spec training;
    struct problem problem;
    real *theta, *theta_0, *theta_s;
    double loss[16];
};

static int watch_step(void *context, const struct step_record *record)
{
    ((struct watched *)context)->loss[record->step] = record->loss;
    return 0;
}

static void train(struct watched *w, enum trainer_kind trainer, double period, int64_t batch)
{
    static struct network_spec network;
    struct trainer_hooks hooks = {.context = w, .after_step = watch_step};
    struct training_outcome outcome;
    struct error err = {0};
    network = toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD);
    *w = (struct watched){.training = toy_training(trainer, period)};
    w->training.steps = 12;
    w->training.lr = 0.001;
    w->training.batch = batch;
    w->training.momentum = 0.5;
    w->training.seed_augment = 9;
    w->training.augmented = true;
    split.augment = augmentations[0];
    w->net = network_create(&network, image_of(&set), 3, &err);
    size_t P = w->net->n_parameters;
    w->theta = mem_alloc(P, sizeof(real), NULL);
    w->theta_0 = mem_alloc(P, sizeof(real), NULL);
    w->theta_s = mem_alloc(P, sizeof(real), NULL);
    network_init(w->net, 3, w->theta);
    memcpy(w->theta_0, w->theta, P * sizeof(real));
    w->problem = (struct problem){.net = w->net, .split = &split, .spec = &w->training, .lr = w->training.lr};
    ck_assert_msg(trainer_run(&w->problem, w->theta, w->theta_s, &hooks, &outcome, &err) == 0, "%s", err.text);
    ck_assert_int_eq(outcome.end, TRAINING_COMPLETED);
}

static void done(struct watched *w)
{
    network_destroy(w->net);
    mem_free(w->theta);
    mem_free(w->theta_0);
    mem_free(w->theta_s);
}

START_TEST(the_linearised_trainer_at_K_1_is_SGD_with_augmentation_too)
{
    struct watched a, b;
    load();
    train(&a, TRAINER_STANDARD, 1, _i ? 7 : BATCH_FULL);
    train(&b, TRAINER_LINEARISED, 1, _i ? 7 : BATCH_FULL);
    ck_assert_mem_eq(a.theta, b.theta, a.net->n_parameters * sizeof(real));
    ck_assert_mem_eq(a.loss, b.loss, sizeof a.loss);
    done(&a);
    done(&b);
}
END_TEST

/* Steps of the model linearised at theta_0, full batch, written down anew. */
START_TEST(a_segment_trains_on_the_rows_of_each_step)
{
    static real x[TRAIN * FEATURES], y[TRAIN * 3];
    struct watched w;
    load();
    train(&w, TRAINER_LINEARISED, INFINITY, BATCH_FULL);
    size_t P = w.net->n_parameters;
    real *delta = mem_alloc(P, sizeof *delta, NULL), *v = mem_alloc(P, sizeof *v, NULL);
    real *gradient = mem_alloc(P, sizeof *gradient, NULL), f[TRAIN * 3], g[TRAIN * 3];
    struct tape *tape = tape_create(w.net, TRAIN, true, NULL);
    gather_targets(&split, PART_TRAIN, NULL, 0, TRAIN, y);
    for (int64_t t = 0; t < w.training.steps; t++) {
        double loss = 0;
        gather_augmented(&split, &augmentations[0], NULL, 0, TRAIN, 9, t, x);
        memcpy(tape->input, x, sizeof x);
        const real *f_s = network_forward(w.net, w.theta_0, tape->input, TRAIN, tape);
        memcpy(g, f_s, sizeof g);
        network_jvp(w.net, w.theta_0, tape, delta, f);
        for (size_t i = 0; i < TRAIN * 3; i++) {
            double r = (double)g[i] + (double)f[i] - (double)y[i];
            loss += r * r / (2 * TRAIN);
            g[i] = (real)(r / TRAIN);
        }
        ck_assert_double_eq_tol(loss, w.loss[t], 1e3 * REAL_EPSILON * loss);
        network_vjp(w.net, w.theta_0, tape, g, gradient);
        for (size_t p = 0; p < P; p++) {
            v[p] = (real)0.5 * v[p] + gradient[p];
            delta[p] -= (real)w.training.lr * v[p];
        }
    }
    ck_assert_double_gt(fabs(w.loss[0] - w.loss[11]), 1e-3 * w.loss[0]);
    tape_destroy(tape);
    mem_free(delta);
    mem_free(v);
    mem_free(gradient);
    done(&w);
}
END_TEST

START_TEST(no_activations_are_kept_and_engines_that_need_fixed_rows_refuse)
{
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    ck_assert(training_caches(&spec, 100));
    ck_assert_ptr_null(training_engine_refusal(&spec, ENGINE_KERNEL));
    spec.augmented = true;
    ck_assert(!training_caches(&spec, 100));
    ck_assert_ptr_null(training_engine_refusal(&spec, ENGINE_TANGENT));
    for (enum engine engine = ENGINE_KERNEL; engine <= ENGINE_FILTER; engine++)
        ck_assert_ptr_nonnull(strstr(training_engine_refusal(&spec, engine), "set data.augment to none"));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, rows_are_padded_cut_and_mirrored_as_drawn, 0, AUGMENTATIONS);
    tcase_add_test(tests, bits_hang_on_seed_step_and_position_alone);
    tcase_add_test(tests, shifts_are_uniform_and_every_other_image_is_flipped);
    tcase_add_loop_test(tests, the_linearised_trainer_at_K_1_is_SGD_with_augmentation_too, 0, 2);
    tcase_add_test(tests, a_segment_trains_on_the_rows_of_each_step);
    tcase_add_test(tests, no_activations_are_kept_and_engines_that_need_fixed_rows_refuse);
}

UNIT_MAIN("augmentation", add)
