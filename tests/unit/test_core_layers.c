/* Layers against the obvious loops, in double. */
#include "toy.h"

enum { N = 4, IN = 7, OUT = 3, P = OUT * IN + OUT };

struct numbers {
    real parameters[P], tangent[P], x[N * IN], tx[N * IN], y[N * OUT], dy[N * OUT];
};

static struct layer dense(double weight_scale, double bias_scale, bool bias)
{
    return (struct layer){.ops = &layer_dense, .inputs = IN, .outputs = OUT,
                          .n_parameters = OUT * IN + (bias ? OUT : 0), .weight_scale = weight_scale,
                          .bias_scale = bias_scale, .bias = bias};
}

static void draw(struct numbers *v, uint64_t seed)
{
    struct random r;
    random_start(&r, seed, RANDOM_SET, 0);
    toy_normal(&r, sizeof *v / sizeof(real), (real *)v);
}

/* y = s x W^T + c b */
static void slow_dense(const struct layer *l, const real *parameters, const real *x, double *y)
{
    for (size_t i = 0; i < N; i++)
        for (size_t o = 0; o < OUT; o++) {
            double sum = 0;
            for (size_t k = 0; x && k < IN; k++)
                sum += (double)x[i * IN + k] * (double)parameters[o * IN + k];
            y[i * OUT + o] = l->weight_scale * sum
                             + (l->bias ? l->bias_scale * (double)parameters[OUT * IN + o] : 0);
        }
}

static const struct layer variants[] = {
    {.weight_scale = 1, .bias_scale = 1, .bias = true},
    {.weight_scale = 1, .bias_scale = 1, .bias = false},
    {.weight_scale = 0.4, .bias_scale = 0.25, .bias = true},
    {.weight_scale = 0.4, .bias_scale = 0, .bias = true},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

START_TEST(a_dense_layer_multiplies_by_its_weights_and_adds_its_bias)
{
    struct layer l = dense(variants[_i].weight_scale, variants[_i].bias_scale, variants[_i].bias);
    struct numbers v;
    double expected[N * OUT];
    draw(&v, 1);
    l.ops->forward(&l, v.parameters, v.x, N, v.y);
    slow_dense(&l, v.parameters, v.x, expected);
    ck_assert_double_le(toy_distance(N * OUT, v.y, expected), 4 * REAL_EPSILON);
}
END_TEST

START_TEST(a_dense_layers_jvp_is_the_product_rule)
{
    struct layer l = dense(variants[_i].weight_scale, variants[_i].bias_scale, variants[_i].bias);
    struct numbers v;
    double by_parameters[N * OUT], by_inputs[N * OUT];
    real ty[N * OUT];
    draw(&v, 2);
    l.ops->jvp(&l, v.parameters, v.x, v.y, N, NULL, v.tangent, ty);
    slow_dense(&l, v.tangent, v.x, by_parameters);
    ck_assert_double_le(toy_distance(N * OUT, ty, by_parameters), 4 * REAL_EPSILON);
    l.ops->jvp(&l, v.parameters, v.x, v.y, N, v.tx, v.tangent, ty);
    struct layer no_bias = l;
    no_bias.bias = false;
    slow_dense(&no_bias, v.parameters, v.tx, by_inputs);
    for (size_t i = 0; i < N * OUT; i++)
        by_inputs[i] += by_parameters[i];
    ck_assert_double_le(toy_distance(N * OUT, ty, by_inputs), 6 * REAL_EPSILON);
}
END_TEST

START_TEST(a_dense_layers_vjp_overwrites_with_sums_over_rows)
{
    struct layer l = dense(variants[_i].weight_scale, variants[_i].bias_scale, variants[_i].bias);
    struct numbers v;
    real dx[N * IN], gradient[P];
    double slow_dx[N * IN] = {0}, slow_gradient[P] = {0};
    draw(&v, 3);
    for (size_t i = 0; i < P; i++)
        gradient[i] = (real)NAN;   /* what was there must not matter */
    for (size_t i = 0; i < N * IN; i++)
        dx[i] = (real)NAN;
    l.ops->vjp(&l, v.parameters, v.x, v.y, N, v.dy, dx, gradient);
    for (size_t i = 0; i < N; i++)
        for (size_t o = 0; o < OUT; o++) {
            double d = (double)v.dy[i * OUT + o];
            for (size_t k = 0; k < IN; k++) {
                slow_dx[i * IN + k] += l.weight_scale * d * (double)v.parameters[o * IN + k];
                slow_gradient[o * IN + k] += l.weight_scale * d * (double)v.x[i * IN + k];
            }
            slow_gradient[OUT * IN + o] += l.bias_scale * d;
        }
    ck_assert_double_le(toy_distance(N * IN, dx, slow_dx), 6 * REAL_EPSILON);
    ck_assert_double_le(toy_distance(l.n_parameters, gradient, slow_gradient), 6 * REAL_EPSILON);
    real only_gradient[P];
    l.ops->vjp(&l, v.parameters, v.x, v.y, N, v.dy, NULL, only_gradient);
    ck_assert_mem_eq(only_gradient, gradient, l.n_parameters * sizeof(real));
}
END_TEST

static double phi(enum activation activation, double x)
{
    switch (activation) {
    case ACTIVATION_RELU: return x > 0 ? x : 0;
    case ACTIVATION_TANH: return tanh(x);
    case ACTIVATION_ERF: return erf(x);
    case ACTIVATION_GELU: return 0.5 * x * erfc(-x / sqrt(2));
    }
    return NAN;
}

/* Central difference of fourth order: error about 1e-11 at this step. */
static double phi_slope(enum activation a, double x)
{
    double h = 1e-3;
    return (8 * (phi(a, x + h) - phi(a, x - h)) - (phi(a, x + 2 * h) - phi(a, x - 2 * h))) / (12 * h);
}

START_TEST(activations_and_their_derivatives_agree_with_differences)
{
    enum { COUNT = 41 };
    real x[COUNT], y[COUNT], ones[COUNT], slope[COUNT], dx[COUNT];
    struct layer l = {.ops = &layer_activation, .inputs = COUNT, .outputs = COUNT,
                      .activation = (enum activation)_i};
    double tolerance = fmax(1e-10, 20 * REAL_EPSILON);
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = (real)(-4.03 + 0.2 * (double)i);   /* not 0, where relu has a kink */
        ones[i] = 1;
    }
    l.ops->forward(&l, NULL, x, 1, y);
    l.ops->jvp(&l, NULL, x, y, 1, ones, NULL, slope);
    l.ops->vjp(&l, NULL, x, y, 1, ones, dx, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_double_eq_tol((double)y[i], phi(l.activation, (double)x[i]), tolerance);
        ck_assert_double_eq_tol((double)slope[i], phi_slope(l.activation, (double)x[i]), tolerance);
        ck_assert_double_eq((double)slope[i], (double)dx[i]);
    }
}
END_TEST

START_TEST(an_activation_needs_only_the_values_it_says)
{
    enum { COUNT = 3 };
    real x[COUNT] = {(real)-0.7, (real)0.2, (real)1.5}, y[COUNT], in[COUNT] = {1, 2, 3}, a[COUNT], b[COUNT];
    struct layer l = {.ops = &layer_activation, .inputs = COUNT, .outputs = COUNT,
                      .activation = (enum activation)_i};
    unsigned uses = l.ops->uses(&l);
    l.ops->forward(&l, NULL, x, 1, y);
    l.ops->jvp(&l, NULL, x, y, 1, in, NULL, a);
    l.ops->jvp(&l, NULL, uses & LAYER_USES_INPUT ? x : NULL, uses & LAYER_USES_OUTPUT ? y : NULL, 1, in, NULL, b);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

START_TEST(not_a_number_and_infinity_pass_through_an_activation)
{
    enum { COUNT = 19 };   /* vectors and what is left over */
    real x[COUNT], y[COUNT];
    struct layer l = {.ops = &layer_activation, .inputs = COUNT, .outputs = COUNT, .activation = (enum activation)_i};
    bool bounded = l.activation == ACTIVATION_TANH || l.activation == ACTIVATION_ERF;
    for (size_t i = 0; i < COUNT; i++)
        x[i] = i % 2 ? (real)NAN : (real)INFINITY;
    l.ops->forward(&l, NULL, x, 1, y);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(i % 2 ? isnan(y[i]) : bounded ? y[i] == 1 : isinf(y[i]));
        x[i] = (real)(i % 2 ? 3e4 : -3e4);   /* far beyond where exp overflows */
    }
    l.ops->forward(&l, NULL, x, 1, y);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_double_eq((double)y[i], phi(l.activation, (double)x[i]));
}
END_TEST

START_TEST(a_value_does_not_depend_on_its_place_beyond_rounding)
{
    enum { COUNT = 37 };
    real x[COUNT], y[COUNT], one, slope[COUNT], ones[COUNT];
    struct layer l = {.ops = &layer_activation, .inputs = COUNT, .outputs = COUNT, .activation = (enum activation)_i};
    struct layer single = {.ops = &layer_activation, .inputs = 1, .outputs = 1, .activation = (enum activation)_i};
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = (real)(-5 + 0.27 * (double)i);
        ones[i] = 1;
    }
    l.ops->forward(&l, NULL, x, 1, y);
    l.ops->jvp(&l, NULL, x, y, 1, ones, NULL, slope);
    for (size_t i = 0; i < COUNT; i++) {
        single.ops->forward(&single, NULL, x + i, 1, &one);
        ck_assert_double_eq_tol((double)one, (double)y[i], 8 * REAL_EPSILON * fmax(1, fabs((double)x[i])));
        single.ops->jvp(&single, NULL, x + i, y + i, 1, ones, NULL, &one);
        ck_assert_double_eq_tol((double)one, (double)slope[i], 8 * REAL_EPSILON);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_dense_layer_multiplies_by_its_weights_and_adds_its_bias, 0, VARIANTS);
    tcase_add_loop_test(tests, a_dense_layers_jvp_is_the_product_rule, 0, VARIANTS);
    tcase_add_loop_test(tests, a_dense_layers_vjp_overwrites_with_sums_over_rows, 0, VARIANTS);
    tcase_add_loop_test(tests, activations_and_their_derivatives_agree_with_differences, 0, 4);
    tcase_add_loop_test(tests, an_activation_needs_only_the_values_it_says, 0, 4);
    tcase_add_loop_test(tests, not_a_number_and_infinity_pass_through_an_activation, 0, 4);
    tcase_add_loop_test(tests, a_value_does_not_depend_on_its_place_beyond_rounding, 0, 4);
}

UNIT_MAIN("layers", add)
