#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "plan/lessons.h"
#include "plan/quantile.h"
#include "plan/record.h"
#include "plan/study.h"
#include "unit.h"

/* --- lessons ------------------------------------------------------------------------ */

static void teach(struct lessons *l, const char *architecture, const char *engine, double formula, double seconds)
{
    ck_assert_int_eq(lessons_add(l, architecture, engine, 1, formula, seconds, 1.1, NULL), 0);
}

START_TEST(factor_and_spread_are_those_of_the_jobs)
{
    struct lessons l = {0};
    struct lesson lesson;
    struct random random;
    random_start(&random, 1, RANDOM_TEST, 0);
    for (int i = 0; i < 2000; i++)
        teach(&l, "mlp", "tangent", 2, 6 * exp(0.3 * random_normal(&random) - 0.045));
    ck_assert_int_eq(lessons_end(&l, NULL), 0);
    ck_assert_int_eq(lessons_find(&l, "mlp", "tangent", 1, 2, &lesson), LESSON_CELL);
    ck_assert_uint_eq(lesson.jobs, 2000);
    ck_assert_double_eq_tol(lesson.factor, 3, 0.06);
    ck_assert_double_eq_tol(lesson.spread, 0.3, 0.02);
    ck_assert_double_eq_tol(lesson.bytes_factor, 1.1, 1e-9);
    ck_assert_double_eq_tol(lesson.bytes_spread, 0, 1e-6);
    lessons_free(&l);
}
END_TEST

START_TEST(of_a_job_the_narrowest_lesson_counts_that_enough_jobs_speak_for)
{
    struct lessons l = {0};
    struct lesson lesson;
    for (int i = 0; i < 3; i++) {
        teach(&l, "a", "tangent", 1, 2);
        teach(&l, "a", "kernel", 1, 8);
    }
    for (int i = 0; i < 2; i++)
        teach(&l, "a", "tangent", 10, 30);
    teach(&l, "b", "tangent", 1, 4);
    ck_assert_int_eq(lessons_end(&l, NULL), 0);
    ck_assert_int_eq(lessons_find(&l, "a", "tangent", 1, 1, &lesson), LESSON_CELL);
    ck_assert_double_eq_tol(lesson.factor, 2, 1e-12);
    ck_assert_double_eq_tol(lesson.spread, 0, 1e-6);
    ck_assert_int_eq(lessons_find(&l, "a", "tangent", 1, 10, &lesson), LESSON_NETWORK);
    ck_assert_uint_eq(lesson.jobs, 5);
    ck_assert_double_eq_tol(lesson.factor, 66.0 / 23, 1e-12);
    ck_assert_int_eq(lessons_find(&l, "a", "tangent", 2, 1, &lesson), LESSON_ENGINE);
    ck_assert_int_eq(lessons_find(&l, "b", "tangent", 1, 1, &lesson), LESSON_ENGINE);
    ck_assert_uint_eq(lesson.jobs, 6);
    ck_assert_int_eq(lessons_find(&l, "b", "filter", 1, 1, &lesson), LESSON_ANY);
    ck_assert_uint_eq(lesson.jobs, 9);
    ck_assert_double_ge(lesson.spread, 0.3);   /* what networks and engines differ by is an error, too */
    lessons_free(&l);
}
END_TEST

/* Two runs, one twice as slow: the factor lies between, and the difference is the runs', not the jobs'. */
START_TEST(what_runs_differ_by_is_an_error_that_their_jobs_share)
{
    struct lessons l = {0};
    struct lesson lesson;
    for (int run = 0; run < 2; run++, l.files++)
        for (int i = 0; i < 10; i++)
            teach(&l, "mlp", "tangent", 1, (run ? 2 : 1) * (i % 2 ? 1.01 : 0.99));
    ck_assert_int_eq(lessons_end(&l, NULL), 0);
    ck_assert_int_eq(lessons_find(&l, "mlp", "tangent", 1, 1, &lesson), LESSON_CELL);
    ck_assert_double_eq_tol(lesson.factor, 1.5, 1e-12);
    ck_assert_double_le(lesson.spread, 0.02);
    ck_assert_double_eq_tol(l.common, log(2) / sqrt(2) * sqrt(1.5), 1e-3);
    lessons_free(&l);
}
END_TEST

START_TEST(two_jobs_teach_nothing)
{
    struct lessons l = {0};
    struct error err = {0};
    teach(&l, "mlp", "tangent", 1, 1);
    teach(&l, "mlp", "tangent", 1, 1);
    ck_assert_int_eq(lessons_end(&l, &err), -1);
    ck_assert_str_eq(err.text, "expected at least 3 jobs that were completed at their first attempt, got 2");
    lessons_free(&l);
}
END_TEST

START_TEST(without_lessons_a_job_takes_what_the_formula_says)
{
    struct lesson lesson;
    ck_assert_int_eq(lessons_find(NULL, "a", "tangent", 1, 1, &lesson), LESSON_NONE);
    ck_assert_double_eq(lesson.factor, 1);
    ck_assert_uint_eq(lesson.jobs, 0);
    ck_assert_double_gt(lesson.spread, 0);
    struct lessons calibrated = {.machine = 2.5};
    ck_assert_int_eq(lessons_find(&calibrated, "a", "tangent", 1, 1, &lesson), LESSON_NONE);
    ck_assert_double_eq(lesson.factor, 2.5);
}
END_TEST

/* --- records ------------------------------------------------------------------------ */

static struct record record_of(size_t n, const struct recorded_job *jobs)
{
    struct record record = {.n = n, .jobs = mem_alloc(n, sizeof *record.jobs, NULL)};
    memcpy(record.jobs, jobs, n * sizeof *jobs);
    for (size_t i = 0; i < n; i++) {
        record.jobs[i].row = i;
        record.jobs[i].cost.seconds = jobs[i].seconds;
    }
    ck_assert_int_eq(record_sort(&record, NULL), 0);
    return record;
}

START_TEST(a_run_that_was_stopped_has_two_phases)
{
    static const struct recorded_job jobs[] = {
        {.start = 200, .seconds = 4, .worker = 0}, {.start = 100, .seconds = 5, .worker = 0},
        {.start = 100, .seconds = 3, .worker = 1}, {.start = 103.5, .seconds = 1.5, .worker = 1}, {.start = 200, .seconds = 1, .worker = 2},
    };
    struct record record = record_of(5, jobs);
    ck_assert_uint_eq(record.n_phases, 2);
    ck_assert_uint_eq(record.phases[0].n, 3);
    ck_assert_uint_eq(record.phases[0].workers, 2);
    ck_assert_double_eq(record.phases[0].end, 105);
    ck_assert_uint_eq(record.phases[1].first, 3);
    ck_assert_uint_eq(record.phases[1].workers, 2);
    ck_assert_double_eq(record.phases[1].start, 200);
    ck_assert_double_eq(record.change, 0.5);
    record_free(&record);
}
END_TEST

START_TEST(a_run_as_the_simulator_has_it_is_simulated_exactly)
{
    static const struct recorded_job jobs[] = {
        {.start = 50, .seconds = 5, .worker = 0}, {.start = 50, .seconds = 4, .worker = 1}, {.start = 54, .seconds = 3, .worker = 1},
        {.start = 55, .seconds = 3, .worker = 0}, {.start = 57, .seconds = 3, .worker = 1},
    };
    struct record record = record_of(5, jobs);
    double measured, simulated;
    ck_assert_int_eq(record_check(&record, NULL, &measured, &simulated, NULL), 0);
    ck_assert_double_eq(measured, 10);
    ck_assert_double_eq(simulated, 10);
    record_free(&record);
}
END_TEST

START_TEST(one_job_alone_has_no_change_of_jobs)
{
    static const struct recorded_job job = {.start = 50, .seconds = 5};
    struct record record = record_of(1, &job);
    ck_assert_uint_eq(record.n_phases, 1);
    ck_assert_double_nan(record.change);
    record_free(&record);
}
END_TEST

/* --- felt --------------------------------------------------------------------------- */

START_TEST(seeds_are_as_many_as_the_t_interval_needs)
{
    ck_assert_double_eq(felt_seeds(0, 0.005), 2);
    /* by the formula itself, number by number */
    for (double deviation = 0.001; deviation < 0.05; deviation *= 1.3) {
        double n = felt_seeds(deviation, 0.005);
        ck_assert_double_le(student_quantile(0.975, n - 1) * deviation / sqrt(n), 0.005);
        ck_assert(n == 2 || n >= 100 || student_quantile(0.975, n - 2) * deviation / sqrt(n - 1) > 0.005);
    }
    /* large n: (1.96 sd / h)^2, and a few per cent for the steps of the search */
    ck_assert_double_eq_tol(felt_seeds(0.1, 0.005), 1537, 0.03 * 1537);
}
END_TEST

/* Cells are jobs that differ in their seeds alone: two of three seeds here, and one of a single job. */
START_TEST(a_cell_is_a_job_but_for_its_seeds)
{
    static const struct { const char *k, *seed; double accuracy, start; int threads; } what[] = {
        {"1", "0", 0.80, 10, 1}, {"1", "1", 0.81, 12, 1}, {"1", "22", 0.82, 14, 1},
        {"inf", "0", 0.70, 16, 2}, {"inf", "1", 0.70, 18, 2}, {"inf", "22", 0.70, 30, 2}, {"3", "0", 0.5, 32, 1},
    };
    struct recorded_job jobs[7] = {0};
    struct felt felt;
    for (int i = 0; i < 7; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"training\":{\"K\":%s,\"seed\":%s,\"seeds\":{\"init\":%s,\"data\":%s}},\"kernels\":{}}",
                 what[i].k, what[i].seed, what[i].seed, what[i].seed);
        jobs[i] = (struct recorded_job){.start = what[i].start, .seconds = 2, .usual = true, .accuracy = what[i].accuracy};
        jobs[i].job.text = strdup(text);
        jobs[i].job.training.threads = what[i].threads;
    }
    struct record record = record_of(7, jobs);
    ck_assert_int_eq(felt_make(&felt, &record, 1, NULL), 0);
    ck_assert_double_eq(felt.cells, 2);
    ck_assert_double_eq(felt.seeds, 3);
    ck_assert_double_eq_tol(felt.seed_core_seconds, 2 + 4, 1e-12);
    ck_assert_double_eq(felt.curve_seeds, felt_seeds(0.01, 0.005));
    ck_assert_double_eq_tol(felt.curve_core_seconds, 2 * felt.curve_seeds + 4 * 2, 1e-9);
    ck_assert_uint_eq(felt.pauses, 1);
    ck_assert_double_eq(felt.pause_seconds, 10);
    record_free(&record);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, seeds_are_as_many_as_the_t_interval_needs);
    tcase_add_test(tests, a_cell_is_a_job_but_for_its_seeds);
    tcase_add_test(tests, factor_and_spread_are_those_of_the_jobs);
    tcase_add_test(tests, of_a_job_the_narrowest_lesson_counts_that_enough_jobs_speak_for);
    tcase_add_test(tests, what_runs_differ_by_is_an_error_that_their_jobs_share);
    tcase_add_test(tests, two_jobs_teach_nothing);
    tcase_add_test(tests, without_lessons_a_job_takes_what_the_formula_says);
    tcase_add_test(tests, a_run_that_was_stopped_has_two_phases);
    tcase_add_test(tests, a_run_as_the_simulator_has_it_is_simulated_exactly);
    tcase_add_test(tests, one_job_alone_has_no_change_of_jobs);
}

UNIT_MAIN("lessons of earlier runs", add_tests)
