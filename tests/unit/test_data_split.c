/* Which rows a job gets: balanced, apart, the same where they should be. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/split.h"
#include "unit.h"

static struct dataset sprites;
static struct error err;

static struct data_spec sprites_spec(void)
{
    struct data_spec spec = {.set = "sprites", .train = 200, .validation = 100, .test = 300, .pool = 1000,
                             .set_seed = 1, .image_size = 32};
    return spec;
}

static void load(void)
{
    struct data_spec spec = sprites_spec();
    ck_assert_msg(dataset_load(&sprites, &spec, NULL, &err) == 0, "%s", err.text);
}

static void unload(void) { dataset_close(&sprites); }

static struct split draw(const struct data_spec *spec, uint64_t seed, size_t probe)
{
    struct split split;
    ck_assert_msg(split_draw(&split, &sprites, spec, seed, probe, &err) == 0, "%s", err.text);
    return split;
}

static bool holds(const size_t *rows, size_t n, size_t row)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i] == row)
            return true;
    return false;
}

static void check_balanced(const size_t *rows, size_t n, const struct data_pool *pool)
{
    size_t count[3] = {0}, least = n, most = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_lt(rows[i], pool->rows);
        ck_assert(!holds(rows, i, rows[i]));
        count[pool->label[rows[i]]]++;
    }
    for (int c = 0; c < 3; c++) {
        least = count[c] < least ? count[c] : least;
        most = count[c] > most ? count[c] : most;
    }
    ck_assert_uint_le(most - least, 1);
}

START_TEST(every_subset_is_balanced_and_without_repeats)
{
    struct data_spec spec = sprites_spec();
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct split s = draw(&spec, seed, 64);
        ck_assert_uint_eq(s.count[PART_TRAIN], 200);
        ck_assert_uint_eq(s.count[PART_VALIDATION], 100);
        ck_assert_uint_eq(s.count[PART_TEST], 300);
        ck_assert_uint_eq(s.count[PART_PROBE], 128);
        ck_assert_uint_eq(s.probe_train, 64);
        check_balanced(s.row[PART_TRAIN], 200, &sprites.train);
        check_balanced(s.row[PART_VALIDATION], 100, &sprites.train);
        check_balanced(s.row[PART_TEST], 300, &sprites.test);
        check_balanced(s.row[PART_PROBE], 64, &sprites.train);
        check_balanced(s.row[PART_PROBE] + 64, 64, &sprites.test);
        split_free(&s);
    }
}
END_TEST

START_TEST(training_and_validation_share_no_row)
{
    struct data_spec spec = sprites_spec();
    struct split s = draw(&spec, 5, 64);
    for (size_t i = 0; i < s.count[PART_VALIDATION]; i++)
        ck_assert(!holds(s.row[PART_TRAIN], s.count[PART_TRAIN], s.row[PART_VALIDATION][i]));
    split_free(&s);
}
END_TEST

START_TEST(probe_and_test_rows_are_the_same_for_every_seed_and_training_rows_are_not)
{
    struct data_spec spec = sprites_spec();
    struct split a = draw(&spec, 1, 64), b = draw(&spec, 2, 64);
    ck_assert_mem_eq(a.row[PART_TEST], b.row[PART_TEST], 300 * sizeof(size_t));
    ck_assert_mem_eq(a.row[PART_PROBE], b.row[PART_PROBE], 128 * sizeof(size_t));
    ck_assert_mem_eq(a.row[PART_TRAIN], a.row[PART_PROBE], 64 * sizeof(size_t));
    size_t shared = 0;
    for (size_t i = 64; i < 200; i++)
        shared += holds(b.row[PART_TRAIN] + 64, 136, a.row[PART_TRAIN][i]);
    ck_assert_uint_lt(shared, 60);   /* expected 136 * 136 / 936 = 20 */
    ck_assert(memcmp(a.row[PART_VALIDATION], b.row[PART_VALIDATION], 100 * sizeof(size_t)) != 0);
    split_free(&a);
    split_free(&b);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_rows_and_a_smaller_subset_begins_a_larger_one)
{
    struct data_spec spec = sprites_spec(), small = spec;
    small.train = 100;
    small.test = 150;
    struct split a = draw(&spec, 3, 64), again = draw(&spec, 3, 64), b = draw(&small, 3, 64);
    for (int part = 0; part < PART_COUNT; part++)
        ck_assert_mem_eq(a.row[part], again.row[part], a.count[part] * sizeof(size_t));
    ck_assert_mem_eq(a.row[PART_TRAIN], b.row[PART_TRAIN], 100 * sizeof(size_t));
    ck_assert_mem_eq(a.row[PART_TEST], b.row[PART_TEST], 150 * sizeof(size_t));
    ck_assert_mem_eq(a.row[PART_VALIDATION], b.row[PART_VALIDATION], 100 * sizeof(size_t));
    split_free(&a);
    split_free(&again);
    split_free(&b);
}
END_TEST

START_TEST(a_probe_larger_than_the_subsets_shrinks_to_them)
{
    struct data_spec spec = sprites_spec();
    spec.train = 10;
    spec.test = 7;
    struct split s = draw(&spec, 0, 128);
    ck_assert_uint_eq(s.probe_train, 10);
    ck_assert_uint_eq(s.count[PART_PROBE], 17);
    split_free(&s);
}
END_TEST

START_TEST(all_takes_every_row_that_is_left)
{
    struct data_spec spec = sprites_spec();
    spec.train = DATA_ALL;
    spec.test = DATA_ALL;
    struct split s = draw(&spec, 0, 64);
    unsigned char seen[1000] = {0};
    ck_assert_uint_eq(s.count[PART_TRAIN], 900);
    ck_assert_uint_eq(s.count[PART_TEST], 1000);
    for (size_t i = 0; i < 900; i++)
        seen[s.row[PART_TRAIN][i]]++;
    for (size_t i = 0; i < 100; i++)
        seen[s.row[PART_VALIDATION][i]]++;
    for (size_t i = 0; i < 1000; i++)
        ck_assert_int_eq(seen[i], 1);
    split_free(&s);
    spec.train = 250;
    spec.validation = DATA_ALL;
    s = draw(&spec, 0, 64);
    ck_assert_uint_eq(s.count[PART_VALIDATION], 750);
    split_free(&s);
}
END_TEST

START_TEST(counts_that_the_pools_do_not_hold_are_refused_with_both_numbers)
{
    struct split s;
    struct data_spec spec = sprites_spec();
    spec.train = 950;
    ck_assert_int_eq(split_draw(&s, &sprites, &spec, 0, 64, &err), -1);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_msg(strstr(err.text, "at most 1000") && strstr(err.text, "950 + 100"), "%s", err.text);
    spec = sprites_spec();
    spec.test = 1001;
    ck_assert_int_eq(split_draw(&s, &sprites, &spec, 0, 64, &err), -1);
    ck_assert_msg(strstr(err.text, "data.test") && strstr(err.text, "1001"), "%s", err.text);
    spec = sprites_spec();
    spec.train = spec.validation = DATA_ALL;
    ck_assert_int_eq(split_draw(&s, &sprites, &spec, 0, 64, &err), -1);
    spec.train = 0;
    ck_assert_int_eq(split_draw(&s, &sprites, &spec, 0, 64, &err), -1);
    ck_assert_msg(strstr(err.text, "data.train") && strstr(err.text, ">= 1"), "%s", err.text);
}
END_TEST

/* Mean and variance straight from the definition. */
static void slow_moments(const struct split *s, double *mean, double *sd)
{
    const struct data_pool *pool = &sprites.train;
    double n = (double)(s->count[PART_TRAIN] * pool->features), sum = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < s->count[PART_TRAIN]; i++)
            for (size_t k = 0; k < pool->features; k++) {
                double x = ((const unsigned char *)pool->x)[s->row[PART_TRAIN][i] * pool->features + k] / 255.0;
                if (pass == 0)
                    sum += x;
                else
                    squares += (x - sum / n) * (x - sum / n);
            }
    *mean = sum / n;
    *sd = sqrt(squares / n);
}

START_TEST(normalisation_is_that_of_the_training_rows)
{
    struct data_spec spec = sprites_spec();
    struct split s = draw(&spec, 7, 64);
    double mean, sd;
    slow_moments(&s, &mean, &sd);
    ck_assert_uint_eq(s.channels, 1);
    ck_assert_double_eq_tol(s.mean[0], mean, 1e-12);
    ck_assert_double_eq_tol(s.scale[0], 1 / sd, 1e-10);
    split_free(&s);
    spec.normalise = NORMALISE_NONE;
    s = draw(&spec, 7, 64);
    ck_assert(s.mean[0] == 0 && s.scale[0] == 1);
    split_free(&s);
}
END_TEST

/* A set made by hand: class 0 has 2 rows, class 1 has 3, class 2 has 15; two channels, of which one is constant. */
START_TEST(a_class_that_runs_out_gives_all_it_has_and_a_constant_channel_keeps_its_scale)
{
    int32_t label[20];
    float x[20][4];
    for (int i = 0; i < 20; i++) {
        label[i] = i < 2 ? 0 : i < 5 ? 1 : 2;
        x[i][0] = x[i][1] = 0.1f;
        x[i][2] = (float)i;
        x[i][3] = (float)-i;
    }
    struct data_pool pool = {.rows = 20, .features = 4, .x = x, .label = label};
    struct dataset set = {.train = pool, .test = pool, .outputs = 3, .n_dims = 3, .shape = {2, 1, 2}};
    struct data_spec spec = {.set = "by hand", .train = 12, .validation = 4, .test = DATA_ALL};
    struct split s;
    ck_assert_msg(split_draw(&s, &set, &spec, 0, 4, &err) == 0, "%s", err.text);
    size_t count[3] = {0};
    for (int i = 0; i < 12; i++)
        count[label[s.row[PART_TRAIN][i]]]++;
    for (int i = 0; i < 4; i++)
        count[label[s.row[PART_VALIDATION][i]]]++;
    ck_assert_uint_eq(count[0], 2);
    ck_assert_uint_eq(count[1], 3);
    ck_assert_uint_eq(count[2], 11);
    ck_assert_uint_eq(s.channels, 2);
    ck_assert_double_eq_tol(s.mean[0], (double)0.1f, 1e-15);
    ck_assert_double_eq(s.scale[0], 1);
    ck_assert(s.scale[1] < 1 && isfinite(s.scale[1]));
    split_free(&s);
}
END_TEST

/* v/255 of equal bytes: the mean's rounding must not pass for a spread. */
START_TEST(equal_bytes_of_any_value_keep_their_scale)
{
    unsigned char x[21];
    int32_t label[21] = {0};
    struct data_pool pool = {.rows = 21, .features = 1, .bytes = true, .x = x, .label = label};
    struct dataset set = {.train = pool, .test = pool, .outputs = 1, .n_dims = 1, .shape = {1}};
    struct data_spec spec = {.set = "by hand", .train = DATA_ALL, .test = DATA_ALL};
    for (int v = 0; v < 256; v++) {
        struct split s;
        memset(x, v, sizeof x);
        ck_assert_msg(split_draw(&s, &set, &spec, 0, 4, &err) == 0, "%s", err.text);
        ck_assert_double_eq_tol(s.mean[0], v / 255.0, 1e-14);
        ck_assert_double_eq(s.scale[0], 1);
        split_free(&s);
    }
}
END_TEST

START_TEST(nothing_is_left_in_memory)
{
    size_t before = mem_in_use();
    struct data_spec spec = sprites_spec();
    struct split s = draw(&spec, 1, 64);
    split_free(&s);
    ck_assert_uint_eq(mem_in_use(), before);
}
END_TEST

START_TEST(another_probe_is_of_the_same_rows)
{
    struct data_spec spec = sprites_spec();
    for (size_t probe = 0; probe <= 400; probe += 40) {
        struct split split = draw(&spec, 3, 20), same = draw(&spec, 3, 20);
        ck_assert_int_eq(split_take_probe(&split, probe, &err), 0);
        size_t train = probe < 200 ? probe : 200, test = probe < 300 ? probe : 300;
        ck_assert_uint_eq(split.probe_train, train);
        ck_assert_uint_eq(split.count[PART_PROBE], train + test);
        ck_assert_mem_eq(split.row[PART_PROBE], same.row[PART_TRAIN], train * sizeof(size_t));
        ck_assert_mem_eq(split.row[PART_PROBE] + train, same.row[PART_TEST], test * sizeof(size_t));
        ck_assert_mem_eq(split.row[PART_TRAIN], same.row[PART_TRAIN], 200 * sizeof(size_t));
        ck_assert_mem_eq(split.row[PART_VALIDATION], same.row[PART_VALIDATION], 100 * sizeof(size_t));
        split_free(&split);
        split_free(&same);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_test(tests, every_subset_is_balanced_and_without_repeats);
    tcase_add_test(tests, training_and_validation_share_no_row);
    tcase_add_test(tests, probe_and_test_rows_are_the_same_for_every_seed_and_training_rows_are_not);
    tcase_add_test(tests, the_same_seed_gives_the_same_rows_and_a_smaller_subset_begins_a_larger_one);
    tcase_add_test(tests, a_probe_larger_than_the_subsets_shrinks_to_them);
    tcase_add_test(tests, all_takes_every_row_that_is_left);
    tcase_add_test(tests, counts_that_the_pools_do_not_hold_are_refused_with_both_numbers);
    tcase_add_test(tests, normalisation_is_that_of_the_training_rows);
    tcase_add_test(tests, a_class_that_runs_out_gives_all_it_has_and_a_constant_channel_keeps_its_scale);
    tcase_add_test(tests, equal_bytes_of_any_value_keep_their_scale);
    tcase_add_test(tests, nothing_is_left_in_memory);
    tcase_add_test(tests, another_probe_is_of_the_same_rows);
}

UNIT_MAIN("data split", add)
