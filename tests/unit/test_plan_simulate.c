#include <math.h>

#include "plan/simulate.h"
#include "unit.h"

static const double seconds[] = {5, 4, 3, 3, 3};

static struct schedule_estimate hand_out(size_t n, size_t workers)
{
    struct schedule_estimate estimate;
    ck_assert_int_eq(simulate_hand_out(n, seconds, workers, 1, NULL, &estimate, NULL), 0);
    return estimate;
}

START_TEST(one_worker_takes_the_sum_of_all_jobs)
{
    ck_assert_double_eq(hand_out(5, 1).makespan, 18);
    ck_assert_double_eq(hand_out(5, 1).efficiency, 1);
}
END_TEST

/* By hand: 5+3 and 4+3+3, where the best order would need 9. */
START_TEST(two_workers_take_the_longest_job_left_as_they_come_free)
{
    struct schedule_estimate two = hand_out(5, 2);
    ck_assert_double_eq(two.makespan, 10);
    ck_assert_double_eq_tol(two.efficiency, 18.0 / 20, 1e-12);
    ck_assert_double_eq(two.core_seconds, 20);
    ck_assert_double_eq(two.tail_seconds, 2);
}
END_TEST

START_TEST(more_workers_than_jobs_end_with_the_longest)
{
    ck_assert_double_eq(hand_out(5, 5).makespan, 5);
    ck_assert_double_eq(hand_out(5, 64).makespan, 5);
    ck_assert_double_eq_tol(hand_out(5, 64).efficiency, 18.0 / 320, 1e-12);
}
END_TEST

START_TEST(a_schedule_lies_between_its_bounds)
{
    for (size_t n = 1; n <= 5; n++)
        for (size_t workers = 1; workers <= 6; workers++) {
            double sum = 0;
            for (size_t i = 0; i < n; i++)
                sum += seconds[i];
            double bound = sum / (double)workers > seconds[0] ? sum / (double)workers : seconds[0];
            double makespan = hand_out(n, workers).makespan;
            ck_assert_double_ge(makespan, bound);
            ck_assert_double_le(makespan, sum / (double)workers + seconds[0]);
        }
}
END_TEST

START_TEST(saturation_is_the_sum_over_the_longest)
{
    ck_assert_double_eq_tol(simulate_saturation(5, seconds), 3.6, 1e-12);
    ck_assert_double_eq(simulate_saturation(0, seconds), 0);
}
END_TEST

/* The slow obvious reference: every job goes to the worker that is free first, found by looking at all. */
START_TEST(the_hand_out_equals_one_found_by_looking_at_every_worker)
{
    unsigned long state = 1;
    for (int round = 0; round < 200; round++) {
        double times[60], free_at[20] = {0}, sum = 0, last = 0, tail = 0;
        size_t n = (size_t)round % 60, workers = 1 + (size_t)round * 7 % 20, first = 0;
        for (size_t i = 0; i < n; i++) {
            state = (state * 1103515245 + 12345) % 2147483648u;
            times[i] = (double)(state % 1000) / 64;
            sum += times[i];
            for (size_t w = first = 0; w < workers; w++)
                first = free_at[w] < free_at[first] ? w : first;
            free_at[first] += times[i];
            last = free_at[first] > last ? free_at[first] : last;
        }
        for (size_t w = first = 0; w < workers; w++)
            first = free_at[w] < free_at[first] ? w : first;
        for (size_t w = 0; w < workers; w++)
            tail += last - free_at[w];
        struct schedule_estimate e;
        ck_assert_int_eq(simulate_hand_out(n, times, workers, 3, NULL, &e, NULL), 0);
        ck_assert_double_eq(e.makespan, last);
        ck_assert_double_eq_tol(e.tail_seconds, tail, 1e-9);
        ck_assert_double_eq_tol(e.core_seconds, 3 * (double)workers * last, 1e-9);
        ck_assert_double_eq_tol(e.efficiency, last > 0 ? sum / ((double)workers * last) : 1, 1e-12);
    }
}
END_TEST

/* The slow obvious reference with the farm's own costs: time goes from event to event, and at each rank 0, where it is
 * free, serves the worker that has asked for longest. */
static double serve(size_t n, const double *times, size_t workers, const struct farm_cost *farm)
{
    double ends[20] = {0}, asked[20] = {0}, master = 0, last = 0;
    size_t had[20] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t who = 0;
        for (size_t w = 0; w < workers; w++)
            who = asked[w] < asked[who] ? w : who;
        double now = asked[who] > master ? asked[who] : master;
        master = now + (had[who] ? farm->commit : farm->dispatch);
        double ready = asked[who] + (had[who] ? farm->change : 0);
        ends[who] = (master > ready ? master : ready) + times[i];
        asked[who] = ends[who];
        had[who]++;
        last = ends[who] > last ? ends[who] : last;
    }
    for (size_t left = 0; left < workers; left++) {   /* the last record of each */
        size_t who = 0;
        for (size_t w = 0; w < workers; w++)
            who = asked[w] < asked[who] ? w : who;
        if (had[who] && farm->commit > 0)
            master = (asked[who] > master ? asked[who] : master) + farm->commit;
        asked[who] = INFINITY;
    }
    return master > last ? master : last;
}

START_TEST(a_farm_that_costs_something_equals_an_event_loop)
{
    unsigned long state = 7;
    for (int round = 0; round < 200; round++) {
        double times[60];
        size_t n = (size_t)round % 60, workers = 1 + (size_t)round * 7 % 20;
        const struct farm_cost farm = {.change = 0.1 * (round % 5), .dispatch = 0.01 * (round % 3), .commit = 0.25 * (round % 4)};
        for (size_t i = 0; i < n; i++) {
            state = (state * 1103515245 + 12345) % 2147483648u;
            times[i] = 0.5 + (double)(state % 1000) / 64;
        }
        struct schedule_estimate e, free_of_cost;
        ck_assert_int_eq(simulate_hand_out(n, times, workers, 1, &farm, &e, NULL), 0);
        ck_assert_int_eq(simulate_hand_out(n, times, workers, 1, NULL, &free_of_cost, NULL), 0);
        ck_assert_double_eq_tol(e.makespan, serve(n, times, workers, &farm), 1e-9);
        ck_assert_double_ge(e.makespan, free_of_cost.makespan);
    }
}
END_TEST

START_TEST(rank_0_bounds_what_any_number_of_workers_can_do)
{
    static double times[10000];
    const struct farm_cost farm = {.dispatch = 1e-5, .commit = 1e-3};
    struct schedule_estimate e;
    for (size_t i = 0; i < 10000; i++)
        times[i] = 0.01;
    ck_assert_int_eq(simulate_hand_out(10000, times, 1000, 1, &farm, &e, NULL), 0);
    ck_assert_double_ge(e.makespan, 10000 * farm.commit);
    ck_assert_double_le(e.makespan, 10000 * farm.commit + 0.1);
}
END_TEST

/* Independent jobs in a fixed order: a further worker never harms, nor do shorter jobs. */
START_TEST(more_workers_and_shorter_jobs_never_take_longer)
{
    unsigned long state = 3;
    const struct farm_cost farm = {.change = 0.01, .commit = 0.02};
    for (int round = 0; round < 50; round++) {
        double times[60], last = INFINITY;
        for (size_t i = 0; i < 60; i++) {
            state = (state * 1103515245 + 12345) % 2147483648u;
            times[i] = (double)(state % 1000) / 64;
        }
        for (size_t workers = 1; workers <= 64; workers++) {
            struct schedule_estimate e, shorter;
            ck_assert_int_eq(simulate_hand_out(60, times, workers, 1, &farm, &e, NULL), 0);
            ck_assert_double_le(e.makespan, last + 1e-9);
            last = e.makespan;
            double kept = times[workers % 60];
            times[workers % 60] /= 2;
            ck_assert_int_eq(simulate_hand_out(60, times, workers, 1, &farm, &shorter, NULL), 0);
            ck_assert_double_le(shorter.makespan, e.makespan + 1e-9);
            times[workers % 60] = kept;
        }
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_farm_that_costs_something_equals_an_event_loop);
    tcase_add_test(tests, rank_0_bounds_what_any_number_of_workers_can_do);
    tcase_add_test(tests, more_workers_and_shorter_jobs_never_take_longer);
    tcase_add_test(tests, one_worker_takes_the_sum_of_all_jobs);
    tcase_add_test(tests, two_workers_take_the_longest_job_left_as_they_come_free);
    tcase_add_test(tests, more_workers_than_jobs_end_with_the_longest);
    tcase_add_test(tests, a_schedule_lies_between_its_bounds);
    tcase_add_test(tests, the_hand_out_equals_one_found_by_looking_at_every_worker);
    tcase_add_test(tests, saturation_is_the_sum_over_the_longest);
}

UNIT_MAIN("simulated hand-out", add_tests)
