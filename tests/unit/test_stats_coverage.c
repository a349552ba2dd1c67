/* Coverage by simulation, small and seeded; `make intervals` prints the table of STATISTICS.md with many more samples. */
#include <stdio.h>

#include "intervals.h"
#include "unit.h"

/* Four standard errors of a share near 0.95. */
static double slack(size_t samples)
{
    return 4 * sqrt(0.95 * 0.05 / (double)samples);
}

static bool skips(void)
{
    if (!stats_have_quantiles())
        printf("skip: built without GSL\n");
    return !stats_have_quantiles();
}

START_TEST(t_intervals_cover_a_normal_mean_in_95_of_100_samples_of_any_size)
{
    const size_t sizes[] = {2, 3, 6, 10, 20};
    if (skips())
        return;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ck_assert_double_eq_tol(interval_coverage(NORMAL, METHOD_T, sizes[i], 20000, 1), 0.95, slack(20000));
}
END_TEST

START_TEST(bootstrap_intervals_of_few_seeds_cover_too_rarely_and_are_not_given)
{
    double few[6] = {1, 2, 3, 4, 5, 7}, low, high;
    if (skips())
        return;
    double six = interval_coverage(NORMAL, METHOD_BCA, 6, 2000, 1), twenty = interval_coverage(NORMAL, METHOD_BCA, 20, 2000, 1);
    ck_assert_double_lt(six, 0.90);
    ck_assert_double_gt(twenty, six);
    ck_assert_double_eq_tol(twenty, 0.93, slack(2000));
    stats_bca(few, 6, &low, &high);
    ck_assert_double_nan(low);
}
END_TEST

START_TEST(holm_keeps_the_error_of_a_family_below_5_of_100)
{
    ck_assert_double_le(family_error(10, 4000, 1), 0.05 + slack(4000));
    ck_assert_double_eq(family_error(6, 500, 1), 0);   /* six pairs cannot reach it: 6 * 2 / 2^6 > 0.05 */
}
END_TEST

START_TEST(the_answer_covers_the_truth_in_95_of_100_and_claims_too_much_in_less_than_3)
{
    /* truth: the third; the fourth is worse by exactly the margin, where an error is likeliest */
    const double costs[INTERVALS_KS] = {0, 0.2, 0.5, 1, 1.5, 4};
    if (skips())
        return;
    struct answer_rates rates = answer_coverage(costs, 1, 10, 10000, 1);
    ck_assert_double_ge(rates.covered, 0.95 - slack(10000));
    ck_assert_double_le(rates.too_bold, 0.025 + slack(10000));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, t_intervals_cover_a_normal_mean_in_95_of_100_samples_of_any_size);
    tcase_add_test(tests, bootstrap_intervals_of_few_seeds_cover_too_rarely_and_are_not_given);
    tcase_add_test(tests, holm_keeps_the_error_of_a_family_below_5_of_100);
    tcase_add_test(tests, the_answer_covers_the_truth_in_95_of_100_and_claims_too_much_in_less_than_3);
}

UNIT_MAIN("coverage of intervals", add)
