#include "nn/cost.h"
#include "toy.h"

enum { N = 6, C = TOY_OUTPUTS };

/* depth, activation and parameterisation of the i-th network under test */
static void create(struct toy *t, int i)
{
    toy_create(t, toy_network((size_t)(i % 4), (enum activation)(i / 4 % 4), (enum parameterisation)(i / 16)),
               toy_training(TRAINER_STANDARD, 1));
}
enum { NETWORKS = 32 };

static double dot(size_t n, const real *x, const real *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

START_TEST(vjp_and_jvp_are_adjoint)
{
    struct toy t;
    struct random r;
    create(&t, _i);
    real x[N * TOY_FEATURES], u[N * C], jv[N * C];
    real *v = mem_alloc(t.P, sizeof *v, NULL), *jtu = mem_alloc(t.P, sizeof *jtu, NULL);
    struct tape *tape = tape_create(t.net, N + 2, false, NULL);
    random_start(&r, 8, RANDOM_SET, (uint64_t)_i);
    toy_normal(&r, N * TOY_FEATURES, x);
    toy_normal(&r, N * C, u);
    toy_normal(&r, t.P, v);
    network_forward(t.net, t.theta, x, N, tape);
    network_jvp(t.net, t.theta, tape, v, jv);
    network_vjp(t.net, t.theta, tape, u, jtu);
    double left = dot(N * C, u, jv), right = dot(t.P, jtu, v);
    double scale = sqrt(dot(N * C, u, u) * dot(N * C, jv, jv));
    ck_assert_double_eq_tol(left / scale, right / scale, 30 * REAL_EPSILON);
    tape_destroy(tape);
    mem_free(v);
    mem_free(jtu);
    toy_free(&t);
}
END_TEST

START_TEST(jvp_agrees_with_finite_differences)
{
    struct toy t;
    struct random r;
    create(&t, _i);
    real x[N * TOY_FEATURES], jv[N * C];
    real *v = mem_alloc(t.P, sizeof *v, NULL), *moved = mem_alloc(t.P, sizeof *moved, NULL);
    struct tape *tape = tape_create(t.net, N, false, NULL);
    double difference[N * C] = {0}, h = REAL_EPSILON < 1e-10 ? 1e-5 : 4e-3;
    random_start(&r, 9, RANDOM_SET, (uint64_t)_i);
    toy_normal(&r, N * TOY_FEATURES, x);
    toy_normal(&r, t.P, v);
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t p = 0; p < t.P; p++)
            moved[p] = (real)((double)t.theta[p] + sign * h * (double)v[p]);
        const real *f = network_forward(t.net, moved, x, N, tape);
        for (size_t i = 0; i < N * C; i++)
            difference[i] += sign * (double)f[i] / (2 * h);
    }
    network_forward(t.net, t.theta, x, N, tape);
    network_jvp(t.net, t.theta, tape, v, jv);
    /* error: h^2 of the third derivative, plus rounding over h; in single precision the steps are
     * so long that they pass kinks of relu */
    ck_assert_double_le(toy_distance(N * C, jv, difference), REAL_EPSILON < 1e-10 ? 1e-7 : 5e-2);
    tape_destroy(tape);
    mem_free(v);
    mem_free(moved);
    toy_free(&t);
}
END_TEST

START_TEST(tensors_cover_the_parameters_in_layer_order)
{
    struct toy t;
    create(&t, 2);
    size_t next = 0;
    ck_assert_uint_eq(t.net->n_tensors, 6);
    for (size_t k = 0; k < t.net->n_tensors; k++) {
        const struct tensor *tensor = &t.net->tensors[k];
        ck_assert_uint_eq(tensor->offset, next);
        ck_assert_int_eq(tensor->layer, (int)k / 2);
        next += tensor->size;
    }
    ck_assert_uint_eq(next, t.P);
    ck_assert_str_eq(t.net->tensors[0].name, "layer0.weight");
    ck_assert_str_eq(t.net->tensors[5].name, "layer2.bias");
    ck_assert_uint_eq(t.net->tensors[2].shape[0], 7);   /* (out, in) */
    ck_assert_uint_eq(t.net->tensors[2].shape[1], 6);
    toy_free(&t);
}
END_TEST

START_TEST(measured_sizes_are_those_of_the_built_network)
{
    struct toy t;
    struct network_size size;
    double forward, step;
    create(&t, 3);
    ck_assert_int_eq(network_measure(&t.network, image_flat(TOY_FEATURES), C, &size, NULL), 0);
    network_flops(t.net, &forward, &step);
    ck_assert_double_eq(size.parameters, (double)t.P);
    ck_assert_double_eq(size.widest, (double)t.net->widest);
    ck_assert_int_eq(size.parameterised_layers, (int)t.net->n_parameterised);
    ck_assert_double_eq(forward, 2 * (size.first + size.rest));
    ck_assert_double_eq(step, 2 * (2 * size.first + 3 * size.rest));
    double boundary = 0;
    for (size_t i = 0; i < t.net->n_layers; i++)
        boundary += (double)t.net->layers[i].outputs;
    ck_assert_double_eq(size.boundary, boundary);
    toy_free(&t);
}
END_TEST

START_TEST(initial_weights_have_the_variance_of_their_parameterisation)
{
    struct network_spec spec = toy_network(2, ACTIVATION_RELU, (enum parameterisation)_i);
    spec.widths[0] = spec.widths[1] = 200;
    struct network *net = network_create(&spec, image_flat(100), 10, NULL);
    real *theta = mem_alloc(net->n_parameters, sizeof *theta, NULL);
    network_init(net, 5, theta);
    const double fan_in[] = {100, 200, 200};
    for (size_t k = 0; k < net->n_tensors; k++) {
        const struct tensor *w = &net->tensors[k];
        double sum = 0, square = 0, count = (double)w->size;
        double expected = _i == PARAMETERISATION_NTK ? 1 : k % 2 ? 0.09 : 2 / fan_in[k / 2];
        for (size_t i = 0; i < w->size; i++) {
            sum += (double)theta[w->offset + i];
            square += (double)theta[w->offset + i] * (double)theta[w->offset + i];
        }
        /* five standard errors */
        ck_assert_double_eq_tol(sum / count, 0, 5 * sqrt(expected / count));
        ck_assert_double_eq_tol(square / count / expected, 1, 5 * sqrt(2 / count));
    }
    mem_free(theta);
    network_destroy(net);
}
END_TEST

START_TEST(every_tensor_draws_from_its_own_substream_in_double)
{
    struct toy t;
    create(&t, 2);
    for (size_t k = 0; k < t.net->n_tensors; k++) {
        const struct tensor *w = &t.net->tensors[k];
        double deviation = k % 2 ? 0.3 : sqrt(2) / sqrt((double)w->shape[1]);
        struct random r;
        random_start(&r, 3, RANDOM_INIT, k);
        for (size_t i = 0; i < w->size; i++)
            ck_assert(t.theta_0[w->offset + i] == (real)(deviation * random_normal(&r)));
    }
    toy_free(&t);
}
END_TEST

START_TEST(the_ntk_parameterisation_is_the_standard_one_with_rescaled_parameters)
{
    struct toy standard, ntk;
    struct random r;
    real x[N * TOY_FEATURES];
    toy_create(&standard, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_STANDARD), toy_training(TRAINER_STANDARD, 1));
    toy_create(&ntk, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_NTK), toy_training(TRAINER_STANDARD, 1));
    double expected[N * C];
    random_start(&r, 10, RANDOM_SET, 0);
    toy_normal(&r, N * TOY_FEATURES, x);
    for (size_t i = 0; i < ntk.net->n_layers; i++) {
        const struct layer *l = &ntk.net->layers[i];
        for (size_t p = 0; p < l->n_parameters; p++) {
            double scale = p < l->inputs * l->outputs ? l->weight_scale : l->bias_scale;
            standard.theta[l->offset + p] = (real)(scale * (double)ntk.theta[l->offset + p]);
        }
    }
    struct tape *tape = tape_create(ntk.net, N, false, NULL);
    const real *f = network_forward(standard.net, standard.theta, x, N, tape);
    for (size_t i = 0; i < N * C; i++)
        expected[i] = (double)f[i];
    f = network_forward(ntk.net, ntk.theta, x, N, tape);
    ck_assert_double_le(toy_distance(N * C, f, expected), 20 * REAL_EPSILON);
    /* drawn from the same numbers, so even the initial weights are rescaled ones */
    ck_assert_double_le(toy_distance(N * C, network_forward(standard.net, standard.theta_0, x, N, tape), expected),
                        20 * REAL_EPSILON);
    tape_destroy(tape);
    toy_free(&standard);
    toy_free(&ntk);
}
END_TEST

START_TEST(rows_gathered_from_a_store_are_the_rows_recorded)
{
    struct toy t;
    struct random r;
    create(&t, _i);
    enum { BATCH = 4 };
    const size_t index[BATCH] = {5, 0, 0, 3};
    real x[N * TOY_FEATURES], jv[N * C], gathered_jv[BATCH * C];
    real *v = mem_alloc(t.P, sizeof *v, NULL);
    struct tape *block = tape_create(t.net, 4, true, NULL), *all = tape_create(t.net, N, false, NULL);
    struct tape *store = tape_create_store(t.net, N, NULL), *batch = tape_create(t.net, BATCH, true, NULL);
    random_start(&r, 13, RANDOM_SET, 0);
    toy_normal(&r, N * TOY_FEATURES, x);
    toy_normal(&r, t.P, v);
    network_forward(t.net, t.theta, x, N, all);
    network_jvp(t.net, t.theta, all, v, jv);
    for (size_t first = 0; first < N; first += 4) {
        network_forward(t.net, t.theta, x + first * TOY_FEATURES, N - first < 4 ? N - first : 4, block);
        tape_put(t.net, block, first, store);
    }
    for (size_t i = 0; i < BATCH; i++)
        memcpy(batch->input + i * TOY_FEATURES, x + index[i] * TOY_FEATURES, TOY_FEATURES * sizeof *x);
    tape_gather(t.net, store, index, BATCH, batch);
    network_jvp(t.net, t.theta, batch, v, gathered_jv);
    for (size_t i = 0; i < BATCH; i++)
        for (size_t c = 0; c < C; c++) {
            ck_assert_double_eq_tol((double)batch->value[t.net->n_layers][i * C + c],
                                    (double)all->value[t.net->n_layers][index[i] * C + c], 50 * REAL_EPSILON);
            ck_assert_double_eq_tol((double)gathered_jv[i * C + c], (double)jv[index[i] * C + c], 200 * REAL_EPSILON);
        }
    tape_destroy(block);
    tape_destroy(all);
    tape_destroy(store);
    tape_destroy(batch);
    mem_free(v);
    toy_free(&t);
}
END_TEST

struct seen { const struct network *net; const real *gradient; int expected; };

/* A layer's weight gradient is scale delta^T input. */
static void check_layer(void *context, int number, const struct layer *l, const real *input, const real *output,
                        const real *delta)
{
    (void)output;
    struct seen *seen = context;
    ck_assert_int_eq(number, seen->expected--);
    for (size_t o = 0; o < l->outputs; o++)
        for (size_t k = 0; k < l->inputs; k++) {
            double sum = 0;
            for (size_t i = 0; i < N; i++)
                sum += l->weight_scale * (double)delta[i * l->outputs + o] * (double)input[i * l->inputs + k];
            ck_assert_double_eq_tol(sum, (double)seen->gradient[l->offset + o * l->inputs + k], 200 * REAL_EPSILON);
        }
}

START_TEST(deltas_of_each_layer_make_up_the_vjp)
{
    struct toy t;
    struct random r;
    create(&t, _i);
    real x[N * TOY_FEATURES], u[N * C], *gradient = mem_alloc(t.P, sizeof *gradient, NULL);
    struct tape *tape = tape_create(t.net, N, false, NULL);
    random_start(&r, 14, RANDOM_SET, 0);
    toy_normal(&r, N * TOY_FEATURES, x);
    toy_normal(&r, N * C, u);
    network_forward(t.net, t.theta, x, N, tape);
    network_vjp(t.net, t.theta, tape, u, gradient);
    struct seen seen = {t.net, gradient, (int)t.net->n_parameterised - 1};
    network_deltas(t.net, t.theta, tape, u, check_layer, &seen);
    ck_assert_int_eq(seen.expected, -1);
    tape_destroy(tape);
    mem_free(gradient);
    toy_free(&t);
}
END_TEST

START_TEST(everything_a_network_takes_is_given_back)
{
    size_t before = mem_in_use();
    struct toy t;
    create(&t, 5);
    struct tape *tape = tape_create(t.net, 9, true, NULL), *store = tape_create_store(t.net, 9, NULL);
    tape_destroy(tape);
    tape_destroy(store);
    tape_destroy(NULL);
    network_destroy(NULL);
    toy_free(&t);
    ck_assert_uint_eq(mem_in_use(), before);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, vjp_and_jvp_are_adjoint, 0, NETWORKS);
    tcase_add_loop_test(tests, jvp_agrees_with_finite_differences, 0, NETWORKS);
    tcase_add_test(tests, tensors_cover_the_parameters_in_layer_order);
    tcase_add_test(tests, measured_sizes_are_those_of_the_built_network);
    tcase_add_loop_test(tests, initial_weights_have_the_variance_of_their_parameterisation, 0, 2);
    tcase_add_test(tests, every_tensor_draws_from_its_own_substream_in_double);
    tcase_add_test(tests, the_ntk_parameterisation_is_the_standard_one_with_rescaled_parameters);
    tcase_add_loop_test(tests, rows_gathered_from_a_store_are_the_rows_recorded, 0, NETWORKS);
    tcase_add_loop_test(tests, deltas_of_each_layer_make_up_the_vjp, 0, NETWORKS);
    tcase_add_test(tests, everything_a_network_takes_is_given_back);
}

UNIT_MAIN("network", add)
