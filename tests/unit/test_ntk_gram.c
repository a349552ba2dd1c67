/* The layer-wise kernel against the Jacobian times its transpose. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/blas.h"
#include "kernel_once.h"
#include "ntk/metrics.h"
#include "ntk/probe.h"
#include "unit.h"

enum { N = 9, FEATURES = 6, OUTPUTS = 3 };

static struct network_spec make_spec(size_t depth, enum activation activation,
                                     enum parameterisation parameterisation, bool bias)
{
    struct network_spec spec = {.name = "n", .type = NETWORK_MLP, .n_widths = depth, .widths = {8, 5, 7},
                                .activation = activation, .parameterisation = parameterisation,
                                .sigma_w = 1.3, .sigma_b = 0.7, .bias = bias};
    return spec;
}

static struct network *make_network(const struct network_spec *spec)
{
    struct error err;
    struct network *net = network_create(spec, image_flat(FEATURES), OUTPUTS, &err);
    ck_assert_msg(net != NULL, "%s", err.text);
    return net;
}

static void fill(uint64_t seed, size_t n, double *x)
{
    struct random r;
    random_start(&r, seed, RANDOM_TEST, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = random_normal(&r);
}

/* Theta = (1/C) sum_c J_c J_c^T, J_c by one VJP per input and output. */
static void reference_kernel(const struct network *net, const double *theta, const double *x, size_t n,
                             double *kernel)
{
    size_t p = net->n_parameters, c = net->outputs;
    double *jacobian = mem_alloc(n * c * p, sizeof *jacobian, NULL);
    struct tape *tape = tape_create(net, 1, false, NULL);
    for (size_t i = 0; i < n; i++) {
        network_forward(net, theta, x + i * net->inputs, 1, tape);
        for (size_t o = 0; o < c; o++) {
            double g[OUTPUTS] = {0};
            g[o] = 1;
            network_vjp(net, theta, tape, g, jacobian + (i * c + o) * p);
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            kernel[i * n + j] = 0;
            for (size_t o = 0; o < c; o++)
                for (size_t m = 0; m < p; m++)
                    kernel[i * n + j] += jacobian[(i * c + o) * p + m] * jacobian[(j * c + o) * p + m] / (double)c;
        }
    tape_destroy(tape);
    mem_free(jacobian);
}

static double largest_difference(size_t n, const double *a, const double *b)
{
    double most = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
    }
    return most / scale;
}

START_TEST(the_kernel_is_the_jacobian_times_its_transpose)
{
    double worst = 0;
    for (int variant = 0; variant < 4 * 4 * 2 * 2; variant++) {
        struct network_spec spec = make_spec((size_t)(variant / 16), (enum activation)(variant % 4),
                                             (enum parameterisation)(variant / 4 % 2), variant / 8 % 2);
        struct network *net = make_network(&spec);
        double x[N * FEATURES], kernel[N * N], reference[N * N];
        double *theta = mem_alloc(net->n_parameters, sizeof *theta, NULL);
        fill(1, N * FEATURES, x);
        fill(2 + (uint64_t)variant, net->n_parameters, theta);   /* biases are not 0 here */
        kernel_once(net, KERNEL_TRACE, 0, theta, x, N, kernel, NULL, NULL);
        reference_kernel(net, theta, x, N, reference);
        worst = fmax(worst, largest_difference(N * N, kernel, reference));
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                ck_assert(kernel[i * N + j] == kernel[j * N + i]);
        mem_free(theta);
        network_destroy(net);
    }
    printf("largest relative difference to J J^T: %.1e\n", worst);
    ck_assert_double_lt(worst, 1e-12);
}
END_TEST

START_TEST(the_layers_terms_sum_to_the_kernel_and_agree_with_a_layers_own_jacobian)
{
    struct network_spec spec = make_spec(3, ACTIVATION_TANH, PARAMETERISATION_NTK, true);
    struct network *net = make_network(&spec);
    size_t layers = net->n_parameterised;
    double x[N * FEATURES], kernel[N * N], sum[N * N] = {0}, *theta, *terms;
    theta = mem_alloc(net->n_parameters, sizeof *theta, NULL);
    terms = mem_alloc(layers * N * N, sizeof *terms, NULL);
    fill(1, N * FEATURES, x);
    fill(2, net->n_parameters, theta);
    ck_assert_uint_eq(layers, 4);
    kernel_once(net, KERNEL_TRACE, 0, theta, x, N, kernel, terms, NULL);
    for (size_t l = 0; l < layers; l++)
        for (int i = 0; i < N * N; i++)
            sum[i] += terms[l * N * N + (size_t)i];
    ck_assert_double_lt(largest_difference(N * N, sum, kernel), 1e-14);
    /* the last layer's term needs no back-propagation: (a A A^T + b), A its input activations */
    struct tape *tape = tape_create(net, N, false, NULL);
    const struct layer *last = &net->layers[net->n_layers - 1];
    network_forward(net, theta, x, N, tape);
    const double *a = tape->value[net->n_layers - 1];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double dot = 0;
            for (size_t m = 0; m < last->inputs; m++)
                dot += a[(size_t)i * last->inputs + m] * a[(size_t)j * last->inputs + m];
            /* sigma_w^2/fan_in and sigma_b^2; C outputs over C */
            ck_assert_double_eq_tol(terms[(layers - 1) * N * N + (size_t)(i * N + j)],
                                    1.3 * 1.3 / 7 * dot + 0.7 * 0.7, 1e-12);
        }
    tape_destroy(tape);
    mem_free(terms);
    mem_free(theta);
    network_destroy(net);
}
END_TEST

START_TEST(activations_are_grams_of_what_leaves_each_block)
{
    struct network_spec spec = make_spec(2, ACTIVATION_RELU, PARAMETERISATION_STANDARD, true);
    struct network *net = make_network(&spec);
    double x[N * FEATURES], kernel[N * N], *theta, *grams;
    theta = mem_alloc(net->n_parameters, sizeof *theta, NULL);
    grams = mem_alloc(3 * N * N, sizeof *grams, NULL);
    fill(1, N * FEATURES, x);
    fill(2, net->n_parameters, theta);
    kernel_once(net, KERNEL_TRACE, 0, theta, x, N, kernel, NULL, grams);
    struct tape *tape = tape_create(net, N, false, NULL);
    network_forward(net, theta, x, N, tape);
    /* dense relu dense relu dense: blocks end at boundaries 2, 4 and 5 */
    const size_t boundary[3] = {2, 4, 5}, features[3] = {8, 5, OUTPUTS};
    ck_assert_uint_eq(net->n_layers, 5);
    for (int l = 0; l < 3; l++)
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double dot = 0;
                const double *v = tape->value[boundary[l]];
                for (size_t m = 0; m < features[l]; m++)
                    dot += v[i * features[l] + m] * v[j * features[l] + m];
                ck_assert_double_eq_tol(grams[(size_t)l * N * N + i * N + j], dot, 1e-10);
            }
    tape_destroy(tape);
    mem_free(grams);
    mem_free(theta);
    network_destroy(net);
}
END_TEST

/* --- the probe --- */

struct fixture {
    double x[N * FEATURES], y[N * OUTPUTS], kernel[N * N];
    double *theta;
    struct probe *probe;
    struct probe_numbers numbers;
};

static void fixture_open(struct fixture *f)
{
    struct network_spec spec = make_spec(2, ACTIVATION_GELU, PARAMETERISATION_STANDARD, true);
    struct error err;
    memset(f, 0, sizeof *f);
    fill(1, N * FEATURES, f->x);
    for (int i = 0; i < N; i++)
        f->y[i * OUTPUTS + i % OUTPUTS] = 1;
    const struct probe_spec probe = {&spec, image_flat(FEATURES), OUTPUTS, N, 5, f->x, f->y, true, KERNEL_TRACE, 1e-6};
    f->probe = probe_create(&probe, &err);
    ck_assert_msg(f->probe != NULL, "%s", err.text);
    f->theta = mem_alloc(probe_parameters(f->probe), sizeof *f->theta, NULL);
    fill(2, probe_parameters(f->probe), f->theta);
    ck_assert_int_eq(probe_numbers_create(&f->numbers, f->probe, &err), 0);
    ck_assert_int_eq(probe_measure(f->probe, f->theta, f->kernel, &f->numbers, &err), 0);
}

static void fixture_close(struct fixture *f)
{
    probe_numbers_destroy(&f->numbers);
    probe_destroy(f->probe);
    mem_free(f->theta);
    ck_assert_uint_eq(mem_in_use(), 0);
}

START_TEST(the_first_measurement_is_the_reference_of_itself)
{
    struct fixture f;
    fixture_open(&f);
    const struct probe_numbers *m = &f.numbers;
    double sum = 0, shares = 0;
    ck_assert(m->distance == 0 && m->relative_change == 0 && m->trace_ratio == 1);
    ck_assert_double_eq_tol(m->cka, 1, 1e-14);
    for (size_t i = 0; i < N; i++) {
        sum += m->eigenvalues[i];
        ck_assert(i == 0 || m->eigenvalues[i] <= m->eigenvalues[i - 1]);
        ck_assert(i == 0 || m->target_energy[i] >= m->target_energy[i - 1]);
    }
    ck_assert_double_eq_tol(sum / m->trace, 1, 1e-13);
    ck_assert(m->lambda_max == m->eigenvalues[0]);
    ck_assert_double_eq_tol(m->condition_number, m->eigenvalues[0] / m->eigenvalues[N - 1], 1e-9 * m->condition_number);
    ck_assert_double_eq_tol(m->target_energy[N - 1], 1, 1e-13);
    for (size_t l = 0; l < probe_layers(f.probe); l++) {
        shares += m->layer_trace_share[l];
        ck_assert(m->layer_distance[l] == 0);
        ck_assert_double_gt(m->layer_target_alignment[l], 0);
        ck_assert_double_lt(m->layer_target_alignment[l], 1);
    }
    ck_assert_double_eq_tol(shares, 1, 1e-13);
    ck_assert_double_lt(fabs(m->target_alignment_train), 1);
    ck_assert_double_lt(fabs(m->target_alignment_test), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(a_moved_network_is_measured_against_the_first)
{
    struct fixture f;
    fixture_open(&f);
    double moved[N * N], again[N * N], centred[N * N], initial[N * N];
    for (size_t i = 0; i < probe_parameters(f.probe); i++)
        f.theta[i] += 0.1 * (double)(i % 3);
    ck_assert_int_eq(probe_measure(f.probe, f.theta, moved, &f.numbers, NULL), 0);
    ck_assert_double_eq_tol(f.numbers.distance, metric_kernel_distance(N, moved, f.kernel), 1e-15);
    ck_assert_double_gt(f.numbers.distance, 1e-6);
    ck_assert_double_eq_tol(f.numbers.relative_change, metric_relative_change(N, moved, f.kernel), 1e-14);
    ck_assert_double_eq_tol(f.numbers.trace_ratio, metric_trace(N, moved) / metric_trace(N, f.kernel), 1e-14);
    metric_centre(N, moved, N, centred);
    metric_centre(N, f.kernel, N, initial);
    ck_assert_double_eq_tol(f.numbers.cka, metric_cosine(N, centred, initial), 1e-14);
    ck_assert_double_gt(f.numbers.layer_distance[0], 0);
    ck_assert_int_eq(probe_kernel(f.probe, f.theta, again), 0);
    ck_assert_mem_eq(moved, again, sizeof moved);
    fixture_close(&f);
}
END_TEST

START_TEST(halves_and_layers_are_measured_each_on_its_own)
{
    struct fixture f;
    fixture_open(&f);
    struct network_spec spec = make_spec(2, ACTIVATION_GELU, PARAMETERISATION_STANDARD, true);
    struct network *net = make_network(&spec);
    double kernel[N * N], initial[3 * N * N], terms[3 * N * N], grams[3 * N * N], centred[N * N];
    double targets[N * OUTPUTS], gram[N * N];
    kernel_once(net, KERNEL_TRACE, 0, f.theta, f.x, N, kernel, initial, NULL);
    for (size_t i = 0; i < net->n_parameters; i++)
        f.theta[i] += 0.05 * (double)(i % 5);
    kernel_once(net, KERNEL_TRACE, 0, f.theta, f.x, N, kernel, terms, grams);
    ck_assert_int_eq(probe_measure(f.probe, f.theta, f.kernel, &f.numbers, NULL), 0);
    ck_assert_mem_eq(kernel, f.kernel, sizeof kernel);
    const size_t first[2] = {0, 5}, count[2] = {5, N - 5};   /* the training half and the other */
    const double measured[2] = {f.numbers.target_alignment_train, f.numbers.target_alignment_test};
    for (int h = 0; h < 2; h++) {
        metric_centre(count[h], kernel + first[h] * N + first[h], N, centred);
        metric_centre_targets(count[h], OUTPUTS, f.y + first[h] * OUTPUTS, targets);
        metric_target_gram(count[h], OUTPUTS, targets, gram);
        ck_assert_double_eq_tol(measured[h], metric_cosine(count[h], centred, gram), 1e-14);
    }
    metric_centre_targets(N, OUTPUTS, f.y, targets);
    metric_target_gram(N, OUTPUTS, targets, gram);
    for (size_t l = 0; l < 3; l++) {
        metric_centre(N, grams + l * N * N, N, centred);
        ck_assert_double_eq_tol(f.numbers.layer_target_alignment[l], metric_cosine(N, centred, gram), 1e-14);
        ck_assert_double_eq_tol(f.numbers.layer_trace_share[l],
                                metric_trace(N, terms + l * N * N) / metric_trace(N, kernel), 1e-14);
        ck_assert_double_eq_tol(f.numbers.layer_distance[l],
                                metric_kernel_distance(N, terms + l * N * N, initial + l * N * N), 1e-15);
    }
    network_destroy(net);
    fixture_close(&f);
}
END_TEST

START_TEST(parameters_that_are_not_finite_are_said_and_are_no_error)
{
    struct fixture f;
    struct error err = {0};
    double kernel[N * N];
    fixture_open(&f);
    f.theta[0] = NAN;
    ck_assert_int_eq(probe_measure(f.probe, f.theta, kernel, &f.numbers, &err), 1);
    ck_assert_int_eq(probe_kernel(f.probe, f.theta, kernel), 1);
    ck_assert_int_eq(err.code, ERROR_NONE);
    fixture_close(&f);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, the_kernel_is_the_jacobian_times_its_transpose);
    tcase_add_test(tests, the_layers_terms_sum_to_the_kernel_and_agree_with_a_layers_own_jacobian);
    tcase_add_test(tests, activations_are_grams_of_what_leaves_each_block);
    tcase_add_test(tests, the_first_measurement_is_the_reference_of_itself);
    tcase_add_test(tests, a_moved_network_is_measured_against_the_first);
    tcase_add_test(tests, halves_and_layers_are_measured_each_on_its_own);
    tcase_add_test(tests, parameters_that_are_not_finite_are_said_and_are_no_error);
}

UNIT_MAIN("ntk gram", add)
