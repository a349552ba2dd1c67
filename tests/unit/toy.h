/* A small problem for the tests of networks and trainers: Gaussian inputs, random classes
 * or targets, a network. Everything is freed by toy_free. */
#ifndef RELIN_TESTS_TOY_H
#define RELIN_TESTS_TOY_H

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/real.h"
#include "nn/network.h"
#include "train/trainer.h"
#include "unit.h"

enum { TOY_TRAIN = 23, TOY_TEST = 7, TOY_FEATURES = 5, TOY_OUTPUTS = 3 };

struct toy {
    struct dataset set;
    struct split split;
    struct network_spec network;
    struct training_spec training;
    struct problem problem;
    struct network *net;
    size_t P;
    real *theta_0, *theta, *theta_s;
};

static inline void toy_normal(struct random *r, size_t n, real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)random_normal(r);
}

static inline void toy_pool(struct data_pool *pool, size_t rows, size_t features, uint64_t seed)
{
    struct random r;
    float *x = mem_alloc(rows * features, sizeof *x, NULL);
    int32_t *label = mem_alloc(rows, sizeof *label, NULL);
    random_start(&r, seed, RANDOM_SET, 0);
    for (size_t i = 0; i < rows * features; i++)
        x[i] = (float)random_normal(&r);
    for (size_t i = 0; i < rows; i++)
        label[i] = (int32_t)random_below(&r, TOY_OUTPUTS);
    *pool = (struct data_pool){.rows = rows, .features = features, .x = x, .label = label};
}

static inline struct network_spec toy_network(size_t n_widths, enum activation activation,
                                              enum parameterisation parameterisation)
{
    struct network_spec spec = {.name = "toy", .n_widths = n_widths, .activation = activation,
                                .parameterisation = parameterisation, .sigma_w = NAN, .sigma_b = 0.3,
                                .bias = true};
    for (size_t i = 0; i < n_widths; i++)
        spec.widths[i] = 6 + (int64_t)i;
    return spec;
}

static inline struct training_spec toy_training(enum trainer_kind trainer, double refresh_period)
{
    return (struct training_spec){.trainer = trainer, .refresh_period = refresh_period, .steps = 20,
                                  .lr = 0.05, .schedule = {.every = 1, .factor = 1}, .seed_init = 3,
                                  .seed_batch = 4};
}

static inline void toy_free(struct toy *t)
{
    mem_free((void *)t->set.train.x);
    mem_free((void *)t->set.train.label);
    mem_free((void *)t->set.test.x);
    mem_free((void *)t->set.test.label);
    for (int part = 0; part < PART_COUNT; part++)
        mem_free(t->split.row[part]);
    network_destroy(t->net);
    mem_free(t->theta_0);
    mem_free(t->theta);
    mem_free(t->theta_s);
}

/* On inputs of a shape. The problem points into *t, which must stay where it is. */
static inline void toy_create_on(struct toy *t, struct network_spec network, struct image input,
                                 struct training_spec training)
{
    size_t features = image_features(input);
    bool images = input.height * input.width > 1;
    struct error err;
    memset(t, 0, sizeof *t);
    t->network = network;
    t->training = training;
    t->set.outputs = TOY_OUTPUTS;
    t->set.task = TASK_CLASSIFICATION;
    t->set.n_dims = images ? 3 : 1;
    t->set.shape[0] = images ? input.channels : features;
    t->set.shape[1] = input.height;
    t->set.shape[2] = input.width;
    toy_pool(&t->set.train, TOY_TRAIN + 4, features, 11);
    toy_pool(&t->set.test, TOY_TEST, features, 12);
    t->split.set = &t->set;
    t->split.channels = images ? input.channels : 1;
    for (size_t c = 0; c < t->split.channels; c++)
        t->split.scale[c] = 1;
    t->split.count[PART_TRAIN] = TOY_TRAIN;
    t->split.count[PART_TEST] = TOY_TEST;
    for (int part = 0; part < PART_COUNT; part++) {
        t->split.row[part] = mem_alloc(t->split.count[part], sizeof(size_t), NULL);
        for (size_t i = 0; i < t->split.count[part]; i++)
            t->split.row[part][i] = part == PART_TRAIN ? (i * 4) % (TOY_TRAIN + 4) : i;
    }
    t->net = network_create(&t->network, input, TOY_OUTPUTS, &err);
    ck_assert_msg(t->net != NULL, "%s", err.text);
    t->P = t->net->n_parameters;
    t->theta_0 = mem_alloc(t->P, sizeof(real), NULL);
    t->theta = mem_alloc(t->P, sizeof(real), NULL);
    t->theta_s = mem_alloc(t->P, sizeof(real), NULL);
    network_init(t->net, training.seed_init, t->theta_0);
    memcpy(t->theta, t->theta_0, t->P * sizeof(real));
    t->problem = (struct problem){.net = t->net, .split = &t->split, .spec = &t->training,
                                  .lr = training.lr, .theta_0 = t->theta_0};
}

static inline void toy_create(struct toy *t, struct network_spec network, struct training_spec training)
{
    toy_create_on(t, network, image_flat(TOY_FEATURES), training);
}

/* Trains t->theta from theta_0. */
static inline struct training_outcome toy_train(struct toy *t, const struct trainer_hooks *hooks)
{
    struct training_outcome outcome;
    struct error err = {0};
    memcpy(t->theta, t->theta_0, t->P * sizeof(real));
    ck_assert_msg(trainer_run(&t->problem, t->theta, t->theta_s, hooks, &outcome, &err) == 0, "%s", err.text);
    return outcome;
}

/* |x - y| / |y| */
static inline double toy_distance(size_t n, const real *x, const double *y)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        norm += y[i] * y[i];
    }
    return sqrt(difference / (norm > 0 ? norm : 1));
}

/* The Jacobian at theta, by one VJP per row and output of n inputs x: J (n C, P), in double; f (n, C). */
static inline void toy_jacobian(const struct network *net, const real *theta, const real *x, size_t n,
                                double *J, double *f)
{
    size_t C = net->outputs, P = net->n_parameters;
    struct tape *tape = tape_create(net, 1, false, NULL);
    real *g = mem_alloc(C, sizeof *g, NULL), *row = mem_alloc(P, sizeof *row, NULL);
    for (size_t i = 0; i < n; i++) {
        const real *out = network_forward(net, theta, x + i * net->inputs, 1, tape);
        for (size_t c = 0; c < C; c++) {
            f[i * C + c] = (double)out[c];
            memset(g, 0, C * sizeof *g);
            g[c] = 1;
            network_vjp(net, theta, tape, g, row);
            for (size_t p = 0; p < P; p++)
                J[(i * C + c) * P + p] = (double)row[p];
        }
    }
    tape_destroy(tape);
    mem_free(g);
    mem_free(row);
}

#endif
