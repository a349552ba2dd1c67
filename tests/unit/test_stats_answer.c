/* Steps of a sequence worked out by hand; margin 1, differences in points. */
#include <math.h>

#include "answer.h"
#include "unit.h"

#define STEP(middle, half) {.pairs = 10, .mean = (middle), .low = (middle) - (half), .high = (middle) + (half)}

static struct answer find(const struct answer_step *steps, size_t n)
{
    struct answer answer;
    answer_find(steps, n, 1, &answer);
    return answer;
}

START_TEST(shown_estimate_and_possible_are_three_different_places)
{
    const struct answer_step steps[] = {
        {0},              /* the baseline */
        STEP(0.0, 0.3),   /* low -0.3: shown */
        STEP(-0.5, 0.3),  /* low -0.8: shown */
        STEP(-0.9, 0.3),  /* low -1.2: not shown, mean within */
        STEP(-1.1, 0.3),  /* mean outside, high -0.8: not ruled out */
        STEP(-3.0, 0.5),  /* high -2.5: ruled out */
        STEP(-5.0, 0.5),
    };
    struct answer a = find(steps, 7);
    ck_assert_uint_eq(a.shown, 2);
    ck_assert_uint_eq(a.stopped, 3);
    ck_assert_uint_eq(a.estimate, 3);
    ck_assert_uint_eq(a.possible, 4);
}
END_TEST

START_TEST(the_sequence_stops_at_its_first_failure_even_if_a_later_step_would_pass)
{
    const struct answer_step steps[] = {{0}, STEP(0, 0.1), STEP(-0.9, 0.2), STEP(0, 0.1), STEP(-4, 1)};
    struct answer a = find(steps, 5);
    ck_assert_uint_eq(a.shown, 1);
    ck_assert_uint_eq(a.stopped, 2);
    ck_assert_uint_eq(a.possible, 3);
}
END_TEST

START_TEST(a_lower_end_on_the_margin_is_not_shown)
{
    const struct answer_step steps[] = {{0}, STEP(-0.5, 0.5)};
    ck_assert_uint_eq(find(steps, 2).shown, 0);
}
END_TEST

START_TEST(everything_can_suffice_and_nothing_can)
{
    const struct answer_step all[] = {{0}, STEP(0, 0.1), STEP(0.5, 0.1)};
    ck_assert_uint_eq(find(all, 3).shown, 2);
    ck_assert_uint_eq(find(all, 3).stopped, 3);
    ck_assert_uint_eq(find(all, 3).possible, 2);
    const struct answer_step none[] = {{0}, STEP(-3, 0.1), STEP(-4, 0.1)};
    ck_assert_uint_eq(find(none, 3).shown, 0);
    ck_assert_uint_eq(find(none, 3).possible, 0);
    ck_assert_uint_eq(find(none, 1).possible, 0);
}
END_TEST

START_TEST(a_diverged_run_stops_the_sequence_but_rules_nothing_out)
{
    const struct answer_step steps[] = {
        {0}, STEP(0, 0.1), {.pairs = 9, .diverged = 1, .mean = 0, .low = -0.1, .high = 0.1}, STEP(0, 0.1)};
    struct answer a = find(steps, 4);
    ck_assert_uint_eq(a.shown, 1);
    ck_assert_uint_eq(a.estimate, 1);
    ck_assert_uint_eq(a.possible, 3);
}
END_TEST

START_TEST(a_period_whose_runs_all_diverged_is_ruled_out)
{
    const struct answer_step steps[] = {
        {0}, STEP(0, 0.1), {.pairs = 0, .diverged = 10, .mean = NAN, .low = NAN, .high = NAN}};
    ck_assert_uint_eq(find(steps, 3).possible, 1);
}
END_TEST

START_TEST(without_intervals_nothing_is_shown_and_nothing_ruled_out)
{
    const struct answer_step steps[] = {{0}, {.pairs = 1, .mean = -0.2, .low = NAN, .high = NAN},
                                        {.pairs = 1, .mean = -9, .low = NAN, .high = NAN}};
    struct answer a = find(steps, 3);
    ck_assert_uint_eq(a.shown, 0);
    ck_assert_uint_eq(a.estimate, 1);
    ck_assert_uint_eq(a.possible, 2);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, shown_estimate_and_possible_are_three_different_places);
    tcase_add_test(tests, the_sequence_stops_at_its_first_failure_even_if_a_later_step_would_pass);
    tcase_add_test(tests, a_lower_end_on_the_margin_is_not_shown);
    tcase_add_test(tests, everything_can_suffice_and_nothing_can);
    tcase_add_test(tests, a_diverged_run_stops_the_sequence_but_rules_nothing_out);
    tcase_add_test(tests, a_period_whose_runs_all_diverged_is_ruled_out);
    tcase_add_test(tests, without_intervals_nothing_is_shown_and_nothing_ruled_out);
}

UNIT_MAIN("sufficient feature updates", add)
