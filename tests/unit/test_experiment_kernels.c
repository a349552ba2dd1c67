/* Whole jobs, checked from outside: the kernels along a run, and what an observer sees. */
#include "data/gather.h"
#include "experiment_frame.h"
#include "math/eigen.h"
#include "kernel_once.h"
#include "ntk/metrics.h"

START_TEST(features_that_are_never_updated_keep_their_kernel)
{
    struct job job = make_job(INFINITY, 50);
    struct result result = run(&job, NULL);
    ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[0], -1);
    ck_assert_int_eq(*result_i32(&result, VAR_N_SNAPSHOTS), 4);
    for (size_t s = 0; s < 4; s++) {
        ck_assert(number(&result, VAR_KERNEL_DISTANCE_LINEARISED, s) == 0);
        ck_assert(s == 0 || number(&result, VAR_KERNEL_DISTANCE, s) > 0);
        ck_assert(s == 0 || number(&result, VAR_KERNEL_DISTANCE_PREVIOUS_LINEARISED, s) == 0);
        ck_assert_double_eq_tol(number(&result, VAR_CKA_LINEARISED, s), 1, 1e-14);
    }
    ck_assert(number(&result, VAR_KERNEL_PATH_LENGTH_LINEARISED, 0) == 0);
    ck_assert_double_gt(number(&result, VAR_KERNEL_PATH_LENGTH, 0), 0);
    ck_assert_double_eq_tol(number(&result, VAR_KERNEL_VELOCITY, 3),
                            number(&result, VAR_KERNEL_DISTANCE_PREVIOUS, 3)
                                / (double)(result_i64(&result, VAR_SNAPSHOT_STEP)[3]
                                           - result_i64(&result, VAR_SNAPSHOT_STEP)[2]), 1e-15);
    mem_free(result.block);
}
END_TEST

START_TEST(the_linear_model_s_kernel_is_that_of_the_network_at_the_last_refresh)
{
    /* a snapshot every step: the kernel at theta_s of step t is the network's at the segment's start */
    struct job job = make_job(3, 7);
    job.kernels.snapshots = job.kernels.path_points = 8;
    struct result result = run(&job, NULL);
    static const size_t start[8] = {0, 0, 0, 0, 3, 3, 3, 6};   /* read-outs come before the refresh due */
    double path = 0;
    ck_assert_int_eq(*result_i32(&result, VAR_N_SNAPSHOTS), 8);
    for (size_t t = 0; t < 8; t++) {
        ck_assert_int_eq(result_i64(&result, VAR_SNAPSHOT_STEP)[t], (int64_t)t);
        ck_assert(number(&result, VAR_KERNEL_TRACE_LINEARISED, t) == number(&result, VAR_KERNEL_TRACE, start[t]));
        ck_assert(number(&result, VAR_TARGET_ALIGNMENT_TEST_LINEARISED, t)
                  == number(&result, VAR_TARGET_ALIGNMENT_TEST, start[t]));
        for (size_t l = 0; l < 3; l++)
            ck_assert(number(&result, VAR_LAYER_KERNEL_DISTANCE_LINEARISED, t * LAYER + l)
                      == number(&result, VAR_LAYER_KERNEL_DISTANCE, start[t] * LAYER + l));
        for (size_t i = 0; i < 2 * PROBE; i++)
            ck_assert(number(&result, VAR_EIGENVALUES_LINEARISED, t * EIGENVALUE + i)
                      == number(&result, VAR_EIGENVALUES, start[t] * EIGENVALUE + i));
        ck_assert(isnan(number(&result, VAR_EIGENVALUES, t * EIGENVALUE + 2 * PROBE)));
        ck_assert(isnan(number(&result, VAR_LAYER_TRACE_SHARE, t * LAYER + 3)));
        path += t > 0 ? number(&result, VAR_KERNEL_DISTANCE_PREVIOUS, t) : 0;
    }
    ck_assert_double_eq_tol(number(&result, VAR_KERNEL_PATH_LENGTH, 0), path, 1e-14);
    mem_free(result.block);
}
END_TEST

START_TEST(the_path_length_does_not_depend_on_the_number_of_snapshots)
{
    struct job job = make_job(4, 60);
    struct result few = run(&job, NULL);
    job.kernels.snapshots = 7;
    struct result many = run(&job, NULL);
    job.kernels.snapshots = 0;
    struct result none = run(&job, NULL);
    for (enum variable_id id = VAR_KERNEL_PATH_LENGTH; id <= VAR_KERNEL_PATH_LENGTH_LINEARISED; id++) {
        ck_assert_double_gt(number(&few, id, 0), 0);
        ck_assert(number(&few, id, 0) == number(&many, id, 0));
        ck_assert(number(&few, id, 0) == number(&none, id, 0));
    }
    ck_assert_int_eq(*result_i32(&none, VAR_N_SNAPSHOTS), 0);
    mem_free(few.block);
    mem_free(many.block);
    mem_free(none.block);
}
END_TEST

START_TEST(a_network_that_breaks_at_the_last_step_is_diverged_and_no_error)
{
    struct job job = make_job(1, 1);   /* one step so long that nothing after it is finite */
    job.network = &relu_network;
    job.training.lr = 1e200;
    struct result result = run(&job, NULL);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "diverged");
    ck_assert(isnan(*result_f64(&result, VAR_TRAIN_LOSS)));
    ck_assert_int_eq(*result_i32(&result, VAR_N_SNAPSHOTS), 1);
    ck_assert_int_eq(result_i64(&result, VAR_SNAPSHOT_STEP)[1], -1);
    mem_free(result.block);
}
END_TEST

START_TEST(every_number_of_a_snapshot_is_that_of_its_kernel)
{
    enum { PROBED = 2 * PROBE, LAST = 3 };
    struct job job = make_job(4, 30);
    struct seen seen = watch(&job, -1);
    struct result result = run(&job, NULL);
    struct split split;
    const double *k = seen.last_kernel, *k0 = seen.first_kernel;
    double y[PROBED * OUTPUTS], targets[PROBED * OUTPUTS], gram[PROBE * PROBE], values[PROBED];
    double vectors[PROBED * PROBED], copy[PROBED * PROBED], initial[PROBED * PROBED], energy[PROBED];
    ck_assert_int_eq(split_draw(&split, &set, &job.data, job.training.seed_data, PROBE, &err), 0);
    gather_targets(&split, PART_PROBE, NULL, 0, PROBED, y);
    ck_assert_double_eq_tol(number(&result, VAR_KERNEL_TRACE, LAST), metric_trace(PROBED, k), 1e-12);
    ck_assert(number(&result, VAR_KERNEL_DISTANCE, LAST) == metric_kernel_distance(PROBED, k, k0));
    ck_assert(number(&result, VAR_RELATIVE_CHANGE, LAST) == metric_relative_change(PROBED, k, k0));
    ck_assert(number(&result, VAR_TRACE_RATIO, LAST) == metric_trace(PROBED, k) / metric_trace(PROBED, k0));
    ck_assert(number(&result, VAR_EFFECTIVE_RANK, LAST) == metric_effective_rank(PROBED, k));
    metric_centre(PROBED, k, PROBED, copy);
    metric_centre(PROBED, k0, PROBED, initial);
    ck_assert(number(&result, VAR_CKA, LAST) == metric_cosine(PROBED, copy, initial));
    for (int half = 0; half < 2; half++) {
        metric_centre(PROBE, k + half * (PROBE * PROBED + PROBE), PROBED, copy);
        metric_centre_targets(PROBE, OUTPUTS, y + half * PROBE * OUTPUTS, targets);
        metric_target_gram(PROBE, OUTPUTS, targets, gram);
        ck_assert_double_eq_tol(number(&result, half ? VAR_TARGET_ALIGNMENT_TEST : VAR_TARGET_ALIGNMENT_TRAIN, LAST),
                                metric_cosine(PROBE, copy, gram), 1e-14);
    }
    memcpy(copy, k, sizeof copy);
    ck_assert_int_eq(eigen_symmetric(PROBED, copy, values, vectors, &err), 0);
    metric_centre_targets(PROBED, OUTPUTS, y, targets);
    metric_target_energy(PROBED, vectors, OUTPUTS, targets, energy);
    ck_assert(number(&result, VAR_LAMBDA_MAX, LAST) == values[PROBED - 1]);
    ck_assert_double_eq_tol(number(&result, VAR_CONDITION_NUMBER, LAST) / metric_condition_number(PROBED, values), 1, 1e-9);
    ck_assert_double_eq_tol(number(&result, VAR_ENTROPY_RANK, LAST), metric_entropy_rank(PROBED, values), 1e-12);
    for (size_t i = 0; i < PROBED; i++) {
        ck_assert(number(&result, VAR_EIGENVALUES, LAST * EIGENVALUE + i) == values[PROBED - 1 - i]);
        ck_assert_double_eq_tol(number(&result, VAR_TARGET_ENERGY, LAST * EIGENVALUE + i), energy[i], 1e-12);
    }
    split_free(&split);
    mem_free(result.block);
}
END_TEST

START_TEST(a_path_point_before_a_snapshot_does_not_take_numbers_from_it)
{
    /* long segments: the kernel at theta_s is often known from a path point, without its numbers */
    struct job job = make_job(25, 60);
    job.kernels.path_points = 12;
    struct result both = run(&job, NULL);
    job.kernels.path_points = 0;
    struct result alone = run(&job, NULL);
    ck_assert_int_eq(*result_i32(&both, VAR_N_SNAPSHOTS), 4);
    for (enum variable_id id = VAR_KERNEL_TRACE; id <= VAR_LAYER_TARGET_ALIGNMENT_LINEARISED; id++)
        ck_assert_mem_eq(result_f64(&both, id), result_f64(&alone, id),
                         result_count(&both.layout, id) * sizeof(double));
    ck_assert_double_gt(number(&both, VAR_KERNEL_DISTANCE_LINEARISED, 3), 0);
    mem_free(both.block);
    mem_free(alone.block);
}
END_TEST

START_TEST(the_stability_of_a_snapshot_uses_the_rate_of_its_step)
{
    struct job job = make_job(4, 10);
    job.training.schedule = (struct schedule){.kind = SCHEDULE_COSINE, .final = 0.1};
    struct result result = run(&job, NULL);
    for (size_t s = 0; s < 4; s++) {
        int64_t step = result_i64(&result, VAR_SNAPSHOT_STEP)[s];
        double eta = training_lr(&job.training, 0.5, step < 10 ? step : 9);   /* none is taken at T */
        ck_assert_double_eq_tol(number(&result, VAR_STABILITY, s),
                                eta * number(&result, VAR_LAMBDA_MAX, s) / (2 * PROBE), 1e-12);
    }
    mem_free(result.block);
}
END_TEST

START_TEST(an_observer_sees_every_step_and_the_end)
{
    struct job job = make_job(4, 10);
    struct seen seen = watch(&job, 6);
    struct result result = run(&job, NULL);
    ck_assert(seen.started && seen.finished);
    ck_assert_int_eq(seen.steps, 10);
    ck_assert_int_eq(seen.refreshes, 3);     /* steps 0, 4 and 8 */
    ck_assert_int_eq(seen.layers, 1);
    ck_assert_uint_eq(seen.boundaries, 6);
    ck_assert_int_eq(seen.snapshots, 4);
    for (size_t t = 0; t < 10; t++)   /* after a refresh the model is the network; the curve is before it */
        ck_assert_double_eq_tol(seen.loss[t], number(&result, t == 4 || t == 8 ? VAR_CURVE_TRAIN_LOSS_NETWORK
                                                                               : VAR_CURVE_TRAIN_LOSS, t), 1e-13);
    for (size_t i = 0; i < seen.parameters && i < PARAMETER; i++)
        ck_assert(result_f32(&result, VAR_PARAMETER_CHANGE)[i] == (float)(seen.theta[i] - seen.theta_0[i]));
    ck_assert(distance(seen.parameters, seen.theta, seen.theta_at) > 0);
    ck_assert(distance(seen.parameters, seen.theta_0, seen.theta_at) > 0);
    for (size_t i = 0; i < 2 * PROBE; i++)   /* the last snapshot, in the corner of the file's room */
        ck_assert(result_f32(&result, VAR_KERNEL)[(3 * PROBE_ROOM + i) * PROBE_ROOM]
                  == (float)seen.last_kernel[i * 2 * PROBE]);
    ck_assert(isnan(result_f32(&result, VAR_KERNEL)[2 * PROBE]));
    mem_free(result.block);
}
END_TEST

START_TEST(the_kernels_are_those_of_the_parameters_seen_in_either_precision)
{
    for (int p = 0; p < 2; p++) {
        struct job job = make_job(4, 10);
        job.training.precision = p ? PRECISION_DOUBLE : PRECISION_SINGLE;
        struct seen seen = watch(&job, -1);
        struct network *net = network_create(job.network, image_flat(5), OUTPUTS, &err);
        struct split split;
        double x[2 * PROBE * 5], kernel[4 * PROBE * PROBE];
        ck_assert_int_eq(split_draw(&split, &set, &job.data, job.training.seed_data, PROBE, &err), 0);
        gather_inputs(&split, PART_PROBE, NULL, 0, 2 * PROBE, x);
        kernel_once(net, KERNEL_TRACE, 0, seen.theta_0, x, 2 * PROBE, kernel, NULL, NULL);
        ck_assert_mem_eq(kernel, seen.first_kernel, sizeof kernel);
        kernel_once(net, KERNEL_TRACE, 0, seen.theta, x, 2 * PROBE, kernel, NULL, NULL);
        ck_assert_mem_eq(kernel, seen.last_kernel, sizeof kernel);
        split_free(&split);
        network_destroy(net);
    }
}
END_TEST

START_TEST(an_observer_can_end_a_run_quietly_or_as_an_error)
{
    struct job job = make_job(4, 10);
    struct seen seen = {.stop_at = 2, .stop_with = 1};
    volatile int64_t steps_done = 0;
    struct experiment_observer observer = {.context = &seen, .start = on_start, .step = on_step,
                                           .steps_done = &steps_done};
    struct result result = run(&job, &observer);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "stopped");
    ck_assert_int_eq(*result_i64(&result, VAR_STEPS_DONE), 3);
    ck_assert_int_eq(steps_done, 3);
    mem_free(result.block);
    seen = (struct seen){.stop_at = 2, .stop_with = -1};
    result = make_result();
    ck_assert_int_eq(experiment_run(&job, &set, &result, &observer, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "observer"));
    mem_free(result.block);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_test(tests, features_that_are_never_updated_keep_their_kernel);
    tcase_add_test(tests, the_linear_model_s_kernel_is_that_of_the_network_at_the_last_refresh);
    tcase_add_test(tests, the_path_length_does_not_depend_on_the_number_of_snapshots);
    tcase_add_test(tests, a_network_that_breaks_at_the_last_step_is_diverged_and_no_error);
    tcase_add_test(tests, every_number_of_a_snapshot_is_that_of_its_kernel);
    tcase_add_test(tests, a_path_point_before_a_snapshot_does_not_take_numbers_from_it);
    tcase_add_test(tests, the_stability_of_a_snapshot_uses_the_rate_of_its_step);
    tcase_add_test(tests, an_observer_sees_every_step_and_the_end);
    tcase_add_test(tests, the_kernels_are_those_of_the_parameters_seen_in_either_precision);
    tcase_add_test(tests, an_observer_can_end_a_run_quietly_or_as_an_error);
}

UNIT_MAIN("experiment kernels", add)
