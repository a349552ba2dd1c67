/* Kernel regression against Gaussian elimination, and linear systems by Cholesky. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/cholesky.h"
#include "ntk/regression.h"
#include "unit.h"

enum { TRAIN = 9, TEST = 6, N = TRAIN + TEST, C = 3, MOST = N * C };

static void random_kernel(uint64_t seed, size_t m, size_t rank, double *k)
{
    double a[MOST * MOST];
    struct random r;
    random_start(&r, seed, RANDOM_TEST, 0);
    for (size_t i = 0; i < m * rank; i++)
        a[i] = random_normal(&r);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++) {
            k[i * m + j] = 0;
            for (size_t s = 0; s < rank; s++)
                k[i * m + j] += a[i * rank + s] * a[j * rank + s];
        }
}

/* One-hot, or real where not classes. */
static void random_targets(uint64_t seed, bool classes, double *y)
{
    struct random r;
    random_start(&r, seed, RANDOM_TEST, 1);
    memset(y, 0, N * C * sizeof *y);
    for (size_t i = 0; i < N; i++) {
        if (classes)
            y[i * C + random_below(&r, C)] = 1;
        for (size_t c = 0; !classes && c < C; c++)
            y[i * C + c] = random_normal(&r);
    }
}

/* x = A^-1 b by elimination with pivots; a (m, m) and b are destroyed. */
static void eliminate(size_t m, double *a, double *b)
{
    for (size_t k = 0; k < m; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < m; i++)
            if (fabs(a[i * m + k]) > fabs(a[pivot * m + k]))
                pivot = i;
        for (size_t j = 0; j <= m; j++) {
            double *here = j < m ? &a[k * m + j] : &b[k], *there = j < m ? &a[pivot * m + j] : &b[pivot], t = *here;
            *here = *there;
            *there = t;
        }
        for (size_t i = k + 1; i < m; i++) {
            double factor = a[i * m + k] / a[k * m + k];
            for (size_t j = k; j < m; j++)
                a[i * m + j] -= factor * a[k * m + j];
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = m; k-- > 0;) {
        for (size_t j = k + 1; j < m; j++)
            b[k] -= a[k * m + j] * b[j];
        b[k] /= a[k * m + k];
    }
}

static void reference(const struct regression *r, const double *k, double *loss, double *accuracy)
{
    double mean[C] = {0}, f[TEST * C], a[MOST * MOST], alpha[MOST];
    size_t per = r->full ? C : 1, m = TRAIN * per, stride = N * per;
    for (size_t i = 0; i < TRAIN; i++)
        for (size_t c = 0; c < C; c++)
            mean[c] += r->y[i * C + c] / TRAIN;
    for (size_t c = 0; c < (r->full ? 1 : C); c++) {
        double trace = 0;
        for (size_t i = 0; i < m; i++)
            trace += k[i * stride + i];
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++)
                a[i * m + j] = k[i * stride + j] + (i == j ? r->ridge * trace / (double)m : 0);
        for (size_t i = 0; i < m; i++)
            alpha[i] = r->full ? r->y[i] - mean[i % C] : r->y[i * C + c] - mean[c];
        eliminate(m, a, alpha);
        for (size_t row = 0; row < TEST * per; row++) {
            double *to = r->full ? &f[row] : &f[row * C + c];
            *to = mean[r->full ? row % C : c];
            for (size_t i = 0; i < m; i++)
                *to += k[(m + row) * stride + i] * alpha[i];
        }
    }
    *loss = *accuracy = 0;
    for (size_t i = 0; i < TEST; i++) {
        size_t best = 0, true_class = 0;
        for (size_t c = 0; c < C; c++) {
            double d = f[i * C + c] - r->y[(TRAIN + i) * C + c];
            *loss += d * d / (2.0 * TEST);
            best = f[i * C + c] > f[i * C + best] ? c : best;
            true_class = r->y[(TRAIN + i) * C + c] > r->y[(TRAIN + i) * C + true_class] ? c : true_class;
        }
        *accuracy += (best == true_class) / (double)TEST;
    }
}

START_TEST(regression_is_gaussian_elimination)
{
    double k[MOST * MOST], scratch[MOST * MOST], y[N * C], loss, accuracy, other_loss, other_accuracy;
    bool full = _i % 2, classes = _i / 2 % 2;
    double ridge = _i / 4 ? 0.3 : 1e-6;
    size_t m = full ? MOST : N;
    random_kernel(1 + (uint64_t)_i, m, m, k);
    random_targets(2 + (uint64_t)_i, classes, y);
    struct regression r = {TRAIN, TEST, C, full, classes, ridge, y};
    ck_assert_int_eq(regression_score(&r, k, scratch, &loss, &accuracy, NULL), 0);
    reference(&r, k, &other_loss, &other_accuracy);
    ck_assert_double_eq_tol(loss / other_loss, 1, 1e-7);
    if (classes)
        ck_assert_double_eq_tol(accuracy, other_accuracy, 1e-14);
    else
        ck_assert(isnan(accuracy));
    ck_assert_uint_eq(mem_in_use(), 0);
}
END_TEST

START_TEST(a_full_kernel_of_independent_outputs_says_what_one_kernel_says)
{
    double k[N * N], full[MOST * MOST] = {0}, scratch[MOST * MOST], y[N * C], one[2], all[2];
    random_kernel(3, N, N, k);
    random_targets(3, true, y);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            for (size_t c = 0; c < C; c++)
                full[(i * C + c) * MOST + j * C + c] = k[i * N + j];
    struct regression r = {TRAIN, TEST, C, false, true, 1e-3, y};
    ck_assert_int_eq(regression_score(&r, k, scratch, &one[0], &one[1], NULL), 0);
    r.full = true;
    ck_assert_int_eq(regression_score(&r, full, scratch, &all[0], &all[1], NULL), 0);
    ck_assert_double_eq_tol(all[0], one[0], 1e-11);
    ck_assert_double_eq_tol(all[1], one[1], 1e-14);
}
END_TEST

START_TEST(what_is_not_defined_is_nan_and_no_error)
{
    double k[N * N], scratch[N * N], y[N * C], loss, accuracy;
    struct error err = {0};
    random_kernel(4, N, 2, k);           /* rank 2, and no ridge */
    random_targets(4, true, y);
    k[0] = -1;                           /* not even a kernel */
    struct regression r = {TRAIN, TEST, C, false, true, 0, y};
    ck_assert_int_eq(regression_score(&r, k, scratch, &loss, &accuracy, &err), 0);
    ck_assert(isnan(loss) && isnan(accuracy));
    r = (struct regression){N, 0, C, false, true, 1e-6, y};
    ck_assert_int_eq(regression_score(&r, k, scratch, &loss, &accuracy, &err), 0);
    ck_assert(isnan(loss) && isnan(accuracy));
    r = (struct regression){0, N, C, false, true, 1e-6, y};
    ck_assert_int_eq(regression_score(&r, k, scratch, &loss, &accuracy, &err), 0);
    ck_assert(isnan(loss) && isnan(accuracy));
    ck_assert_int_eq(err.code, ERROR_NONE);
}
END_TEST

START_TEST(a_large_ridge_leaves_the_mean)
{
    double k[N * N], scratch[N * N], y[N * C], loss, accuracy, mean[C] = {0}, expected = 0;
    random_kernel(5, N, N, k);
    random_targets(5, true, y);
    struct regression r = {TRAIN, TEST, C, false, true, 1e12, y};
    ck_assert_int_eq(regression_score(&r, k, scratch, &loss, &accuracy, NULL), 0);
    for (size_t i = 0; i < TRAIN * C; i++)
        mean[i % C] += y[i] / TRAIN;
    for (size_t i = 0; i < TEST * C; i++)
        expected += pow(mean[i % C] - y[TRAIN * C + i], 2) / (2 * TEST);
    ck_assert_double_eq_tol(loss, expected, 1e-9);
}
END_TEST

START_TEST(cholesky_solves_every_right_side_and_sees_what_is_not_positive)
{
    enum { RIGHT = 3 };
    double a[N * N], copy[N * N], b[RIGHT * N], x[RIGHT * N];
    struct random r;
    random_kernel(6, N, N, a);
    random_start(&r, 7, RANDOM_TEST, 0);
    for (size_t i = 0; i < RIGHT * N; i++)
        b[i] = x[i] = random_normal(&r);
    memcpy(copy, a, sizeof a);
    for (size_t i = 0; i < N; i++)       /* above the diagonal nothing is read */
        for (size_t j = i + 1; j < N; j++)
            copy[i * N + j] = NAN;
    ck_assert_int_eq(cholesky_solve(N, copy, RIGHT, x, NULL), 0);
    for (size_t s = 0; s < RIGHT; s++)
        for (size_t i = 0; i < N; i++) {
            double sum = 0;
            for (size_t j = 0; j < N; j++)
                sum += a[i * N + j] * x[s * N + j];
            ck_assert_double_eq_tol(sum, b[s * N + i], 1e-9);
        }
    memcpy(copy, a, sizeof a);
    copy[3 * N + 3] = -1;
    ck_assert_int_eq(cholesky_solve(N, copy, RIGHT, x, NULL), 1);
    ck_assert_int_eq(cholesky_solve(0, copy, RIGHT, x, NULL), 0);
    ck_assert_int_eq(cholesky_solve(N, copy, 0, x, NULL), 0);
    struct error err = {0};
    ck_assert_int_eq(cholesky_solve((size_t)1 << 32, copy, 1, x, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "too large"));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, regression_is_gaussian_elimination, 0, 8);
    tcase_add_test(tests, a_full_kernel_of_independent_outputs_says_what_one_kernel_says);
    tcase_add_test(tests, what_is_not_defined_is_nan_and_no_error);
    tcase_add_test(tests, a_large_ridge_leaves_the_mean);
    tcase_add_test(tests, cholesky_solves_every_right_side_and_sees_what_is_not_positive);
}

UNIT_MAIN("kernel regression", add)
