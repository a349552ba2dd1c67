/* What a killed run could not write of its timeline any more follows from the jobs' columns. */
#include "store/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "sweep/result.h"
#include "unit.h"

enum { JOBS = 5 };

/* One run, from 100 on, last heard of at 160, never ended; five jobs:
 *   0 done, its row too               1 done, its row says it runs
 *   2 running, row too                3 done, no row at all
 *   4 pending, stopped once before */
static const double status[JOBS] = {STATUS_DONE, STATUS_DONE, STATUS_RUNNING, STATUS_DONE, STATUS_PENDING};
static const double start[JOBS] = {110, 120, 150, 155, NAN}, wall[JOBS] = {5, 20, NAN, 3, NAN}, worker[JOBS] = {0, 1, -1, 1, -1};

static const struct attempt rows[] = {
    {.job = 4, .run = 0, .worker = 0, .start = 101, .end = 105, .kept = 2, .outcome = ATTEMPT_STOPPED},
    {.job = 0, .run = 0, .worker = 0, .start = 110, .end = 115, .kept = 5, .outcome = ATTEMPT_DONE},
    {.job = 1, .run = 0, .worker = 1, .start = 120.01, .end = NAN, .kept = NAN, .outcome = ATTEMPT_RUNNING},
    {.job = 2, .run = 0, .worker = 0, .start = 150, .end = NAN, .kept = NAN, .outcome = ATTEMPT_RUNNING},
};

static double written;   /* of the running job's checkpoint */

static double checkpoint(void *context, size_t job)
{
    (void)context;
    return job == 2 ? written : NAN;
}

static struct timeline killed(void)
{
    struct timeline t = {.present = true, .n_attempts = 4, .n_runs = 1, .room_attempts = 100, .room_runs = 4, .capacity = 4};
    t.attempts = mem_alloc(4, sizeof *t.attempts, NULL);
    t.runs = mem_alloc(1, sizeof *t.runs, NULL);
    memcpy(t.attempts, rows, sizeof rows);
    t.runs[0] = run_none;
    t.runs[0].start = 100;
    t.runs[0].last = 160;
    return t;
}

static const struct timeline_jobs jobs = {.n = JOBS, .status = status, .start_time = start, .wall_seconds = wall, .worker = worker,
                                          .checkpoint = checkpoint};

START_TEST(attempts_of_a_killed_run_end_as_their_jobs_did_or_are_lost)
{
    struct timeline t = killed();
    unsigned char *changed = NULL;
    written = 157;
    ck_assert_int_eq(timeline_reconcile(&t, &jobs, false, &changed, NULL), 0);
    ck_assert_uint_eq(t.n_attempts, 5);
    ck_assert(memcmp(&t.attempts[0], &rows[0], sizeof rows[0]) == 0 && memcmp(&t.attempts[1], &rows[1], sizeof rows[1]) == 0);
    const struct attempt *done = &t.attempts[2], *lost = &t.attempts[3], *missing = &t.attempts[4];
    ck_assert_int_eq(done->outcome, ATTEMPT_DONE);
    ck_assert_double_eq(done->start, 120);
    ck_assert_double_eq(done->end, 140);
    ck_assert_double_eq(done->kept, 20);
    ck_assert_int_eq(lost->outcome, ATTEMPT_LOST);
    ck_assert_double_eq(lost->end, 160);
    ck_assert_double_eq(lost->kept, 7);
    ck_assert_int_eq(missing->outcome, ATTEMPT_DONE);
    ck_assert_int_eq(missing->job, 3);
    ck_assert_int_eq(missing->worker, 1);
    ck_assert_double_eq(missing->end, 158);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(changed[i], i >= 2);
    mem_free(changed);
    changed = NULL;
    ck_assert_int_eq(timeline_reconcile(&t, &jobs, false, &changed, NULL), 0);   /* nothing is left to be done */
    ck_assert_uint_eq(t.n_attempts, 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(changed[i], 0);
    mem_free(changed);
    timeline_free(&t);
}
END_TEST

START_TEST(a_checkpoint_of_before_the_attempt_keeps_nothing_of_it)
{
    struct timeline t = killed();
    written = 149;
    ck_assert_int_eq(timeline_reconcile(&t, &jobs, false, NULL, NULL), 0);
    ck_assert_double_eq(t.attempts[3].kept, 0);
    timeline_free(&t);
}
END_TEST

START_TEST(what_a_live_run_runs_is_left_alone)
{
    struct timeline t = killed();
    ck_assert_int_eq(timeline_reconcile(&t, &jobs, true, NULL, NULL), 0);
    ck_assert_uint_eq(t.n_attempts, 4);
    ck_assert(memcmp(t.attempts, rows, sizeof rows) == 0);
    timeline_free(&t);
}
END_TEST

START_TEST(a_checksum_is_of_every_column_but_itself)
{
    struct attempt a = rows[0], b = rows[0];
    b.crc = 7;
    ck_assert_uint_eq(attempt_crc(&a), attempt_crc(&b));
    b.kept += 1e-9;
    ck_assert_uint_ne(attempt_crc(&a), attempt_crc(&b));
    struct run_record r = run_none, s = run_none;
    s.slurm_job[0] = '1';
    ck_assert_uint_ne(run_crc(&r), run_crc(&s));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, attempts_of_a_killed_run_end_as_their_jobs_did_or_are_lost);
    tcase_add_test(tests, a_checkpoint_of_before_the_attempt_keeps_nothing_of_it);
    tcase_add_test(tests, what_a_live_run_runs_is_left_alone);
    tcase_add_test(tests, a_checksum_is_of_every_column_but_itself);
}

UNIT_MAIN("timeline", add)
