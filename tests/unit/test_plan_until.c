/* Seeds until an interval is narrow: the rule, by itself and on numbers that are drawn. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "plan/quantile.h"
#include "plan/until.h"
#include "sweep_text.h"

static struct sweep load(const char *seeds)
{
    struct sweep sweep;
    struct error err = {0};
    char text[600], path[64];
    snprintf(text, sizeof text, BEGIN "grid: {architecture: [a, b], refresh_period: [1, 10, inf], seed: %s}\n", seeds);
    ck_assert_msg(load_bytes(&sweep, text, strlen(text), NULL, path, &err) == 0, "%s", err.text);
    return sweep;
}

static struct until_rule rule_of(const char *text)
{
    struct until_rule rule;
    struct error err;
    ck_assert_msg(until_parse(&rule, text, &err) == 0, "%s", err.text);
    return rule;
}

static struct until start(const struct sweep *sweep, const char *text)
{
    struct until u;
    struct error err;
    struct until_rule rule = rule_of(text);
    ck_assert_msg(until_init(&u, &rule, sweep, &err) == 0, "%s", err.text);
    return u;
}

/* A number for a row: its seed's own level, and noise whose size depends on K; large K of network b the most. */
static double number_of(const struct sweep *sweep, size_t row, uint64_t experiment, double noise)
{
    const struct job *job = &sweep->jobs[row];
    struct random level, own;
    double K = job->training.refresh_period, size = K == 1 ? 0 : isinf(K) ? noise : noise / 4;
    random_start(&level, experiment, RANDOM_TEST, (uint64_t)job->seed);
    random_start(&own, experiment, RANDOM_TEST, 1000 + row);
    return random_normal(&level) + (job->network->name[0] == 'a' ? size / 2 : size) * random_normal(&own);
}

/* Runs what has its turn, in a random order, until nothing is left. stop: after so many rows. Returns how many ran. */
static size_t run_all(struct until *u, const struct sweep *sweep, uint64_t experiment, uint64_t order, size_t stop)
{
    struct random random;
    size_t *waiting = malloc(sweep->n_jobs * sizeof *waiting), n = 0, ran = 0;
    random_start(&random, order, RANDOM_TEST, 99);
    until_step(u);
    for (size_t row = 0; row < sweep->n_jobs; row++)
        if (until_is_active(u, row) && !u->settled[row])
            waiting[n++] = row;
    while (n && ran < stop) {
        size_t at = random_below(&random, n), row = waiting[at];
        waiting[at] = waiting[--n];
        until_settle(u, row, number_of(sweep, row, experiment, 1));
        ran++;
        until_step(u);
        for (size_t i = 0; i < u->n_run; i++)
            waiting[n++] = u->run[i];
    }
    free(waiting);
    return ran;
}

START_TEST(a_rule_is_read_and_written_and_mistakes_are_told)
{
    struct text text = {0};
    struct until_rule rule = rule_of("halfwidth=0.5%,max_seeds=40");
    until_write(&rule, &text);
    ck_assert_str_eq(text.chars, "halfwidth=0.005,max_seeds=40,min_seeds=10,metric=test_accuracy,baseline=1");
    struct until_rule again = rule_of(text.chars);
    ck_assert_double_eq(again.halfwidth, rule.halfwidth);
    ck_assert_uint_eq(again.max_seeds, 40);
    text_free(&text);
    static const char *const wrong[][2] = {
        {"halfwidth=0.5%", "expected halfwidth= and max_seeds="},
        {"halfwidth=-1,max_seeds=40", "halfwidth: expected a number above 0"},
        {"halfwidth=0.5%,max_seeds=9", "max_seeds: expected a whole number from 10 to 10000, got '9'"},
        {"halfwidth=0.5%,max_seeds=12,min_seeds=14", "min_seeds: expected at most max_seeds, 12, got 14"},
        {"halfwidth=0.5%,max_seeds=40,metric=speed", "metric: expected a loss or an accuracy"},
        {"halfwidth=0.5%,max_seeds=40,metric=test_loss", "got a percentage, which is of accuracies"},
        {"halfwidth=0.1,max_seeds=40,baseline=0", "baseline: expected a refresh period"},
        {"halfwidth=0.1,max_seeds=40,speed=3", "got 'speed'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err;
        ck_assert_int_eq(until_parse(&rule, wrong[i][0], &err), -1);
        ck_assert_msg(strstr(err.text, wrong[i][1]) != NULL, "%s", err.text);
    }
}
END_TEST

/* Worked out by hand: differences of K=10 alternate between -1 and 1, so their deviation with n of them is sqrt(n/(n-1)). */
START_TEST(a_cell_is_decided_only_when_its_batch_is_there_and_gets_what_its_deviation_asks_for)
{
    struct sweep sweep = load("0..39");
    struct until u = start(&sweep, "halfwidth=0.5,max_seeds=40,metric=test_loss");
    struct until_cell *base = &u.cells[0], *cell = &u.cells[1];
    until_step(&u);
    ck_assert_uint_eq(u.n_cells, 6);
    ck_assert_uint_eq(cell->active, 10);
    for (size_t i = 0; i < 10; i++)
        until_settle(&u, u.order[base->first + i], 3);
    for (size_t i = 0; i < 9; i++)
        until_settle(&u, u.order[cell->first + i], i % 2 ? 4 : 2);
    until_step(&u);
    ck_assert_uint_eq(u.n_run, 0);   /* one is missing */
    until_settle(&u, u.order[cell->first + 9], 4);
    until_step(&u);
    struct until_spread s = until_measure(&u, cell, 10);
    ck_assert_uint_eq(s.pairs, 10);
    ck_assert_double_eq_tol(s.deviation, sqrt(10.0 / 9), 1e-12);
    ck_assert_double_eq_tol(s.half, 2.2621571628 * sqrt(1.0 / 9), 1e-9);
    /* t(18) sqrt(10/9)/sqrt(19) = 0.508, t(19) sqrt(10/9)/sqrt(20) = 0.493 */
    ck_assert_uint_eq(cell->active, 20);
    ck_assert_uint_eq(base->active, 20);
    ck_assert_uint_eq(u.n_run, 20);
    for (size_t i = 10; i < 20; i++) {
        until_settle(&u, u.order[base->first + i], 3);
        until_settle(&u, u.order[cell->first + i], i % 2 ? 4 : 2);
    }
    until_step(&u);
    ck_assert_int_eq(cell->state, UNTIL_NARROW);
    ck_assert_uint_eq(u.n_skip, 20);
    ck_assert_int_eq(base->state, UNTIL_WAITING);   /* others may want its further seeds */
    until_free(&u);
    sweep_free(&sweep);
}
END_TEST

START_TEST(diverged_runs_are_in_no_pair_and_a_cell_without_any_stops)
{
    struct sweep sweep = load("0..39");
    struct until u = start(&sweep, "halfwidth=0.01,max_seeds=12,metric=test_loss");
    struct until_cell *base = &u.cells[0], *some = &u.cells[1], *none = &u.cells[2];
    for (size_t i = 0; i < 10; i++) {
        until_settle(&u, u.order[base->first + i], (double)i);
        until_settle(&u, u.order[some->first + i], i < 4 ? NAN : (double)(i * i));
        until_settle(&u, u.order[none->first + i], NAN);
    }
    until_step(&u);
    ck_assert_int_eq(none->state, UNTIL_NO_PAIRS);
    ck_assert_uint_eq(until_measure(&u, some, 10).pairs, 6);
    ck_assert_uint_eq(some->active, 12);
    ck_assert_uint_eq(none->active, 10);
    for (size_t i = 10; i < 12; i++) {
        until_settle(&u, u.order[base->first + i], (double)i);
        until_settle(&u, u.order[some->first + i], (double)(i * i));
    }
    until_step(&u);
    ck_assert_int_eq(some->state, UNTIL_OUT_OF_SEEDS);
    ck_assert_int_ne(base->state, UNTIL_WAITING);
    until_free(&u);
    sweep_free(&sweep);
}
END_TEST

/* In any order, and stopped anywhere and begun again from what was there: the same rows run. */
START_TEST(what_runs_depends_on_the_numbers_alone)
{
    struct sweep sweep = load("0..59");
    for (uint64_t experiment = 0; experiment < 8; experiment++) {
        struct until whole = start(&sweep, "halfwidth=0.25,max_seeds=60,metric=test_loss");
        size_t n = run_all(&whole, &sweep, experiment, 0, SIZE_MAX);
        ck_assert_uint_eq(whole.n_open, 0);
        ck_assert_uint_eq(n + whole.n_skipped, sweep.n_jobs);
        for (size_t stop = 7; stop < n; stop += 31) {
            struct until first = start(&sweep, "halfwidth=0.25,max_seeds=60,metric=test_loss");
            struct until then = start(&sweep, "halfwidth=0.25,max_seeds=60,metric=test_loss");
            size_t ran = run_all(&first, &sweep, experiment, stop, stop);
            for (size_t row = 0; row < sweep.n_jobs; row++)
                if (first.settled[row])
                    until_settle(&then, row, first.value[row]);
            ran += run_all(&then, &sweep, experiment, stop + 1, SIZE_MAX);
            ck_assert_uint_eq(ran, n);
            ck_assert_mem_eq(then.settled, whole.settled, sweep.n_jobs * sizeof *then.settled);
            until_free(&first);
            until_free(&then);
        }
        until_free(&whole);
    }
    sweep_free(&sweep);
}
END_TEST

/* Every cell ends narrow or with all seeds; the intervals still cover the true difference, 0: looking again and again
 * costs a little (94 % of 1,600 here, whose standard error is 0.6). */
START_TEST(the_width_is_reached_and_the_intervals_cover)
{
    struct sweep sweep = load("0..79");
    size_t cells = 0, narrow = 0, covered = 0;
    for (uint64_t experiment = 100; experiment < 500; experiment++) {
        struct until u = start(&sweep, "halfwidth=0.3,max_seeds=80,metric=test_loss");
        run_all(&u, &sweep, experiment, experiment, SIZE_MAX);
        for (size_t c = 0; c < u.n_cells; c++) {
            const struct until_cell *cell = &u.cells[c], *base = &u.cells[cell->baseline];
            if (cell == base)
                continue;
            struct until_spread s = until_measure(&u, cell, cell->active);
            double mean = 0;
            for (size_t i = 0; i < cell->active; i++)
                mean += (u.value[u.order[cell->first + i]] - u.value[u.order[base->first + i]]) / (double)cell->active;
            ck_assert(cell->state == UNTIL_NARROW ? s.half <= 0.3 : cell->active == 80);
            ck_assert_uint_ge(cell->active, 10);
            cells++;
            narrow += cell->state == UNTIL_NARROW;
            covered += fabs(mean) <= s.half;
        }
        until_free(&u);
    }
    printf("# %zu cells: %.1f %% narrow, %.1f %% of intervals cover\n", cells, 100 * (double)narrow / (double)cells,
           100 * (double)covered / (double)cells);
    ck_assert_uint_eq(narrow, cells);
    ck_assert_double_ge((double)covered, 0.92 * (double)cells);
    ck_assert_double_le((double)covered, 0.97 * (double)cells);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_baseline_that_is_not_there_and_seeds_that_are_others_are_refused)
{
    struct sweep sweep = load("0..9");
    struct until u;
    struct error err;
    struct until_rule rule = rule_of("halfwidth=0.5,max_seeds=10,baseline=3,metric=test_loss");
    ck_assert_int_eq(until_init(&u, &rule, &sweep, &err), -1);
    ck_assert_msg(strstr(err.text, "a, K=1: expected a cell with refresh_period=3") != NULL, "%s", err.text);
    until_free(&u);
    sweep.jobs[0].seed = 77;
    rule.baseline = 1;
    ck_assert_int_eq(until_init(&u, &rule, &sweep, &err), -1);
    ck_assert_msg(strstr(err.text, "expected the seeds of its baseline in the same order") != NULL, "%s", err.text);
    until_free(&u);
    sweep_free(&sweep);
}
END_TEST

/* Of scipy.stats: t.ppf(0.975, n), chi2.ppf(p, n). */
START_TEST(quantiles_are_those_of_scipy)
{
    ck_assert_double_eq_tol(student_quantile(0.975, 3), 3.182446305284264, 1e-9);
    ck_assert_double_eq_tol(student_quantile(0.975, 9), 2.262157162740992, 1e-9);
    ck_assert_double_eq_tol(student_quantile(0.975, 10), 2.2281388519649385, 1e-9);
    ck_assert_double_eq_tol(student_quantile(0.975, 35), 2.0301079282503425, 1e-9);
    ck_assert_double_eq_tol(chi_square_quantile(0.025, 9), 2.7003894999803584, 1e-9);
    ck_assert_double_eq_tol(chi_square_quantile(0.975, 9), 19.02276779864163, 1e-9);
    ck_assert_double_eq_tol(chi_square_quantile(0.975, 10), 20.483177350807395, 1e-9);
    ck_assert_double_eq_tol(chi_square_quantile(0.975, 1), 5.023886187314888, 1e-9);
    ck_assert_double_eq_tol(chi_square_quantile(0.975, 300), 349.87446882991526, 1e-8);
    ck_assert_double_eq_tol(chi_square_quantile(0.975, 301), 350.95446698489656, 5e-3);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, a_rule_is_read_and_written_and_mistakes_are_told);
    tcase_add_test(tests, a_cell_is_decided_only_when_its_batch_is_there_and_gets_what_its_deviation_asks_for);
    tcase_add_test(tests, diverged_runs_are_in_no_pair_and_a_cell_without_any_stops);
    tcase_add_test(tests, what_runs_depends_on_the_numbers_alone);
    tcase_add_test(tests, the_width_is_reached_and_the_intervals_cover);
    tcase_add_test(tests, a_baseline_that_is_not_there_and_seeds_that_are_others_are_refused);
    tcase_add_test(tests, quantiles_are_those_of_scipy);
}

UNIT_MAIN("seeds until an interval is narrow", add)
