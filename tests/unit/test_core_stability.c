/* The stability limit against an explicit eigenproblem, and evaluation's read-outs. */
#include "data/gather.h"
#include "math/eigen.h"
#include "toy.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

/* Phi^T H Phi (P x P), by the definition. */
static double explicit_lambda_max(struct toy *t, const real *theta)
{
    size_t P = t->P;
    double *J = mem_alloc(N * C * P, sizeof *J, NULL), *matrix = mem_alloc(P * P, sizeof *matrix, NULL);
    double *values = mem_alloc(P, sizeof *values, NULL), f[N * C], f_0[N * C] = {0};
    real x[N * TOY_FEATURES];
    gather_inputs(&t->split, PART_TRAIN, NULL, 0, N, x);
    if (t->training.centred)
        toy_jacobian(t->net, t->theta_0, x, N, J, f_0);
    toy_jacobian(t->net, theta, x, N, J, f);
    for (size_t i = 0; i < N; i++) {
        double p[C], sum = 0;
        for (size_t c = 0; c < C; c++)
            sum += exp(f[i * C + c] - f_0[i * C + c]);
        for (size_t c = 0; c < C; c++)
            p[c] = exp(f[i * C + c] - f_0[i * C + c]) / sum;
        for (size_t c = 0; c < C; c++)
            for (size_t d = 0; d < C; d++) {
                double h = t->training.loss == LOSS_HALF_MSE ? (double)(c == d) : (c == d ? p[c] : 0) - p[c] * p[d];
                for (size_t a = 0; a < P; a++)
                    for (size_t b = 0; b < P; b++)
                        matrix[a * P + b] += h * J[(i * C + c) * P + a] * J[(i * C + d) * P + b];
            }
    }
    ck_assert_int_eq(eigen_symmetric(P, matrix, values, NULL, NULL), 0);
    double most = values[P - 1];
    mem_free(J);
    mem_free(matrix);
    mem_free(values);
    return most;
}

START_TEST(lambda_max_is_that_of_the_explicit_matrix)
{
    struct toy t;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, 2);
    double lambda = 0;
    spec.loss = _i & 1 ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE;
    spec.centred = _i & 2;
    toy_create(&t, toy_network(1, _i & 4 ? ACTIVATION_GELU : ACTIVATION_RELU, (enum parameterisation)(_i / 8)), spec);
    toy_train(&t, NULL);   /* so that the trained model is not the centre */
    size_t before = mem_in_use();
    ck_assert_int_eq(stability_lambda_max(&t.problem, t.theta, &lambda, NULL), 0);
    ck_assert_uint_eq(mem_in_use(), before);
    ck_assert_double_eq_tol(lambda / explicit_lambda_max(&t, t.theta), 1, 100 * REAL_EPSILON);
    toy_free(&t);
}
END_TEST

START_TEST(the_limit_parts_runs_that_converge_from_runs_that_do_not)
{
    struct toy t;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    double lambda;
    struct score score[2], start;
    spec.momentum = _i ? 0.5 : 0;
    spec.steps = 400;
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), spec);
    ck_assert_int_eq(stability_lambda_max(&t.problem, t.theta_0, &lambda, NULL), 0);
    struct moment moment = {.theta = t.theta_0, .theta_s = t.theta_0};
    evaluate_part(&t.problem, &moment, PART_TRAIN, &start, NULL, NULL, NULL);
    for (int beyond = 0; beyond < 2; beyond++) {
        real *delta = mem_alloc(t.P, sizeof *delta, NULL);
        t.problem.lr = (beyond ? 1.03 : 0.97) * 2 * (1 + spec.momentum) * N / lambda;
        toy_train(&t, NULL);
        for (size_t p = 0; p < t.P; p++)
            delta[p] = t.theta[p] - t.theta_s[p];
        moment = (struct moment){.theta = t.theta, .theta_s = t.theta_s, .delta = delta};
        evaluate_part(&t.problem, &moment, PART_TRAIN, &score[beyond], NULL, NULL, NULL);
        mem_free(delta);
    }
    ck_assert_double_lt(score[0].loss, start.loss);
    ck_assert_double_gt(score[1].loss, 100 * start.loss);
    toy_free(&t);
}
END_TEST

START_TEST(evaluation_keeps_the_two_read_outs_apart)
{
    struct toy t;
    real f_lin[TOY_TEST * C], f[TOY_TEST * C], x[TOY_TEST * TOY_FEATURES];
    toy_create(&t, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_STANDARD), toy_training(TRAINER_LINEARISED, INFINITY));
    double *J = mem_alloc(TOY_TEST * C * t.P, sizeof *J, NULL), linear[TOY_TEST * C], network[TOY_TEST * C];
    real *delta = mem_alloc(t.P, sizeof *delta, NULL);
    struct score score;
    toy_train(&t, NULL);
    for (size_t p = 0; p < t.P; p++)
        delta[p] = t.theta[p] - t.theta_s[p];
    struct moment moment = {.theta = t.theta, .theta_s = t.theta_s, .delta = delta};
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TEST, &score, f_lin, f, NULL), 0);
    gather_inputs(&t.split, PART_TEST, NULL, 0, TOY_TEST, x);
    toy_jacobian(t.net, t.theta, x, TOY_TEST, J, network);
    toy_jacobian(t.net, t.theta_0, x, TOY_TEST, J, linear);
    double loss = 0, loss_network = 0;
    for (size_t i = 0; i < TOY_TEST * C; i++) {
        double y = t.set.test.label[i / C] == (int32_t)(i % C);
        for (size_t p = 0; p < t.P; p++)
            linear[i] += J[i * t.P + p] * (double)delta[p];
        loss += (linear[i] - y) * (linear[i] - y) / (2 * TOY_TEST);
        loss_network += (network[i] - y) * (network[i] - y) / (2 * TOY_TEST);
    }
    ck_assert_double_le(toy_distance(TOY_TEST * C, f_lin, linear), 50 * REAL_EPSILON);
    ck_assert_double_le(toy_distance(TOY_TEST * C, f, network), 50 * REAL_EPSILON);
    ck_assert_double_eq_tol(score.loss, loss, 200 * REAL_EPSILON);
    ck_assert_double_eq_tol(score.loss_network, loss_network, 200 * REAL_EPSILON);
    ck_assert_double_gt(fabs(loss - loss_network), 1e-4);
    ck_assert_double_ge(score.accuracy, 0);
    mem_free(J);
    mem_free(delta);
    toy_free(&t);
}
END_TEST

START_TEST(an_empty_part_has_no_score_and_regression_no_accuracy)
{
    struct toy t;
    struct score score;
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), toy_training(TRAINER_STANDARD, 1));
    struct moment moment = {.theta = t.theta_0, .theta_s = t.theta_0};
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_VALIDATION, &score, NULL, NULL, NULL), 0);
    ck_assert(isnan(score.loss) && isnan(score.accuracy) && isnan(score.loss_network) && isnan(score.accuracy_network));
    t.set.task = TASK_REGRESSION;
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TEST, &score, NULL, NULL, NULL), 0);
    ck_assert(isfinite(score.loss) && isnan(score.accuracy) && isnan(score.accuracy_network));
    ck_assert_double_eq(score.loss, score.loss_network);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, lambda_max_is_that_of_the_explicit_matrix, 0, 16);
    tcase_add_loop_test(tests, the_limit_parts_runs_that_converge_from_runs_that_do_not, 0, 2);
    tcase_add_test(tests, evaluation_keeps_the_two_read_outs_apart);
    tcase_add_test(tests, an_empty_part_has_no_score_and_regression_no_accuracy);
}

UNIT_MAIN("stability and evaluation", add)
