#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "plan/choose.h"
#include "plan/forecast.h"
#include "plan/quantile.h"
#include "unit.h"

/* n jobs of 1, 2, 3... seconds by formula, handed out longest first. */
static struct forecast make(size_t n, double spread, double common)
{
    struct forecast f = {.n = n, .common = common, .threads = 1, .jobs = mem_alloc(n, sizeof *f.jobs, NULL),
                         .formula = mem_alloc(n, sizeof *f.formula, NULL), .order = mem_alloc(n, sizeof *f.order, NULL)};
    for (size_t i = 0; i < n; i++) {
        f.jobs[i] = (struct job_forecast){.seconds = (double)(i + 1), .spread = spread};
        f.formula[i] = f.jobs[i].seconds;
        f.order[i] = n - 1 - i;
    }
    return f;
}

static struct allocation simulate(const struct forecast *f, size_t workers, size_t cores)
{
    struct allocation a = {.workers = workers, .cores = cores};
    ck_assert_int_eq(forecast_allocations(f, &a, 1, NULL), 0);
    return a;
}

START_TEST(without_an_error_a_plan_is_the_simulated_hand_out_itself)
{
    struct forecast f = make(50, 0, 0);
    struct schedule_estimate e;
    double *seconds = forecast_seconds(&f, NULL);
    ck_assert_double_eq(seconds[0], 50);
    ck_assert_int_eq(simulate_hand_out(50, seconds, 7, 1, NULL, &e, NULL), 0);
    struct allocation a = simulate(&f, 7, 0);
    ck_assert_double_eq(a.makespan, e.makespan);
    ck_assert_double_eq(a.makespan_p95, e.makespan);
    ck_assert_double_eq(a.efficiency, e.efficiency);
    ck_assert_double_eq(a.tail_seconds, e.tail_seconds);
    ck_assert_double_eq_tol(forecast_saturation(&f), 1275.0 / 50, 1e-12);
    mem_free(seconds);
    forecast_free(&f);
}
END_TEST

/* One job is a lognormal number, whose quantiles are known. */
START_TEST(the_quantiles_of_one_job_are_those_of_its_distribution)
{
    const double spread = 0.4, common = 0.3, both = hypot(spread, common);
    struct forecast f = make(1, spread, common);
    struct allocation a = simulate(&f, 1, 0);
    double median = exp(-spread * spread / 2), p95 = median * exp(1.6449 * both);
    /* 200 drawn runs: three standard errors of the median, and as much of the far quantile */
    ck_assert_double_eq_tol(a.makespan, median, 0.12 * median);
    ck_assert_double_eq_tol(a.makespan_p95, p95, 0.12 * p95);
    f.jobs[0].spread = 0;   /* the shared error alone is not drawn, but exact */
    a = simulate(&f, 1, 0);
    ck_assert_double_eq_tol(a.makespan, 1, 1e-9);
    ck_assert_double_eq_tol(a.makespan_p95, exp(1.6449 * common), 0.01);
    forecast_free(&f);
}
END_TEST

START_TEST(errors_of_many_jobs_cancel_and_that_of_the_run_does_not)
{
    struct forecast f = make(1000, 0.5, 0);
    struct allocation own = simulate(&f, 1, 0);
    ck_assert_double_eq_tol(own.makespan, 500500, 0.02 * 500500);
    ck_assert_double_le(own.makespan_p95, 1.05 * own.makespan);
    f.common = 0.5;
    ck_assert_double_ge(simulate(&f, 1, 0).makespan_p95, 2 * own.makespan);
    forecast_free(&f);
}
END_TEST

START_TEST(more_workers_never_take_longer_and_are_never_more_efficient)
{
    struct forecast f = make(60, 0.3, 0.2);
    struct allocation a[64];
    for (size_t i = 0; i < 64; i++)
        a[i] = (struct allocation){.workers = i + 1};
    ck_assert_int_eq(forecast_allocations(&f, a, 64, NULL), 0);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_double_ge(a[i].makespan_p95, a[i].makespan);
        ck_assert_double_ge(a[i].makespan, (1 - 0.05) * 60);
        if (i) {
            ck_assert_double_le(a[i].makespan, a[i - 1].makespan);
            ck_assert_double_le(a[i].makespan_p95, a[i - 1].makespan_p95);
        }
        ck_assert_double_eq_tol(a[i].core_seconds * a[i].efficiency, a[0].core_seconds, 0.05 * a[0].core_seconds);
    }
    forecast_free(&f);
}
END_TEST

START_TEST(the_same_plan_is_always_the_same_number)
{
    struct forecast f = make(60, 0.3, 0.2);
    struct allocation a = simulate(&f, 9, 0), b = simulate(&f, 9, 0);
    ck_assert_double_eq(a.makespan, b.makespan);
    ck_assert_double_eq(a.makespan_p95, b.makespan_p95);
    forecast_free(&f);
}
END_TEST

START_TEST(threads_make_a_job_faster_and_cost_cores)
{
    struct forecast f = make(64, 0, 0);
    struct allocation one = simulate(&f, 8, 1), four = simulate(&f, 8, 4);
    ck_assert_double_eq_tol(one.makespan / four.makespan, forecast_speedup(4), 1e-9);
    ck_assert_double_eq_tol(four.core_seconds / one.core_seconds, 4 / forecast_speedup(4), 1e-9);
    ck_assert_double_eq(forecast_speedup(1), 1);
    ck_assert(forecast_speedup(4) > 1 && forecast_speedup(4) < 4);
    forecast_free(&f);
}
END_TEST

START_TEST(a_repeated_sweep_has_every_job_as_often_and_longest_first)
{
    struct forecast f = make(5, 0, 0);
    ck_assert_int_eq(forecast_repeat(&f, 3, NULL), 0);
    ck_assert_uint_eq(f.n, 15);
    for (size_t i = 0; i < 15; i++)
        ck_assert_double_eq(f.jobs[f.order[i]].seconds, (double)(5 - i / 3));
    forecast_free(&f);
}
END_TEST

START_TEST(quantiles_are_those_of_tables)
{
    static const double sorted[] = {1, 2, 4, 8};
    ck_assert_double_eq(sorted_quantile(sorted, 4, 0), 1);
    ck_assert_double_eq(sorted_quantile(sorted, 4, 0.5), 3);
    ck_assert_double_eq(sorted_quantile(sorted, 4, 1), 8);
    ck_assert_double_eq_tol(sorted_quantile(sorted, 4, 0.95), 7.4, 1e-12);
    ck_assert_double_nan(sorted_quantile(sorted, 0, 0.5));
    ck_assert_double_eq_tol(normal_quantile(0.975), 1.959963984540054, 1e-12);
    ck_assert_double_eq_tol(normal_quantile(0.5), 0, 1e-12);
    ck_assert_double_eq_tol(student_quantile(0.975, 1), 12.7062, 1e-4);
    ck_assert_double_eq_tol(student_quantile(0.975, 2), 4.30265, 1e-4);
    ck_assert_double_eq_tol(student_quantile(0.975, 3), 3.18245, 2e-3);
    ck_assert_double_eq_tol(student_quantile(0.975, 9), 2.26216, 1e-3);
    ck_assert_double_eq_tol(student_quantile(0.95, 30), 1.69726, 1e-3);
    ck_assert_double_eq_tol(student_quantile(0.025, 9), -2.26216, 1e-3);
}
END_TEST

/* --- what to ask for ---------------------------------------------------------------- */

START_TEST(a_time_limit_holds_the_95th_percentile_the_start_and_the_drain)
{
    for (double seconds = 1; seconds < 13000; seconds *= 1.1) {
        double minutes = choose_minutes(seconds, 120);
        ck_assert_double_ge(60 * minutes, seconds + 240);
        ck_assert_double_eq(fmod(minutes, 5), 0);
        ck_assert(minutes == 5 || 60 * (minutes - 5) < seconds + 240);
        ck_assert_uint_eq(choose_rounds(seconds, minutes, 120), 1);
    }
    ck_assert_double_eq(choose_minutes(1e6, 120), CHOOSE_MOST_MINUTES);
    ck_assert_uint_eq(choose_rounds(1e6, CHOOSE_MOST_MINUTES, 120), 71);   /* of 240 minutes 236 are usable */
}
END_TEST

START_TEST(the_choice_is_busy_and_no_larger_than_ten_minutes_need)
{
    struct forecast f = make(500, 0.2, 0.2);   /* 35 hours */
    struct allocation a[CHOOSE_CANDIDATES];
    size_t n;
    ck_assert_int_eq(choose_candidates(&f, 1, a, &n, NULL), 0);
    ck_assert_uint_eq(n, 9);
    ck_assert_uint_eq(a[8].workers, 256);
    size_t best = choose_balanced(a, n);
    ck_assert(best + 1 == n || a[best].makespan <= 600 || a[best + 1].efficiency < 0.9);
    ck_assert(best == 0 || (a[best - 1].makespan > 600 && a[best].efficiency >= 0.9));
    ck_assert_int_eq(choose_candidates(&f, 100, a, &n, NULL), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(a[2].workers, 400);
    forecast_free(&f);
}
END_TEST

START_TEST(what_is_worth_submitting_differs_and_grows)
{
    struct forecast f = make(500, 0.2, 0.2);
    struct allocation a[CHOOSE_CANDIDATES];
    struct choice choices[CHOICES_MOST];
    size_t n;
    ck_assert_int_eq(choose_candidates(&f, 1, a, &n, NULL), 0);
    size_t n_choices = choose_worthwhile(a, n, choices);
    ck_assert_uint_ge(n_choices, 2);
    for (size_t i = 1; i < n_choices; i++) {
        ck_assert_uint_gt(choices[i].allocation.workers, choices[i - 1].allocation.workers);
        ck_assert_double_le(choices[i].minutes, choices[i - 1].minutes);
    }
    ck_assert_double_le(choices[n_choices - 1].allocation.makespan, 1.1 * a[n - 1].makespan);
    ck_assert_uint_eq(choose_worthwhile(a, 1, choices), 1);
    forecast_free(&f);
}
END_TEST

START_TEST(times_are_printed_as_sbatch_reads_them)
{
    char text[32];
    choose_print_time(90, text, sizeof text);
    ck_assert_str_eq(text, "1:30:00");
    choose_print_time(4.5, text, sizeof text);
    ck_assert_str_eq(text, "0:05:00");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, without_an_error_a_plan_is_the_simulated_hand_out_itself);
    tcase_add_test(tests, the_quantiles_of_one_job_are_those_of_its_distribution);
    tcase_add_test(tests, errors_of_many_jobs_cancel_and_that_of_the_run_does_not);
    tcase_add_test(tests, more_workers_never_take_longer_and_are_never_more_efficient);
    tcase_add_test(tests, the_same_plan_is_always_the_same_number);
    tcase_add_test(tests, threads_make_a_job_faster_and_cost_cores);
    tcase_add_test(tests, a_repeated_sweep_has_every_job_as_often_and_longest_first);
    tcase_add_test(tests, quantiles_are_those_of_tables);
    tcase_add_test(tests, a_time_limit_holds_the_95th_percentile_the_start_and_the_drain);
    tcase_add_test(tests, the_choice_is_busy_and_no_larger_than_ten_minutes_need);
    tcase_add_test(tests, what_is_worth_submitting_differs_and_grows);
    tcase_add_test(tests, times_are_printed_as_sbatch_reads_them);
}

UNIT_MAIN("forecast", add_tests)
