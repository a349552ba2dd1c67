/* What the farm is made of: names in shared memory, records on the wire, words for people. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "farm/child.h"
#include "farm/progress.h"
#include "farm/record.h"
#include "farm/shm.h"
#include "farm/worker.h"
#include "unit.h"

static bool exists(const char *name)
{
    int object = shm_open(name, O_RDONLY, 0);
    if (object >= 0)
        close(object);
    return object >= 0;
}

START_TEST(names_of_a_dead_run_go_and_those_of_a_live_one_stay)
{
    char dead[17], live[17], of_dead[SHM_NAME_SIZE], of_live[SHM_NAME_SIZE];
    struct error err;
    shm_new_run(dead);
    shm_new_run(live);
    ck_assert_str_ne(dead, live);
    shm_name(of_dead, dead, 3, "result", 0);
    shm_name(of_live, live, 3, "result", 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(shm_guard(dead, 3, &err) < 0 || !shm_create(of_dead, 100, &err));
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    int guard = shm_guard(live, 3, &err);
    ck_assert_int_ge(guard, 0);
    void *block = shm_create(of_live, 100, &err);
    ck_assert_ptr_nonnull(block);
    ck_assert(exists(of_dead));
    shm_remove_dead();
    ck_assert(!exists(of_dead));
    ck_assert(exists(of_live));
    munmap(block, 100);
    shm_remove(live, 3);
    ck_assert(!exists(of_live));
    close(guard);
}
END_TEST

START_TEST(removing_one_rank_leaves_another_whose_number_begins_alike)
{
    char run[17], of_1[SHM_NAME_SIZE], of_12[SHM_NAME_SIZE];
    struct error err;
    shm_new_run(run);
    shm_name(of_1, run, 1, "data", 0);
    shm_name(of_12, run, 12, "data", 0);
    int guards[2] = {shm_guard(run, 1, &err), shm_guard(run, 12, &err)};
    munmap(shm_create(of_1, 8, &err), 8);
    munmap(shm_create(of_12, 8, &err), 8);
    shm_remove(run, 1);
    ck_assert(!exists(of_1));
    ck_assert(exists(of_12));
    shm_remove(run, 12);
    ck_assert(!exists(of_12));
    close(guards[0]);
    close(guards[1]);
}
END_TEST

START_TEST(shared_memory_that_is_not_there_is_an_error_with_its_name)
{
    struct error err;
    ck_assert_ptr_null(shm_map("/relin-0000000000000000.0.result-9", 64, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "relin-0000000000000000.0.result-9"));
}
END_TEST

START_TEST(a_packed_record_comes_back_and_leaves_rows_alone)
{
    struct result_layout layout = {.eval = 3, .refresh = 2};
    struct result from, to;
    struct error err;
    result_bind(&from, &layout, mem_alloc(1, result_size(&layout), &err));
    result_bind(&to, &layout, mem_alloc(1, result_size(&layout), &err));
    result_clear(&from);
    result_clear(&to);
    *result_f64(&from, VAR_TEST_LOSS) = 0.25;
    *result_i32(&from, VAR_ATTEMPTS) = 2;
    result_set_text(&from, VAR_HOST, "node17");
    result_i64(&from, VAR_STEP)[0] = 5;   /* of ROWS: does not travel */
    size_t size = record_size(&layout);
    unsigned char *bytes = mem_alloc(1, size, &err);
    record_pack(&from, bytes);
    record_unpack(&to, bytes, size);
    ck_assert_double_eq(*result_f64(&to, VAR_TEST_LOSS), 0.25);
    ck_assert_int_eq(*result_i32(&to, VAR_ATTEMPTS), 2);
    ck_assert_str_eq(result_text(&to, VAR_HOST), "node17");
    ck_assert_int_eq(result_i64(&to, VAR_STEP)[0], -1);
    mem_free(bytes);
    mem_free(from.block);
    mem_free(to.block);
}
END_TEST

START_TEST(a_failure_is_described_by_its_cause)
{
    char text[256];
    struct spawner_report report = {.status = W_EXITCODE(0, SIGSEGV)};
    worker_describe_failure(&report, 60, "", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "signal 11"));
    report = (struct spawner_report){.status = W_EXITCODE(0, SIGKILL), .timed_out = true};
    worker_describe_failure(&report, 60, "", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "limits.job_wall"));
    report = (struct spawner_report){.status = W_EXITCODE(CHILD_FAILED, 0)};
    worker_describe_failure(&report, 60, "the child's own words", text, sizeof text);
    ck_assert_str_eq(text, "the child's own words");
    report = (struct spawner_report){.status = W_EXITCODE(7, 0)};
    worker_describe_failure(&report, 60, "", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "exit code 7"));
}
END_TEST

START_TEST(progress_says_done_failed_running_and_the_time_left)
{
    char text[200];
    struct progress_counts counts = {.jobs = 10, .done = 4, .failed = 1, .running = 2, .left = 45};
    progress_format(&counts, text, sizeof text);
    ck_assert_str_eq(text, "4 of 10 jobs done, 1 failed, 2 running, about 45 s left");
    counts.left = -1;
    progress_format(&counts, text, sizeof text);
    ck_assert_str_eq(text, "4 of 10 jobs done, 1 failed, 2 running");
    counts.draining = true;
    progress_format(&counts, text, sizeof text);
    ck_assert_str_eq(text, "4 of 10 jobs done, 1 failed, 2 running, stopping");
}
END_TEST

START_TEST(the_kind_of_progress_is_read_from_its_word)
{
    enum farm_progress kind = PROGRESS_AUTO;
    ck_assert(progress_parse("bar", &kind));
    ck_assert_int_eq(kind, PROGRESS_BAR);
    ck_assert(!progress_parse("bars", &kind));
    setenv("RELIN_PROGRESS", "none", 1);
    ck_assert_int_eq(progress_resolve(PROGRESS_AUTO), PROGRESS_NONE);
    ck_assert_int_eq(progress_resolve(PROGRESS_LINES), PROGRESS_LINES);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, names_of_a_dead_run_go_and_those_of_a_live_one_stay);
    tcase_add_test(tests, removing_one_rank_leaves_another_whose_number_begins_alike);
    tcase_add_test(tests, shared_memory_that_is_not_there_is_an_error_with_its_name);
    tcase_add_test(tests, a_packed_record_comes_back_and_leaves_rows_alone);
    tcase_add_test(tests, a_failure_is_described_by_its_cause);
    tcase_add_test(tests, progress_says_done_failed_running_and_the_time_left);
    tcase_add_test(tests, the_kind_of_progress_is_read_from_its_word);
}

UNIT_MAIN("farm parts", add)
