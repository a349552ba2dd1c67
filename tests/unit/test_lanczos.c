/* Krylov spaces of one and several starting vectors, against the matrix itself. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "math/lanczos.h"
#include "unit.h"

enum { N = 40 };

/* rank < N leaves a null space. */
static void random_psd(double *a, int rank)
{
    static double factor[N * N];
    struct random r;
    random_start(&r, 11, RANDOM_SET, 0);
    for (int i = 0; i < N * rank; i++)
        factor[i] = random_normal(&r);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i * N + j] = 0;
            for (int k = 0; k < rank; k++)
                a[i * N + j] += factor[i * rank + k] * factor[j * rank + k];
        }
}

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

static int refuse(void *context, const double *x, double *y)
{
    (void)context;
    (void)x;
    (void)y;
    return -1;
}

static void random_vector(uint64_t seed, double *x)
{
    struct random r;
    random_start(&r, seed, RANDOM_SET, 1);
    for (int i = 0; i < N; i++)
        x[i] = random_normal(&r);
}

/* Row i of V. */
static void row(const struct lanczos *l, size_t i, double *v)
{
    double y[N] = {0};
    y[i] = 1;
    lanczos_combine(l, y, v);
}

/* V orthonormal, T = V A V^T, starts in the space. */
static void check_space(const struct lanczos *l, const double *a, size_t chains, double start[][N])
{
    static double v[N][N];
    double w[N], s[N], back[N];
    size_t m = lanczos_size(l);
    for (size_t i = 0; i < m; i++)
        row(l, i, v[i]);
    for (size_t i = 0; i < m; i++) {
        apply((void *)a, v[i], w);
        for (size_t j = 0; j < m; j++) {
            double dot = 0, entry = 0;
            for (int k = 0; k < N; k++) {
                dot += v[i][k] * v[j][k];
                entry += v[j][k] * w[k];
            }
            ck_assert_double_eq_tol(dot, i == j, 1e-13);
            ck_assert_double_eq_tol(entry, lanczos_entry(l, i, j), 1e-11);
        }
    }
    for (size_t c = 0; c < chains; c++) {
        lanczos_coordinates(l, c, s);
        lanczos_combine(l, s, back);
        for (int k = 0; k < N; k++)
            ck_assert_double_eq_tol(back[k], start[c][k], 1e-12);
    }
}

START_TEST(a_space_is_what_its_header_says_for_one_to_four_chains)
{
    static double a[N * N], start[LANCZOS_CHAINS][N];
    size_t chains = (size_t)_i % LANCZOS_CHAINS + 1;
    random_psd(a, N);
    struct lanczos *l = lanczos_create(N, 33, 1e-15, NULL);
    for (int again = 0; again < 2; again++, lanczos_clear(l)) {
        for (size_t c = 0; c < chains; c++) {
            random_vector(20 + c + (size_t)again, start[c]);
            ck_assert_int_eq(lanczos_begin(l, start[c], NULL), 0);
        }
        for (size_t k = 0; k < 33; k++)   /* chains need not take turns */
            ck_assert_int_eq(lanczos_extend(l, k < chains ? k : k * k % 7 % chains, apply, a, NULL), 0);
        ck_assert_uint_eq(lanczos_size(l), 33);
        ck_assert_int_eq(lanczos_extend(l, 0, apply, a, NULL), 0);   /* full */
        ck_assert_uint_eq(lanczos_size(l), 33);
        check_space(l, a, chains, start);
        if (chains == 1)
            for (size_t i = 0; i < 33; i++)
                for (size_t j = 0; j < 33; j++)
                    ck_assert(i <= j + 1 || fabs(lanczos_entry(l, i, j)) < 1e-11);
        ck_assert_double_gt(lanczos_remainder(l, 0), 1e-3);
        ck_assert_uint_lt(lanczos_tip(l, 0), 33);
    }
    lanczos_destroy(l);
}
END_TEST

START_TEST(an_invariant_space_ends_its_chains)
{
    static double a[N * N], start[3][N];
    random_psd(a, 5);
    apply(a, (random_vector(3, start[1]), start[1]), start[0]);   /* in the range: five products at most */
    for (int k = 0; k < N; k++) {
        start[1][k] = -2 * start[0][k];                           /* nothing new */
        start[2][k] = 0;
    }
    struct lanczos *l = lanczos_create(N, N, 1e-10, NULL);
    for (int c = 0; c < 3; c++)
        ck_assert_int_eq(lanczos_begin(l, start[c], NULL), 0);
    ck_assert_double_eq(lanczos_remainder(l, 2), 0);
    for (int k = 0; k < 3 * N; k++)
        ck_assert_int_eq(lanczos_extend(l, (size_t)k % 3, apply, a, NULL), 0);
    ck_assert_uint_eq(lanczos_size(l), 5);
    for (size_t c = 0; c < 3; c++)
        ck_assert_double_eq(lanczos_remainder(l, c), 0);
    check_space(l, a, 3, start);
    lanczos_destroy(l);
}
END_TEST

/* Also where the last row came by another chain, and of a chain that had no product. */
START_TEST(chains_end_where_the_space_is_whole)
{
    static double a[N * N], start[3][N];
    random_psd(a, N);
    struct lanczos *l = lanczos_create(N, N, 1e-15, NULL);
    for (size_t c = 0; c < 3; c++)
        ck_assert_int_eq(lanczos_begin(l, (random_vector(30 + c, start[c]), start[c]), NULL), 0);
    for (size_t k = 0; k < N; k++) {
        ck_assert_double_gt(lanczos_remainder(l, 1), 0);
        ck_assert_int_eq(lanczos_extend(l, k % 2, apply, a, NULL), 0);
    }
    ck_assert_uint_eq(lanczos_size(l), N);
    for (size_t c = 0; c < 3; c++)
        ck_assert_double_eq(lanczos_remainder(l, c), 0);
    check_space(l, a, 3, start);
    lanczos_destroy(l);
}
END_TEST

START_TEST(modes_of_the_whole_space_are_the_matrix_s)
{
    static double a[N * N], copy[N * N], values[N], expected[N], vectors[N * N], start[N], v[N], w[N];
    random_psd(a, N);
    memcpy(copy, a, sizeof a);
    random_vector(5, start);
    struct lanczos *l = lanczos_create(N, 1000, 1e-15, NULL);
    ck_assert_int_eq(lanczos_begin(l, start, NULL), 0);
    for (int k = 0; k < N; k++)
        ck_assert_int_eq(lanczos_extend(l, 0, apply, a, NULL), 0);
    ck_assert_double_eq(lanczos_remainder(l, 0), 0);
    ck_assert_int_eq(lanczos_modes(l, values, vectors, NULL), 0);
    ck_assert_int_eq(eigen_symmetric(N, copy, expected, NULL, NULL), 0);
    for (int i = 0; i < N; i++) {
        ck_assert_double_eq_tol(values[i], expected[i], 1e-12 * expected[N - 1]);
        lanczos_combine(l, vectors + i * N, v);
        apply(a, v, w);
        for (int k = 0; k < N; k++)
            ck_assert_double_eq_tol(w[k], values[i] * v[k], 1e-11 * expected[N - 1]);
    }
    lanczos_destroy(l);
}
END_TEST

START_TEST(what_cannot_be_computed_is_an_error)
{
    static double a[N * N], start[N];
    struct error err = {0};
    random_vector(6, start);
    struct lanczos *l = lanczos_create(N, 10, 1e-15, NULL);
    ck_assert_int_eq(lanczos_begin(l, start, &err), 0);
    ck_assert_int_eq(lanczos_extend(l, 0, refuse, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "could not be applied"));
    lanczos_clear(l);
    a[0] = NAN;
    ck_assert_int_eq(lanczos_begin(l, start, &err), 0);
    ck_assert_int_eq(lanczos_extend(l, 0, apply, a, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not finite"));
    lanczos_clear(l);
    start[3] = INFINITY;
    ck_assert_int_eq(lanczos_begin(l, start, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "finite start"));
    lanczos_destroy(l);
    lanczos_destroy(NULL);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_space_is_what_its_header_says_for_one_to_four_chains, 0, LANCZOS_CHAINS);
    tcase_add_test(tests, an_invariant_space_ends_its_chains);
    tcase_add_test(tests, chains_end_where_the_space_is_whole);
    tcase_add_test(tests, modes_of_the_whole_space_are_the_matrix_s);
    tcase_add_test(tests, what_cannot_be_computed_is_an_error);
}

UNIT_MAIN("lanczos", add)
