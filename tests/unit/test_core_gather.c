/* Rows as the network sees them. */
#include <string.h>

#include "base/error.h"
#include "data/gather.h"
#include "unit.h"

enum { TRAIN = 60, TEST = 40 };

static struct dataset set;
static struct split split;
static struct error err;
static struct data_spec spec;

static void load(const char *name, enum data_task task)
{
    spec = (struct data_spec){.train = TRAIN, .validation = 20, .test = TEST, .task = task, .pool = 100, .set_seed = 3,
                              .image_size = 32, .inputs = 10, .outputs = 3, .indices = 4};
    strcpy(spec.set, name);
    ck_assert_msg(dataset_load(&set, &spec, NULL, &err) == 0, "%s", err.text);
    ck_assert_msg(split_draw(&split, &set, &spec, 1, 16, &err) == 0, "%s", err.text);
}

static void unload(void)
{
    split_free(&split);
    dataset_close(&set);
}

static double raw(const struct data_pool *pool, size_t row, size_t k)
{
    size_t i = row * pool->features + k;
    return pool->bytes ? ((const unsigned char *)pool->x)[i] / 255.0 : (double)((const float *)pool->x)[i];
}

/* Every value against its definition. */
static void check_inputs(void)
{
    static real x[TRAIN * 1024];
    size_t features = set.train.features;
    gather_inputs(&split, PART_TRAIN, NULL, 0, TRAIN, x);
    for (size_t i = 0; i < TRAIN; i++)
        for (size_t k = 0; k < features; k++) {
            double expected = (raw(&set.train, split.row[PART_TRAIN][i], k) - split.mean[0]) * split.scale[0];
            ck_assert(x[i * features + k] == (real)expected);
        }
}

START_TEST(bytes_are_normalised_by_definition)
{
    load("sprites", TASK_CLASSIFICATION);
    check_inputs();
    unload();
}
END_TEST

START_TEST(floats_are_normalised_by_definition)
{
    load("teacher", TASK_REGRESSION);
    check_inputs();
    unload();
}
END_TEST

START_TEST(the_training_inputs_have_mean_0_and_variance_1)
{
    static real x[TRAIN * 1024];
    double sum = 0, squares = 0, n = TRAIN * 1024.0;
    load("sprites", TASK_CLASSIFICATION);
    gather_inputs(&split, PART_TRAIN, NULL, 0, TRAIN, x);
    for (size_t i = 0; i < TRAIN * 1024; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    ck_assert_double_eq_tol(sum / n, 0, 1e-5);
    ck_assert_double_eq_tol(squares / n, 1, 1e-5);
    unload();
}
END_TEST

START_TEST(bits_do_not_depend_on_the_batch)
{
    static real all[TRAIN * 1024], one[3 * 1024];
    load("sprites", TASK_CLASSIFICATION);
    gather_inputs(&split, PART_TRAIN, NULL, 0, TRAIN, all);
    const size_t index[3] = {41, 7, 41};
    gather_inputs(&split, PART_TRAIN, index, 99, 3, one);
    for (size_t b = 0; b < 3; b++)
        ck_assert_mem_eq(one + b * 1024, all + index[b] * 1024, 1024 * sizeof(real));
    gather_inputs(&split, PART_TRAIN, NULL, 30, 2, one);
    ck_assert_mem_eq(one, all + 30 * 1024, 2 * 1024 * sizeof(real));
    unload();
}
END_TEST

START_TEST(the_probe_is_its_training_half_and_then_its_test_half)
{
    static real probe[32 * 10], part[16 * 10];
    load("teacher", TASK_REGRESSION);
    gather_inputs(&split, PART_PROBE, NULL, 0, 32, probe);
    gather_inputs(&split, PART_TRAIN, NULL, 0, 16, part);
    ck_assert_mem_eq(probe, part, 16 * 10 * sizeof(real));
    gather_inputs(&split, PART_TEST, NULL, 0, 16, part);
    ck_assert_mem_eq(probe + 160, part, 16 * 10 * sizeof(real));
    gather_targets(&split, PART_PROBE, NULL, 16, 16, probe);
    gather_targets(&split, PART_TEST, NULL, 0, 16, part);
    ck_assert_mem_eq(probe, part, 16 * 3 * sizeof(real));
    unload();
}
END_TEST

START_TEST(classes_are_one_hot_and_targets_are_as_stored)
{
    real y[TEST * 3];
    load("sprites", TASK_CLASSIFICATION);
    gather_targets(&split, PART_TEST, NULL, 0, TEST, y);
    for (size_t i = 0; i < TEST; i++)
        for (int32_t c = 0; c < 3; c++)
            ck_assert(y[i * 3 + (size_t)c] == (real)(set.test.label[split.row[PART_TEST][i]] == c));
    unload();
    load("teacher", TASK_REGRESSION);
    const size_t index[1] = {5};
    gather_targets(&split, PART_VALIDATION, index, 0, 1, y);
    for (size_t o = 0; o < 3; o++)
        ck_assert(y[o] == (real)set.train.target[split.row[PART_VALIDATION][5] * 3 + o]);
    unload();
}
END_TEST

START_TEST(noise_is_in_the_targets_of_training_alone)
{
    real y[TRAIN * 3], probe[16 * 3];
    load("sprites", TASK_CLASSIFICATION);
    split_free(&split);
    spec.label_noise = 1;
    ck_assert_msg(split_draw(&split, &set, &spec, 1, 16, &err) == 0, "%s", err.text);
    gather_targets(&split, PART_TRAIN, NULL, 0, TRAIN, y);
    const size_t index[2] = {33, 2};
    real two[6];
    gather_targets(&split, PART_TRAIN, index, 0, 2, two);
    ck_assert_mem_eq(two, y + 33 * 3, 3 * sizeof(real));
    ck_assert_mem_eq(two + 3, y + 2 * 3, 3 * sizeof(real));
    gather_targets(&split, PART_PROBE, NULL, 0, 16, probe);
    for (size_t i = 0; i < TRAIN; i++)
        for (int32_t c = 0; c < 3; c++) {
            bool label = set.train.label[split.row[PART_TRAIN][i]] == c;
            ck_assert(y[i * 3 + (size_t)c] == (real)(split.train_label[i] == c));
            ck_assert(!label || y[i * 3 + (size_t)c] == 0);
            ck_assert(i >= 16 || probe[i * 3 + (size_t)c] == (real)label);
        }
    gather_targets(&split, PART_VALIDATION, NULL, 0, 20, y);
    for (size_t i = 0; i < 20; i++)
        ck_assert(y[i * 3 + (size_t)set.train.label[split.row[PART_VALIDATION][i]]] == 1);
    unload();
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, noise_is_in_the_targets_of_training_alone);
    tcase_add_test(tests, bytes_are_normalised_by_definition);
    tcase_add_test(tests, floats_are_normalised_by_definition);
    tcase_add_test(tests, the_training_inputs_have_mean_0_and_variance_1);
    tcase_add_test(tests, bits_do_not_depend_on_the_batch);
    tcase_add_test(tests, the_probe_is_its_training_half_and_then_its_test_half);
    tcase_add_test(tests, classes_are_one_hot_and_targets_are_as_stored);
}

UNIT_MAIN("gather", add)
