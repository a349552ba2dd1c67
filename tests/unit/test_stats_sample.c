/* Reference values: R 4.2 (t.test, p.adjust, all signings enumerated) and scipy 1.10 (BCa with
 * 200,000 resamples; 2,000,000 signings). */
#include <math.h>

#include "stats.h"
#include "plan/quantile.h"
#include "unit.h"

static const double accuracies[10] = {86.1, 85.7, 86.4, 86.9, 85.2, 86.0, 86.3, 85.9, 86.6, 86.2};
static const double skewed[25] = {17.31, 6.15, 12.33, 10.04, 2.04, 2.09, 22.84, 0.1,  0.68,
                                  1.14,  0.77, 4.07,  1.58,  42.24, 5.82, 1.99, 3.88, 12.1,
                                  11.86, 17.49, 8.72, 1.4,   20.47, 8.19, 5.73};

START_TEST(mean_deviation_error_and_median_are_those_of_r)
{
    struct stats_summary s;
    stats_summarise(accuracies, 10, &s);
    ck_assert_uint_eq(s.n, 10);
    ck_assert_double_eq_tol(s.mean, 86.13, 1e-12);
    ck_assert_double_eq_tol(s.sd, 0.476211904279783, 1e-12);
    ck_assert_double_eq_tol(s.se, 0.15059142664102, 1e-12);
    ck_assert_double_eq_tol(s.median, 86.15, 1e-12);
    ck_assert_double_eq(s.least, 85.2);
    ck_assert_double_eq(s.most, 86.9);
}
END_TEST

START_TEST(the_median_of_an_odd_sample_is_its_middle)
{
    struct stats_summary s;
    stats_summarise((double[]){9, -1, 4}, 3, &s);
    ck_assert_double_eq(s.median, 4);
}
END_TEST

START_TEST(t_intervals_are_those_of_r)
{
    struct stats_summary s;
    stats_summarise(accuracies, 10, &s);
    if (!stats_have_quantiles()) {
        ck_assert_double_nan(s.low);
        ck_assert_double_nan(s.high);
        return;
    }
    ck_assert_double_eq_tol(s.low, 85.789338525568, 1e-11);
    ck_assert_double_eq_tol(s.high, 86.470661474432, 1e-11);
    stats_summarise((double[]){1, 2, 4}, 3, &s);
    ck_assert_double_eq_tol(s.low, -1.46124970026343, 1e-11);
    ck_assert_double_eq_tol(s.high, 6.12791636693009, 1e-11);
    ck_assert_double_eq_tol(stats_t_quantile(0.975, 1), 12.7062047361747, 1e-10);
    ck_assert_double_eq_tol(stats_t_quantile(0.975, 29), 2.0452296421327, 1e-11);
}
END_TEST

START_TEST(samples_of_none_and_one_have_no_spread_and_no_interval)
{
    struct stats_summary s;
    stats_summarise(NULL, 0, &s);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_double_nan(s.mean);
    stats_summarise((double[]){3}, 1, &s);
    ck_assert_double_eq(s.mean, 3);
    ck_assert_double_eq(s.median, 3);
    ck_assert_double_nan(s.sd);
    ck_assert_double_nan(s.se);
    ck_assert_double_nan(s.low);
}
END_TEST

START_TEST(bca_intervals_agree_with_scipy_on_a_skewed_sample)
{
    double low, high;
    stats_bca(skewed, 25, &low, &high);
    if (!stats_have_quantiles()) {
        ck_assert_double_nan(low);
        return;
    }
    /* 9,999 resamples against 200,000: ends differ by their Monte Carlo error */
    ck_assert_double_eq_tol(low, 5.971, 0.12);
    ck_assert_double_eq_tol(high, 13.83, 0.35);
    /* the percentile interval, about [5.5, 12.8], would not pass: skewness is corrected for */
}
END_TEST

START_TEST(bca_intervals_are_the_same_each_time_and_need_twenty_values)
{
    double low[2], high[2];
    for (int i = 0; i < 2; i++)
        stats_bca(skewed, 20, &low[i], &high[i]);
    if (stats_have_quantiles()) {
        ck_assert_double_eq(low[0], low[1]);
        ck_assert_double_eq(high[0], high[1]);
        ck_assert(low[0] < high[0]);
    }
    stats_bca(skewed, 19, &low[0], &high[0]);
    ck_assert_double_nan(low[0]);
    ck_assert_double_nan(high[0]);
}
END_TEST

START_TEST(bca_of_a_constant_sample_is_that_constant)
{
    double x[20], low, high;
    for (int i = 0; i < 20; i++)
        x[i] = 0.5;
    stats_bca(x, 20, &low, &high);
    if (stats_have_quantiles()) {
        ck_assert_double_eq(low, 0.5);
        ck_assert_double_eq(high, 0.5);
    }
}
END_TEST

START_TEST(sign_flip_p_is_exact_for_small_samples)
{
    const double d[8] = {0.4, -0.1, 0.6, 0.3, 0.9, -0.2, 0.5, 0.7};
    ck_assert_double_eq(stats_sign_flip(d, 8), 0.0390625);   /* 10 of 256 signings */
    /* all of one sign: the floor 2 / 2^n */
    ck_assert_double_eq(stats_sign_flip((double[]){1, 2, 3, 4, 5, 6}, 6), 2.0 / 64);
    ck_assert_double_eq(stats_sign_flip((double[]){-1, -2, -3, -4, -5, -6}, 6), 2.0 / 64);
    ck_assert_double_eq(stats_sign_flip((double[]){2}, 1), 1);
    ck_assert_double_eq(stats_sign_flip((double[]){0, 0, 0}, 3), 1);
    /* ties on paper, not in binary: |0.1 + 0.2 - 0.3| against 0 */
    ck_assert_double_eq(stats_sign_flip((double[]){0.1, 0.2, -0.3}, 3), 1);
    ck_assert_double_nan(stats_sign_flip(NULL, 0));
}
END_TEST

START_TEST(sign_flip_p_of_large_samples_is_near_the_exact_one)
{
    const double d[24] = {0.3,  -0.2, 0.5,  0.1,   0.4,  -0.3, 0.6,  0.2, -0.1, 0.7, 0.15, -0.25,
                          0.35, 0.05, 0.45, -0.05, 0.55, -0.15, 0.25, 0.1, -0.4, 0.2, 0.3,  -0.35};
    ck_assert_double_eq_tol(stats_sign_flip(d, 24), 0.04187, 0.003);
    ck_assert_double_eq(stats_sign_flip(d, 24), stats_sign_flip(d, 24));
}
END_TEST

START_TEST(holm_adjustment_is_that_of_r_and_passes_over_missing_values)
{
    const double p[6] = {0.01, 0.04, 0.03, NAN, 0.005, 0.6};
    const double expected[6] = {0.04, 0.09, 0.09, NAN, 0.025, 0.6};
    double adjusted[6];
    stats_holm(p, 6, adjusted);
    for (int i = 0; i < 6; i++) {
        if (isnan(expected[i]))
            ck_assert_double_nan(adjusted[i]);
        else
            ck_assert_double_eq_tol(adjusted[i], expected[i], 1e-15);
    }
    stats_holm((double[]){0.8, 0.9}, 2, adjusted);
    ck_assert_double_eq(adjusted[0], 1);
    ck_assert_double_eq(adjusted[1], 1);
}
END_TEST

START_TEST(pairs_needed_for_significance_count_the_family)
{
    ck_assert_uint_eq(stats_pairs_needed(8, 0.05), 9);   /* 8 * 2 / 2^9 = 0.03125 */
    ck_assert_uint_eq(stats_pairs_needed(1, 0.05), 6);   /* 2 / 2^6 = 0.03125 */
}
END_TEST

/* relin itself has no GSL: what it adds seeds by is the same interval all the same. */
START_TEST(the_interval_of_the_plan_is_that_of_the_summary)
{
    for (size_t n = 1; n < 2000 && stats_have_quantiles(); n += n < 60 ? 1 : 97)
        ck_assert_double_eq_tol(student_quantile(0.975, (double)n) / stats_t_quantile(0.975, (double)n), 1, n < 3 ? 1e-12 : 1e-10);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, the_interval_of_the_plan_is_that_of_the_summary);
    tcase_add_test(tests, mean_deviation_error_and_median_are_those_of_r);
    tcase_add_test(tests, the_median_of_an_odd_sample_is_its_middle);
    tcase_add_test(tests, t_intervals_are_those_of_r);
    tcase_add_test(tests, samples_of_none_and_one_have_no_spread_and_no_interval);
    tcase_add_test(tests, bca_intervals_agree_with_scipy_on_a_skewed_sample);
    tcase_add_test(tests, bca_intervals_are_the_same_each_time_and_need_twenty_values);
    tcase_add_test(tests, bca_of_a_constant_sample_is_that_constant);
    tcase_add_test(tests, sign_flip_p_is_exact_for_small_samples);
    tcase_add_test(tests, sign_flip_p_of_large_samples_is_near_the_exact_one);
    tcase_add_test(tests, holm_adjustment_is_that_of_r_and_passes_over_missing_values);
    tcase_add_test(tests, pairs_needed_for_significance_count_the_family);
}

UNIT_MAIN("statistics", add)
