/* Observations made by hand -> cells, pairs and what is printed. Two architectures, K in {1, 10, inf},
 * four seeds; differences to K=1 are chosen, so every expected number is plain arithmetic. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "cells.h"
#include "must.h"
#include "print.h"
#include "unit.h"

enum { ARCHITECTURE, PERIOD, SEED, SEEDS = 4, PERIODS = 3, ARCHITECTURES = 2 };

static const double periods[PERIODS] = {1, 10, INFINITY};
static const char *const period_names[PERIODS] = {"1", "10", "inf"};
static const double base[SEEDS] = {0.80, 0.82, 0.81, 0.79};
static const double drop[PERIODS][SEEDS] = {{0}, {0.001, -0.001, 0.002, -0.002}, {0.05, 0.06, 0.05, 0.06}};

static struct observations observations;
static struct cells cells;
static const struct question question = {.metric = "test_accuracy", .baseline = 1, .margin = NAN};

static void set_axis(size_t a, const char *name, bool numeric, size_t n, const char *const *labels,
                     const double *numbers)
{
    struct axis *axis = &observations.axes[a];
    *axis = (struct axis){.name = must(strdup(name)), .numeric = numeric, .n_levels = n};
    axis->levels = must(calloc(n, sizeof *axis->levels));
    for (size_t l = 0; l < n; l++)
        axis->levels[l] = (struct level){must(strdup(labels[l])), numbers ? numbers[l] : NAN};
}

static void setup(void)
{
    observations = (struct observations){.n_axes = 3, .two_readouts = true};
    set_axis(ARCHITECTURE, "architecture", false, 2, (const char *const[]){"wide", "deep"}, NULL);
    set_axis(PERIOD, "refresh_period", true, PERIODS, period_names, periods);
    set_axis(SEED, "seed", true, SEEDS, (const char *const[]){"0", "1", "2", "3"}, (double[]){0, 1, 2, 3});
    observations.at = must(calloc(ARCHITECTURES * PERIODS * SEEDS, sizeof *observations.at));
    /* the wrong way round, so that sorting has something to do */
    for (uint32_t s = SEEDS; s-- > 0;)
        for (uint32_t k = PERIODS; k-- > 0;)
            for (uint32_t a = ARCHITECTURES; a-- > 0;) {
                struct observation *x = &observations.at[observations.n];
                double value = base[s] - drop[k][s];
                *x = (struct observation){.level = {a, k, s}, .status = STATUS_DONE, .value = {value, value - 0.1},
                                          .updates = k == 0 ? 99 : k == 1 ? 9 : 0, .path = (double)k,
                                          .learning_rate = 0.5, .damping = 64, .at = NAN,
                                          .loss_first = 1, .loss_half = 0.1, .loss_last = 0.098};
                char id[32];
                snprintf(id, sizeof id, "job%zu", observations.n++);
                x->id = must(strdup(id));
            }
}

static void teardown(void)
{
    cells_free(&cells);
    observe_free(&observations);
}

static void find(const struct question *q, const char *by)
{
    struct error err = {0};
    ck_assert_msg(cells_find(&cells, &observations, q, by, &err) == 0, "%s", err.text);
}

static struct observation *observation(uint32_t architecture, uint32_t period, uint32_t seed)
{
    for (size_t i = 0; i < observations.n; i++) {
        struct observation *x = &observations.at[i];
        if (x->level[ARCHITECTURE] == architecture && x->level[PERIOD] == period && x->level[SEED] == seed)
            return x;
    }
    ck_abort_msg("no such observation");
    return NULL;
}

START_TEST(cells_are_all_axes_but_the_seed_with_periods_ascending)
{
    find(&question, NULL);
    ck_assert_uint_eq(cells.n_groups, 2);
    ck_assert_uint_eq(cells.n_cells, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(cells.cell[i].value.n, SEEDS);
        ck_assert_double_eq(cells.cell[i].period, periods[i % 3]);
    }
    ck_assert_double_eq_tol(cells.cell[0].value.mean, 0.805, 1e-12);
    ck_assert_double_eq_tol(cells.cell[0].network.mean, 0.705, 1e-12);
    ck_assert_double_eq_tol(cells.cell[2].value.mean, 0.75, 1e-12);
    ck_assert_double_eq(cells.cell[2].path.mean, 2);
    struct text name = {0};
    cells_name_group(&cells, &cells.group[1], &name);
    ck_assert_str_eq(name.chars, "deep");
    text_free(&name);
}
END_TEST

START_TEST(differences_are_paired_by_seed_and_adjusted_over_the_periods)
{
    find(&question, NULL);
    const struct cell *ten = &cells.cell[1], *never = &cells.cell[2];
    ck_assert_uint_eq(ten->difference.n, SEEDS);
    ck_assert_double_eq_tol(ten->difference.mean, 0, 1e-12);
    ck_assert_double_eq_tol(ten->difference.sd, sqrt(1e-5 / 3), 1e-12);   /* {-1, 1, -2, 2} / 1000 */
    ck_assert_double_eq(ten->p, 1);
    ck_assert_double_eq_tol(never->difference.mean, -0.055, 1e-12);
    ck_assert_double_eq(never->p, 0.125);        /* all of one sign: 2 / 2^4 */
    ck_assert_double_eq(never->p_holm, 0.25);    /* times the two Ks of the family */
    ck_assert_uint_eq(cells.group[0].family, 2);
    ck_assert_double_nan(cells.cell[0].p_holm);
}
END_TEST

START_TEST(the_answer_is_the_largest_period_within_the_margin)
{
    if (!stats_have_quantiles())
        return;
    find(&question, NULL);
    ck_assert(cells.group[0].has_answer);
    ck_assert_uint_eq(cells.group[0].answer.shown, 1);
    ck_assert_uint_eq(cells.group[0].answer.possible, 1);
    ck_assert_int_eq(cells.cell[0].suffices, SUFFICES_BASELINE);
    ck_assert_int_eq(cells.cell[1].suffices, SUFFICES_SHOWN);
    ck_assert_int_eq(cells.cell[2].suffices, SUFFICES_NOT);
    struct text sentence = {0};
    print_sentence(&cells, &cells.group[0], &sentence);
    /* 5.5 points, t(0.975, 3) * sqrt(1/3) / 2 = 0.92 */
    ck_assert_str_eq(sentence.chars, "wide: 9 feature updates [1, 9] suffice within 1 point of SGD; never "
                                     "updating costs 5.5 points [4.6, 6.4].");
    text_free(&sentence);
}
END_TEST

START_TEST(a_wide_margin_makes_never_updating_enough_and_a_narrow_one_nothing)
{
    if (!stats_have_quantiles())
        return;
    struct question other = question;
    struct text sentence = {0};
    other.margin = 0.07;
    find(&other, NULL);
    print_sentence(&cells, &cells.group[0], &sentence);
    ck_assert_ptr_nonnull(strstr(sentence.chars, "wide: 0 feature updates [0, 0] suffice within 7 points of SGD"));
    text_free(&sentence);
    cells_free(&cells);
    other.margin = 0.001;
    find(&other, NULL);
    print_sentence(&cells, &cells.group[0], &sentence);
    ck_assert_ptr_nonnull(strstr(sentence.chars, "fewer feature updates than SGD's own 99 are not shown to suffice "
                                                 "within 0.1 points of SGD (the fewest that could: 1)"));
    text_free(&sentence);
}
END_TEST

START_TEST(losses_count_the_other_way_round)
{
    if (!stats_have_quantiles())
        return;
    struct question loss = {.metric = "test_loss", .baseline = 1, .margin = 0.01};
    for (size_t i = 0; i < observations.n; i++)
        observations.at[i].value[READOUT_LINEAR] = 1 - observations.at[i].value[READOUT_LINEAR];
    find(&loss, NULL);
    ck_assert_int_eq(cells.cell[1].suffices, SUFFICES_SHOWN);
    ck_assert_int_eq(cells.cell[2].suffices, SUFFICES_NOT);
    struct text sentence = {0};
    print_sentence(&cells, &cells.group[0], &sentence);
    ck_assert_ptr_nonnull(strstr(sentence.chars, "never updating costs 0.0550 in test_loss [0.0458, 0.0642]."));
    text_free(&sentence);
}
END_TEST

START_TEST(failed_diverged_and_pending_jobs_are_counted_and_in_no_mean)
{
    observation(0, 1, 0)->status = STATUS_FAILED;
    observation(0, 1, 1)->diverged = true;
    observation(0, 2, 0)->status = STATUS_PENDING;
    observation(0, 2, 1)->status = STATUS_RUNNING;
    find(&question, NULL);
    const struct cell *ten = &cells.cell[1], *never = &cells.cell[2];
    ck_assert_uint_eq(ten->count, SEEDS);
    ck_assert_uint_eq(ten->failed, 1);
    ck_assert_uint_eq(ten->diverged, 1);
    ck_assert_uint_eq(ten->value.n, 2);
    ck_assert_double_eq_tol(ten->value.mean, (0.81 - 0.002 + 0.79 + 0.002) / 2, 1e-12);
    ck_assert_uint_eq(ten->difference.n, 2);
    ck_assert_uint_eq(never->missing, 2);
    ck_assert_uint_eq(never->value.n, 2);
    ck_assert_int_ne(ten->suffices, SUFFICES_SHOWN);   /* because of the diverged one */
    struct text notes = {0};
    print_notes(&cells, "", &notes);
    ck_assert_ptr_nonnull(strstr(notes.chars, "24 jobs: 1 failed, 1 diverged, 2 pending or running."));
    text_free(&notes);
}
END_TEST

START_TEST(notes_say_what_few_seeds_cannot_show)
{
    find(&question, NULL);
    struct text notes = {0};
    print_notes(&cells, "", &notes);
    /* two Ks: 2 * 2 / 2^4 = 0.25; 2 * 2 / 2^7 = 0.031 */
    ck_assert_ptr_nonnull(strstr(notes.chars, "with 4 common seeds and 2 Ks the smallest Holm-adjusted p is 0.25: no "
                                              "difference can be significant at 0.05; 7 seeds are needed."));
    ck_assert_ptr_null(strstr(notes.chars, "has not converged"));   /* the loss fell by 2 % */
    text_free(&notes);
}
END_TEST

START_TEST(notes_say_when_the_baseline_has_not_converged)
{
    for (uint32_t s = 0; s < SEEDS; s++)
        observation(1, 0, s)->loss_last = 0.06;
    find(&question, NULL);
    struct text notes = {0};
    print_notes(&cells, "", &notes);
    ck_assert_ptr_nonnull(strstr(notes.chars, "deep: the baseline has not converged: its training loss fell by 40 %"));
    ck_assert_ptr_null(strstr(notes.chars, "wide: the baseline has not converged"));
    text_free(&notes);
}
END_TEST

static void expect_note(const char *words, bool told)
{
    struct text notes = {0};
    find(&question, NULL);
    print_notes(&cells, "", &notes);
    ck_assert_msg((strstr(notes.chars, words) != NULL) == told, "%s", notes.chars);
    text_free(&notes);
    cells_free(&cells);
}

START_TEST(notes_say_when_means_are_over_other_seeds_and_intervals_leave_the_range)
{
    expect_note("so not all over the same", false);
    expect_note("some leave what an accuracy can be", false);
    observation(0, 1, 3)->status = STATUS_FAILED;
    for (uint32_t s = 0; s < SEEDS; s++)
        observation(1, 0, s)->value[READOUT_LINEAR] = s ? 1 : 0.9;
    expect_note("means are over 3 to 4 runs of a cell, so not all over the same", true);
    expect_note("some leave what an accuracy can be, 0 to 100 %", true);
}
END_TEST

START_TEST(notes_say_when_no_job_has_the_metric)
{
    for (size_t i = 0; i < observations.n; i++)
        observations.at[i].value[READOUT_LINEAR] = NAN;
    find(&question, NULL);
    struct text notes = {0}, sentence = {0};
    print_notes(&cells, "", &notes);
    print_sentence(&cells, &cells.group[0], &sentence);
    ck_assert_ptr_nonnull(strstr(notes.chars, "no job has the metric test_accuracy"));
    ck_assert_ptr_nonnull(strstr(sentence.chars, "no answer"));
    ck_assert(!cells.group[0].has_answer);
    text_free(&notes);
    text_free(&sentence);
}
END_TEST

START_TEST(axes_left_out_of_by_are_averaged_over)
{
    find(&question, "refresh_period");
    ck_assert_uint_eq(cells.n_groups, 1);
    ck_assert_uint_eq(cells.n_cells, PERIODS);
    ck_assert_uint_eq(cells.cell[0].value.n, ARCHITECTURES * SEEDS);
    ck_assert_uint_eq(cells.cell[2].difference.n, ARCHITECTURES * SEEDS);
    cells_free(&cells);
    find(&question, "architecture");
    ck_assert_uint_eq(cells.n_cells, ARCHITECTURES);
    ck_assert_double_nan(cells.cell[0].period);
    ck_assert_uint_eq(cells.group[0].baseline, SIZE_MAX);
}
END_TEST

START_TEST(an_unknown_axis_is_named_with_the_known_ones)
{
    struct error err = {0};
    ck_assert_int_eq(cells_find(&cells, &observations, &question, "depth", &err), -1);
    ck_assert_str_eq(err.text, "--by: expected axes (architecture, refresh_period, seed), got 'depth'");
}
END_TEST

START_TEST(two_jobs_alike_in_all_axes_are_refused)
{
    observation(0, 1, 2)->level[SEED] = 3;
    struct error err = {0};
    ck_assert_int_eq(cells_find(&cells, &observations, &question, NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "expected jobs to differ in an axis"));
}
END_TEST

START_TEST(conditions_keep_the_named_values)
{
    struct error err = {0};
    ck_assert_int_eq(observe_filter(&observations, "refresh_period=1,inf", &err), 0);
    ck_assert_int_eq(observe_filter(&observations, "architecture=deep", &err), 0);
    ck_assert_uint_eq(observations.n, 2 * SEEDS);
    ck_assert_int_eq(observe_filter(&observations, "refresh_period=7", &err), -1);
    ck_assert_str_eq(err.text, "--where refresh_period: expected one of 1, 10, inf, got '7'");
    ck_assert_int_eq(observe_filter(&observations, "seed", &err), -1);
    ck_assert_str_eq(err.text, "--where: expected axis=value, got 'seed'");
}
END_TEST

START_TEST(tables_fit_the_width_and_say_what_was_left_out)
{
    find(&question, NULL);
    for (int width = 60; width <= 160; width += 20) {
        struct screen screen = {.width = width};
        struct text out = {0};
        print_table(&cells, &screen, &out);
        if (width >= 80)
            for (const char *line = out.chars; line && *line; line = strchr(line, '\n') + 1)
                ck_assert_msg(strncmp(line, "left out", 8) == 0 || strcspn(line, "\n") <= (size_t)width,
                              "at width %d: %.*s", width, (int)strcspn(line, "\n"), line);
        ck_assert(width < 160 || !strstr(out.chars, "left out"));
        /* without intervals all of it fits 80 columns */
        ck_assert(width > (stats_have_quantiles() ? 80 : 60) || strstr(out.chars, "left out"));
        text_free(&out);
    }
}
END_TEST

START_TEST(csv_and_json_write_inf_as_inf_and_missing_as_empty_or_null)
{
    find(&question, NULL);
    struct text csv = {0}, json = {0};
    print_csv(&cells, &csv);
    ck_assert_int_eq(strncmp(csv.chars, "architecture,refresh_period,metric,readout,planned,n,", 53), 0);
    ck_assert_ptr_nonnull(strstr(csv.chars, "\ndeep,inf,test_accuracy,linear,4,4,0,0,0,0,0.75,"));
    ck_assert_ptr_nonnull(strstr(csv.chars, ",0,,,,,,99,99,0.5,64,0,baseline\n"));
    observations.source = must(calloc(1, sizeof *observations.source));
    observations.source[observations.n_sources++].path = "a \"b\".h5";
    print_json(&cells, &json);
    ck_assert_ptr_nonnull(strstr(json.chars, "\"refresh_period\": \"inf\""));
    ck_assert_ptr_nonnull(strstr(json.chars, "\"bca_low\": null"));
    ck_assert_ptr_nonnull(strstr(json.chars, "\"a \\\"b\\\".h5\""));
    text_free(&csv);
    text_free(&json);
}
END_TEST

START_TEST(curves_put_the_symbols_where_the_numbers_are)
{
    find(&question, NULL);
    struct screen screen = {.width = 80};
    struct text out = {0};
    print_curve(&cells, &screen, &out);
    ck_assert_ptr_nonnull(strstr(out.chars, "wide: test_accuracy of f_lin against the refresh period K"));
    /* K=1 and K=10 share the row of 80.5 %, far from each other; inf is to the right of the divider */
    const char *row = strchr(strstr(out.chars, "\n") + 1, '|');
    int stars = 0, never = 0;
    for (const char *line = row; line && stars < 2; line = strchr(line + 1, '\n')) {
        const char *end = strchr(line + 1, '\n');
        stars = 0;
        for (const char *c = line + 1; c < end; c++)
            stars += *c == '*';
    }
    for (const char *c = strchr(out.chars, ':'); c && (c = strchr(c + 1, ':'));)
        never += strcspn(c, "*\n") < strcspn(c, "\n");
    ck_assert_int_eq(stars, 2);
    ck_assert_int_ge(never, 1);
    text_free(&out);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, cells_are_all_axes_but_the_seed_with_periods_ascending);
    tcase_add_test(tests, differences_are_paired_by_seed_and_adjusted_over_the_periods);
    tcase_add_test(tests, the_answer_is_the_largest_period_within_the_margin);
    tcase_add_test(tests, a_wide_margin_makes_never_updating_enough_and_a_narrow_one_nothing);
    tcase_add_test(tests, losses_count_the_other_way_round);
    tcase_add_test(tests, failed_diverged_and_pending_jobs_are_counted_and_in_no_mean);
    tcase_add_test(tests, notes_say_what_few_seeds_cannot_show);
    tcase_add_test(tests, notes_say_when_the_baseline_has_not_converged);
    tcase_add_test(tests, notes_say_when_means_are_over_other_seeds_and_intervals_leave_the_range);
    tcase_add_test(tests, notes_say_when_no_job_has_the_metric);
    tcase_add_test(tests, axes_left_out_of_by_are_averaged_over);
    tcase_add_test(tests, an_unknown_axis_is_named_with_the_known_ones);
    tcase_add_test(tests, two_jobs_alike_in_all_axes_are_refused);
    tcase_add_test(tests, conditions_keep_the_named_values);
    tcase_add_test(tests, tables_fit_the_width_and_say_what_was_left_out);
    tcase_add_test(tests, csv_and_json_write_inf_as_inf_and_missing_as_empty_or_null);
    tcase_add_test(tests, curves_put_the_symbols_where_the_numbers_are);
}

UNIT_MAIN("cells of a summary", add)
