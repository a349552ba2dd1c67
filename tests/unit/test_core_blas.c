#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/random.h"
#include "math/blas.h"
#include "math/blas_setup.h"
#include "unit.h"

static void fill(struct random *r, size_t n, real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)random_normal(r);
}

/* The obvious product. */
static void reference_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const real *a,
                           size_t lda, const real *b, size_t ldb, double beta, double *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++)
                sum += (double)(ta ? a[l * lda + i] : a[i * lda + l]) * (tb ? b[j * ldb + l] : b[l * ldb + j]);
            c[i * ldc + j] = alpha * sum + (beta != 0 ? beta * c[i * ldc + j] : 0);
        }
}

START_TEST(gemm_equals_the_obvious_product)
{
    enum { SIDE = 23 };
    static real a[SIDE * SIDE], b[SIDE * SIDE], c[SIDE * SIDE];
    static double expected[SIDE * SIDE];
    struct random r;
    random_start(&r, 5, RANDOM_SET, 0);
    for (int round = 0; round < 64; round++) {
        size_t m = 1 + random_below(&r, SIDE), n = 1 + random_below(&r, SIDE), k = random_below(&r, SIDE);
        bool ta = round & 1, tb = round & 2;
        double beta = round & 4 ? 0.5 : 0;
        fill(&r, SIDE * SIDE, a);
        fill(&r, SIDE * SIDE, b);
        for (size_t i = 0; i < SIDE * SIDE; i++)
            expected[i] = c[i] = beta != 0 ? (real)i : (real)NAN;
        blas_gemm(ta, tb, m, n, k, 2, a, SIDE, b, SIDE, (real)beta, c, SIDE);
        reference_gemm(ta, tb, m, n, k, 2, a, SIDE, b, SIDE, beta, expected, SIDE);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                ck_assert_double_eq_tol(c[i * SIDE + j], expected[i * SIDE + j], 2000 * REAL_EPSILON);
    }
}
END_TEST

START_TEST(syrk_writes_the_upper_triangle_of_the_product_and_nothing_else)
{
    enum { SIDE = 19, DEPTH = 7 };
    static real a[SIDE * DEPTH], c[SIDE * SIDE];
    static double expected[SIDE * SIDE];
    struct random r;
    random_start(&r, 6, RANDOM_SET, 0);
    fill(&r, SIDE * DEPTH, a);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        expected[i] = c[i] = (real)i;
    blas_syrk(SIDE, DEPTH, 2, a, DEPTH, (real)0.5, c, SIDE);
    reference_gemm(false, true, SIDE, SIDE, DEPTH, 2, a, DEPTH, a, DEPTH, 0.5, expected, SIDE);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            if (j >= i)
                ck_assert_double_eq_tol(c[i * SIDE + j], expected[i * SIDE + j], 2000 * REAL_EPSILON);
            else
                ck_assert_double_eq(c[i * SIDE + j], (double)(i * SIDE + j));
}
END_TEST

START_TEST(gemv_equals_the_obvious_product)
{
    enum { SIDE = 21 };
    static real a[SIDE * SIDE], x[SIDE], y[SIDE];
    static double expected[SIDE];
    struct random r;
    random_start(&r, 7, RANDOM_SET, 0);
    for (int round = 0; round < 32; round++) {
        size_t m = 1 + random_below(&r, SIDE), n = random_below(&r, SIDE);
        bool t = round & 1;
        double beta = round & 2 ? 0.5 : 0;
        fill(&r, SIDE * SIDE, a);
        fill(&r, SIDE, x);
        for (size_t i = 0; i < SIDE; i++)
            expected[i] = y[i] = beta != 0 ? (real)i : (real)NAN;
        blas_gemv(t, m, n, 2, a, SIDE, x, (real)beta, y);
        reference_gemm(t, false, t ? n : m, 1, t ? m : n, 2, a, SIDE, x, 1, beta, expected, 1);
        for (size_t i = 0; i < (t ? n : m); i++)
            ck_assert_double_eq_tol(y[i], expected[i], 2000 * REAL_EPSILON);
    }
}
END_TEST

START_TEST(symv_reads_the_lower_triangle_only_and_equals_the_obvious_product)
{
    enum { SIDE = 37 };
    static real a[SIDE * SIDE], symmetric[SIDE * SIDE], x[SIDE], y[SIDE];
    double expected[SIDE];
    struct random r;
    random_start(&r, 8, RANDOM_SET, 0);
    for (size_t n = 0; n <= SIDE; n++) {
        fill(&r, n * n, symmetric);
        fill(&r, n, x);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                symmetric[i * n + j] = j > i ? symmetric[i * n + j] : symmetric[j * n + i];
                a[i * n + j] = j > i ? (real)NAN : symmetric[i * n + j];
            }
        for (size_t i = 0; i < SIDE; i++)
            y[i] = (real)NAN;
        blas_symv(n, a, x, y);
        reference_gemm(false, false, n, 1, n, 1, symmetric, n, x, 1, 0, expected, 1);
        for (size_t i = 0; i < SIDE; i++)
            if (i < n)
                ck_assert_double_eq_tol((double)y[i], expected[i], 200 * REAL_EPSILON);
            else
                ck_assert(isnan(y[i]));
    }
}
END_TEST

START_TEST(dot_axpy_and_norm_do_what_they_say)
{
    real x[3] = {1, 2, 2}, y[3] = {1, 1, 1};
    ck_assert_double_eq(blas_dot(3, x, y), 5);
    ck_assert_double_eq_tol(blas_norm(3, x), 3, 1e-6);
    blas_axpy(3, 2, x, y);
    ck_assert_double_eq(y[2], 5);
}
END_TEST

START_TEST(products_of_small_matrices_are_a_matter_of_the_core_and_of_one_thread)
{
    const char *core = blas_core_type();
    bool avx512 = strcasecmp(core, "SkylakeX") == 0 || strcasecmp(core, "Cooperlake") == 0
                  || strcasecmp(core, "SapphireRapids") == 0;
    blas_set_threads(2);
    ck_assert(!blas_has_small_products());
    blas_set_threads(1);
    if (!avx512 || strncmp(blas_version(), "OpenBLAS 0.3.2", 14) == 0)   /* 0.3.17 was the first */
        ck_assert(blas_has_small_products() == avx512);
}
END_TEST

START_TEST(gemv_is_the_product_with_one_column)
{
    enum { SIDE = 19 };
    static real a[SIDE * SIDE], x[SIDE], y[SIDE];
    double expected[SIDE];
    struct random r;
    random_start(&r, 6, RANDOM_SET, 0);
    for (int round = 0; round < 48; round++) {
        size_t m = 1 + random_below(&r, SIDE), n = random_below(&r, SIDE + 1);
        bool transpose = round & 1;
        double beta = round & 2 ? 0.5 : 0;
        fill(&r, SIDE * SIDE, a);
        fill(&r, SIDE, x);
        for (size_t i = 0; i < SIDE; i++)
            expected[i] = y[i] = beta != 0 ? (real)i : (real)NAN;
        size_t rows = transpose ? n : m, inner = transpose ? m : n;
        reference_gemm(transpose, false, rows, 1, inner, 0.25, a, SIDE, x, 1, beta, expected, 1);
        blas_gemv(transpose, m, n, (real)0.25, a, SIDE, x, (real)beta, y);
        for (size_t i = 0; i < rows; i++)
            ck_assert_double_eq_tol((double)y[i], expected[i], 100 * REAL_EPSILON);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, products_of_small_matrices_are_a_matter_of_the_core_and_of_one_thread);
    tcase_add_test(tests, gemv_is_the_product_with_one_column);
    tcase_add_test(tests, gemm_equals_the_obvious_product);
    tcase_add_test(tests, syrk_writes_the_upper_triangle_of_the_product_and_nothing_else);
    tcase_add_test(tests, gemv_equals_the_obvious_product);
    tcase_add_test(tests, symv_reads_the_lower_triangle_only_and_equals_the_obvious_product);
    tcase_add_test(tests, dot_axpy_and_norm_do_what_they_say);
}

UNIT_MAIN("blas", add)
