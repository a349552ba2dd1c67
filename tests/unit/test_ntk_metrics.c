/* Every metric against the textbook formula, written with explicit matrices. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "math/eigen.h"
#include "ntk/metrics.h"
#include "unit.h"

enum { N = 12, C = 3, R = 20 };

/* A A^T of random A, so positive definite. */
static void random_kernel(uint64_t seed, double *k)
{
    double a[N][R];
    struct random r;
    random_start(&r, seed, RANDOM_TEST, 0);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < R; j++)
            a[i][j] = random_normal(&r) + 0.5;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            k[i * N + j] = 0;
            for (int m = 0; m < R; m++)
                k[i * N + j] += a[i][m] * a[j][m];
        }
}

static void random_targets(uint64_t seed, double *y)
{
    struct random r;
    random_start(&r, seed, RANDOM_TEST, 1);
    memset(y, 0, N * C * sizeof *y);
    for (int i = 0; i < N; i++)
        y[i * C + (int)random_below(&r, C)] = 1;
}

static void multiply(int n, const double *a, const double *b, double *c)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            c[i * n + j] = 0;
            for (int m = 0; m < n; m++)
                c[i * n + j] += a[i * n + m] * b[m * n + j];
        }
}

static double trace_of_product(int n, const double *a, const double *b)
{
    double c[N * N], sum = 0;
    multiply(n, a, b, c);
    for (int i = 0; i < n; i++)
        sum += c[i * n + i];
    return sum;
}

/* H K with H = I - 11^T/n written out. */
static void centre_left(int n, const double *k, double *hk)
{
    double h[N * N];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            h[i * n + j] = (i == j) - 1.0 / n;
    multiply(n, h, k, hk);
}

static double reference_cka(int n, const double *k, const double *other)
{
    double hk[N * N], ho[N * N];
    centre_left(n, k, hk);
    centre_left(n, other, ho);
    return trace_of_product(n, hk, ho) / sqrt(trace_of_product(n, hk, hk) * trace_of_product(n, ho, ho));
}

START_TEST(cosine_distance_change_and_rank_are_their_formulas)
{
    double k[N * N], other[N * N], kk = 0, oo = 0, ko = 0, dd = 0, trace = 0;
    random_kernel(1, k);
    random_kernel(2, other);
    for (int i = 0; i < N * N; i++) {
        kk += k[i] * k[i];
        oo += other[i] * other[i];
        ko += k[i] * other[i];
        dd += (k[i] - other[i]) * (k[i] - other[i]);
    }
    for (int i = 0; i < N; i++)
        trace += k[i * N + i];
    ck_assert_double_eq_tol(metric_cosine(N, k, other), ko / sqrt(kk * oo), 1e-14);
    ck_assert_double_eq_tol(metric_kernel_distance(N, k, other), 1 - ko / sqrt(kk * oo), 1e-14);
    ck_assert_double_eq_tol(metric_relative_change(N, k, other), sqrt(dd / oo), 1e-14);
    ck_assert_double_eq_tol(metric_trace(N, k), trace, 1e-12);
    ck_assert_double_eq_tol(metric_effective_rank(N, k), trace * trace / kk, 1e-12);
}
END_TEST

START_TEST(a_kernel_is_at_distance_zero_from_itself_and_from_its_multiples)
{
    double k[N * N], near[N * N];
    random_kernel(1, k);
    ck_assert(metric_kernel_distance(N, k, k) == 0);
    for (int i = 0; i < N * N; i++)
        near[i] = 3 * k[i];
    ck_assert_double_le(metric_kernel_distance(N, k, near), 1e-30);
    /* a change of 1e-9 has a distance of about 1e-18, which 1 - cosine could not see */
    memcpy(near, k, sizeof near);
    near[0] += 1e-9 * near[0];
    double distance = metric_kernel_distance(N, k, near);
    ck_assert_double_gt(distance, 0);
    ck_assert_double_lt(distance, 1e-18);
}
END_TEST

START_TEST(cka_is_the_trace_formula_and_one_with_itself)
{
    double k[N * N], other[N * N], hkh[N * N], hoh[N * N];
    random_kernel(3, k);
    random_kernel(4, other);
    metric_centre(N, k, N, hkh);
    metric_centre(N, other, N, hoh);
    ck_assert_double_eq_tol(metric_cosine(N, hkh, hoh), reference_cka(N, k, other), 1e-13);
    ck_assert_double_eq_tol(metric_cosine(N, hkh, hkh), 1, 1e-15);
    ck_assert_double_lt(metric_cosine(N, hkh, hoh), 0.999);
    for (int i = 0; i < N; i++) {
        double row = 0;
        for (int j = 0; j < N; j++)
            row += hkh[i * N + j];
        ck_assert_double_eq_tol(row, 0, 1e-12);
    }
    metric_centre(N, k, N, k);     /* in place */
    ck_assert_mem_eq(k, hkh, sizeof k);
}
END_TEST

START_TEST(target_alignment_of_a_block_is_the_formula_on_that_block)
{
    enum { FIRST = 4, COUNT = 7 };
    double k[N * N], y[N * C], block[COUNT * COUNT], yy[COUNT * COUNT], centred[COUNT * COUNT];
    double targets[C * COUNT], gram[COUNT * COUNT], mean[C] = {0};
    random_kernel(5, k);
    random_targets(5, y);
    for (int i = 0; i < COUNT; i++)
        for (int c = 0; c < C; c++)
            mean[c] += y[(FIRST + i) * C + c] / COUNT;
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            block[i * COUNT + j] = k[(FIRST + i) * N + FIRST + j];
            yy[i * COUNT + j] = 0;
            for (int c = 0; c < C; c++)
                yy[i * COUNT + j] += (y[(FIRST + i) * C + c] - mean[c]) * (y[(FIRST + j) * C + c] - mean[c]);
        }
    double hk[N * N], norm_k, norm_y = sqrt(trace_of_product(COUNT, yy, yy));
    centre_left(COUNT, block, hk);
    norm_k = sqrt(trace_of_product(COUNT, hk, hk));
    double reference = trace_of_product(COUNT, hk, yy) / (norm_k * norm_y);
    metric_centre(COUNT, k + FIRST * N + FIRST, N, centred);
    metric_centre_targets(COUNT, C, y + FIRST * C, targets);
    metric_target_gram(COUNT, C, targets, gram);
    ck_assert_double_eq_tol(metric_cosine(COUNT, centred, gram), reference, 1e-13);
    ck_assert_double_eq_tol(metric_cosine(COUNT, gram, gram), 1, 1e-14);
}
END_TEST

START_TEST(target_energy_is_cumulative_in_descending_order_and_ends_at_one)
{
    double k[N * N], copy[N * N], values[N], vectors[N * N], y[N * C], targets[C * N], energy[N];
    struct error *none = NULL;
    random_kernel(6, k);
    memcpy(copy, k, sizeof k);
    random_targets(6, y);
    ck_assert_int_eq(eigen_symmetric(N, copy, values, vectors, none), 0);
    metric_centre_targets(N, C, y, targets);
    metric_target_energy(N, vectors, C, targets, energy);
    double norm = 0, sum = 0;
    for (int i = 0; i < C * N; i++)
        norm += targets[i] * targets[i];
    for (int j = 0; j < N; j++) {
        for (int c = 0; c < C; c++) {
            double dot = 0;
            for (int i = 0; i < N; i++)
                dot += vectors[(N - 1 - j) * N + i] * targets[c * N + i];
            sum += dot * dot / norm;
        }
        ck_assert_double_eq_tol(energy[j], sum, 1e-13);
    }
    ck_assert_double_eq_tol(energy[N - 1], 1, 1e-13);
    /* of a kernel made from one target direction, the leading vector holds all of that target */
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            copy[i * N + j] = targets[i] * targets[j];
    ck_assert_int_eq(eigen_symmetric(N, copy, values, vectors, none), 0);
    metric_target_energy(N, vectors, 1, targets, energy);
    ck_assert_double_eq_tol(energy[0], 1, 1e-13);
}
END_TEST

START_TEST(entropy_rank_and_condition_number_of_known_spectra)
{
    double flat[5] = {2, 2, 2, 2, 2}, one[5] = {0, 0, 0, 0, 7}, pair[2] = {1, 3}, negative[2] = {4, -1e-18};
    ck_assert_double_eq_tol(metric_entropy_rank(5, flat), 5, 1e-13);
    ck_assert_double_eq_tol(metric_entropy_rank(5, one), 1, 1e-15);
    ck_assert_double_eq_tol(metric_entropy_rank(2, pair), exp(-0.25 * log(0.25) - 0.75 * log(0.75)), 1e-14);
    ck_assert_double_eq_tol(metric_entropy_rank(2, negative), 1, 1e-15);
    ck_assert_double_eq_tol(metric_condition_number(2, pair), 3, 1e-15);
    ck_assert(isinf(metric_condition_number(5, one)));
    ck_assert(isinf(metric_condition_number(2, negative)));
}
END_TEST

START_TEST(what_is_not_defined_is_nan)
{
    double zero[N * N] = {0}, k[N * N], y[N * C] = {0}, targets[C * N], energy[N];
    random_kernel(7, k);
    ck_assert(isnan(metric_cosine(N, zero, k)));
    ck_assert(isnan(metric_kernel_distance(N, k, zero)));
    ck_assert(isnan(metric_effective_rank(N, zero)));
    ck_assert(isnan(metric_entropy_rank(N, zero)));
    ck_assert(isnan(metric_condition_number(N, zero)));
    metric_centre_targets(N, C, y, targets);
    metric_target_energy(N, k, C, targets, energy);
    ck_assert(isnan(energy[0]));
    ck_assert(isnan(metric_cosine(0, k, k)));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, cosine_distance_change_and_rank_are_their_formulas);
    tcase_add_test(tests, a_kernel_is_at_distance_zero_from_itself_and_from_its_multiples);
    tcase_add_test(tests, cka_is_the_trace_formula_and_one_with_itself);
    tcase_add_test(tests, target_alignment_of_a_block_is_the_formula_on_that_block);
    tcase_add_test(tests, target_energy_is_cumulative_in_descending_order_and_ends_at_one);
    tcase_add_test(tests, entropy_rank_and_condition_number_of_known_spectra);
    tcase_add_test(tests, what_is_not_defined_is_nan);
}

UNIT_MAIN("ntk metrics", add)
