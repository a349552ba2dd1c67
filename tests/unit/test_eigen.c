#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "math/eigen.h"
#include "unit.h"

enum { N = 40 };

static void random_psd(double *a)
{
    static double factor[N * N];
    struct random r;
    random_start(&r, 11, RANDOM_SET, 0);
    for (int i = 0; i < N * N; i++)
        factor[i] = random_normal(&r);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i * N + j] = 0;
            for (int k = 0; k < N; k++)
                a[i * N + j] += factor[i * N + k] * factor[j * N + k];
        }
}

START_TEST(eigenvectors_satisfy_their_equation_and_are_orthonormal)
{
    static double a[N * N], work[N * N], values[N], vectors[N * N];
    random_psd(a);
    memcpy(work, a, sizeof a);
    struct error err = {0};
    ck_assert_int_eq(eigen_symmetric(N, work, values, vectors, &err), 0);
    for (int i = 0; i < N; i++) {
        ck_assert(i == 0 || values[i] >= values[i - 1]);
        for (int row = 0; row < N; row++) {
            double product = 0;
            for (int k = 0; k < N; k++)
                product += a[row * N + k] * vectors[i * N + k];
            ck_assert_double_eq_tol(product, values[i] * vectors[i * N + row], 1e-11 * values[N - 1]);
        }
        for (int j = 0; j < N; j++) {
            double dot = 0;
            for (int k = 0; k < N; k++)
                dot += vectors[i * N + k] * vectors[j * N + k];
            ck_assert_double_eq_tol(dot, i == j, 1e-12);
        }
    }
}
END_TEST

static int apply(void *context, const double *x, double *y)
{
    const double *a = context;
    for (int i = 0; i < N; i++) {
        y[i] = 0;
        for (int j = 0; j < N; j++)
            y[i] += a[i * N + j] * x[j];
    }
    return 0;
}

START_TEST(lanczos_finds_the_largest_eigenvalue)
{
    static double a[N * N], work[N * N], values[N];
    double start[N], largest;
    struct error err = {0};
    random_psd(a);
    memcpy(work, a, sizeof a);
    ck_assert_int_eq(eigen_symmetric(N, work, values, NULL, &err), 0);
    for (int i = 0; i < N; i++)
        start[i] = 1 + i % 3;
    ck_assert_int_eq(eigen_largest(N, apply, a, start, 1e-10, 100, &largest, &err), 0);
    ck_assert_double_eq_tol(largest, values[N - 1], 1e-9 * values[N - 1]);
}
END_TEST

START_TEST(numbers_that_are_not_finite_are_refused)
{
    double a[4] = {1, NAN, NAN, 1}, values[2], start[2] = {0, 0};
    struct error err = {0};
    ck_assert_int_eq(eigen_symmetric(2, a, values, NULL, &err), -1);
    ck_assert_int_eq(eigen_largest(2, apply, a, start, 1e-3, 2, values, &err), -1);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, eigenvectors_satisfy_their_equation_and_are_orthonormal);
    tcase_add_test(tests, lanczos_finds_the_largest_eigenvalue);
    tcase_add_test(tests, numbers_that_are_not_finite_are_refused);
}

UNIT_MAIN("eigen", add)
