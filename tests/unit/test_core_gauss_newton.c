/* The Gauss-Newton trainer against dense solves. */
#include "gauss_newton.h"

/* --- tests --------------------------------------------------------------------- */

START_TEST(every_step_is_that_of_a_dense_solve)
{
    static const double dampings[] = {0.01, 1, 30};
    for (int k = 0; k < 3; k++) {
        struct toy t;
        struct dense d;
        struct log log;
        struct training_spec spec = newton(_i & 1 ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE, dampings[k], 3);
        double step[MOST_P];
        spec.weight_decay = _i & 2 ? 0.02 : 0;
        spec.centred = _i & 4;
        spec.lr = _i & 8 ? 0.5 : 1;
        spec.momentum = 0.9;   /* has no part in it */
        toy_create(&t, architecture(_i), spec);
        dense_create(&t, &d);
        struct training_outcome outcome = log_run(&t, &log);
        ck_assert_int_eq(outcome.end, TRAINING_COMPLETED);
        ck_assert_uint_eq(log.refreshes, 2);
        for (size_t s = 0; s < 3; s++) {
            dense_step(&t, &d, log.theta[s], dampings[k], step);
            ck_assert_double_le(step_error(&log, s, spec.lr, step), within(1e-8, k ? 2e-3 : 0.05));
            ck_assert_uint_gt(log.iterations[s], 0);
            ck_assert_double_le(log.residual[s], within(1e-9, 1e-4));
            ck_assert_double_eq(log.lr[s], spec.lr);
            ck_assert_double_eq(log.time[s + 1], (double)(s + 1) * spec.lr);
        }
        mem_free(d.J);
        toy_free(&t);
    }
}
END_TEST

/* Large outputs: probabilities of the targets down to 1e-20 and less. */
START_TEST(saturated_probabilities_leave_the_step_right)
{
    struct toy t;
    struct dense d;
    struct log log;
    double step[MOST_P];
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), newton(LOSS_CROSS_ENTROPY, _i ? 0.01 : 3, 1));
    for (size_t p = 0; p < t.P; p++)
        t.theta_0[p] *= 12;
    dense_create(&t, &d);
    log_run(&t, &log);
    dense_step(&t, &d, log.theta[0], t.training.damping, step);
    ck_assert_double_le(step_error(&log, 0, 1, step), within(1e-8, 2e-3));
    double least = 1;
    for (size_t i = 0; i < d.n; i++) {
        double sum = 0, own = 0;
        for (size_t c = 0; c < C; c++) {
            sum += exp(d.f[i * C + c]);
            own += (double)d.y[i * C + c] * exp(d.f[i * C + c]);
        }
        least = fmin(least, own / sum);
    }
    ck_assert_double_lt(least, 1e-12);   /* else it tests nothing */
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

START_TEST(large_damping_is_a_small_gradient_step)
{
    struct toy t;
    struct dense d;
    struct log log;
    double g[TOY_TRAIN * C], H[TOY_TRAIN * C * C], gradient[MOST_P] = {0}, mu = 1e6;
    struct training_spec spec = newton(_i ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE, mu, 1);
    spec.lr = 1e5;   /* so that single precision sees it */
    toy_create(&t, architecture(1), spec);
    dense_create(&t, &d);
    log_run(&t, &log);
    derivatives(&t, &d, log.theta[0], g, H);
    for (size_t p = 0; p < t.P; p++)
        for (size_t i = 0; i < d.n * C; i++)
            gradient[p] += d.J[i * t.P + p] * g[i];
    ck_assert_double_le(step_error(&log, 0, spec.lr / mu, gradient), 2e-3);
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

START_TEST(without_damping_the_linear_model_fits_every_target)
{
    struct toy t;
    struct dense d;
    struct log log;
    create_few(&t, 8, newton(LOSS_HALF_MSE, 0, 1));
    dense_create(&t, &d);
    log_run(&t, &log);
    toy_jacobian(t.net, log.theta[0], d.x, d.n, d.J, d.f);
    double before = 0, after = 0, along = 0, step = 0;
    for (size_t i = 0; i < d.n * C; i++) {
        double r = d.f[i] - (double)d.y[i], r_lin = r;
        for (size_t p = 0; p < t.P; p++)
            r_lin += d.J[i * t.P + p] * ((double)log.theta[1][p] - (double)log.theta[0][p]);
        before += r * r;
        after += r_lin * r_lin;
    }
    ck_assert_double_le(sqrt(after / before), within(1e-9, 1e-3));
    /* and it is the step of least norm: orthogonal to what Phi does not see */
    double null[MOST_P], *A = mem_alloc(d.n * C * d.n * C, sizeof *A, NULL), w[TOY_TRAIN * C] = {0};
    for (size_t p = 0; p < t.P; p++)
        null[p] = sin((double)p + 1);
    for (size_t i = 0; i < d.n * C; i++)
        for (size_t p = 0; p < t.P; p++) {
            w[i] += d.J[i * t.P + p] * null[p];
            for (size_t j = 0; j < d.n * C; j++)
                A[i * d.n * C + j] += d.J[i * t.P + p] * d.J[j * t.P + p];
        }
    eliminate(d.n * C, A, w);
    for (size_t i = 0; i < d.n * C; i++)
        for (size_t p = 0; p < t.P; p++)
            null[p] -= d.J[i * t.P + p] * w[i];
    double size = 0;
    for (size_t p = 0; p < t.P; p++) {
        double taken = (double)log.theta[1][p] - (double)log.theta[0][p];
        along += taken * null[p];
        step += taken * taken;
        size += null[p] * null[p];
    }
    ck_assert_double_gt(size, 1);
    ck_assert_double_le(fabs(along) / sqrt(step * size), within(1e-10, 1e-4));
    mem_free(A);
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

START_TEST(steps_that_explode_are_reported_as_divergence)
{
    struct toy t;
    struct training_spec spec = newton(_i ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE, 0.1, 20);
    spec.lr = wide ? 1e200 : 1e25;
    toy_create(&t, architecture(4), spec);
    size_t before = mem_in_use();
    struct training_outcome outcome = toy_train(&t, NULL);
    ck_assert_int_eq(outcome.end, TRAINING_DIVERGED);
    ck_assert_int_gt(outcome.steps_done, 0);
    ck_assert_uint_eq(mem_in_use(), before);
    toy_free(&t);
}
END_TEST

START_TEST(it_is_done_in_far_fewer_steps_than_gradient_descent)
{
    double loss[2];
    for (int gn = 0; gn < 2; gn++) {
        struct toy t;
        struct score score;
        struct training_spec spec = gn ? newton(LOSS_HALF_MSE, 1, 10) : toy_training(TRAINER_STANDARD, 1);
        spec.steps = 10;
        toy_create(&t, architecture(2), spec);
        toy_train(&t, NULL);
        struct moment moment = {.theta = t.theta, .theta_s = t.theta};
        evaluate_part(&t.problem, &moment, PART_TRAIN, &score, NULL, NULL, NULL);
        loss[gn] = score.loss;
        toy_free(&t);
    }
    ck_assert_double_lt(loss[1], 0.5 * loss[0]);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, every_step_is_that_of_a_dense_solve, 0, 16);
    tcase_add_loop_test(tests, saturated_probabilities_leave_the_step_right, 0, 2);
    tcase_add_loop_test(tests, large_damping_is_a_small_gradient_step, 0, 2);
    tcase_add_test(tests, without_damping_the_linear_model_fits_every_target);
    tcase_add_loop_test(tests, steps_that_explode_are_reported_as_divergence, 0, 2);
    tcase_add_test(tests, it_is_done_in_far_fewer_steps_than_gradient_descent);
}

UNIT_MAIN("the Gauss-Newton trainer", add)
