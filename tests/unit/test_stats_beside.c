/* What takes the place of a constant K: schedules against K = 1, and Gauss-Newton runs against linearised ones. Values
 * are chosen, so every expected number is plain arithmetic. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "cells.h"
#include "must.h"
#include "print.h"
#include "unit.h"

enum { SEEDS = 4 };

static struct observations observations;
static struct cells cells;
static const struct question question = {.metric = "test_accuracy", .baseline = 1, .margin = NAN};
static const double base[SEEDS] = {0.80, 0.82, 0.81, 0.79}, wobble[SEEDS] = {0.001, -0.001, 0.002, -0.002};

static void set_axis(size_t a, const char *name, size_t n, const char *const *labels, const double *numbers)
{
    struct axis *axis = &observations.axes[a];
    *axis = (struct axis){.name = must(strdup(name)), .numeric = numbers != NULL, .n_levels = n};
    axis->levels = must(calloc(n, sizeof *axis->levels));
    for (size_t l = 0; l < n; l++)
        axis->levels[l] = (struct level){must(strdup(labels[l])), numbers ? numbers[l] : NAN};
}

static void set_seeds(size_t a)
{
    set_axis(a, "seed", SEEDS, (const char *const[]){"0", "1", "2", "3"}, (double[]){0, 1, 2, 3});
}

/* One job a seed, worse than the base by drop, give or take the wobble where it is not 0; seed is the second axis. */
static void add_jobs(uint32_t first, uint32_t third, uint32_t fourth, uint32_t fifth, double drop, double updates)
{
    for (uint32_t s = SEEDS; s-- > 0;) {
        struct observation *x = &observations.at[observations.n];
        double value = base[s] - (drop != 0 ? drop + wobble[s] : 0);
        *x = (struct observation){.level = {first, s, third, fourth, fifth}, .status = STATUS_DONE,
                                  .value = {value, value}, .updates = updates, .path = NAN, .learning_rate = 0.5,
                                  .loss_first = 1, .loss_half = 0.1, .loss_last = 0.1, .at = NAN};
        char id[32];
        snprintf(id, sizeof id, "job%zu", observations.n++);
        x->id = must(strdup(id));
    }
}

static void begin(size_t n_axes)
{
    observations = (struct observations){.n_axes = n_axes};
    observations.at = must(calloc(100, sizeof *observations.at));
}

static void find(const char *by)
{
    struct error err = {0};
    ck_assert_msg(cells_find(&cells, &observations, &question, by, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
    cells_free(&cells);
    observe_free(&observations);
}

/* axes: schedule, seed, refresh_period. K = 1 and inf; 2 updates late, early and very early; 9; 4 to 7 by the gap. */
static void setup_schedules(void)
{
    begin(3);
    set_axis(0, "schedule", 6, (const char *const[]){"constant", "at=98,99", "first=2/10", "first=2/2",
             "at=10,20,30,40,50,60,70,80,90", "gap=0.1"}, NULL);
    set_seeds(1);
    set_axis(2, "refresh_period", 4, (const char *const[]){"1", "10", "33.3", "inf"}, (double[]){1, 10, 33.3, INFINITY});
    add_jobs(5, 3, 0, 0, 0.004, NAN);
    for (size_t i = 0; i < SEEDS; i++) {
        observations.at[i].adaptive = true;
        observations.at[i].updates = 4 + (double)i;
    }
    add_jobs(1, 2, 0, 0, 0.09, 2);
    add_jobs(2, 2, 0, 0, 0.02, 2);
    add_jobs(3, 2, 0, 0, 0.03, 2);
    add_jobs(4, 1, 0, 0, -0.001, 9);
    add_jobs(0, 3, 0, 0, 0.05, 0);
    add_jobs(0, 0, 0, 0, 0, 99);
}

START_TEST(schedules_stand_below_the_periods_by_falling_number_of_updates_then_by_label)
{
    setup_schedules();
    find(NULL);
    ck_assert_uint_eq(cells.n_groups, 1);
    ck_assert_uint_eq(cells.n_cells, 7);
    ck_assert_uint_eq(cells.group[0].n_constant, 2);
    ck_assert_uint_eq(cells.group[0].baseline, 0);
    ck_assert_double_eq(cells.cell[0].period, 1);
    ck_assert_double_eq(cells.cell[1].period, INFINITY);
    ck_assert(!cells.cell[0].schedule && !cells.cell[1].schedule);
    const char *const order[] = {"at=10,20,30,40,50,60,70,80,90", "gap=0.1", "at=98,99", "first=2/2", "first=2/10"};
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(cells.cell[2 + i].schedule, order[i]);
}
END_TEST

START_TEST(schedules_are_compared_with_the_baseline_in_one_family_and_judged_each_alone)
{
    setup_schedules();
    find(NULL);
    const double drops[] = {NAN, 0.05, -0.001, 0.004, 0.09, 0.03, 0.02};
    ck_assert_uint_eq(cells.group[0].family, 6);
    for (size_t i = 1; i < 7; i++) {
        ck_assert_uint_eq(cells.cell[i].difference.n, SEEDS);
        ck_assert_double_eq_tol(cells.cell[i].difference.mean, -drops[i], 1e-12);
        ck_assert_uint_eq(cells.cell[i].against, 0);
    }
    ck_assert_double_eq(cells.cell[4].p, 0.125);
    ck_assert_double_eq_tol(cells.cell[4].p_holm, 0.75, 1e-12);   /* the least of six */
    if (!stats_have_quantiles())
        return;
    /* half an interval: t(0.975, 3) * sqrt(1e-5 / 3) / 2 = 0.29 points */
    const enum suffices judged[] = {SUFFICES_BASELINE, SUFFICES_NOT, SUFFICES_SHOWN, SUFFICES_SHOWN,
                                    SUFFICES_NOT, SUFFICES_NOT, SUFFICES_NOT};
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(cells.cell[i].suffices, judged[i]);
    ck_assert_uint_eq(cells.group[0].answer.shown, 0);   /* of constant periods */
    ck_assert_uint_eq(cells.group[0].answer.possible, 0);
}
END_TEST

START_TEST(a_diverged_run_keeps_a_schedule_from_being_called_enough)
{
    setup_schedules();
    observations.at[0].diverged = true;   /* of gap=0.1 */
    find(NULL);
    ck_assert_str_eq(cells.cell[3].schedule, "gap=0.1");
    ck_assert_uint_eq(cells.cell[3].difference.n, SEEDS - 1);
    ck_assert_double_eq(cells.cell[3].updates, 6);   /* of 5, 6, 7 */
    ck_assert_int_ne(cells.cell[3].suffices, SUFFICES_SHOWN);
}
END_TEST

START_TEST(updates_where_the_gap_decides_are_a_mean_and_a_range)
{
    setup_schedules();
    find(NULL);
    const struct cell *gap = &cells.cell[3];
    ck_assert_double_eq(gap->updates, 5.5);
    ck_assert_double_eq(gap->updates_least, 4);
    ck_assert_double_eq(gap->updates_most, 7);
    struct text text = {0};
    print_updates(gap, &text);
    ck_assert_str_eq(text.chars, "5.5 (4-7)");
    text_free(&text);
    print_updates(&cells.cell[0], &text);
    ck_assert_str_eq(text.chars, "99");
    text_free(&text);
}
END_TEST

START_TEST(the_sentence_tells_what_each_schedule_loses_and_no_order)
{
    setup_schedules();
    if (!stats_have_quantiles())
        return;
    find(NULL);
    struct text sentence = {0};
    print_sentence(&cells, &cells.group[0], &sentence);
    ck_assert_str_eq(sentence.chars, "all jobs: never updating costs 5.0 points [4.7, 5.3]. Against SGD: with 9 feature "
                     "updates, at=10..90 gains 0.1 points [-0.2, 0.4]; with 5.5 (4-7) feature updates, gap=0.1 loses 0.4 "
                     "points [0.1, 0.7]; with 2 feature updates, at=98,99 loses 9.0 points [8.7, 9.3], first=2/2 loses "
                     "3.0 points [2.7, 3.3], first=2/10 loses 2.0 points [1.7, 2.3].");
    text_free(&sentence);
}
END_TEST

START_TEST(tables_show_labels_and_csv_the_whole_of_them)
{
    setup_schedules();
    find(NULL);
    struct screen screen = {.width = 160};
    struct text table = {0}, csv = {0}, curve = {0};
    print_table(&cells, &screen, &table);
    ck_assert_ptr_nonnull(strstr(table.chars, "\n at=10..90          9 "));
    ck_assert_ptr_nonnull(strstr(table.chars, "\n   gap=0.1  5.5 (4-7) "));
    print_csv(&cells, &csv);
    ck_assert_ptr_nonnull(strstr(csv.chars, "\nconstant,1,test_accuracy,,4,4,0,0,0,99,"));
    ck_assert_ptr_nonnull(strstr(csv.chars, "\n\"at=10,20,30,40,50,60,70,80,90\",10,test_accuracy,,4,4,0,0,0,9,"));
    ck_assert_ptr_nonnull(strstr(csv.chars, ",4,7,,"));          /* the gap's range, and no eta K */
    ck_assert_ptr_nonnull(strstr(csv.chars, ",99,99,0.5,"));     /* K=1 */
    print_curve(&cells, &screen, &curve);
    ck_assert_ptr_null(strstr(curve.chars, "33"));               /* a schedule's mean period is no K */
    text_free(&table);
    text_free(&csv);
    text_free(&curve);
}
END_TEST

START_TEST(by_the_period_schedules_are_not_averaged_into_it)
{
    setup_schedules();
    find("refresh_period");
    ck_assert_uint_eq(cells.n_cells, 7);
    ck_assert_uint_eq(cells.cell[1].value.n, SEEDS);
    cells_free(&cells);
    find("schedule");
    ck_assert_uint_eq(cells.n_groups, 6);
    ck_assert_uint_eq(cells.group[0].baseline, SIZE_MAX);
}
END_TEST

/* axes: trainer, seed, refresh_period, training_steps, training_damping. K = 10 and 100; the last Gauss-Newton run of
 * K = 100 has too many steps, and a damping that is not tied has no partner either. */
static void setup_trainers(void)
{
    begin(5);
    set_axis(0, "trainer", 2, (const char *const[]){"gauss-newton", "linearised"}, NULL);
    set_seeds(1);
    set_axis(2, "refresh_period", 2, (const char *const[]){"10", "100"}, (double[]){10, 100});
    set_axis(3, "training_steps", 4, (const char *const[]){"20", "30", "200", "2000"}, (double[]){20, 30, 200, 2000});
    set_axis(4, "training_damping", 2, (const char *const[]){"tied", "0.1"}, NULL);
    add_jobs(0, 0, 0, 0, 0.004, 19);   /* K = 10, 20 steps */
    add_jobs(0, 0, 0, 1, 0.3, 19);     /* of a given damping */
    add_jobs(0, 1, 0, 0, 0.05, 19);    /* K = 100, 20 steps */
    add_jobs(0, 1, 1, 0, 0.2, 29);     /* 30 steps */
    add_jobs(1, 0, 2, 0, 0, 19);       /* linearised: K = 10, 200 steps */
    add_jobs(1, 1, 3, 0, 0, 19);       /* K = 100, 2000 steps */
}

START_TEST(gauss_newton_stands_below_the_linearised_run_of_its_period_and_time)
{
    setup_trainers();
    find(NULL);
    ck_assert_uint_eq(cells.n_groups, 1);
    ck_assert_uint_eq(cells.n_cells, 6);
    ck_assert(cells.pairs_trainers);
    const double periods[] = {10, 10, 10, 100, 100, 100};
    const bool solves[] = {false, true, true, false, true, true};
    const size_t against[] = {SIZE_MAX, 0, SIZE_MAX, SIZE_MAX, 3, SIZE_MAX};
    const double drops[] = {NAN, 0.004, NAN, NAN, 0.05, NAN}, eta_periods[] = {5, 5, NAN, 50, 50, NAN};
    for (size_t i = 0; i < 6; i++) {
        ck_assert_double_eq(cells.cell[i].period, periods[i]);
        ck_assert_int_eq(cells.cell[i].solves, solves[i]);
        ck_assert_uint_eq(cells.cell[i].against, against[i]);
        if (isnan(drops[i]))
            ck_assert_uint_eq(cells.cell[i].difference.n, 0);
        else
            ck_assert_double_eq_tol(cells.cell[i].difference.mean, -drops[i], 1e-12);
        ck_assert(cells.cell[i].eta_period == eta_periods[i] || (isnan(cells.cell[i].eta_period) && isnan(eta_periods[i])));
    }
    ck_assert_uint_eq(cells.group[0].family, 2);
    ck_assert_double_eq(cells.cell[4].p_holm, 0.25);
    ck_assert(!cells.group[0].has_answer);
}
END_TEST

START_TEST(the_sentence_tells_what_gauss_newton_loses_at_each_period)
{
    setup_trainers();
    if (!stats_have_quantiles())
        return;
    find(NULL);
    ck_assert_int_eq(cells.cell[1].suffices, SUFFICES_SHOWN);
    ck_assert_int_eq(cells.cell[4].suffices, SUFFICES_NOT);
    ck_assert_int_eq(cells.cell[0].suffices, SUFFICES_UNASKED);
    struct text sentence = {0}, table = {0};
    print_sentence(&cells, &cells.group[0], &sentence);
    ck_assert_str_eq(sentence.chars, "all jobs: Gauss-Newton beside the linearised run of the same K: K=10 loses 0.4 "
                                     "points [0.1, 0.7]; K=100 loses 5.0 points [4.7, 5.3].");
    print_table(&cells, &(struct screen){.width = 160}, &table);
    ck_assert_ptr_nonnull(strstr(table.chars, "vs lin."));
    ck_assert_ptr_nonnull(strstr(table.chars, "gauss-newton"));
    text_free(&sentence);
    text_free(&table);
}
END_TEST

START_TEST(period_and_trainer_are_enough_to_pair_and_linearised_jobs_alone_are_ordinary)
{
    setup_trainers();
    struct error err = {0};
    find("trainer,refresh_period");
    ck_assert(cells.pairs_trainers);
    ck_assert_uint_eq(cells.n_cells, 6);
    cells_free(&cells);
    ck_assert_int_eq(observe_filter(&observations, "trainer=linearised", &err), 0);
    find(NULL);
    ck_assert(!cells.pairs_trainers);
    ck_assert_uint_eq(cells.n_groups, 2);   /* one for each number of steps */
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, schedules_stand_below_the_periods_by_falling_number_of_updates_then_by_label);
    tcase_add_test(tests, schedules_are_compared_with_the_baseline_in_one_family_and_judged_each_alone);
    tcase_add_test(tests, a_diverged_run_keeps_a_schedule_from_being_called_enough);
    tcase_add_test(tests, updates_where_the_gap_decides_are_a_mean_and_a_range);
    tcase_add_test(tests, the_sentence_tells_what_each_schedule_loses_and_no_order);
    tcase_add_test(tests, tables_show_labels_and_csv_the_whole_of_them);
    tcase_add_test(tests, by_the_period_schedules_are_not_averaged_into_it);
    tcase_add_test(tests, gauss_newton_stands_below_the_linearised_run_of_its_period_and_time);
    tcase_add_test(tests, the_sentence_tells_what_gauss_newton_loses_at_each_period);
    tcase_add_test(tests, period_and_trainer_are_enough_to_pair_and_linearised_jobs_alone_are_ordinary);
}

UNIT_MAIN("what stands beside a constant period", add)
