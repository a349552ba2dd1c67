/* The procedural sets. */
#include <complex.h>
#include <math.h>

#include "data_sets.h"

static size_t white_pixels(const struct data_pool *pool, size_t i)
{
    const unsigned char *x = (const unsigned char *)pool->x + i * pool->features;
    size_t white = 0, black = 0;
    for (size_t k = 0; k < pool->features; k++) {
        white += x[k] == 255;
        black += x[k] == 0;
    }
    ck_assert_uint_eq(white + black, pool->features);
    return white;
}

START_TEST(sprites_are_black_and_white_and_of_the_area_their_shape_can_have)
{
    /* of the unit disc's shapes: square 2, ellipse pi/2, heart 3.66/1.4243^2; radius 0.15 to 0.3 of the side */
    static const double area[3] = {2, M_PI / 2, 3.66 / (1.4243 * 1.4243)};
    struct data_spec spec = sprites_spec();
    spec.image_size = _i ? 64 : 32;
    struct dataset set = load(&spec);
    double side = (double)spec.image_size;
    ck_assert_uint_eq(set.outputs, 3);
    ck_assert_uint_eq(set.train.features, (size_t)(spec.image_size * spec.image_size));
    for (size_t i = 0; i < set.train.rows; i++) {
        double white = (double)white_pixels(&set.train, i), unit = area[set.train.label[i]];
        ck_assert_double_gt(white, 0.8 * unit * 0.15 * 0.15 * side * side);
        ck_assert_double_lt(white, 1.1 * unit * 0.3 * 0.3 * side * side);
    }
    dataset_close(&set);
}
END_TEST

START_TEST(sprites_of_each_shape_are_about_a_third)
{
    struct data_spec spec = sprites_spec();
    struct dataset set = load(&spec);
    size_t count[3] = {0};
    for (size_t i = 0; i < 600; i++)
        count[set.train.label[i]]++;
    for (int c = 0; c < 3; c++)   /* 200 +- 5 standard deviations */
        ck_assert_uint_lt((size_t)labs((long)count[c] - 200), 58);
    dataset_close(&set);
}
END_TEST

/* Direction of a moment of the white pixels about their centre, y upwards: sum of dz^power, or of |dz|^2 dz
 * where power is 1. It turns with the shape, `power` times as fast. */
static double complex moment_direction(const unsigned char *x, int side, int power)
{
    double complex centre = 0, sum = 0;
    double n = 0;
    for (int k = 0; k < side * side; k++)
        if (x[k])
            n++, centre += k % side - I * (k / side);
    for (int k = 0; k < side * side; k++)
        if (x[k]) {
            double complex dz = k % side - I * (k / side) - centre / n;
            sum += power == 1 ? cabs(dz) * cabs(dz) * dz : cpow(dz, power);
        }
    return sum / cabs(sum);
}

/* From outside of the code that paints: a square's fourth moment points against 4t (its corners are at
 * odd multiples of an eighth turn), an ellipse's second along 2t, a heart's first along its own axis,
 * which is a quarter turn after t (the lobes outweigh the tip). */
START_TEST(the_orientation_target_is_the_orientation_of_the_picture)
{
    static const int power[3] = {4, 2, 1};
    static const double complex turn[3] = {-1, 1, -I};
    /* A wrong target is off by 1.3 on average. What pixels leave, seen on these 600: at most 0.14, 0.06 and
     * 0.34 (a heart's third moment is weak), less the larger the shape; on average 0.01, 0.01 and 0.08. */
    static const double worst[3] = {0.2, 0.1, 0.5}, worst_mean[3] = {0.03, 0.03, 0.12};
    double sum[3] = {0}, count[3] = {0};
    struct data_spec shape_spec = sprites_spec(), spec = sprites_spec();
    spec.task = TASK_REGRESSION;
    shape_spec.image_size = spec.image_size = 64;
    struct dataset shape = load(&shape_spec), set = load(&spec);
    ck_assert_uint_eq(set.outputs, 2);
    for (size_t i = 0; i < set.train.rows; i++) {
        int32_t c = shape.train.label[i];
        double complex target = set.train.target[2 * i] + I * set.train.target[2 * i + 1];
        double complex seen = moment_direction((const unsigned char *)set.train.x + i * 4096, 64, power[c]) * turn[c];
        ck_assert_double_eq_tol(cabs(target), 1, 1e-6);
        ck_assert_msg(cabs(target - seen) < worst[c], "example %zu, shape %d: %g off", i, c, cabs(target - seen));
        sum[c] += cabs(target - seen);
        count[c]++;
    }
    for (int c = 0; c < 3; c++)
        ck_assert_double_lt(sum[c] / count[c], worst_mean[c]);
    dataset_close(&set);
    dataset_close(&shape);
}
END_TEST

START_TEST(a_procedural_set_is_the_same_again_and_another_with_another_seed)
{
    struct data_spec spec = _i ? teacher_spec(TEACHER_NETWORK, TASK_REGRESSION) : sprites_spec();
    spec.pool = 300;
    struct dataset a = load(&spec), b = load(&spec);
    spec.set_seed++;
    struct dataset c = load(&spec);
    ck_assert(same_pool(&a, &a.train, &b.train, 300) && same_pool(&a, &a.test, &b.test, 300));
    ck_assert(!same_pool(&a, &a.train, &c.train, 1));
    dataset_close(&a);
    dataset_close(&b);
    dataset_close(&c);
}
END_TEST

START_TEST(a_larger_pool_begins_with_the_smaller_and_test_examples_are_others)
{
    struct data_spec spec = _i ? teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION) : sprites_spec();
    spec.pool = 100;
    struct dataset a = load(&spec);
    spec.pool = 300;
    struct dataset b = load(&spec);
    ck_assert(same_pool(&a, &a.train, &b.train, 100) && same_pool(&a, &a.test, &b.test, 100));
    size_t size = b.train.features * (b.train.bytes ? 1 : sizeof(float));
    size_t shared = 0;
    for (size_t i = 0; i < 300; i++)
        for (size_t j = 0; j < 300; j++)
            shared += memcmp((const char *)b.train.x + i * size, (const char *)b.test.x + j * size, size) == 0;
    ck_assert_uint_eq(shared, 0);
    dataset_close(&a);
    dataset_close(&b);
}
END_TEST

static void moments(const float *values, size_t stride, size_t n, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i * stride];
        squares += (double)values[i * stride] * (double)values[i * stride];
    }
    *mean = sum / (double)n;
    *variance = squares / (double)n - *mean * *mean;
}

/* 5 standard errors of 20,000 draws; fourth moments of products of Hermite polynomials are large. */
START_TEST(inputs_and_targets_of_the_teacher_have_mean_0_and_variance_1)
{
    struct data_spec spec = teacher_spec(_i ? TEACHER_NETWORK : TEACHER_MULTI_INDEX, TASK_REGRESSION);
    struct dataset set = load(&spec);
    double mean, variance;
    ck_assert_uint_eq(set.outputs, 3);
    for (size_t k = 0; k < 12; k++) {
        moments((const float *)set.train.x + k, 12, 20000, &mean, &variance);
        ck_assert_double_eq_tol(mean, 0, 0.036);
        ck_assert_double_eq_tol(variance, 1, 0.05);
    }
    for (size_t o = 0; o < 3; o++) {
        moments(set.test.target + o, 3, 20000, &mean, &variance);
        ck_assert_double_eq_tol(mean, 0, 0.04);
        ck_assert_double_eq_tol(variance, 1, 0.15);
    }
    dataset_close(&set);
}
END_TEST

/* Over many outputs every term has a share: one that is not normalised, or not orthogonal to the others,
 * shifts the average. */
START_TEST(the_variance_of_the_teacher_is_1_on_average_over_many_outputs)
{
    struct data_spec spec = teacher_spec(_i ? TEACHER_NETWORK : TEACHER_MULTI_INDEX, TASK_REGRESSION);
    double mean, variance, sum = 0;
    spec.outputs = 200;
    spec.indices = 3;
    struct dataset set = load(&spec);
    for (size_t o = 0; o < 200; o++) {
        moments(set.test.target + o, 200, 20000, &mean, &variance);
        sum += variance / 200;
    }
    ck_assert_double_eq_tol(sum, 1, 0.05);
    dataset_close(&set);
}
END_TEST

/* With one direction the only term is h_1(z) = z: the target is linear in x, along a unit vector. */
START_TEST(a_multi_index_teacher_of_one_direction_is_linear)
{
    struct data_spec spec = teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION);
    spec.inputs = 3;
    spec.indices = spec.outputs = 1;
    struct dataset set = load(&spec);
    const float *x = set.train.x, *y = set.train.target;
    /* that vector from rows 0, 1 and 2 by Cramer's rule, and then y of row 3 */
    double m[9], det, w[3];
    for (int k = 0; k < 9; k++)
        m[k] = (double)x[k];
    det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
    for (int k = 0; k < 3; k++) {
        double c[9];
        memcpy(c, m, sizeof c);
        for (int i = 0; i < 3; i++)
            c[3 * i + k] = (double)y[i];
        w[k] = (c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6])
                + c[2] * (c[3] * c[7] - c[4] * c[6])) / det;
    }
    ck_assert_double_eq_tol(w[0] * w[0] + w[1] * w[1] + w[2] * w[2], 1, 1e-4);
    ck_assert_double_eq_tol(w[0] * (double)x[9] + w[1] * (double)x[10] + w[2] * (double)x[11], (double)y[3], 1e-4);
    dataset_close(&set);
}
END_TEST

START_TEST(noise_is_in_the_training_targets_only_and_of_its_size)
{
    struct data_spec spec = teacher_spec(TEACHER_NETWORK, TASK_REGRESSION);
    struct dataset clean = load(&spec);
    spec.noise = 0.5;
    struct dataset noisy = load(&spec);
    double squares = 0;
    for (size_t i = 0; i < 60000; i++) {
        double d = (double)(noisy.train.target[i] - clean.train.target[i]);
        squares += d * d / 60000;
    }
    ck_assert_double_eq_tol(sqrt(squares), 0.5, 0.01);
    ck_assert(same_pool(&clean, &clean.test, &noisy.test, 20000));
    ck_assert_mem_eq(clean.train.x, noisy.train.x, 20000 * 12 * sizeof(float));
    dataset_close(&clean);
    dataset_close(&noisy);
}
END_TEST

START_TEST(a_classifying_teacher_labels_by_the_largest_output)
{
    struct data_spec spec = teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION);
    struct dataset outputs = load(&spec);
    spec.task = TASK_CLASSIFICATION;
    struct dataset classes = load(&spec);
    for (size_t i = 0; i < 1000; i++) {
        const float *y = outputs.test.target + 3 * i;
        int32_t label = classes.test.label[i];
        ck_assert(y[label] >= y[0] && y[label] >= y[1] && y[label] >= y[2]);
    }
    dataset_close(&outputs);
    dataset_close(&classes);
}
END_TEST

START_TEST(settings_out_of_range_are_refused_by_name)
{
    struct dataset set;
    struct data_spec specs[7];
    static const char *const keys[7] = {"data.image_size", "data.pool", "data.indices", "data.outputs", "data.noise",
                                        "data.inputs", "data.pool"};
    specs[0] = specs[1] = sprites_spec();
    specs[0].image_size = 48;
    specs[1].pool = 0;
    specs[2] = specs[4] = specs[5] = specs[6] = teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION);
    specs[3] = teacher_spec(TEACHER_NETWORK, TASK_CLASSIFICATION);
    specs[2].indices = 13;
    specs[3].outputs = 1;
    specs[4].noise = (double)NAN;
    specs[5].inputs = -1;
    specs[6].pool = -7;
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(dataset_load(&set, &specs[i], NULL, &err), -1);
        ck_assert_int_eq(err.code, ERROR_DATA);
        ck_assert_msg(strstr(err.text, keys[i]) == err.text && strstr(err.text, "got"), "%s", err.text);
    }
}
END_TEST

START_TEST(identity_is_of_what_decides_the_pools_and_of_nothing_else)
{
    struct data_spec a = sprites_spec(), b = a, c = a;
    struct text ta = {0}, tb = {0}, tc = {0};
    b.train = 50;
    b.test = DATA_ALL;
    b.validation = 3;
    b.normalise = NORMALISE_NONE;
    b.noise = 2;   /* not a setting of sprites */
    c.image_size = 64;
    dataset_identity(&a, &ta);
    dataset_identity(&b, &tb);
    dataset_identity(&c, &tc);
    ck_assert_str_eq(ta.chars, tb.chars);
    ck_assert_str_ne(ta.chars, tc.chars);
    text_free(&ta);
    text_free(&tb);
    text_free(&tc);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, sprites_are_black_and_white_and_of_the_area_their_shape_can_have, 0, 2);
    tcase_add_test(tests, sprites_of_each_shape_are_about_a_third);
    tcase_add_test(tests, the_orientation_target_is_the_orientation_of_the_picture);
    tcase_add_loop_test(tests, a_procedural_set_is_the_same_again_and_another_with_another_seed, 0, 2);
    tcase_add_loop_test(tests, a_larger_pool_begins_with_the_smaller_and_test_examples_are_others, 0, 2);
    tcase_add_loop_test(tests, inputs_and_targets_of_the_teacher_have_mean_0_and_variance_1, 0, 2);
    tcase_add_loop_test(tests, the_variance_of_the_teacher_is_1_on_average_over_many_outputs, 0, 2);
    tcase_add_test(tests, a_multi_index_teacher_of_one_direction_is_linear);
    tcase_add_test(tests, noise_is_in_the_training_targets_only_and_of_its_size);
    tcase_add_test(tests, a_classifying_teacher_labels_by_the_largest_output);
    tcase_add_test(tests, settings_out_of_range_are_refused_by_name);
    tcase_add_test(tests, identity_is_of_what_decides_the_pools_and_of_nothing_else);
}

UNIT_MAIN("data sets", add)
