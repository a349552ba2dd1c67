#include "toy.h"
#include "train/loss.h"

enum { N = 5, C = 4 };

static void draw(real *f, real *y)
{
    struct random r;
    random_start(&r, 21, RANDOM_SET, 0);
    toy_normal(&r, N * C, f);
    memset(y, 0, N * C * sizeof *y);
    for (size_t i = 0; i < N; i++)
        y[i * C + random_below(&r, C)] = 1;
}

START_TEST(losses_are_those_of_the_obvious_formulas)
{
    real f[N * C], y[N * C];
    double mse = 0, entropy = 0;
    draw(f, y);
    for (size_t i = 0; i < N; i++) {
        double z = 0;
        for (size_t c = 0; c < C; c++) {
            mse += pow((double)f[i * C + c] - (double)y[i * C + c], 2) / (2 * N);
            z += exp((double)f[i * C + c]);
        }
        for (size_t c = 0; c < C; c++)
            if (y[i * C + c] == 1)
                entropy -= log(exp((double)f[i * C + c]) / z) / N;
    }
    ck_assert_double_eq_tol(loss_value(LOSS_HALF_MSE, N, C, f, y), mse, 1e-14);
    ck_assert_double_eq_tol(loss_value(LOSS_CROSS_ENTROPY, N, C, f, y), entropy, 1e-14);
}
END_TEST

START_TEST(gradients_agree_with_differences_of_the_loss)
{
    enum loss loss = (enum loss)_i;
    real f[N * C], y[N * C], g[N * C];
    double h = REAL_EPSILON < 1e-10 ? 1e-5 : 1e-2;
    draw(f, y);
    loss_gradient(loss, N, C, f, y, g);
    for (size_t i = 0; i < N * C; i++) {
        real kept = f[i], up = (real)((double)kept + h), down = (real)((double)kept - h);
        f[i] = up;
        double above = loss_value(loss, N, C, f, y);
        f[i] = down;
        double below = loss_value(loss, N, C, f, y);
        f[i] = kept;
        ck_assert_double_eq_tol((double)g[i], (above - below) / ((double)up - (double)down), REAL_EPSILON < 1e-10 ? 1e-9 : 1e-5);
    }
    loss_gradient(loss, N, C, f, y, f);   /* g may be f */
    ck_assert_mem_eq(f, g, sizeof f);
}
END_TEST

START_TEST(cross_entropy_of_huge_outputs_is_finite_and_right)
{
    const real f[3] = {1000, 0, -1000}, first[3] = {1, 0, 0}, last[3] = {0, 0, 1};
    real g[3];
    ck_assert_double_eq_tol(loss_value(LOSS_CROSS_ENTROPY, 1, 3, f, first), 0, 1e-15);
    ck_assert_double_eq_tol(loss_value(LOSS_CROSS_ENTROPY, 1, 3, f, last), 2000, 1e-9);
    loss_gradient(LOSS_CROSS_ENTROPY, 1, 3, f, last, g);
    ck_assert_double_eq_tol((double)g[0], 1, 1e-6);
    ck_assert_double_eq_tol((double)g[2], -1, 1e-6);
}
END_TEST

START_TEST(a_loss_of_outputs_that_are_not_finite_is_not_finite)
{
    const real y[2] = {1, 0};
    const real bad[][2] = {{(real)NAN, 0}, {0, (real)NAN}, {(real)INFINITY, 0}, {(real)-INFINITY, 0}};
    for (size_t i = 0; i < 4; i++)
        for (int loss = 0; loss < 2; loss++)
            ck_assert(!isfinite(loss_value((enum loss)loss, 1, 2, bad[i], y)));
}
END_TEST

START_TEST(sums_add_up_and_count_the_rows_that_are_right)
{
    const real f[6] = {1, 2, 3, 0, 4, 0}, y[6] = {0, 1, 1, 0, 1, 0};
    double sum = 10, correct = 100;   /* of earlier blocks */
    loss_sums(LOSS_HALF_MSE, 3, 2, f, y, &sum, &correct);
    ck_assert_double_eq(correct, 103);
    ck_assert_double_eq_tol(sum, 10 + 3 * loss_value(LOSS_HALF_MSE, 3, 2, f, y), 1e-12);
    const real wrong[2] = {2, 1}, target[2] = {0, 1};
    loss_sums(LOSS_HALF_MSE, 1, 2, wrong, target, &sum, &correct);
    ck_assert_double_eq(correct, 103);
}
END_TEST

/* S S^T = diag(p) - p p^T, S^T its transpose, and the softmax of f - f_0. */
START_TEST(the_factor_of_the_hessian_is_one)
{
    enum { ROWS = 2, CLASSES = 4 };
    const real f[ROWS * CLASSES] = {1, 2, -1, 0, 30, -40, 2, 5}, f_0[ROWS * CLASSES] = {0, 1, 0, 2, 0, 0, 1, 1};
    real p[ROWS * CLASSES], w[ROWS * CLASSES], u[ROWS * CLASSES];
    double v[ROWS * CLASSES];
    loss_softmax(ROWS, CLASSES, f, f_0, p);
    for (size_t i = 0; i < ROWS * CLASSES; i++) {
        double sum = 0;
        for (size_t c = 0; c < CLASSES; c++)
            sum += exp((double)(f[i / CLASSES * CLASSES + c] - f_0[i / CLASSES * CLASSES + c]));
        ck_assert_double_eq_tol((double)p[i], exp((double)(f[i] - f_0[i])) / sum, 10 * REAL_EPSILON);
        w[i] = (real)(i * i % 7) - 3;
    }
    loss_factor_transposed(ROWS, CLASSES, p, w, v);
    loss_factor(ROWS, CLASSES, p, v, u);
    for (size_t i = 0; i < ROWS * CLASSES; i++) {
        double dot = 0;
        for (size_t c = 0; c < CLASSES; c++)
            dot += (double)p[i / CLASSES * CLASSES + c] * (double)w[i / CLASSES * CLASSES + c];
        ck_assert_double_eq_tol((double)u[i], (double)p[i] * ((double)w[i] - dot), 20 * REAL_EPSILON);
    }
    loss_factor_transposed(ROWS, CLASSES, NULL, w, v);
    loss_factor(ROWS, CLASSES, NULL, v, u);
    ck_assert_mem_eq(u, w, sizeof w);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, the_factor_of_the_hessian_is_one);
    tcase_add_test(tests, losses_are_those_of_the_obvious_formulas);
    tcase_add_loop_test(tests, gradients_agree_with_differences_of_the_loss, 0, 2);
    tcase_add_test(tests, cross_entropy_of_huge_outputs_is_finite_and_right);
    tcase_add_test(tests, a_loss_of_outputs_that_are_not_finite_is_not_finite);
    tcase_add_test(tests, sums_add_up_and_count_the_rows_that_are_right);
}

UNIT_MAIN("loss", add)
