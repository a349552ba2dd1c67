/* Who is free: the lists against looking at every rank; and records of neighbouring rows. */
#include <check.h>
#include <stdlib.h>

#include "base/error.h"
#include "farm/batch.h"
#include "farm/record.h"
#include "farm/roster.h"

enum { RANKS = 7, CHANGES = 2000 };

/* The obvious way. */
static int held_least(const struct roster *roster, int below, bool rank_0)
{
    int least = below;
    for (int rank = rank_0 ? 0 : 1; rank < RANKS; rank++) {
        const struct roster_rank *r = &roster->ranks[rank];
        if (r->able && !r->gone && r->held < least)
            least = r->held;
    }
    return least;
}

static void compare(const struct roster *roster)
{
    size_t held = 0;
    int ready = 0;
    for (int rank = 0; rank < RANKS; rank++) {
        const struct roster_rank *r = &roster->ranks[rank];
        held += r->gone ? 0 : (size_t)r->held;
        ready += r->able && !r->gone;
    }
    ck_assert_uint_eq(roster->held, held);
    ck_assert_int_eq(roster->n_ready, ready);
    for (int below = 1; below <= ROSTER_LEVELS; below += 8)
        for (int rank_0 = 0; rank_0 < 2; rank_0++) {
            int found = roster_least(roster, below, rank_0), least = held_least(roster, below, rank_0);
            ck_assert_int_eq(found < 0, least == below);
            if (found >= 0) {
                ck_assert(found > 0 || rank_0);
                ck_assert_int_eq(roster->ranks[found].held, least);
            }
        }
}

START_TEST(the_roster_finds_whom_a_look_at_every_rank_finds)
{
    struct roster roster;
    struct error err;
    ck_assert_int_eq(roster_init(&roster, RANKS, false, &err), 0);
    ck_assert(!roster.ranks[0].able && roster_others(&roster));
    srand(1);
    for (int i = 0; i < CHANGES; i++) {
        int rank = rand() % RANKS, what = rand() % 8;
        struct roster_rank *r = &roster.ranks[rank];
        if (what == 0)
            roster_set_able(&roster, rank, !r->able);
        else if (what == 1)
            roster_set_gone(&roster, rank, !r->gone);
        else if (what < 5 && r->held < ROSTER_LEVELS - 1)
            roster_hold(&roster, rank, +1);
        else if (r->held)
            roster_hold(&roster, rank, -1);
        compare(&roster);
    }
    roster_free(&roster);
}
END_TEST

START_TEST(of_ranks_that_hold_as_much_whoever_waits_longest_is_next)
{
    struct roster roster;
    struct error err;
    ck_assert_int_eq(roster_init(&roster, 3, true, &err), 0);
    ck_assert_int_eq(roster_least(&roster, 1, true), 0);
    ck_assert_int_eq(roster_least(&roster, 1, false), 1);
    roster_hold(&roster, 1, +1);
    roster_hold(&roster, 0, +1);
    roster_hold(&roster, 1, -1);
    ck_assert_int_eq(roster_least(&roster, 1, true), 2);
    roster_hold(&roster, 2, +1);
    ck_assert_int_eq(roster_least(&roster, 1, true), 1);
    roster_hold(&roster, 1, +1);
    ck_assert_int_eq(roster_least(&roster, 1, true), -1);
    ck_assert_int_eq(roster_least(&roster, 2, true), 0);
    roster_set_gone(&roster, 2, true);
    roster_set_able(&roster, 1, false);
    ck_assert(!roster_others(&roster));
    roster_free(&roster);
}
END_TEST

START_TEST(records_are_sorted_and_neighbours_found)
{
    static const size_t rows[] = {7, 3, 9, 4, 5, 20};
    struct result_layout layout = {.eval = 2};
    struct batch batch;
    struct error err;
    size_t size = record_size(&layout);
    unsigned char *bytes = calloc(1, size);
    ck_assert_int_eq(batch_init(&batch, &layout, &err), 0);
    for (size_t i = 0; i < 6; i++) {
        bytes[0] = (unsigned char)rows[i];   /* the first variable of a record is the status */
        record_unpack(batch_next(&batch), bytes, size);
        batch_keep(&batch, rows[i]);
    }
    batch_sort(&batch);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(i == 0 || batch.rows[i] > batch.rows[i - 1]);
        ck_assert_uint_eq(*(unsigned char *)result_slab(batch.of[i], VAR_STATUS), batch.rows[i]);
    }
    ck_assert_uint_eq(batch_run(&batch, 0), 3);   /* 3 4 5 | 7 | 9 | 20 */
    ck_assert_uint_eq(batch_run(&batch, 1), 2);
    ck_assert_uint_eq(batch_run(&batch, 3), 1);
    ck_assert_uint_eq(batch_run(&batch, 5), 1);
    batch_free(&batch);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roster");
    TCase *test = tcase_create("all");
    tcase_add_test(test, the_roster_finds_whom_a_look_at_every_rank_finds);
    tcase_add_test(test, of_ranks_that_hold_as_much_whoever_waits_longest_is_next);
    tcase_add_test(test, records_are_sorted_and_neighbours_found);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
