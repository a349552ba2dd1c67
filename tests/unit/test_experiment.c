/* Whole jobs, checked from outside: outcome, scores, curves and refreshes. */
#include "data/gather.h"
#include "experiment_frame.h"

START_TEST(an_empty_job_is_evaluated_once)
{
    struct job job = make_job(INFINITY, 0);
    struct result result = run(&job, NULL);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "completed");
    ck_assert_str_eq(result_text(&result, VAR_ERROR), "");
    ck_assert_int_eq(*result_i64(&result, VAR_STEPS_DONE), 0);
    ck_assert_int_eq(result_i64(&result, VAR_STEP)[0], 0);
    ck_assert_int_eq(result_i64(&result, VAR_STEP)[1], -1);
    ck_assert_int_eq(*result_i32(&result, VAR_N_SNAPSHOTS), 1);
    ck_assert(number(&result, VAR_KERNEL_PATH_LENGTH, 0) == 0);
    ck_assert(number(&result, VAR_TEST_LOSS, 0) == number(&result, VAR_CURVE_TEST_LOSS, 0));
    ck_assert(number(&result, VAR_TEST_LOSS, 0) > 0);
    ck_assert(number(&result, VAR_CKA_LINEARISED, 0) == number(&result, VAR_CKA, 0));
    ck_assert(isnan(number(&result, VAR_KERNEL_VELOCITY, 0)));
    for (size_t i = 0; i < PARAMETER; i++)
        ck_assert(result_f32(&result, VAR_PARAMETER_CHANGE)[i] == 0);
    mem_free(result.block);
}
END_TEST

START_TEST(every_score_of_the_end_is_the_last_point_of_its_curve)
{
    struct job job = make_job(7, 40);
    struct result result = run(&job, NULL);
    size_t last = 0;
    while (last + 1 < EVAL && result_i64(&result, VAR_STEP)[last + 1] >= 0)
        last++;
    ck_assert_int_eq(result_i64(&result, VAR_STEP)[last], 40);
    ck_assert_double_eq_tol(number(&result, VAR_CURVE_TIME, last), 40 * 0.5, 1e-12);
    for (int i = 0; i < 12; i++)
        ck_assert(number(&result, VAR_TRAIN_LOSS + i, 0) == number(&result, VAR_CURVE_TRAIN_LOSS + i, last));
    ck_assert(number(&result, VAR_TRAIN_LOSS, 0) < 0.8 * number(&result, VAR_CURVE_TRAIN_LOSS, 0));
    ck_assert(number(&result, VAR_TRAIN_LOSS, 0) != number(&result, VAR_TRAIN_LOSS_NETWORK, 0));
    double correct = number(&result, VAR_VALIDATION_ACCURACY, 0) * 20;
    ck_assert_double_eq_tol(correct, round(correct), 1e-12);
    ck_assert_str_eq(result_text(&result, VAR_ENGINE), "tangent");
    ck_assert_double_gt(*result_f64(&result, VAR_FLOPS), 0);
    ck_assert_double_gt(*result_f64(&result, VAR_MAX_RSS_BYTES), 1e3);
    ck_assert_int_eq(*result_i32(&result, VAR_THREADS), 1);
    ck_assert_str_ne(result_text(&result, VAR_BLAS_CORE), "");
    mem_free(result.block);
}
END_TEST

START_TEST(k_of_one_is_standard_training_bit_for_bit)
{
    struct job job = make_job(1, 30);
    struct result standard = run(&job, NULL);
    job.training.trainer = TRAINER_LINEARISED;
    struct result linearised = run(&job, NULL);
    size_t numbers = SNAPSHOT * PROBE_ROOM * PROBE_ROOM;
    ck_assert_mem_eq(result_f32(&standard, VAR_PARAMETER_CHANGE), result_f32(&linearised, VAR_PARAMETER_CHANGE),
                     PARAMETER * sizeof(float));
    ck_assert_mem_eq(result_f32(&standard, VAR_KERNEL), result_f32(&linearised, VAR_KERNEL), numbers * sizeof(float));
    for (int i = 0; i < 6; i++) {
        ck_assert(number(&standard, VAR_TRAIN_LOSS + i, 0) == number(&linearised, VAR_TRAIN_LOSS + i, 0));
        ck_assert(number(&standard, VAR_TRAIN_LOSS + i, 0) == number(&standard, VAR_TRAIN_LOSS_NETWORK + i, 0));
        ck_assert(number(&linearised, VAR_TRAIN_LOSS + i, 0) == number(&linearised, VAR_TRAIN_LOSS_NETWORK + i, 0));
    }
    ck_assert_int_eq(result_i64(&standard, VAR_REFRESH_STEP)[0], -1);
    ck_assert_str_eq(result_text(&standard, VAR_ENGINE), "standard");
    for (size_t i = 0; i < 29; i++) {   /* all refreshes fit into 64: steps 1..29 */
        ck_assert_int_eq(result_i64(&linearised, VAR_REFRESH_STEP)[i], (int64_t)i + 1);
        ck_assert(number(&linearised, VAR_REFRESH_GAP, i) == 0);
        ck_assert(number(&linearised, VAR_REFRESH_LOSS_JUMP, i) == 0);
        ck_assert_double_gt(number(&linearised, VAR_REFRESH_PARAMETER_CHANGE, i), 0);
        ck_assert_double_lt(number(&linearised, VAR_REFRESH_CONVERGENCE, i), 1);
        ck_assert(isnan(number(&linearised, VAR_REFRESH_STABILITY_RATIO, i)));
    }
    ck_assert_int_eq(result_i64(&linearised, VAR_REFRESH_STEP)[29], -1);
    for (size_t s = 0; s < 4; s++)
        ck_assert(number(&linearised, VAR_KERNEL_DISTANCE, s) == number(&linearised, VAR_KERNEL_DISTANCE_LINEARISED, s));
    ck_assert_double_gt(number(&linearised, VAR_KERNEL_PATH_LENGTH, 0), 0);
    ck_assert(number(&linearised, VAR_KERNEL_PATH_LENGTH, 0) == number(&linearised, VAR_KERNEL_PATH_LENGTH_LINEARISED, 0));
    mem_free(standard.block);
    mem_free(linearised.block);
}
END_TEST

START_TEST(the_record_of_a_refresh_is_what_shorter_runs_say)
{
    enum { K = 5 };
    struct job job = make_job(K, 2 * K), begin = make_job(INFINITY, 0), segment = make_job(INFINITY, K);
    struct result result = run(&job, NULL);
    struct seen start = watch(&begin, -1), end = watch(&segment, -1);
    double residual[2][MOST_OUTPUTS], targets[MOST_OUTPUTS];
    struct split split;
    ck_assert_int_eq(split_draw(&split, &set, &job.data, job.training.seed_data, PROBE, &err), 0);
    gather_targets(&split, PART_TRAIN, NULL, 0, TRAIN, targets);
    for (int i = 0; i < MOST_OUTPUTS; i++) {
        residual[0][i] = start.f_lin[i] - targets[i];
        residual[1][i] = end.f_lin[i] - targets[i];
    }
    ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[0], K);
    ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[1], -1);
    ck_assert_double_eq_tol(number(&result, VAR_REFRESH_GAP, 0),
                            distance(MOST_OUTPUTS, end.f, end.f_lin) / distance(MOST_OUTPUTS, end.f_lin, start.f_lin),
                            1e-10);
    ck_assert_double_eq_tol(number(&result, VAR_REFRESH_PARAMETER_CHANGE, 0),
                            distance(end.parameters, end.theta, end.theta_0)
                                / distance(end.parameters, end.theta_0, NULL), 1e-12);
    ck_assert_double_eq_tol(number(&result, VAR_REFRESH_CONVERGENCE, 0),
                            distance(MOST_OUTPUTS, residual[1], NULL) / distance(MOST_OUTPUTS, residual[0], NULL), 1e-10);
    /* evaluations at all of the 11 steps: point K is before the refresh */
    ck_assert_int_eq(result_i64(&result, VAR_STEP)[K], K);
    ck_assert(number(&result, VAR_REFRESH_LOSS_JUMP, 0)
              == number(&result, VAR_CURVE_TRAIN_LOSS_NETWORK, K) - number(&result, VAR_CURVE_TRAIN_LOSS, K));
    ck_assert(number(&result, VAR_REFRESH_ACCURACY_JUMP, 0)
              == number(&result, VAR_CURVE_TRAIN_ACCURACY_NETWORK, K) - number(&result, VAR_CURVE_TRAIN_ACCURACY, K));
    ck_assert_double_gt(number(&result, VAR_REFRESH_GAP, 0), 1e-6);
    split_free(&split);
    mem_free(result.block);
}
END_TEST

START_TEST(at_k_of_one_a_segment_begins_at_the_step_before_its_refresh)
{
    enum { T = 6 };
    struct job job = make_job(1, T);
    job.training.trainer = TRAINER_LINEARISED;
    struct result result = run(&job, NULL);
    struct split split;
    double targets[MOST_OUTPUTS];
    ck_assert_int_eq(split_draw(&split, &set, &job.data, job.training.seed_data, PROBE, &err), 0);
    gather_targets(&split, PART_TRAIN, NULL, 0, TRAIN, targets);
    for (size_t i = 0; i + 1 < T; i++) {   /* refreshes at steps 1..T-1 */
        struct job begin = make_job(1, (int64_t)i), end = make_job(1, (int64_t)i + 1);
        struct seen from = watch(&begin, -1), to = watch(&end, -1);
        ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[i], (int64_t)i + 1);
        ck_assert_double_eq_tol(number(&result, VAR_REFRESH_PARAMETER_CHANGE, i),
                                distance(to.parameters, to.theta, from.theta)
                                    / distance(to.parameters, from.theta, NULL), 1e-12);
        ck_assert_double_eq_tol(number(&result, VAR_REFRESH_CONVERGENCE, i),
                                distance(MOST_OUTPUTS, to.f_lin, targets)
                                    / distance(MOST_OUTPUTS, from.f_lin, targets), 1e-12);
    }
    split_free(&split);
    mem_free(result.block);
}
END_TEST

/* The refreshes of Gauss-Newton are its steps but the first; what it solves is in the file. */
START_TEST(gauss_newton_is_logged_at_every_step_with_its_solves)
{
    enum { T = 5 };
    for (int tied = 0; tied < 2; tied++) {
        struct job job = make_job(100, T);
        job.training.trainer = TRAINER_GAUSS_NEWTON;
        job.training.damping = tied ? NAN : 2;
        job.stability = true;
        job.training.lr = 0.5;
        struct result result = run(&job, NULL);
        ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "completed");
        ck_assert_str_eq(result_text(&result, VAR_ENGINE), "gauss-newton");
        for (size_t i = 0; i + 1 < T; i++) {
            ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[i], (int64_t)i + 1);
            ck_assert_double_gt(number(&result, VAR_REFRESH_SOLVER_ITERATIONS, i), 0);
            ck_assert_double_lt(number(&result, VAR_REFRESH_SOLVER_RESIDUAL, i), 1e-10);
            ck_assert_double_eq(number(&result, VAR_REFRESH_LOSS_JUMP, i), 0);   /* the model is the network */
            ck_assert_double_gt(number(&result, VAR_REFRESH_PARAMETER_CHANGE, i), 1e-3);
            ck_assert(isnan(number(&result, VAR_REFRESH_STABILITY_RATIO, i)) == !tied);
            ck_assert_double_eq_tol(number(&result, VAR_CURVE_TIME, i + 1), ((double)i + 1) * 0.5 * (tied ? 100 : 1), 1e-9);
        }
        ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[T - 1], -1);
        ck_assert(isnan(number(&result, VAR_STABILITY, 0)) == !tied);
        for (size_t i = 0; i <= T; i++)
            ck_assert(number(&result, VAR_CURVE_TRAIN_LOSS, i) == number(&result, VAR_CURVE_TRAIN_LOSS_NETWORK, i));
        ck_assert_double_lt(number(&result, VAR_TRAIN_LOSS, 0), 0.8 * number(&result, VAR_CURVE_TRAIN_LOSS, 0));
        mem_free(result.block);
    }
    struct job job = make_job(3, 9);   /* other trainers solve nothing */
    struct result result = run(&job, NULL);
    ck_assert(isnan(number(&result, VAR_REFRESH_SOLVER_ITERATIONS, 0)));
    ck_assert(isnan(number(&result, VAR_REFRESH_SOLVER_RESIDUAL, 0)));
    mem_free(result.block);
}
END_TEST

/* The record names the engine, and the numbers agree with the other's. */
START_TEST(the_kernel_engine_gives_the_results_of_the_tangent_engine)
{
    struct job job = make_job(10, 30);
    struct result tangent = run(&job, NULL);
    job.training.engine = ENGINE_KERNEL;
    struct result kernel = run(&job, NULL);
    ck_assert_str_eq(result_text(&tangent, VAR_ENGINE), "tangent");
    ck_assert_str_eq(result_text(&kernel, VAR_ENGINE), "kernel");
    static const enum variable_id same[] = {VAR_TRAIN_LOSS, VAR_TEST_LOSS, VAR_TEST_ACCURACY, VAR_TEST_LOSS_NETWORK,
                                            VAR_REFRESH_GAP, VAR_REFRESH_CONVERGENCE, VAR_KERNEL_PATH_LENGTH_LINEARISED};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ck_assert_double_eq_tol(number(&kernel, same[i], 0) / number(&tangent, same[i], 0), 1, 1e-8);
    mem_free(tangent.block);
    mem_free(kernel.block);
}
END_TEST

START_TEST(a_learning_rate_of_the_limit_is_that_share_of_it)
{
    struct job job = make_job(10, 30);
    job.training.lr_of_limit = true;
    job.training.momentum = 0.5;
    job.training.weight_decay = 0.01;
    job.stability = STABILITY_ALWAYS;
    struct result result = run(&job, NULL);
    double lambda = *result_f64(&result, VAR_LAMBDA_MAX_INITIAL), eta = *result_f64(&result, VAR_LEARNING_RATE);
    ck_assert_double_eq_tol(eta * (lambda / TRAIN + 0.01) / (2 * 1.5), 0.5, 1e-12);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_double_gt(number(&result, VAR_REFRESH_STABILITY_RATIO, i), 0.1);
        ck_assert_double_lt(number(&result, VAR_REFRESH_STABILITY_RATIO, i), 5);
    }
    /* the probe's own kernel: eta lambda_max / n */
    ck_assert_double_eq_tol(number(&result, VAR_STABILITY, 0),
                            eta * number(&result, VAR_LAMBDA_MAX, 0) / (2 * PROBE), 1e-12);
    mem_free(result.block);
}
END_TEST

START_TEST(the_stability_ratio_is_the_share_of_the_limit_with_decay_and_momentum)
{
    /* steps so small that the refreshes are at theta_0, where the share is what was asked for */
    struct job job = make_job(2, 4);
    job.training.lr_of_limit = true;
    job.training.lr = 1e-9;
    job.training.momentum = 0.5;
    job.training.weight_decay = 1;
    job.stability = STABILITY_ALWAYS;
    job.training.schedule = (struct schedule){.kind = SCHEDULE_STEP, .every = 2, .factor = 0.25};   /* that of the step to come */
    struct result result = run(&job, NULL);
    ck_assert_double_eq_tol(number(&result, VAR_REFRESH_STABILITY_RATIO, 0) / 1e-9, 0.25, 1e-5);
    mem_free(result.block);
}
END_TEST

START_TEST(each_seed_draws_its_own_and_nothing_else)
{
    struct job job = make_job(3, 4);
    job.training.seed_init = 1;
    job.training.seed_data = 2;
    struct seen base = watch(&job, -1);
    job.training.seed_data = 3;
    struct seen data = watch(&job, -1);
    job.training.seed_data = 2;
    job.training.seed_init = 4;
    struct seen init = watch(&job, -1);
    size_t bytes = base.parameters * sizeof(double);
    ck_assert_mem_eq(base.theta_0, data.theta_0, bytes);
    ck_assert_mem_ne(base.rows, data.rows, sizeof base.rows);
    ck_assert_mem_ne(base.theta_0, init.theta_0, bytes);
    ck_assert_mem_eq(base.rows, init.rows, sizeof base.rows);
}
END_TEST

START_TEST(the_peak_of_memory_is_the_job_s_and_not_what_was_before)
{
    struct job job = make_job(3, 4);
    mem_free(mem_alloc(50, 1000000, NULL));
    struct result result = run(&job, NULL);
    ck_assert_double_lt(*result_f64(&result, VAR_MAX_RSS_BYTES), 5e6);
    mem_free(result.block);
}
END_TEST

START_TEST(a_diverged_run_is_a_result_with_a_reason)
{
    struct job job = make_job(INFINITY, 4000);
    job.training.lr = 8;
    job.training.lr_of_limit = true;
    struct seen seen = {.stop_at = -1};
    struct experiment_observer observer = {.context = &seen, .finish = on_finish};
    struct result result = run(&job, &observer);
    int64_t done = *result_i64(&result, VAR_STEPS_DONE);
    char step[32];
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "diverged");
    ck_assert(done > 1 && done < 4000);
    snprintf(step, sizeof step, "step %lld", (long long)done);
    ck_assert_ptr_nonnull(strstr(result_text(&result, VAR_ERROR), step));
    for (int i = 0; i < 12; i++)
        ck_assert(isnan(number(&result, VAR_TRAIN_LOSS + i, 0)));
    ck_assert(number(&result, VAR_CURVE_TRAIN_LOSS, 1) > 0);
    ck_assert_int_eq(result_i64(&result, VAR_STEP)[EVAL - 1], -1);
    ck_assert(isnan(number(&result, VAR_CURVE_TRAIN_LOSS, EVAL - 1)));
    ck_assert(isnan(number(&result, VAR_KERNEL_PATH_LENGTH, 0)));
    ck_assert(isnan(result_f32(&result, VAR_PARAMETER_CHANGE)[0]));
    ck_assert_int_ge(*result_i32(&result, VAR_N_SNAPSHOTS), 1);
    ck_assert(!seen.finished);
    mem_free(result.block);
}
END_TEST

START_TEST(a_diverging_run_whose_stability_ratio_overflows_is_a_result_too)
{
    struct job job = make_job(2, 120);   /* all refreshes are recorded */
    job.training.precision = PRECISION_SINGLE;
    job.network = &relu_network;
    job.training.lr = 8;
    job.training.lr_of_limit = true;
    job.stability = STABILITY_ALWAYS;
    struct result result = run(&job, NULL);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "diverged");
    ck_assert_double_gt(number(&result, VAR_REFRESH_STABILITY_RATIO, 0), 1);
    size_t last = 0;
    while (result_i64(&result, VAR_REFRESH_STEP)[last + 1] >= 0)
        last++;
    ck_assert(isnan(number(&result, VAR_REFRESH_STABILITY_RATIO, last)));
    mem_free(result.block);
}
END_TEST

START_TEST(single_and_double_agree_to_single_precision)
{
    struct job job = make_job(5, 40);
    struct result wide = run(&job, NULL);
    job.training.precision = PRECISION_SINGLE;
    struct result narrow = run(&job, NULL);
    double difference = fabs(number(&wide, VAR_TRAIN_LOSS, 0) - number(&narrow, VAR_TRAIN_LOSS, 0));
    ck_assert(difference > 0);
    ck_assert_double_lt(difference, 1e-5 * number(&wide, VAR_TRAIN_LOSS, 0));
    ck_assert_double_eq_tol(number(&wide, VAR_KERNEL_PATH_LENGTH, 0), number(&narrow, VAR_KERNEL_PATH_LENGTH, 0), 1e-4);
    mem_free(wide.block);
    mem_free(narrow.block);
}
END_TEST

START_TEST(what_is_not_asked_for_is_left_out)
{
    struct job job = make_job(4, 10);
    job.data.validation = 0;
    job.kernels = (struct kernel_spec){.probe = 0, .snapshots = 4, .path_points = 4};
    struct result result = run(&job, NULL);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "completed");
    ck_assert(isnan(number(&result, VAR_VALIDATION_LOSS, 0)) && isnan(number(&result, VAR_VALIDATION_ACCURACY, 0)));
    ck_assert(isfinite(number(&result, VAR_TEST_ACCURACY, 0)));
    ck_assert_int_eq(*result_i32(&result, VAR_N_SNAPSHOTS), 0);
    ck_assert(isnan(number(&result, VAR_KERNEL_PATH_LENGTH, 0)));
    ck_assert(isnan(result_f32(&result, VAR_PARAMETER_CHANGE)[0]));
    ck_assert(isnan(*result_f64(&result, VAR_LAMBDA_MAX_INITIAL)));
    mem_free(result.block);
    job = make_job(4, 10);
    job.kernels.store = KERNEL_STORE_METRICS;
    job.kernels.path_points = 0;
    result = run(&job, NULL);
    ck_assert(isnan(result_f32(&result, VAR_KERNEL)[0]));
    ck_assert(isfinite(number(&result, VAR_KERNEL_TRACE, 0)));
    ck_assert(isnan(number(&result, VAR_KERNEL_PATH_LENGTH, 0)));
    mem_free(result.block);
}
END_TEST

START_TEST(the_same_job_gives_the_same_bits_and_leaves_no_memory)
{
    struct job job = make_job(6, 25);
    size_t before = mem_in_use();
    job.training.batch = 16;
    job.training.momentum = 0.9;
    job.training.lr = 0.02;
    job.training.loss = LOSS_CROSS_ENTROPY;
    job.training.precision = PRECISION_SINGLE;
    struct result first = run(&job, NULL), second = run(&job, NULL);
    /* the peak counts what this process held before, the first result too */
    *result_f64(&second, VAR_MAX_RSS_BYTES) = *result_f64(&first, VAR_MAX_RSS_BYTES);
    ck_assert_uint_eq(result_crc(&first), result_crc(&second));
    ck_assert_double_lt(number(&first, VAR_TRAIN_LOSS, 0), number(&first, VAR_CURVE_TRAIN_LOSS, 0));
    job.training.seed_batch = 1;
    struct result other = run(&job, NULL);
    *result_f64(&other, VAR_MAX_RSS_BYTES) = *result_f64(&first, VAR_MAX_RSS_BYTES);
    ck_assert_uint_ne(result_crc(&first), result_crc(&other));
    mem_free(first.block);
    mem_free(second.block);
    mem_free(other.block);
    ck_assert_uint_eq(mem_in_use(), before);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_test(tests, an_empty_job_is_evaluated_once);
    tcase_add_test(tests, every_score_of_the_end_is_the_last_point_of_its_curve);
    tcase_add_test(tests, k_of_one_is_standard_training_bit_for_bit);
    tcase_add_test(tests, the_record_of_a_refresh_is_what_shorter_runs_say);
    tcase_add_test(tests, at_k_of_one_a_segment_begins_at_the_step_before_its_refresh);
    tcase_add_test(tests, gauss_newton_is_logged_at_every_step_with_its_solves);
    tcase_add_test(tests, the_kernel_engine_gives_the_results_of_the_tangent_engine);
    tcase_add_test(tests, a_learning_rate_of_the_limit_is_that_share_of_it);
    tcase_add_test(tests, the_stability_ratio_is_the_share_of_the_limit_with_decay_and_momentum);
    tcase_add_test(tests, each_seed_draws_its_own_and_nothing_else);
    tcase_add_test(tests, the_peak_of_memory_is_the_job_s_and_not_what_was_before);
    tcase_add_test(tests, a_diverged_run_is_a_result_with_a_reason);
    tcase_add_test(tests, a_diverging_run_whose_stability_ratio_overflows_is_a_result_too);
    tcase_add_test(tests, single_and_double_agree_to_single_precision);
    tcase_add_test(tests, what_is_not_asked_for_is_left_out);
    tcase_add_test(tests, the_same_job_gives_the_same_bits_and_leaves_no_memory);
}

UNIT_MAIN("experiment", add)
