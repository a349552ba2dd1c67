/* The kernel of every kind of network in every mode, at once and in blocks, against its Jacobian. A new
 * architecture is tested by its place in the zoo. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "kernel_once.h"
#include "unit.h"
#include "zoo.h"

enum { N = 6, MOST_OUTPUTS = 3, MOST_SIDE = N * MOST_OUTPUTS };

/* Beside the zoo. */
static const struct specimen more[] = {
    {"linear", {.type = NETWORK_MLP, ZOO_COMMON}, {1, 1, 5}, 3},
    {"mlp without biases", {.type = NETWORK_MLP, .n_widths = 1, .widths = {4}, .sigma_w = NAN}, {1, 1, 5}, 3},
    {"cnn without biases, global average", {.type = NETWORK_CNN, .n_channels = 2, .channels = {4, 4}, .window = 3,
     .convolutions = 2, .pool = 2, .pooled = 1, .sigma_w = NAN, .width_multiplier = 1, .norm = NORMALISATION_NONE}, {6, 6, 2}, 3},
    {"one output", {.type = NETWORK_CNN, .n_channels = 1, .channels = {3}, ZOO_COMMON}, {4, 4, 1}, 1},
};
enum { MORE = sizeof more / sizeof *more, NETWORKS = 2 * (ZOO + MORE) };

static struct specimen specimen(int i)
{
    struct specimen s = i < 2 * ZOO ? zoo[i / 2] : more[i / 2 - ZOO];
    s.spec.parameterisation = (enum parameterisation)(i % 2);
    return s;
}

struct fixture {
    struct specimen what;
    struct network *net;
    size_t C;
    double *theta, *x, *jacobian;     /* (n C, P) */
    double *terms, *reference;        /* (layers, side, side), (side, side) */
};

static void fill(uint64_t seed, size_t n, double deviation, double *x)
{
    struct random r;
    random_start(&r, seed, RANDOM_TEST, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = deviation * random_normal(&r);
}

/* Row by row, one VJP for an input and an output. */
static void differentiate(struct fixture *f)
{
    size_t p = f->net->n_parameters, C = f->C;
    struct tape *tape = tape_create(f->net, 1, false, NULL);
    for (size_t i = 0; i < N; i++) {
        network_forward(f->net, f->theta, f->x + i * f->net->inputs, 1, tape);
        for (size_t c = 0; c < C; c++) {
            double g[MOST_OUTPUTS] = {0};
            g[c] = 1;
            network_vjp(f->net, f->theta, tape, g, f->jacobian + (i * C + c) * p);
        }
    }
    tape_destroy(tape);
}

static void open_network(struct fixture *f, int number)
{
    struct error err = {0};
    memset(f, 0, sizeof *f);
    f->what = specimen(number);
    f->C = f->what.outputs;
    f->net = network_create(&f->what.spec, f->what.input, f->C, &err);
    ck_assert_msg(f->net != NULL, "%s: %s", f->what.label, err.text);
    size_t p = f->net->n_parameters, square = MOST_SIDE * MOST_SIDE;
    f->theta = mem_alloc(p, sizeof(double), NULL);
    f->x = mem_alloc(N * f->net->inputs, sizeof(double), NULL);
    f->jacobian = mem_alloc(N * f->C * p, sizeof(double), NULL);
    f->terms = mem_alloc(f->net->n_parameterised * square, sizeof(double), NULL);
    f->reference = mem_alloc(square, sizeof(double), NULL);
    double *noise = mem_alloc(p, sizeof(double), NULL);
    network_init(f->net, 5, f->theta);
    fill(6, p, 0.1, noise);           /* biases and shifts shall not be 0 */
    for (size_t i = 0; i < p; i++)
        f->theta[i] += noise[i];
    fill(7, N * f->net->inputs, 1, f->x);
    differentiate(f);
    mem_free(noise);
}

static void close_network(struct fixture *f)
{
    mem_free(f->theta);
    mem_free(f->x);
    mem_free(f->jacobian);
    mem_free(f->terms);
    mem_free(f->reference);
    network_destroy(f->net);
    ck_assert_uint_eq(mem_in_use(), 0);
}

/* <J_ic, J_jd> over the parameters first .. first+n-1. */
static double product(const struct fixture *f, size_t ic, size_t jd, size_t first, size_t n)
{
    const double *a = f->jacobian + ic * f->net->n_parameters, *b = f->jacobian + jd * f->net->n_parameters;
    double sum = 0;
    for (size_t p = first; p < first + n; p++)
        sum += a[p] * b[p];
    return sum;
}

/* The definition of a mode, over the parameters first .. first+n-1, into f->reference. */
static void define(struct fixture *f, enum kernel_mode mode, size_t first, size_t n)
{
    size_t C = f->C, side = gram_side(mode, N, C);
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++) {
            double *to = &f->reference[i * side + j];
            *to = mode == KERNEL_FULL ? product(f, i, j, first, n) : 0;
            for (size_t c = 0; mode != KERNEL_FULL && c < C; c++)
                for (size_t d = 0; d < C; d++)
                    if (c == d || mode == KERNEL_SUM_OF_LOGITS)
                        *to += product(f, i * C + c, j * C + d, first, n) / (double)C;
        }
}

static double difference(size_t n, const double *a, const double *b)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
    }
    return scale > 0 ? most / scale : most;
}

static const enum kernel_mode modes[] = {KERNEL_TRACE, KERNEL_FULL, KERNEL_SUM_OF_LOGITS};

/* The whole at once; some inputs in a block; every input a block by itself. */
static size_t budget_of(const struct network *net, int kind)
{
    return kind == 0 ? 0 : kind == 1 ? 3 * (net->outputs * net->n_parameters + 500) * sizeof(double) : 1;
}

START_TEST(a_kernel_is_its_definition_in_every_mode_whole_or_in_blocks)
{
    struct fixture f;
    double kernel[MOST_SIDE * MOST_SIDE], worst = 0;
    open_network(&f, _i);
    for (int m = 0; m < 3; m++) {
        size_t side = gram_side(modes[m], N, f.C);
        define(&f, modes[m], 0, f.net->n_parameters);
        for (int kind = 0; kind < 3; kind++) {
            kernel_once(f.net, modes[m], budget_of(f.net, kind), f.theta, f.x, N, kernel, NULL, NULL);
            worst = fmax(worst, difference(side * side, kernel, f.reference));
            for (size_t i = 0; i < side * side; i++)
                ck_assert(kernel[i] == kernel[i % side * side + i / side]);
        }
    }
    printf("%s: largest relative difference to the definition %.1e\n", f.what.label, worst);
    ck_assert_double_lt(worst, 1e-12);
    close_network(&f);
}
END_TEST

START_TEST(a_layer_s_term_is_the_kernel_of_its_own_parameters)
{
    struct fixture f;
    double kernel[MOST_SIDE * MOST_SIDE];
    open_network(&f, _i);
    for (int m = 0; m < 3; m++) {
        size_t side = gram_side(modes[m], N, f.C);
        for (int kind = 0; kind < 3; kind++) {
            kernel_once(f.net, modes[m], budget_of(f.net, kind), f.theta, f.x, N, kernel, f.terms, NULL);
            for (size_t i = 0; i < f.net->n_layers; i++) {
                const struct layer *layer = &f.net->layers[i];
                if (layer->number < 0)
                    continue;
                define(&f, modes[m], layer->offset, layer->n_parameters);
                ck_assert_double_lt(difference(side * side, f.terms + (size_t)layer->number * side * side, f.reference), 1e-11);
            }
        }
    }
    close_network(&f);
}
END_TEST

START_TEST(activations_do_not_depend_on_mode_or_blocks)
{
    struct fixture f;
    double kernel[MOST_SIDE * MOST_SIDE];
    open_network(&f, _i);
    size_t size = f.net->n_parameterised * N * N;
    double *whole = mem_alloc(size, sizeof *whole, NULL), *other = mem_alloc(size, sizeof *other, NULL);
    kernel_once(f.net, KERNEL_TRACE, 0, f.theta, f.x, N, kernel, NULL, whole);
    for (int m = 0; m < 3; m++)
        for (int kind = 0; kind < 3; kind++) {
            kernel_once(f.net, modes[m], budget_of(f.net, kind), f.theta, f.x, N, kernel, f.terms, other);
            ck_assert_double_lt(difference(size, other, whole), 1e-13);
        }
    /* of the last block, f f^T */
    struct tape *tape = tape_create(f.net, N, false, NULL);
    size_t C = f.C;
    const double *out = network_forward(f.net, f.theta, f.x, N, tape), *last = whole + size - N * N;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t c = 0; c < C; c++)
                sum += out[i * C + c] * out[j * C + c];
            ck_assert_double_eq_tol(last[i * N + j], sum, 1e-11);
        }
    tape_destroy(tape);
    mem_free(whole);
    mem_free(other);
    close_network(&f);
}
END_TEST

START_TEST(modes_follow_from_the_full_kernel)
{
    struct fixture f;
    double full[MOST_SIDE * MOST_SIDE], trace[N * N], sum[N * N];
    open_network(&f, _i);
    kernel_once(f.net, KERNEL_FULL, 0, f.theta, f.x, N, full, NULL, NULL);
    kernel_once(f.net, KERNEL_TRACE, 0, f.theta, f.x, N, trace, NULL, NULL);
    kernel_once(f.net, KERNEL_SUM_OF_LOGITS, 0, f.theta, f.x, N, sum, NULL, NULL);
    double scale = fabs(trace[0]) + fabs(sum[0]);
    size_t C = f.C;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double same = 0, all = 0;
            for (size_t c = 0; c < C; c++)
                for (size_t d = 0; d < C; d++) {
                    double value = full[(i * C + c) * N * C + j * C + d] / (double)C;
                    same += c == d ? value : 0;
                    all += value;
                }
            ck_assert_double_eq_tol(trace[i * N + j], same, 1e-12 * scale);
            ck_assert_double_eq_tol(sum[i * N + j], all, 1e-12 * scale);
        }
    close_network(&f);
}
END_TEST

START_TEST(memory_beside_the_matrices_stays_within_the_budget)
{
    /* 40 inputs of a network whose rows alone would need several times the budget */
    enum { MANY = 40, BUDGET = 4 << 20, C = 3 };
    struct network_spec spec = more[2].spec;
    struct error err;
    spec.channels[0] = spec.channels[1] = 24;
    struct network *net = network_create(&spec, more[2].input, C, &err);
    ck_assert_ptr_nonnull(net);
    double *theta = mem_alloc(net->n_parameters, sizeof *theta, NULL), *x = mem_alloc(MANY * net->inputs, sizeof *x, NULL);
    network_init(net, 1, theta);
    fill(2, MANY * net->inputs, 1, x);
    ck_assert_uint_gt(MANY * C * net->n_parameters * sizeof(double), 3 * BUDGET);
    for (int m = 0; m < 3; m++) {
        size_t side = gram_side(modes[m], MANY, C), matrices = (net->n_parameterised + 1) * side * side;
        double *whole = mem_alloc(side, side * sizeof *whole, NULL), *kernel = mem_alloc(side, side * sizeof *kernel, NULL);
        kernel_once(net, modes[m], 0, theta, x, MANY, whole, NULL, NULL);
        size_t before = mem_in_use();
        mem_reset_peak();
        kernel_once(net, modes[m], BUDGET, theta, x, MANY, kernel, NULL, NULL);
        ck_assert_uint_le(mem_peak() - before, BUDGET + matrices * sizeof(double) + BUDGET / 20);
        ck_assert_double_lt(difference(side * side, kernel, whole), 1e-13);
        mem_free(whole);
        mem_free(kernel);
    }
    mem_free(theta);
    mem_free(x);
    network_destroy(net);
}
END_TEST

START_TEST(a_thousand_inputs_are_the_same_in_many_blocks)
{
    enum { MANY = 1000, BUDGET = 100 * 1000 };     /* about a tenth of them at a time */
    struct network *net = network_create(&zoo[0].spec, zoo[0].input, zoo[0].outputs, NULL);
    double *theta = mem_alloc(net->n_parameters, sizeof *theta, NULL), *x = mem_alloc(MANY * net->inputs, sizeof *x, NULL);
    double *whole = mem_alloc(MANY, MANY * sizeof *whole, NULL), *blocks = mem_alloc(MANY, MANY * sizeof *blocks, NULL);
    network_init(net, 1, theta);
    fill(2, MANY * net->inputs, 1, x);
    for (int m = 0; m < 3; m += 2) {               /* the full kernel would be 72 MB */
        kernel_once(net, modes[m], 0, theta, x, MANY, whole, NULL, NULL);
        kernel_once(net, modes[m], BUDGET, theta, x, MANY, blocks, NULL, NULL);
        ck_assert_double_lt(difference(MANY * MANY, blocks, whole), 1e-13);
        ck_assert_double_gt(whole[MANY * MANY - 1], 0);
    }
    mem_free(theta);
    mem_free(x);
    mem_free(whole);
    mem_free(blocks);
    network_destroy(net);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_kernel_is_its_definition_in_every_mode_whole_or_in_blocks, 0, NETWORKS);
    tcase_add_loop_test(tests, a_layer_s_term_is_the_kernel_of_its_own_parameters, 0, NETWORKS);
    tcase_add_loop_test(tests, activations_do_not_depend_on_mode_or_blocks, 0, NETWORKS);
    tcase_add_loop_test(tests, modes_follow_from_the_full_kernel, 0, NETWORKS);
    tcase_add_test(tests, a_thousand_inputs_are_the_same_in_many_blocks);
    tcase_add_test(tests, memory_beside_the_matrices_stays_within_the_budget);
}

UNIT_MAIN("ntk modes", add)
