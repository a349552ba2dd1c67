/* Where the workers' time went, against numbers worked out by hand. */
#include "plan/usage.h"

#include <math.h>
#include <string.h>

#include "unit.h"

/* One run on two workers, began at 100, prepared at 110, ended at 171:
 *   worker 0: 112-132 done, 133-143 failed with 4 s kept, 143-163 done (and 7 s until the last end)
 *   worker 1: 111-121 lost with nothing kept, 125-170 done */
static struct attempt attempts[] = {
    {.job = 0, .run = 0, .worker = 0, .start = 112, .end = 132, .kept = 20, .outcome = ATTEMPT_DONE},
    {.job = 1, .run = 0, .worker = 0, .start = 133, .end = 143, .kept = 4, .outcome = ATTEMPT_FAILED},
    {.job = 1, .run = 0, .worker = 0, .start = 143, .end = 163, .kept = 20, .outcome = ATTEMPT_DONE},
    {.job = 2, .run = 0, .worker = 1, .start = 111, .end = 121, .kept = 0, .outcome = ATTEMPT_LOST},
    {.job = 2, .run = 0, .worker = 1, .start = 125, .end = 170, .kept = 45, .outcome = ATTEMPT_DONE},
};
static const size_t sorted[] = {0, 1, 2, 3, 4};

static struct run_record record(int workers)
{
    struct run_record run = run_none;
    run.start = 100;
    run.ready = 110;
    run.end = 171;
    run.workers = run.ranks = workers;
    run.threads = 3;
    return run;
}

static double sum(const double seconds[USE_COUNT])
{
    double all = 0;
    for (int i = 0; i < USE_COUNT; i++)
        all += seconds[i];
    return all;
}

static void check(const struct usage_run *u, enum use use, double seconds)
{
    ck_assert_msg(fabs(u->seconds[use] - seconds) < 1e-9, "%s: %g, by hand %g", use_words[use], u->seconds[use], seconds);
}

/* Killed before the end of the first was written: it cannot have gone on beside the second. */
START_TEST(attempts_without_an_end_do_not_overlap)
{
    struct attempt open[] = {
        {.job = 0, .run = 0, .worker = 0, .start = 112, .end = NAN, .outcome = ATTEMPT_RUNNING},
        {.job = 1, .run = 0, .worker = 0, .start = 132, .end = NAN, .outcome = ATTEMPT_RUNNING},
    };
    struct run_record run = record(1);
    run.end = NAN;
    struct timeline t = {.present = true, .attempts = open, .runs = &run, .n_attempts = 2, .n_runs = 1};
    struct usage_run u = {.live = true};
    usage_of_run(&t, 0, sorted, 2, 152, &u);
    check(&u, USE_RUNNING, 40);
    ck_assert_double_eq(u.makespan, 42);
}
END_TEST

START_TEST(a_run_of_two_workers_is_divided_as_by_hand)
{
    struct run_record run = record(2);
    struct timeline t = {.present = true, .attempts = attempts, .runs = &run, .n_attempts = 5, .n_runs = 1};
    struct usage_run u = {0};
    usage_of_run(&t, 0, sorted, 5, 1e9, &u);
    ck_assert_uint_eq(u.workers, 2);
    ck_assert_uint_eq(u.cores, 6);
    ck_assert_uint_eq(u.attempts, 5);
    ck_assert_uint_eq(u.results, 3);
    ck_assert_double_eq(u.wall, 71);
    ck_assert_double_eq(u.makespan, 60);
    check(&u, USE_RESULTS, 20 + 20 + 45);
    check(&u, USE_KEPT, 4);
    check(&u, USE_FAILED, 6);
    check(&u, USE_REPLAYED, 10);
    check(&u, USE_STARTUP, 2 * 10);
    check(&u, USE_BETWEEN, 2 + 1 + 0 + 1 + 4);
    check(&u, USE_TAIL, 7);
    check(&u, USE_CLOSING, 2 * 1);
    check(&u, USE_RUNNING, 0);
    ck_assert_double_eq_tol(sum(u.seconds), 2 * 71, 1e-9);
    ck_assert_double_eq_tol(usage_efficiency(u.seconds, 2 * 60), 89.0 / 120, 1e-12);
}
END_TEST

START_TEST(a_worker_that_got_nothing_waited_for_the_whole_makespan)
{
    struct run_record run = record(3);
    struct timeline t = {.present = true, .attempts = attempts, .runs = &run, .n_attempts = 5, .n_runs = 1};
    struct usage_run u = {0};
    usage_of_run(&t, 0, sorted, 5, 1e9, &u);
    check(&u, USE_TAIL, 7 + 60);
    ck_assert_double_eq_tol(sum(u.seconds), 3 * 71, 1e-9);
}
END_TEST

START_TEST(a_run_without_an_attempt_is_all_start_and_end)
{
    struct run_record run = record(2);
    struct timeline t = {.present = true, .runs = &run, .n_runs = 1};
    struct usage_run u = {0};
    usage_of_run(&t, 0, sorted, 0, 1e9, &u);
    check(&u, USE_STARTUP, 20);
    check(&u, USE_CLOSING, 2 * 61);
    ck_assert(isnan(u.first) && isnan(u.last));
    ck_assert_double_eq_tol(sum(u.seconds), 2 * 71, 1e-9);
}
END_TEST

START_TEST(a_killed_run_lasted_until_it_was_last_heard_of_a_live_one_until_now)
{
    struct run_record run = record(2);
    struct attempt running = {.job = 0, .run = 0, .worker = 1, .start = 120, .end = NAN, .kept = NAN, .outcome = ATTEMPT_RUNNING};
    struct timeline t = {.present = true, .attempts = attempts, .runs = &run, .n_attempts = 5, .n_runs = 1};
    struct usage_run u = {0};
    run.end = NAN;
    run.last = 180;
    usage_of_run(&t, 0, sorted, 5, 1e9, &u);
    ck_assert_double_eq(u.wall, 80);
    check(&u, USE_CLOSING, 2 * 10);
    u = (struct usage_run){.live = true};
    t.attempts = &running;
    t.n_attempts = 1;
    usage_of_run(&t, 0, sorted, 1, 150, &u);
    ck_assert_double_eq(u.wall, 50);
    check(&u, USE_RUNNING, 30);
    check(&u, USE_TAIL, 40);
    ck_assert_double_eq_tol(sum(u.seconds), 2 * 50, 1e-9);
}
END_TEST

/* 10 jobs of 30 s on 2 workers at efficiency 0.75: 200 s; start 12 s; 1.1 and 120 s of margin. */
START_TEST(the_advice_is_what_was_seen_with_its_margins)
{
    struct usage_run run = {.workers = 2, .record = {.data_bytes = 4e8}};
    struct usage_cell cell = {.longest = 50};
    struct usage usage = {.jobs = 10, .done = 5, .runs = &run, .n_runs = 1, .cells = &cell, .n_cells = 1, .job_seconds = 150,
                          .bytes = 1.2e9, .busy = 2.9, .makespan_seconds = 200};
    run.seconds[USE_STARTUP] = 20;
    run.seconds[USE_CLOSING] = 4;
    usage.seconds[USE_RESULTS] = 150;
    struct usage_advice advice = usage_advise(&usage, 10);
    ck_assert_uint_eq(advice.workers, 2);
    ck_assert_double_eq_tol(advice.seconds, 12 + 1.1 * 200 + 120, 1e-9);
    ck_assert_double_eq_tol(advice.bytes, 1.25 * 1.6e9 + 200e6, 1e-3);
    ck_assert_double_eq(advice.cores, 3);
    ck_assert_double_eq_tol(usage_advise(&usage, 1).seconds, 12 + 1.1 * 50 + 120, 1e-9);   /* no shorter than the longest */
    usage.done = 0;
    ck_assert(isnan(usage_advise(&usage, 10).seconds));
}
END_TEST

/* Two cells on two workers. a: done 10 and 14 s, so mean 12, variance 8; one runs since 5 s, two wait. b: nothing done,
 * one waits: 12 s, variance 8, as of all. Work 2*12 + (12-5) + 12 = 43; variance 3*8 + 9*8/2 + 8 + 8 = 76. */
START_TEST(what_is_left_takes_as_long_as_by_hand)
{
    struct usage_run run = {.workers = 2, .live = true};
    struct usage_cell cells[2] = {
        {.jobs = 5, .done = 2, .running = 1, .elapsed = 5, .seconds = 24, .squares = 296},
        {.jobs = 2, .failed = 1},
    };
    struct usage usage = {.jobs = 7, .runs = &run, .n_runs = 1, .cells = cells, .n_cells = 2};
    ck_assert_double_eq_tol(usage_left(&usage).seconds, 21.5, 1e-12);
    ck_assert_double_eq_tol(usage_left(&usage).spread, sqrt(76), 1e-12);
    run.workers = 100;
    ck_assert_double_eq_tol(usage_left(&usage).seconds, 12, 1e-12);   /* no shorter than a job that waits */
    run.workers = 2;
    ck_assert_double_eq_tol(usage_left(&usage).most, 21.5, 1e-12);
    cells[0].jobs += 3;            /* in reserve: not left, but at most 3 * 12 s more */
    cells[0].reserved = 3;
    ck_assert_double_eq_tol(usage_left(&usage).seconds, 21.5, 1e-12);
    ck_assert_double_eq_tol(usage_left(&usage).most, 21.5 + 18, 1e-12);
    run.live = false;
    ck_assert(isnan(usage_left(&usage).seconds));
    run.live = true;
    cells[0].done = 0;
    ck_assert(isnan(usage_left(&usage).seconds));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, attempts_without_an_end_do_not_overlap);
    tcase_add_test(tests, a_run_of_two_workers_is_divided_as_by_hand);
    tcase_add_test(tests, a_worker_that_got_nothing_waited_for_the_whole_makespan);
    tcase_add_test(tests, a_run_without_an_attempt_is_all_start_and_end);
    tcase_add_test(tests, a_killed_run_lasted_until_it_was_last_heard_of_a_live_one_until_now);
    tcase_add_test(tests, the_advice_is_what_was_seen_with_its_margins);
    tcase_add_test(tests, what_is_left_takes_as_long_as_by_hand);
}

UNIT_MAIN("usage", add)
