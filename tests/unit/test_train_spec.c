/* Schedules, refreshes and log-spaced steps. */
#include <math.h>

#include "train/batches.h"
#include "base/memory.h"
#include "train/spec.h"
#include "unit.h"

static struct training_spec spec_of(int64_t steps, double period)
{
    return (struct training_spec){.trainer = TRAINER_LINEARISED, .steps = steps, .refresh_period = period,
                                  .schedule = {.every = 1, .factor = 1}};
}

START_TEST(feature_updates_are_as_many_as_refreshes_due)
{
    const int64_t lengths[] = {0, 1, 2, 7, 10, 100};
    const double periods[] = {1, 2, 3, 9, 10, 11, 100, 1000, INFINITY};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t j = 0; j < sizeof periods / sizeof *periods; j++) {
            struct training_spec spec = spec_of(lengths[i], periods[j]);
            int due = 0;
            for (int64_t t = training_next_refresh(&spec, 0); t < lengths[i]; t = training_next_refresh(&spec, t)) {
                ck_assert_int_eq(t % (int64_t)periods[j], 0);
                due++;
            }
            ck_assert_double_eq(training_feature_updates(&spec), due);
        }
    struct training_spec spec = spec_of(10, 4);
    ck_assert_double_eq(training_feature_updates(&spec), 2);   /* ceil(10/4) - 1 */
    ck_assert_int_eq(training_next_refresh(&spec, 0), 4);
    ck_assert_int_eq(training_next_refresh(&spec, 3), 4);
    ck_assert_int_eq(training_next_refresh(&spec, 4), 8);
    ck_assert_int_eq(training_next_refresh(&spec, 8), 10);   /* T: none before it */
}
END_TEST

START_TEST(every_step_of_gauss_newton_is_a_feature_update)
{
    static const double tied_to[] = {1, 3, 100, INFINITY};
    for (int64_t steps = 0; steps < 5; steps++)
        for (size_t k = 0; k < 4; k++) {
            struct training_spec spec = spec_of(steps, tied_to[k]);
            spec.trainer = TRAINER_GAUSS_NEWTON;
            ck_assert_double_eq(training_feature_updates(&spec), steps > 0 ? (double)steps - 1 : 0);
            for (int64_t t = 0; t < steps; t++)
                ck_assert_int_eq(training_next_refresh(&spec, t), t + 1);
            ck_assert(training_is_exact(&spec) && !training_caches(&spec, 10));
        }
    ck_assert_str_eq(training_trainer_name(TRAINER_STANDARD), "standard");
    ck_assert_str_eq(training_trainer_name(TRAINER_LINEARISED), "linearised");
    ck_assert_str_eq(training_trainer_name(TRAINER_GAUSS_NEWTON), "gauss-newton");
}
END_TEST

START_TEST(damping_is_given_or_tied_to_a_segment)
{
    struct training_spec spec = spec_of(10, 50);
    spec.trainer = TRAINER_GAUSS_NEWTON;
    spec.damping = 0.25;
    spec.momentum = 0.9;
    ck_assert_double_eq(training_damping(&spec, 0.1, 1000), 0.25);
    ck_assert(!training_has_eta(&spec));
    spec.damping = NAN;
    ck_assert_double_eq_tol(training_damping(&spec, 0.1, 1000), 1000 * 0.1 / (0.1 * 50), 1e-12);
    ck_assert(training_has_eta(&spec));
    spec.refresh_period = INFINITY;
    ck_assert_double_eq(training_damping(&spec, 0.1, 1000), 0);
    spec.trainer = TRAINER_LINEARISED;
    spec.damping = 0.25;
    ck_assert(training_has_eta(&spec));
}
END_TEST

START_TEST(a_constant_rate_is_constant)
{
    struct training_spec spec = spec_of(100, 1);
    ck_assert_double_eq(training_lr(&spec, 0.3, 0), 0.3);
    ck_assert_double_eq(training_lr(&spec, 0.3, 99), 0.3);
}
END_TEST

START_TEST(a_step_schedule_multiplies_every_so_often)
{
    struct training_spec spec = spec_of(100, 1);
    spec.schedule = (struct schedule){.kind = SCHEDULE_STEP, .every = 10, .factor = 0.5};
    ck_assert_double_eq(training_lr(&spec, 8, 9), 8);
    ck_assert_double_eq(training_lr(&spec, 8, 10), 4);
    ck_assert_double_eq(training_lr(&spec, 8, 39), 1);
}
END_TEST

START_TEST(a_cosine_schedule_falls_to_its_final_fraction)
{
    struct training_spec spec = spec_of(100, 1);
    spec.schedule = (struct schedule){.kind = SCHEDULE_COSINE, .final = 0.2};
    ck_assert_double_eq(training_lr(&spec, 2, 0), 2);
    ck_assert_double_eq_tol(training_lr(&spec, 2, 50), 2 * 0.6, 1e-12);
    ck_assert_double_eq_tol(training_lr(&spec, 2, 100), 2 * 0.2, 1e-12);
}
END_TEST

START_TEST(warm_up_is_linear_and_multiplies_the_schedule)
{
    struct training_spec spec = spec_of(100, 1);
    spec.schedule = (struct schedule){.kind = SCHEDULE_STEP, .every = 2, .factor = 0.5, .warmup = 4};
    ck_assert_double_eq(training_lr(&spec, 1, 0), 0.25);
    ck_assert_double_eq(training_lr(&spec, 1, 2), 0.75 * 0.5);
    ck_assert_double_eq(training_lr(&spec, 1, 4), 0.25);
}
END_TEST

START_TEST(log_steps_increase_from_0_to_the_last)
{
    for (int64_t last = 0; last < 300; last += 1 + last / 7)
        for (int64_t count = 1; count < 40; count++) {
            int64_t steps[40], n = training_log_steps(last, count, steps);
            ck_assert_int_le(n, count);
            ck_assert_int_eq(n, count == 1 ? 1 : count < last + 1 ? count : last + 1);
            ck_assert_int_eq(steps[0], 0);
            for (int64_t i = 1; i < n; i++)
                ck_assert_int_gt(steps[i], steps[i - 1]);
            if (count > 1)
                ck_assert_int_eq(steps[n - 1], last);
        }
}
END_TEST

START_TEST(log_steps_are_spaced_by_a_ratio)
{
    int64_t steps[8], expected[] = {0, 1, 10, 100, 1000, 10000};
    ck_assert_int_eq(training_log_steps(10000, 6, steps), 6);
    ck_assert_mem_eq(steps, expected, sizeof expected);
}
END_TEST

START_TEST(activations_are_cached_where_a_segment_pays_for_it)
{
    struct training_spec spec = spec_of(1000, 1);
    ck_assert(!training_caches(&spec, 100));            /* K = 1 never: identity with SGD */
    spec.refresh_period = 2;
    ck_assert(training_caches(&spec, 100));             /* full batch: one forward serves the segment */
    spec.batch = 10;
    ck_assert(!training_caches(&spec, 100));            /* 20 rows against 100 */
    spec.refresh_period = INFINITY;
    ck_assert(training_caches(&spec, 100));
    spec.steps = 2;
    ck_assert(!training_caches(&spec, 100));            /* a segment cannot be longer than the run */
    spec.steps = 1000;
    spec.trainer = TRAINER_STANDARD;
    ck_assert(!training_caches(&spec, 100));
}
END_TEST

START_TEST(a_batch_depends_on_its_step_alone)
{
    struct batches forth, back;
    size_t first[10][4], n;
    ck_assert_int_eq(batches_create(&forth, 10, 4, 7, NULL), 0);
    ck_assert_int_eq(batches_create(&back, 10, 4, 7, NULL), 0);
    for (int64_t t = 0; t < 10; t++) {
        const size_t *batch = batches_at(&forth, t, &n);
        ck_assert_uint_eq(n, t % 3 == 2 ? 2 : 4);
        for (size_t i = 0; i < n; i++)
            first[t][i] = batch[i];
    }
    for (int64_t t = 9; t >= 0; t--)
        ck_assert_mem_eq(batches_at(&back, t, &n), first[t], sizeof(size_t) * (t % 3 == 2 ? 2 : 4));
    mem_free(forth.order);
    mem_free(back.order);
    ck_assert_int_eq(batches_create(&forth, 10, 10, 7, NULL), 0);
    ck_assert_ptr_null(batches_at(&forth, 3, &n));
    ck_assert_uint_eq(n, 10);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, feature_updates_are_as_many_as_refreshes_due);
    tcase_add_test(tests, every_step_of_gauss_newton_is_a_feature_update);
    tcase_add_test(tests, damping_is_given_or_tied_to_a_segment);
    tcase_add_test(tests, a_constant_rate_is_constant);
    tcase_add_test(tests, a_step_schedule_multiplies_every_so_often);
    tcase_add_test(tests, a_cosine_schedule_falls_to_its_final_fraction);
    tcase_add_test(tests, warm_up_is_linear_and_multiplies_the_schedule);
    tcase_add_test(tests, log_steps_increase_from_0_to_the_last);
    tcase_add_test(tests, log_steps_are_spaced_by_a_ratio);
    tcase_add_test(tests, activations_are_cached_where_a_segment_pays_for_it);
    tcase_add_test(tests, a_batch_depends_on_its_step_alone);
}

UNIT_MAIN("training specification", add)
