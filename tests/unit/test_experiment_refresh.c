/* Whole jobs on every refresh schedule: what is counted and logged. */
#include "experiment_frame.h"
#include "train/trainer.h"

enum { T = 40 };

static struct job scheduled(struct refresh_schedule refresh, int64_t steps)
{
    struct job job = make_job(INFINITY, steps);
    job.training.refresh = refresh;
    training_canonicalise_refresh(&job.training);
    return job;
}

static const struct { struct refresh_schedule refresh; int64_t step[8]; int n; } cases[] = {
    {{.kind = REFRESH_AT, .count = 3, .at = (const int64_t[]){3, 10, 33}}, {3, 10, 33}, 3},
    {{.kind = REFRESH_LOG, .count = 3}, {2, 6, 15}, 3},                        /* 40^(i/4), rounded down */
    {{.kind = REFRESH_FIRST, .count = 2, .every = 7}, {7, 14}, 2},
    {{.kind = REFRESH_GAP, .every = 1, .gap = 1e6}, {0}, 0},
};

START_TEST(refreshes_are_counted_and_logged_at_their_steps)
{
    struct job job = scheduled(cases[_i].refresh, T);
    struct result result = run(&job, NULL);
    ck_assert_int_eq(*result_i64(&result, VAR_REFRESHES_DONE), cases[_i].n);
    for (int i = 0; i < cases[_i].n; i++) {
        ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[i], cases[_i].step[i]);
        ck_assert(isfinite(number(&result, VAR_REFRESH_GAP, (size_t)i)));
    }
    ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[cases[_i].n], -1);
    mem_free(result.block);
}
END_TEST

START_TEST(refreshes_of_ordinary_and_constant_training_are_counted)
{
    const double periods[] = {1, 7, INFINITY};
    for (int i = 0; i < 3; i++) {
        struct job job = make_job(periods[i], T);
        struct result result = run(&job, NULL);
        ck_assert_int_eq(*result_i64(&result, VAR_REFRESHES_DONE), (int64_t)training_feature_updates(&job.training));
        mem_free(result.block);
    }
}
END_TEST

/* Full batch: the gap that decides is the gap that is logged. */
START_TEST(the_gap_refreshes_where_the_logged_gap_passes_the_tolerance_and_not_before)
{
    const double tolerance = 0.05;
    const int64_t every = _i ? 5 : 1;
    struct job job = scheduled((struct refresh_schedule){.kind = REFRESH_GAP, .every = every, .gap = tolerance}, T);
    struct result result = run(&job, NULL);
    int64_t n = *result_i64(&result, VAR_REFRESHES_DONE), last = 0;
    ck_assert_int_gt(n, 1);
    ck_assert_int_lt(n, T / every);
    for (int64_t i = 0; i < n; i++) {   /* the most there can be is less than 64: all are logged */
        int64_t step = result_i64(&result, VAR_REFRESH_STEP)[i];
        ck_assert_int_eq((step - last) % every, 0);
        ck_assert_double_gt(number(&result, VAR_REFRESH_GAP, (size_t)i), tolerance);
        last = step;
    }
    ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[n], -1);
    /* the same refreshes from a list give the same run; one look earlier the gap was within the tolerance */
    struct refresh_schedule list = {.kind = REFRESH_AT, .count = n, .at = result_i64(&result, VAR_REFRESH_STEP)};
    job = scheduled(list, T);
    struct result listed = run(&job, NULL);
    ck_assert(number(&listed, VAR_TRAIN_LOSS, 0) == number(&result, VAR_TRAIN_LOSS, 0));
    ck_assert(number(&listed, VAR_REFRESH_GAP, 0) == number(&result, VAR_REFRESH_GAP, 0));
    mem_free(listed.block);
    const int64_t earlier = list.at[0] - every;
    if (earlier > 0) {
        list.at = &earlier;
        list.count = 1;
        job = scheduled(list, T);
        listed = run(&job, NULL);
        ck_assert_double_le(number(&listed, VAR_REFRESH_GAP, 0), tolerance);
        mem_free(listed.block);
    }
    mem_free(result.block);
}
END_TEST

START_TEST(many_refreshes_by_the_gap_are_logged_log_spaced_in_their_number)
{
    enum { LONG = 400 };
    int64_t numbers[REFRESH], n = training_log_steps(LONG - 2, REFRESH, numbers);   /* of up to T - 1 refreshes */
    struct job job = scheduled((struct refresh_schedule){.kind = REFRESH_GAP, .every = 1, .gap = 1e-12}, LONG);
    struct result result = run(&job, NULL);
    ck_assert_int_eq(*result_i64(&result, VAR_REFRESHES_DONE), LONG - 1);
    for (int64_t i = 0; i < n; i++)   /* refresh number k is at step k + 1 */
        ck_assert_int_eq(result_i64(&result, VAR_REFRESH_STEP)[i], numbers[i] + 1);
    mem_free(result.block);
}
END_TEST

START_TEST(a_run_that_diverges_counts_the_refreshes_until_then)
{
    struct job job = scheduled((struct refresh_schedule){.kind = REFRESH_FIRST, .count = 2, .every = 2}, 2000);
    job.training.lr = 1e12;
    struct result result = run(&job, NULL);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "diverged");
    ck_assert_int_le(*result_i64(&result, VAR_REFRESHES_DONE), 2);
    ck_assert_int_eq(*result_i64(&result, VAR_REFRESHES_DONE), *result_i64(&result, VAR_STEPS_DONE) > 4 ? 2
                                                               : *result_i64(&result, VAR_STEPS_DONE) > 2);
    mem_free(result.block);
}
END_TEST

/* Full batch: 500 steps are long enough for a Lanczos run. */
START_TEST(the_stability_ratio_is_measured_of_itself_after_long_segments_only)
{
    struct job job = scheduled((struct refresh_schedule){.kind = REFRESH_AT, .count = 3, .at = (const int64_t[]){10, 510, 1009}}, 1020);
    const bool expected[] = {false, true, false};
    job.stability = STABILITY_AUTO;
    struct result result = run(&job, NULL);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(!isnan(number(&result, VAR_REFRESH_STABILITY_RATIO, i)), expected[i]);
    job.stability = STABILITY_ALWAYS;
    struct result always = run(&job, NULL);
    ck_assert(number(&always, VAR_REFRESH_STABILITY_RATIO, 1) == number(&result, VAR_REFRESH_STABILITY_RATIO, 1));
    ck_assert(!isnan(number(&always, VAR_REFRESH_STABILITY_RATIO, 0)));
    job.stability = STABILITY_NEVER;
    struct result never = run(&job, NULL);
    ck_assert(isnan(number(&never, VAR_REFRESH_STABILITY_RATIO, 1)));
    mem_free(result.block);
    mem_free(always.block);
    mem_free(never.block);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_loop_test(tests, refreshes_are_counted_and_logged_at_their_steps, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tests, refreshes_of_ordinary_and_constant_training_are_counted);
    tcase_add_loop_test(tests, the_gap_refreshes_where_the_logged_gap_passes_the_tolerance_and_not_before, 0, 2);
    tcase_add_test(tests, many_refreshes_by_the_gap_are_logged_log_spaced_in_their_number);
    tcase_add_test(tests, a_run_that_diverges_counts_the_refreshes_until_then);
    tcase_add_test(tests, the_stability_ratio_is_measured_of_itself_after_long_segments_only);
}

UNIT_MAIN("experiment refreshes", add)
