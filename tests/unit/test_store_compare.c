/* Comparison of a stored result with that of a second run. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/compare.h"
#include "unit.h"

static const struct result_layout layout = {.eval = 3, .refresh = 1, .snapshot = 2, .layer = 1, .eigenvalue = 2, .probe = 2};

static void make(struct result *result)
{
    result_bind(result, &layout, mem_alloc(1, result_size(&layout), NULL));
    result_clear(result);
    result_set_text(result, VAR_OUTCOME, "completed");
    *result_f64(result, VAR_TEST_LOSS) = 0.5;
    result_f64(result, VAR_CURVE_TEST_LOSS)[2] = 2.0;
    result_i64(result, VAR_STEP)[1] = 7;
}

static struct comparison compare(const struct result *a, const struct result *b, double tolerance)
{
    struct comparison c = {0};
    compare_results(a, b, tolerance, NULL, &c);
    return c;
}

START_TEST(equal_results_agree_and_nan_equals_nan)
{
    struct result a, b;
    make(&a);
    make(&b);
    result_f64(&b, VAR_TRAIN_LOSS)[0] = -NAN;
    struct comparison c = compare(&a, &b, 0);
    ck_assert_uint_gt(c.numbers, 100);
    ck_assert_uint_eq(c.differing, 0);
    ck_assert_ptr_null(c.report.chars);
    mem_free(a.block);
    mem_free(b.block);
}
END_TEST

START_TEST(where_and_when_a_job_ran_is_not_compared)
{
    struct result a, b;
    make(&a);
    make(&b);
    result_set_text(&b, VAR_HOST, "elsewhere");
    *result_f64(&b, VAR_WALL_SECONDS) = 9;
    *result_i32(&b, VAR_WORKER) = 3;
    ck_assert_uint_eq(compare(&a, &b, 0).differing, 0);
    mem_free(a.block);
    mem_free(b.block);
}
END_TEST

START_TEST(one_last_bit_is_found_exactly_and_forgiven_as_rounding)
{
    struct result a, b;
    make(&a);
    make(&b);
    result_f64(&b, VAR_CURVE_TEST_LOSS)[2] = nextafter(2.0, 3.0);
    struct comparison c = compare(&a, &b, 0);
    ck_assert_uint_eq(c.differing, 1);
    ck_assert_ptr_nonnull(strstr(c.report.chars, "curve_test_loss: 1 of 3 differ, the first at [2]: stored 2, again 2.0000000000000004"));
    text_free(&c.report);
    c = compare(&a, &b, 1e-12);
    ck_assert_uint_eq(c.differing, 0);
    ck_assert_double_gt(c.largest, 0);
    mem_free(a.block);
    mem_free(b.block);
}
END_TEST

START_TEST(a_text_a_step_and_a_number_that_became_nan_differ_whatever_the_tolerance)
{
    struct result a, b;
    make(&a);
    make(&b);
    result_set_text(&b, VAR_OUTCOME, "diverged");
    result_i64(&b, VAR_STEP)[1] = 8;
    *result_f64(&b, VAR_TEST_LOSS) = NAN;
    struct comparison c = compare(&a, &b, 1e-3);
    ck_assert_uint_eq(c.differing, 3);
    ck_assert_ptr_nonnull(strstr(c.report.chars, "outcome: stored 'completed', again 'diverged'"));
    text_free(&c.report);
    mem_free(a.block);
    mem_free(b.block);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, equal_results_agree_and_nan_equals_nan);
    tcase_add_test(tests, where_and_when_a_job_ran_is_not_compared);
    tcase_add_test(tests, one_last_bit_is_found_exactly_and_forgiven_as_rounding);
    tcase_add_test(tests, a_text_a_step_and_a_number_that_became_nan_differ_whatever_the_tolerance);
}

UNIT_MAIN("store: compare", add)
