/* Schedules, refreshes and log-spaced steps. */
#include <math.h>
#include <string.h>

#include "train/batches.h"
#include "base/memory.h"
#include "base/text.h"
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

static struct training_spec scheduled(int64_t steps, struct refresh_schedule refresh)
{
    struct training_spec spec = spec_of(steps, INFINITY);
    spec.refresh = refresh;
    return spec;
}

/* The steps that a schedule means, one after the other: due[t] for 0 < t < T. */
static int naive_refreshes(const struct refresh_schedule *r, int64_t T, bool *due)
{
    int count = 0;
    for (int64_t t = 0; t < T; t++)
        due[t] = false;
    for (int64_t i = 0; i < r->count; i++) {
        int64_t t = r->kind == REFRESH_AT ? r->at[i] : r->kind == REFRESH_FIRST ? (i + 1) * r->every : 0;
        if (r->kind == REFRESH_LOG) {
            int64_t n = r->count < T - 1 ? r->count : T - 1, power = (int64_t)pow((double)T, (double)(i + 1) / (double)(n + 1));
            while (pow((double)power + 1, (double)(n + 1)) <= pow((double)T, (double)(i + 1)) * (1 + 1e-9))
                power++;
            t = power > i + 1 ? power : i + 1;
            if (i >= n)
                continue;
            ck_assert_msg(t < T && !due[t], "T = %lld, n = %lld: refresh %lld at step %lld", (long long)T, (long long)n,
                          (long long)i, (long long)t);
        }
        if (t >= T)
            continue;
        due[t] = true;
        count++;
    }
    return count;
}

static void follow(struct refresh_schedule refresh, int64_t T)
{
    static bool due[2000];
    struct training_spec spec = scheduled(T, refresh);
    int count = naive_refreshes(&refresh, T, due), seen = 0;
    ck_assert_double_eq(training_feature_updates(&spec), count);
    ck_assert_double_eq(training_most_updates(&spec), count);
    for (int pass = 0; pass < 2; pass++) {   /* canonicalised it is the same schedule */
        seen = 0;
        for (int64_t t = training_next_refresh(&spec, 0); t < T; t = training_next_refresh(&spec, t)) {
            ck_assert(t > 0 && due[t]);
            seen++;
        }
        ck_assert_int_eq(seen, count);
        training_canonicalise_refresh(&spec);
    }
    ck_assert_double_ge(spec.refresh_period, 1);
    if (spec.refresh.kind == REFRESH_PERIOD)
        ck_assert(count == 0 ? isinf(spec.refresh_period) : ceil((double)T / spec.refresh_period) - 1 == count);
    else
        ck_assert_double_eq(spec.refresh_period, (double)T / (count + 1));
}

START_TEST(a_schedule_refreshes_at_its_steps_before_T_and_counts_them)
{
    const int64_t lengths[] = {0, 1, 2, 3, 7, 10, 64, 100, 101, 1000, 1999};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int64_t n = 0; n < 70; n++)
            follow((struct refresh_schedule){.kind = REFRESH_LOG, .count = n}, lengths[i]);
        for (int64_t m = 0; m < 12; m++)
            for (int64_t k = 1; k < 30; k += 1 + k / 3)
                follow((struct refresh_schedule){.kind = REFRESH_FIRST, .count = m, .every = k}, lengths[i]);
        follow((struct refresh_schedule){.kind = REFRESH_AT}, lengths[i]);
        follow((struct refresh_schedule){.kind = REFRESH_AT, .count = 4, .at = (const int64_t[]){1, 2, 50, 1000}}, lengths[i]);
        follow((struct refresh_schedule){.kind = REFRESH_AT, .count = 2, .at = (const int64_t[]){1, 2}}, lengths[i]);
    }
}
END_TEST

START_TEST(log_spaced_refreshes_have_a_ratio)
{
    struct training_spec spec = scheduled(10000, (struct refresh_schedule){.kind = REFRESH_LOG, .count = 3});
    ck_assert_int_eq(training_next_refresh(&spec, 0), 10);
    ck_assert_int_eq(training_next_refresh(&spec, 10), 100);
    ck_assert_int_eq(training_next_refresh(&spec, 100), 1000);
    ck_assert_int_eq(training_next_refresh(&spec, 1000), 10000);
}
END_TEST

/* steps, schedule -> the period it is, or 0 where it stays itself */
static const struct { int64_t steps; struct refresh_schedule refresh; double period; } same_as[] = {
    {100, {.kind = REFRESH_FIRST, .count = 9, .every = 10}, 10},    /* 10 ... 90: all there are */
    {100, {.kind = REFRESH_FIRST, .count = 8, .every = 10}, 0},
    {100, {.kind = REFRESH_FIRST, .count = 0, .every = 10}, INFINITY},
    {100, {.kind = REFRESH_FIRST, .count = 3, .every = 100}, INFINITY},
    {100, {.kind = REFRESH_FIRST, .count = 99, .every = 1}, 1},
    {100, {.kind = REFRESH_AT}, INFINITY},
    {100, {.kind = REFRESH_AT, .count = 1, .at = (const int64_t[]){100}}, INFINITY},
    {100, {.kind = REFRESH_AT, .count = 2, .at = (const int64_t[]){50, 99}}, 0},
    {3, {.kind = REFRESH_AT, .count = 3, .at = (const int64_t[]){1, 2, 3}}, 1},
    {100, {.kind = REFRESH_LOG}, INFINITY},
    {100, {.kind = REFRESH_LOG, .count = 98}, 0},
    {100, {.kind = REFRESH_LOG, .count = 99}, 1},
    {100, {.kind = REFRESH_GAP, .every = 1, .gap = 0.1}, 0},
    {100, {.kind = REFRESH_GAP, .every = 100, .gap = 0.1}, INFINITY},
};

START_TEST(a_schedule_that_is_a_constant_period_becomes_that)
{
    struct training_spec spec = scheduled(same_as[_i].steps, same_as[_i].refresh);
    training_canonicalise_refresh(&spec);
    ck_assert_int_eq(spec.refresh.kind == REFRESH_PERIOD, same_as[_i].period != 0);
    if (same_as[_i].period != 0)
        ck_assert(spec.refresh_period == same_as[_i].period);
    ck_assert(!isnan(spec.refresh_period));
    ck_assert_int_eq(training_is_exact(&spec), same_as[_i].period == 1);
}
END_TEST

START_TEST(how_often_the_gap_refreshes_is_not_known_before)
{
    struct training_spec spec = scheduled(100, (struct refresh_schedule){.kind = REFRESH_GAP, .every = 10, .gap = 0.1});
    ck_assert(isnan(training_feature_updates(&spec)));
    ck_assert_double_eq(training_most_updates(&spec), 9);
    ck_assert_int_eq(training_next_refresh(&spec, 0), 100);
    spec.steps = 0;
    ck_assert_double_eq(training_feature_updates(&spec), 0);
}
END_TEST

START_TEST(labels_name_the_schedule)
{
    const struct { struct refresh_schedule refresh; const char *label; } cases[] = {
        {{.kind = REFRESH_PERIOD}, "constant"},
        {{.kind = REFRESH_AT, .count = 2, .at = (const int64_t[]){100, 300}}, "at=100,300"},
        {{.kind = REFRESH_LOG, .count = 10}, "log=10"},
        {{.kind = REFRESH_FIRST, .count = 3, .every = 100}, "first=3/100"},
        {{.kind = REFRESH_GAP, .every = 1, .gap = 0.1}, "gap=0.1"},
        {{.kind = REFRESH_GAP, .every = 20, .gap = 0.05}, "gap=0.05/20"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct training_spec spec = scheduled(1000, cases[i].refresh);
        struct text label = {0};
        training_refresh_label(&spec, &label);
        ck_assert_str_eq(label.chars, cases[i].label);
        text_free(&label);
    }
}
END_TEST

START_TEST(only_the_tangent_engine_can_look_at_the_gap)
{
    struct training_spec spec = scheduled(100, (struct refresh_schedule){.kind = REFRESH_GAP, .every = 10, .gap = 0.1});
    ck_assert_ptr_null(training_engine_refusal(&spec, ENGINE_TANGENT));
    ck_assert_ptr_nonnull(strstr(training_engine_refusal(&spec, ENGINE_KERNEL), "gap"));
    ck_assert_ptr_nonnull(strstr(training_engine_refusal(&spec, ENGINE_FILTER), "gap"));
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
    spec.refresh = (struct refresh_schedule){.kind = REFRESH_GAP, .every = 1, .gap = 0.1};
    ck_assert(!training_caches(&spec, 100));            /* each step may be a segment */
    spec.refresh.every = 15;
    ck_assert(training_caches(&spec, 100));
    spec.refresh = (struct refresh_schedule){.kind = REFRESH_LOG, .count = 9};
    spec.refresh_period = 100;
    ck_assert(training_caches(&spec, 100));             /* 1000 rows a segment on average */
    spec.refresh = (struct refresh_schedule){.kind = REFRESH_PERIOD};
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
    tcase_add_test(tests, a_schedule_refreshes_at_its_steps_before_T_and_counts_them);
    tcase_add_test(tests, log_spaced_refreshes_have_a_ratio);
    tcase_add_loop_test(tests, a_schedule_that_is_a_constant_period_becomes_that, 0, (int)(sizeof same_as / sizeof *same_as));
    tcase_add_test(tests, how_often_the_gap_refreshes_is_not_known_before);
    tcase_add_test(tests, labels_name_the_schedule);
    tcase_add_test(tests, only_the_tangent_engine_can_look_at_the_gap);
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
