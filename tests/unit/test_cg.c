#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/cg.h"
#include "unit.h"

enum { N = 40 };

struct matrix { double a[N * N]; size_t products; };

static int multiply(void *context, const double *x, double *y)
{
    struct matrix *m = context;
    m->products++;
    for (size_t i = 0; i < N; i++) {
        y[i] = 0;
        for (size_t j = 0; j < N; j++)
            y[i] += m->a[i * N + j] * x[j];
    }
    return 0;
}

/* A = B B^T + shift, B (N, rank). */
static void draw(struct matrix *m, size_t rank, double shift, uint64_t seed)
{
    double b[N * N];
    struct random r;
    random_start(&r, seed, RANDOM_SET, 0);
    for (size_t i = 0; i < N * N; i++)
        b[i] = random_normal(&r);
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            for (size_t k = 0; k < rank; k++)
                m->a[i * N + j] += b[i * N + k] * b[j * N + k];
            m->a[i * N + j] += i == j ? shift : 0;
        }
}

static double norm(const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

START_TEST(it_solves_definite_systems)
{
    struct matrix m;
    struct cg_report report;
    double known[N], b[N], x[N];
    draw(&m, N, 1, (uint64_t)_i);
    for (size_t i = 0; i < N; i++)
        known[i] = cos((double)i);
    multiply(&m, known, b);
    m.products = 0;
    ck_assert_int_eq(cg_solve(N, multiply, &m, b, 1e-12, 1e-16, 1000, x, &report, NULL), 0);
    ck_assert(report.converged);
    ck_assert_double_le(report.residual, 1e-11);
    ck_assert_uint_eq(report.iterations + 1, m.products);
    for (size_t i = 0; i < N; i++)
        ck_assert_double_eq_tol(x[i], known[i], 1e-9);
}
END_TEST

/* b in the range: the solution without a part in the null space. */
START_TEST(of_a_singular_system_it_finds_the_solution_of_least_norm)
{
    struct matrix m;
    struct cg_report report;
    double inner[N], known[N], b[N], x[N];
    draw(&m, 12, 0, 7);
    for (size_t i = 0; i < N; i++)
        inner[i] = sin((double)i);
    multiply(&m, inner, known);   /* in the range, so without such a part */
    multiply(&m, known, b);
    ck_assert_int_eq(cg_solve(N, multiply, &m, b, 1e-12, 1e-16, 1000, x, &report, NULL), 0);
    ck_assert(report.converged);
    for (size_t i = 0; i < N; i++)
        ck_assert_double_eq_tol(x[i], known[i], 1e-8 * norm(known));
}
END_TEST

START_TEST(it_says_what_it_could_not_reach)
{
    struct matrix m;
    struct cg_report report;
    double b[N], x[N], Ax[N];
    draw(&m, 12, 0, 7);
    for (size_t i = 0; i < N; i++)
        b[i] = 1;
    ck_assert_int_eq(cg_solve(N, multiply, &m, b, 1e-12, 1e-14, 1000, x, &report, NULL), 0);
    ck_assert(!report.converged);
    ck_assert_uint_lt(report.iterations, 100);
    multiply(&m, x, Ax);
    double left = 0;
    for (size_t i = 0; i < N; i++) {
        ck_assert(isfinite(x[i]));
        left += (b[i] - Ax[i]) * (b[i] - Ax[i]);
    }
    ck_assert_double_eq_tol(report.residual, sqrt(left) / norm(b), 1e-12);
    ck_assert_double_gt(report.residual, 0.1);
    /* and one that was cut short */
    draw(&m, N, 0.001, 3);
    ck_assert_int_eq(cg_solve(N, multiply, &m, b, 1e-12, 1e-16, 5, x, &report, NULL), 0);
    ck_assert(!report.converged);
    ck_assert_uint_eq(report.iterations, 5);
    ck_assert_double_gt(report.residual, 1e-6);
}
END_TEST

START_TEST(nothing_to_solve_is_solved)
{
    struct matrix m;
    struct cg_report report;
    double b[N] = {0}, x[N];
    draw(&m, N, 1, 1);
    x[0] = 5;
    ck_assert_int_eq(cg_solve(N, multiply, &m, b, 1e-12, 1e-16, 1000, x, &report, NULL), 0);
    ck_assert(report.converged);
    ck_assert_uint_eq(m.products, 0);
    ck_assert_double_eq(report.residual, 0);
    ck_assert_double_eq(x[0], 0);
}
END_TEST

START_TEST(numbers_that_are_not_finite_end_it)
{
    struct matrix m;
    struct cg_report report;
    double b[N], x[N];
    draw(&m, N, 1, 1);
    m.a[3] = NAN;
    for (size_t i = 0; i < N; i++)
        b[i] = 1;
    ck_assert_int_eq(cg_solve(N, multiply, &m, b, 1e-12, 1e-16, 1000, x, &report, NULL), 0);
    ck_assert(!report.converged);
    ck_assert_uint_eq(report.iterations, 1);
}
END_TEST

static int refuse(void *context, const double *x, double *y)
{
    (void)context;
    (void)x;
    (void)y;
    return -1;
}

START_TEST(an_operator_that_fails_is_an_error)
{
    struct error err;
    struct cg_report report;
    double b[N] = {1}, x[N];
    size_t before = mem_in_use();
    ck_assert_int_eq(cg_solve(N, refuse, NULL, b, 1e-12, 1e-16, 10, x, &report, &err), -1);
    ck_assert_str_eq(err.text, "conjugate gradients: the operator could not be applied");
    ck_assert_uint_eq(mem_in_use(), before);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, it_solves_definite_systems, 0, 8);
    tcase_add_test(tests, of_a_singular_system_it_finds_the_solution_of_least_norm);
    tcase_add_test(tests, it_says_what_it_could_not_reach);
    tcase_add_test(tests, nothing_to_solve_is_solved);
    tcase_add_test(tests, numbers_that_are_not_finite_end_it);
    tcase_add_test(tests, an_operator_that_fails_is_an_error);
}

UNIT_MAIN("conjugate gradients", add)
