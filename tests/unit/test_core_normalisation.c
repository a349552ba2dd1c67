/* Normalisation against its definition, by example and group, in double; and the scale layer. */
#include "toy.h"

static const struct { size_t height, width, channels, groups, n; } shapes[] = {
    {1, 1, 7, 1, 3},     /* flat: over all features */
    {1, 1, 12, 4, 2},
    {3, 2, 6, 1, 4},
    {4, 4, 6, 3, 2},
    {2, 3, 8, 8, 2},     /* a group a channel */
    {2, 2, 200, 1, 2},   /* more channels than are summed side by side */
    {2, 1, 200, 2, 2},
    {2, 2, 200, 25, 2},  /* groups of 8: 64 channels at a time, and a rest */
    {1, 3, 128, 2, 1},   /* groups of 64 */
    {1, 3, 195, 3, 1},   /* of 65 */
    {5, 5, 4, 2, 0},     /* no examples */
};
enum { SHAPES = sizeof shapes / sizeof *shapes, MOST = 2 * 800 };

struct frame {
    struct layer l;
    size_t n, count, channels;
    real parameters[400], tangent[400], gradient[400];
    real x[MOST], tx[MOST], y[MOST], ty[MOST], dy[MOST], dx[MOST];
    double slow[MOST], slow_gradient[400];
};

static struct frame *setup(int i)
{
    struct frame *f = mem_alloc(1, sizeof *f, NULL);
    struct image shape = {shapes[i].height, shapes[i].width, shapes[i].channels};
    struct random r;
    f->l = (struct layer){.ops = &layer_normalisation, .inputs = image_features(shape), .outputs = image_features(shape),
                          .n_parameters = 2 * shape.channels, .in = shape, .out = shape, .groups = shapes[i].groups};
    f->n = shapes[i].n;
    f->channels = shape.channels;
    f->count = f->n * f->l.inputs;
    ck_assert_uint_le(f->count, MOST);
    ck_assert_uint_le(f->l.n_parameters, 400);
    random_start(&r, (uint64_t)i, RANDOM_SET, 0);
    toy_normal(&r, 400, f->parameters);
    toy_normal(&r, 400, f->tangent);
    toy_normal(&r, MOST, f->x);
    toy_normal(&r, MOST, f->tx);
    toy_normal(&r, MOST, f->dy);
    for (size_t k = 0; k < MOST; k++) {
        f->x[k] = (real)1.5 + 2 * f->x[k];
        f->y[k] = f->ty[k] = f->dx[k] = (real)NAN;   /* overwritten, all of it */
    }
    for (size_t k = 0; k < 400; k++)
        f->gradient[k] = (real)NAN;
    return f;
}

/* In double, by the definition: the group's mean and 1/sqrt(var + 1e-5) of number k. */
static void slow_moments(const struct frame *f, size_t k, double *mean, double *scale)
{
    size_t example = k / f->l.inputs, width = f->channels / f->l.groups, group = k % f->channels / width;
    double sum = 0, square = 0, count = (double)(f->l.inputs / f->l.groups);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t j = 0; j < f->l.inputs; j++)
            if (j % f->channels / width == group) {
                double x = (double)f->x[example * f->l.inputs + j];
                *(pass ? &square : &sum) += pass ? (x - sum / count) * (x - sum / count) : x;
            }
    }
    *mean = sum / count;
    *scale = 1 / sqrt(square / count + 1e-5);
}

/* d h[k] / d x[j] of the same example, h = (x - mean) scale */
static double slow_slope(const struct frame *f, size_t k, size_t j)
{
    size_t width = f->channels / f->l.groups;
    double mean, scale, count = (double)(f->l.inputs / f->l.groups);
    if (k % f->channels / width != j % f->channels / width)
        return 0;
    slow_moments(f, k, &mean, &scale);
    double hk = ((double)f->x[k] - mean) * scale, hj = ((double)f->x[j] - mean) * scale;
    return scale * ((k == j ? 1 : 0) - 1 / count - hk * hj / count);
}

START_TEST(normalisation_is_by_example_and_group_with_a_scale_and_a_shift_by_channel)
{
    struct frame *f = setup(_i);
    f->l.ops->forward(&f->l, f->parameters, f->x, f->n, f->y);
    for (size_t k = 0; k < f->count; k++) {
        double mean, scale;
        slow_moments(f, k, &mean, &scale);
        f->slow[k] = (double)f->parameters[k % f->channels] * ((double)f->x[k] - mean) * scale
                     + (double)f->parameters[f->channels + k % f->channels];
    }
    ck_assert_double_le(toy_distance(f->count, f->y, f->slow), 20 * REAL_EPSILON);
    ck_assert(f->count == MOST || isnan(f->y[f->count]));
    mem_free(f);
}
END_TEST

START_TEST(the_jvp_and_vjp_of_normalisation_are_its_jacobian)
{
    struct frame *f = setup(_i);
    f->l.ops->jvp(&f->l, f->parameters, f->x, NULL, f->n, f->tx, f->tangent, f->ty);
    f->l.ops->vjp(&f->l, f->parameters, f->x, NULL, f->n, f->dy, f->dx, f->gradient);
    double *slow_dx = mem_alloc(MOST, sizeof *slow_dx, NULL);
    for (size_t k = 0; k < f->count; k++) {
        size_t first = k / f->l.inputs * f->l.inputs, c = k % f->channels;
        double mean, scale, dy = (double)f->dy[k], sum = 0;
        slow_moments(f, k, &mean, &scale);
        double h = ((double)f->x[k] - mean) * scale;
        for (size_t j = first; j < first + f->l.inputs; j++) {
            double slope = (double)f->parameters[c] * slow_slope(f, k, j);
            sum += slope * (double)f->tx[j];
            slow_dx[j] += slope * dy;
        }
        f->slow[k] = sum + (double)f->tangent[c] * h + (double)f->tangent[f->channels + c];
        f->slow_gradient[c] += dy * h;
        f->slow_gradient[f->channels + c] += dy;
    }
    ck_assert_double_le(toy_distance(f->count, f->ty, f->slow), 30 * REAL_EPSILON);
    ck_assert_double_le(toy_distance(f->count, f->dx, slow_dx), 30 * REAL_EPSILON);
    ck_assert_double_le(toy_distance(f->l.n_parameters, f->gradient, f->slow_gradient), 30 * REAL_EPSILON);
    mem_free(slow_dx);
    mem_free(f);
}
END_TEST

START_TEST(without_a_tangent_of_its_input_normalisation_has_that_of_its_parameters)
{
    struct frame *f = setup(_i);
    real *zero = mem_alloc(MOST, sizeof *zero, NULL), *other = mem_alloc(MOST, sizeof *other, NULL);
    f->l.ops->jvp(&f->l, f->parameters, f->x, NULL, f->n, zero, f->tangent, other);
    f->l.ops->jvp(&f->l, f->parameters, f->x, NULL, f->n, NULL, f->tangent, f->ty);
    for (size_t k = 0; k < f->count; k++)
        ck_assert_double_eq((double)f->ty[k], (double)other[k]);
    f->l.ops->vjp(&f->l, f->parameters, f->x, NULL, f->n, f->dy, NULL, f->gradient);
    memcpy(other, f->gradient, 400 * sizeof *other);
    f->l.ops->vjp(&f->l, f->parameters, f->x, NULL, f->n, f->dy, f->dx, f->gradient);
    ck_assert_mem_eq(other, f->gradient, f->l.n_parameters * sizeof *other);
    mem_free(zero);
    mem_free(other);
    mem_free(f);
}
END_TEST

START_TEST(normalisation_starts_with_scales_of_1_and_shifts_of_0)
{
    struct frame *f = setup(_i);
    f->l.ops->init(&f->l, 7, 3, f->parameters);
    for (size_t c = 0; c < f->channels; c++)
        ck_assert(f->parameters[c] == 1 && f->parameters[f->channels + c] == 0);
    mem_free(f);
}
END_TEST

START_TEST(equal_numbers_are_normalised_to_the_shift_also_far_from_zero)
{
    struct frame *f = setup(_i);
    for (size_t k = 0; k < f->count; k++)
        f->x[k] = (real)1000.1;
    f->l.ops->forward(&f->l, f->parameters, f->x, f->n, f->y);
    for (size_t k = 0; k < f->count; k++)   /* 1/sqrt(1e-5) is 316 */
        ck_assert_double_eq_tol((double)f->y[k], (double)f->parameters[f->channels + k % f->channels],
                                320 * 1000 * 4 * REAL_EPSILON * fabs((double)f->parameters[k % f->channels]) + 1e-6);
    mem_free(f);
}
END_TEST

START_TEST(a_scale_layer_multiplies_forwards_and_backwards)
{
    enum { COUNT = 5 };
    struct layer l = {.ops = &layer_scale, .inputs = COUNT, .outputs = COUNT, .scale = 0.25};
    real x[COUNT] = {1, -2, 3, 0, 5}, y[COUNT], ty[COUNT], dx[COUNT];
    l.ops->forward(&l, NULL, x, 1, y);
    l.ops->jvp(&l, NULL, NULL, NULL, 1, x, NULL, ty);
    l.ops->vjp(&l, NULL, NULL, NULL, 1, x, dx, NULL);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert(y[k] == x[k] / 4 && ty[k] == y[k] && dx[k] == y[k]);
    l.ops->jvp(&l, NULL, NULL, NULL, 1, NULL, NULL, ty);
    for (size_t k = 0; k < COUNT; k++)
        ck_assert(ty[k] == 0);
    l.ops->vjp(&l, NULL, NULL, NULL, 1, x, NULL, NULL);
    ck_assert_uint_eq(l.ops->uses(&l), 0);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, normalisation_is_by_example_and_group_with_a_scale_and_a_shift_by_channel, 0, SHAPES);
    tcase_add_loop_test(tests, the_jvp_and_vjp_of_normalisation_are_its_jacobian, 0, SHAPES);
    tcase_add_loop_test(tests, without_a_tangent_of_its_input_normalisation_has_that_of_its_parameters, 0, SHAPES);
    tcase_add_loop_test(tests, normalisation_starts_with_scales_of_1_and_shifts_of_0, 0, SHAPES);
    tcase_add_loop_test(tests, equal_numbers_are_normalised_to_the_shift_also_far_from_zero, 0, SHAPES);
    tcase_add_test(tests, a_scale_layer_multiplies_forwards_and_backwards);
}

UNIT_MAIN("normalisation", add)
