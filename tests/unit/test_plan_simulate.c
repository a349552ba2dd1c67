#include "plan/simulate.h"
#include "unit.h"

static const double seconds[] = {5, 4, 3, 3, 3};

static struct schedule_estimate hand_out(size_t n, size_t workers)
{
    struct schedule_estimate estimate;
    ck_assert_int_eq(simulate_hand_out(n, seconds, workers, 1, &estimate, NULL), 0);
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
        ck_assert_int_eq(simulate_hand_out(n, times, workers, 3, &e, NULL), 0);
        ck_assert_double_eq(e.makespan, last);
        ck_assert_double_eq_tol(e.tail_seconds, tail, 1e-9);
        ck_assert_double_eq_tol(e.core_seconds, 3 * (double)workers * last, 1e-9);
        ck_assert_double_eq_tol(e.efficiency, last > 0 ? sum / ((double)workers * last) : 1, 1e-12);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, one_worker_takes_the_sum_of_all_jobs);
    tcase_add_test(tests, two_workers_take_the_longest_job_left_as_they_come_free);
    tcase_add_test(tests, more_workers_than_jobs_end_with_the_longest);
    tcase_add_test(tests, a_schedule_lies_between_its_bounds);
    tcase_add_test(tests, the_hand_out_equals_one_found_by_looking_at_every_worker);
    tcase_add_test(tests, saturation_is_the_sum_over_the_longest);
}

UNIT_MAIN("simulated hand-out", add_tests)
