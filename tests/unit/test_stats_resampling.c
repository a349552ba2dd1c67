/* Fast resampling against the obvious: every signing enumerated, every resample summed and sorted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "stats.h"
#include "unit.h"

static void draw(struct random *r, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_normal(r) + 0.4;
}

static double flip_plainly(const double *d, size_t n)
{
    double observed = 0, scale = 0, extreme = 0;
    for (size_t i = 0; i < n; i++) {
        observed += d[i];
        scale += fabs(d[i]);
    }
    for (size_t s = 0; s < (size_t)1 << n; s++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += s >> i & 1 ? -d[i] : d[i];
        extreme += fabs(sum) >= fabs(observed) - 1e-12 * scale;
    }
    return extreme / (double)((size_t)1 << n);
}

START_TEST(sign_flip_p_equals_the_share_of_all_signings)
{
    struct random r;
    random_start(&r, 7, RANDOM_RESAMPLE, 3);
    for (size_t n = 1; n <= 15; n++) {
        double d[15];
        draw(&r, d, n);
        ck_assert_double_eq(stats_sign_flip(d, n), flip_plainly(d, n));
        for (size_t i = 0; i < n; i++)   /* accuracies of few examples: many ties */
            d[i] = 0.01 * rint(2 * d[i]);
        ck_assert_double_eq(stats_sign_flip(d, n), flip_plainly(d, n));
    }
}
END_TEST

START_TEST(differences_of_zero_change_no_sign_flip_p_also_where_signings_are_drawn)
{
    struct random r;
    double d[60] = {0};
    random_start(&r, 8, RANDOM_RESAMPLE, 3);
    draw(&r, d, 8);
    double exact = flip_plainly(d, 8);
    ck_assert_double_eq(stats_sign_flip(d, STATS_EXACT_MOST), exact);
    double drawn = stats_sign_flip(d, 60);
    ck_assert_double_ne(drawn, exact);
    ck_assert_double_eq_tol(drawn, exact, 4 * sqrt(exact * (1 - exact) / STATS_SIGNINGS));
    for (size_t i = 8; i < 60; i++)   /* the last values count as the first do */
        d[i] = i >= 52 ? d[i - 52] : 0;
    for (size_t i = 0; i < 8; i++)
        d[i] = 0;
    ck_assert_double_eq_tol(stats_sign_flip(d, 60), exact, 4 * sqrt(exact * (1 - exact) / STATS_SIGNINGS));
}
END_TEST

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Equations 2.8 to 3.2 of Efron 1987 with the jackknife's acceleration, from the same draws. */
static void bca_plainly(const double *x, size_t n, double *low, double *high)
{
    static double means[STATS_RESAMPLES];
    struct random r;
    double mean = 0, below = 0, squares = 0, cubes = 0, *ends[2] = {low, high};
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    random_start(&r, STATS_SEED, RANDOM_RESAMPLE, 0);
    for (size_t b = 0; b < STATS_RESAMPLES; b++) {
        means[b] = 0;
        for (size_t i = 0; i < n; i++)
            means[b] += x[random_below(&r, n)] / (double)n;
        below += fabs(means[b] - mean) < 1e-13 ? 0.5 : means[b] < mean;
    }
    qsort(means, STATS_RESAMPLES, sizeof *means, compare_numbers);
    for (size_t i = 0; i < n; i++) {
        double left_out = (mean * (double)n - x[i]) / (double)(n - 1);
        squares += (mean - left_out) * (mean - left_out);
        cubes += pow(mean - left_out, 3);
    }
    double z0 = stats_normal_quantile(below / STATS_RESAMPLES), a = cubes / (6 * pow(squares, 1.5));
    for (int end = 0; end < 2; end++) {
        double z = z0 + stats_normal_quantile(end ? 0.975 : 0.025), at = z0 + z / (1 - a * z);
        *ends[end] = stats_quantile(means, STATS_RESAMPLES, 0.5 * erfc(-at / sqrt(2)));
    }
}

START_TEST(bca_equals_resamples_that_are_summed_and_sorted)
{
    double x[33], low, high, plain_low, plain_high;
    struct random r;
    if (!stats_have_quantiles()) {
        puts("skip: built without GSL");
        return;
    }
    random_start(&r, 9, RANDOM_RESAMPLE, 3);
    for (int turn = 0; turn < 30; turn++) {   /* more sizes than are kept, some again */
        size_t n = STATS_BCA_LEAST + (size_t)(turn * turn) % 14;
        draw(&r, x, n);
        for (size_t i = 0; i < n; i++)
            x[i] = turn % 3 == 0 ? exp(x[i]) : turn % 3 == 1 ? 0.01 * rint(10 * x[i]) : x[i];
        stats_bca(x, n, &low, &high);
        bca_plainly(x, n, &plain_low, &plain_high);
        ck_assert_double_eq_tol(low, plain_low, 1e-12);
        ck_assert_double_eq_tol(high, plain_high, 1e-12);
    }
}
END_TEST

START_TEST(quantiles_lie_between_order_statistics)
{
    const double x[4] = {1, 2, 4, 8};
    ck_assert_double_eq(stats_quantile(x, 4, 0), 1);
    ck_assert_double_eq(stats_quantile(x, 4, 1), 8);
    ck_assert_double_eq_tol(stats_quantile(x, 4, 0.5), 3, 1e-15);
    ck_assert_double_eq_tol(stats_quantile(x, 4, 0.9), 6.8, 1e-14);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, sign_flip_p_equals_the_share_of_all_signings);
    tcase_add_test(tests, differences_of_zero_change_no_sign_flip_p_also_where_signings_are_drawn);
    tcase_add_test(tests, bca_equals_resamples_that_are_summed_and_sorted);
    tcase_add_test(tests, quantiles_lie_between_order_statistics);
}

UNIT_MAIN("resampling", add)
