/* The order of handing out, and predictions. */
#include <stdint.h>

#include <string.h>

#include "base/error.h"
#include "farm/queue.h"
#include "unit.h"

static const double seconds[5] = {3, 9, 1, 9, 4};
static const size_t rows[5] = {0, 1, 2, 3, 4};

static struct queue make(const char *order)
{
    struct queue queue;
    struct error err;
    ck_assert_int_eq(queue_init(&queue, rows, 5, seconds, order, &err), 0);
    return queue;
}

static void expect_order(const char *order, const size_t want[5])
{
    struct queue queue = make(order);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(queue_pop(&queue), want[i]);
    ck_assert_uint_eq(queue.length, 0);
    queue_free(&queue);
}

START_TEST(longest_hands_out_the_longest_first_and_equals_in_file_order)
{
    expect_order("longest", (const size_t[]){1, 3, 4, 0, 2});
}
END_TEST

START_TEST(file_hands_out_in_file_order)
{
    expect_order("file", rows);
}
END_TEST

START_TEST(random_hands_out_every_row_once)
{
    struct queue queue = make("random");
    int seen[5] = {0};
    while (queue.length)
        seen[queue_pop(&queue)]++;
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(seen[i], 1);
    queue_free(&queue);
}
END_TEST

START_TEST(an_unknown_order_is_refused_with_what_is_expected)
{
    struct queue queue;
    struct error err;
    ck_assert_int_eq(queue_init(&queue, rows, 5, seconds, "shortest", &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "expected longest, file or random, got shortest"));
    queue_free(&queue);
}
END_TEST

START_TEST(a_row_that_comes_back_is_the_next_one)
{
    struct queue queue = make("longest");
    size_t first = queue_pop(&queue);
    queue_pop(&queue);
    queue_push(&queue, first);
    ck_assert_uint_eq(queue_pop(&queue), first);
    queue_free(&queue);
}
END_TEST

START_TEST(a_demoted_row_is_the_last_and_a_removed_one_is_gone)
{
    struct queue queue = make("longest");
    size_t demoted = queue.rows[3], removed = queue.rows[2];
    double waiting = queue.waiting;
    queue_demote(&queue, demoted);
    ck_assert_double_eq(queue.waiting, waiting);
    queue_remove(&queue, removed);
    ck_assert_double_eq_tol(queue.waiting, waiting - seconds[removed], 1e-12);
    ck_assert_uint_eq(queue.length, 4);
    size_t last = SIZE_MAX;
    while (queue.length) {
        last = queue_pop(&queue);
        ck_assert_uint_ne(last, removed);
    }
    ck_assert_uint_eq(last, demoted);
    queue_free(&queue);
}
END_TEST

START_TEST(predictions_follow_what_was_measured)
{
    struct queue queue = make("longest");
    ck_assert_double_eq_tol(queue_waiting(&queue), 26, 1e-12);
    queue_pop(&queue);
    queue_learn(&queue, 1, 18);   /* predicted 9 */
    ck_assert_double_eq_tol(queue_predict(&queue, 4), 8, 1e-12);
    ck_assert_double_eq_tol(queue_waiting(&queue), 34, 1e-12);
    queue_free(&queue);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, longest_hands_out_the_longest_first_and_equals_in_file_order);
    tcase_add_test(tests, file_hands_out_in_file_order);
    tcase_add_test(tests, random_hands_out_every_row_once);
    tcase_add_test(tests, an_unknown_order_is_refused_with_what_is_expected);
    tcase_add_test(tests, a_row_that_comes_back_is_the_next_one);
    tcase_add_test(tests, a_demoted_row_is_the_last_and_a_removed_one_is_gone);
    tcase_add_test(tests, predictions_follow_what_was_measured);
}

UNIT_MAIN("queue", add)
