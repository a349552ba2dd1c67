/* Label noise: exactly as many labels as asked for, all of them wrong, in the training subset alone; and
 * what a set refuses of the specification beside its identity. */
#include <math.h>

#include "data/split.h"
#include "data_sets.h"

static struct dataset set;

static struct split draw(struct data_spec *spec, int64_t train, double noise, uint64_t seed)
{
    struct split split;
    spec->train = train;
    spec->label_noise = noise;
    ck_assert_msg(split_draw(&split, &set, spec, seed, 16, &err) == 0, "%s", err.text);
    return split;
}

static int32_t clean_label(const struct split *split, size_t i) { return set.train.label[split->row[PART_TRAIN][i]]; }

static size_t wrong_labels(const struct split *split)
{
    size_t wrong = 0;
    for (size_t i = 0; split->train_label && i < split->count[PART_TRAIN]; i++) {
        ck_assert(split->train_label[i] >= 0 && (size_t)split->train_label[i] < set.outputs);
        wrong += split->train_label[i] != clean_label(split, i);
    }
    return wrong;
}

static struct data_spec start(void)
{
    struct data_spec spec = sprites_spec();
    spec.pool = 3000;
    set = load(&spec);
    return spec;
}

START_TEST(exactly_the_fraction_of_the_training_labels_is_wrong)
{
    static const struct { int64_t train; double noise; size_t wrong; } cases[] = {
        {100, 0, 0}, {100, 0.2, 20}, {100, 0.004, 0}, {100, 0.005, 1}, {7, 0.5, 4}, {999, 0.1, 100}, {500, 1, 500}, {1, 1, 1}};
    struct data_spec spec = start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct split split = draw(&spec, cases[i].train, cases[i].noise, seed);
            ck_assert_uint_eq(wrong_labels(&split), cases[i].wrong);
            ck_assert((split.train_label != NULL) == (cases[i].wrong > 0));
            split_free(&split);
        }
    dataset_close(&set);
}
END_TEST

START_TEST(noise_changes_neither_the_rows_nor_anything_else)
{
    struct data_spec spec = start();
    struct split clean = draw(&spec, 200, 0, 3), noisy = draw(&spec, 200, 0.5, 3), again = draw(&spec, 200, 0.5, 3);
    struct split other = draw(&spec, 200, 0.5, 4);
    for (int part = 0; part < PART_COUNT; part++)
        ck_assert_mem_eq(clean.row[part], noisy.row[part], clean.count[part] * sizeof(size_t));
    ck_assert(clean.mean[0] == noisy.mean[0] && clean.scale[0] == noisy.scale[0]);
    ck_assert_mem_eq(noisy.train_label, again.train_label, 200 * sizeof(int32_t));
    ck_assert(memcmp(noisy.train_label, other.train_label, 200 * sizeof(int32_t)) != 0);
    split_free(&clean);
    split_free(&noisy);
    split_free(&again);
    split_free(&other);
    dataset_close(&set);
}
END_TEST

START_TEST(more_noise_keeps_the_wrong_labels_of_less)
{
    struct data_spec spec = start();
    struct split less = draw(&spec, 600, 0.1, 3), more = draw(&spec, 600, 0.3, 3);
    for (size_t i = 0; i < 600; i++)
        if (less.train_label[i] != clean_label(&less, i))
            ck_assert_int_eq(more.train_label[i], less.train_label[i]);
    split_free(&less);
    split_free(&more);
    dataset_close(&set);
}
END_TEST

START_TEST(a_larger_subset_keeps_the_wrong_labels_of_a_smaller_but_for_a_few)
{
    struct data_spec spec = start();
    struct split small = draw(&spec, 600, 0.2, 3), large = draw(&spec, 2400, 0.2, 3);
    size_t apart = 0;
    for (size_t i = 0; i < 600; i++) {
        bool noisy = small.train_label[i] != clean_label(&small, i), there = large.train_label[i] != clean_label(&large, i);
        ck_assert_uint_eq(small.row[PART_TRAIN][i], large.row[PART_TRAIN][i]);
        if (noisy && there)
            ck_assert_int_eq(small.train_label[i], large.train_label[i]);
        apart += noisy != there;
    }
    ck_assert_uint_le(apart, 40);   /* the thresholds differ by a few standard deviations of 600 draws: 10 each */
    split_free(&small);
    split_free(&large);
    dataset_close(&set);
}
END_TEST

/* Which rows, and which of the two other classes: even, whatever the class. */
START_TEST(every_class_suffers_alike_and_every_other_class_is_as_likely)
{
    size_t count[3][3] = {{0}}, of_class[3] = {0};
    struct data_spec spec = start();
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct split split = draw(&spec, 900, 0.2, seed);
        for (size_t i = 0; i < 900; i++) {
            count[clean_label(&split, i)][split.train_label[i]]++;
            of_class[clean_label(&split, i)]++;
        }
        split_free(&split);
    }
    for (int c = 0; c < 3; c++)
        for (int w = 0; w < 3; w++) {
            double p = c == w ? 0.8 : 0.1, n = (double)of_class[c];
            ck_assert_double_eq_tol((double)count[c][w] / n, p, 5 * sqrt(p * (1 - p) / n));
        }
    dataset_close(&set);
}
END_TEST

static void refuse(const struct dataset *wrong, const struct data_spec *spec, const char *message)
{
    struct dataset none;
    ck_assert_int_eq(dataset_check_counts(wrong, spec, &err), -1);
    ck_assert_msg(strstr(err.text, message), "no '%s' in: %s", message, err.text);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_int_eq(dataset_load(&none, spec, NULL, &err), -1);   /* and before anything is drawn */
    ck_assert_msg(strstr(err.text, message), "no '%s' in: %s", message, err.text);
}

START_TEST(what_a_set_cannot_do_is_refused)
{
    struct data_spec spec = start(), teacher = teacher_spec(TEACHER_NETWORK, TASK_REGRESSION);
    struct dataset features = load(&teacher);
    spec.label_noise = 1.5;
    refuse(&set, &spec, "data.label_noise: expected a fraction from 0 to 1, got 1.5");
    spec.label_noise = NAN;
    refuse(&set, &spec, "data.label_noise: expected a fraction");
    teacher.label_noise = 0.1;
    refuse(&features, &teacher, "data.label_noise: expected data.task classification, got regression");
    teacher.label_noise = 0;
    teacher.augment.flip = true;
    refuse(&features, &teacher, "data.augment: expected a set of images (channels, height, width), got teacher with rows of 12 features");
    spec.label_noise = 0;
    spec.augment.crop = 32;
    refuse(&set, &spec, "data.augment: crop: expected less than 32 pixels");
    spec.augment.crop = 31;
    ck_assert_int_eq(dataset_check_counts(&set, &spec, &err), 0);
    struct dataset one = set;
    one.outputs = 1;
    spec.label_noise = 0.5;
    ck_assert_int_eq(dataset_check_counts(&one, &spec, &err), -1);
    ck_assert_msg(strstr(err.text, "expected 2 classes or more, got 1"), "%s", err.text);
    one = set;
    one.shape[2] = DATA_MAX_SIDE + 1;
    ck_assert_int_eq(dataset_check_counts(&one, &spec, &err), -1);
    ck_assert_msg(strstr(err.text, "at most 4096 pixels wide, got 4097"), "%s", err.text);
    dataset_close(&features);
    dataset_close(&set);
}
END_TEST

START_TEST(noise_and_augmentation_are_not_in_the_identity_of_the_set)
{
    struct text plain = {0}, other = {0};
    struct data_spec spec = sprites_spec();
    dataset_identity(&spec, &plain);
    spec.label_noise = 0.5;
    spec.augment.crop = 4;
    dataset_identity(&spec, &other);
    ck_assert_str_eq(plain.chars, other.chars);
    text_free(&plain);
    text_free(&other);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, exactly_the_fraction_of_the_training_labels_is_wrong);
    tcase_add_test(tests, noise_changes_neither_the_rows_nor_anything_else);
    tcase_add_test(tests, more_noise_keeps_the_wrong_labels_of_less);
    tcase_add_test(tests, a_larger_subset_keeps_the_wrong_labels_of_a_smaller_but_for_a_few);
    tcase_add_test(tests, every_class_suffers_alike_and_every_other_class_is_as_likely);
    tcase_add_test(tests, what_a_set_cannot_do_is_refused);
    tcase_add_test(tests, noise_and_augmentation_are_not_in_the_identity_of_the_set);
}

UNIT_MAIN("label noise", add)
