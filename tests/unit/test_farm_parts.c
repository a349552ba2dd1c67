/* What the farm is made of: names in shared memory, records on the wire, words for people. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "farm/child.h"
#include "farm/message.h"
#include "farm/policy.h"
#include "farm/progress.h"
#include "farm/record.h"
#include "farm/shm.h"
#include "sweep/sweep.h"
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

/* A message cut anywhere, or with a byte more, is none; whole it is read. */
START_TEST(a_body_of_another_length_is_no_message)
{
    unsigned char bytes[sizeof(struct wire_setup) + 64];
    struct wire_setup head = {.layout = {3, 2, 2, 2, 4, 4, 0, 1, 2}, .job_wall = INFINITY, .checkpoint = 300, .patience = 120,
                              .n_sets = 2, .run = "0123456789abcdef"};
    struct wire_job job = {.set = 1};
    struct wire_failure how = {.host = "node17"};
    static const char texts[] = "f.h5\0\0/here\0{a: 1}\0{b: 2}", text[] = "{a: 1}";
    struct message_setup setup;
    const char *got;
    memcpy(bytes, &head, sizeof head);
    memcpy(bytes + sizeof head, texts, sizeof texts);
    for (size_t size = 0; size <= sizeof head + sizeof texts + 1; size++) {
        bytes[sizeof head + sizeof texts] = 0;
        ck_assert_int_eq(message_setup(bytes, size, &setup), size == sizeof head + sizeof texts);
    }
    ck_assert(message_setup(bytes, sizeof head + sizeof texts, &setup));
    ck_assert_str_eq(setup.path, "f.h5");
    ck_assert_str_eq(setup.root, "");
    ck_assert_str_eq(setup.folder, "/here");
    ck_assert_str_eq(setup.sets, "{a: 1}");
    ck_assert_uint_eq(setup.layout.kernel, 1);
    head.n_sets = 0;   /* programs have no data of ours */
    memcpy(bytes, &head, sizeof head);
    ck_assert(message_setup(bytes, sizeof head + sizeof "f.h5\0\0/here", &setup));
    memcpy(bytes, &job, sizeof job);
    memcpy(bytes + sizeof job, text, sizeof text);
    for (size_t size = 0; size <= sizeof job + sizeof text + 1; size++)
        ck_assert_int_eq(message_job(bytes, size, 2, &job, &got), size == sizeof job + sizeof text);
    ck_assert(!message_job(bytes, sizeof job + sizeof text, 1, &job, &got));   /* a set that is not there */
    memcpy(bytes, &how, sizeof how);
    memcpy(bytes + sizeof how, text, sizeof text);
    for (size_t size = 0; size <= sizeof how + sizeof text; size++)
        ck_assert_int_eq(message_failure(bytes, size, FAILURE_WALL, &how, &got), size == sizeof how + sizeof text);
    ck_assert(!message_failure(bytes, sizeof how + sizeof text, FAILURE_COUNT, &how, &got));
    ck_assert_str_eq(message_text(text, sizeof text), text);
    ck_assert_str_eq(message_text(text, 3), "for a reason that cannot be read");
}
END_TEST

START_TEST(axes_that_no_memory_holds_are_no_message)
{
    static const char texts[] = "f.h5\0\0/here\0{a: 1}";
    struct message_setup setup;
    for (size_t i = 0; i < 9; i++) {
        unsigned char bytes[sizeof(struct wire_setup) + sizeof texts];
        struct wire_setup head = {.layout = {3, 2, 2, 2, 4, 4, 0, 1, 2}, .job_wall = 9, .checkpoint = 9, .patience = 9, .n_sets = 1};
        head.layout[i] = UINT64_MAX / 2;
        memcpy(bytes, &head, sizeof head);
        memcpy(bytes + sizeof head, texts, sizeof texts);
        ck_assert(!message_setup(bytes, sizeof bytes, &setup));
    }
}
END_TEST

START_TEST(a_failure_is_described_by_its_cause)
{
    char text[256];
    struct spawner_report report = {.status = W_EXITCODE(0, SIGSEGV)};
    policy_describe(&report, 60, "", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "signal 11"));
    report = (struct spawner_report){.status = W_EXITCODE(0, SIGKILL), .timed_out = true};
    policy_describe(&report, 60, "", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "limits.job_wall"));
    report = (struct spawner_report){.status = W_EXITCODE(CHILD_FAILED, 0)};
    policy_describe(&report, 60, "the child's own words", text, sizeof text);
    ck_assert_str_eq(text, "the child's own words");
    report = (struct spawner_report){.status = W_EXITCODE(7, 0)};
    policy_describe(&report, 60, "", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "exit code 7"));
}
END_TEST

START_TEST(every_end_of_a_child_has_its_class)
{
    static const struct {
        struct spawner_report report;
        enum failure_class class;
        const char *said;
    } ends[] = {
        {{.status = W_EXITCODE(0, SIGSEGV)}, FAILURE_CRASHED, "signal 11"},
        {{.status = W_EXITCODE(0, SIGABRT), .oom_kills = 1}, FAILURE_CRASHED, "signal 6"},
        {{.status = W_EXITCODE(0, SIGKILL), .timed_out = true}, FAILURE_WALL, "limits.job_wall = 60 s"},
        {{.status = W_EXITCODE(0, SIGXCPU)}, FAILURE_WALL, "signal 24"},
        {{.status = W_EXITCODE(0, SIGKILL), .oom_kills = 1}, FAILURE_OUT_OF_MEMORY, "by the kernel for want of memory"},
        {{.status = W_EXITCODE(0, SIGKILL), .oom_kills = 0}, FAILURE_STOPPED, "killed nothing for want of memory"},
        {{.status = W_EXITCODE(0, SIGKILL), .oom_kills = -1}, FAILURE_STOPPED, "by hand, or by the kernel"},
        {{.status = W_EXITCODE(0, SIGTERM)}, FAILURE_STOPPED, "signal 15"},
        {{.status = W_EXITCODE(CHILD_STOPPED, 0)}, FAILURE_STOPPED, "USR1"},
        {{.status = W_EXITCODE(CHILD_NO_MEMORY, 0)}, FAILURE_OUT_OF_MEMORY, "own words"},
        {{.status = W_EXITCODE(SPAWNER_NO_PROCESS, 0)}, FAILURE_OUT_OF_MEMORY, "no process"},
        {{.status = W_EXITCODE(CHILD_BAD_DATA, 0)}, FAILURE_BAD_DATA, "own words"},
        {{.status = W_EXITCODE(CHILD_FAILED, 0)}, FAILURE_CRASHED, "own words"},
        {{.status = W_EXITCODE(7, 0)}, FAILURE_CRASHED, "exit code 7"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char text[256];
        policy_describe(&ends[i].report, 60, "its own words", text, sizeof text);
        ck_assert_int_eq(policy_classify(&ends[i].report), ends[i].class);
        ck_assert_msg(strstr(text, ends[i].said) != NULL, "%zu: '%s' without '%s'", i, text, ends[i].said);
    }
}
END_TEST

START_TEST(how_often_a_job_was_lost_is_read_back_from_its_reason)
{
    char text[256];
    for (int64_t times = 0; times < 12; times++) {
        policy_describe_loss(times, "rank 3 has died", text, sizeof text);
        ck_assert_int_eq(policy_losses(text), times);
        ck_assert_ptr_nonnull(strstr(text, "rank 3 has died"));
    }
    ck_assert_int_eq(policy_losses("killed by signal 9"), 0);
    ck_assert_int_eq(policy_losses("lost -4 times"), 0);
}
END_TEST

START_TEST(classes_of_failures_are_read_from_their_words)
{
    unsigned classes;
    for (int class = 0; class < FAILURE_COUNT; class++) {
        const char *word = failure_word((enum failure_class)class);
        ck_assert_int_eq(failure_of(word), class);
        ck_assert_int_lt(strlen(word), 16);   /* `outcome` in the file */
        ck_assert_ptr_nonnull(strstr(failure_advice((enum failure_class)class), word));
        ck_assert(failure_parse_classes(word, &classes));
        ck_assert_uint_eq(classes, 1u << class);
    }
    ck_assert_int_eq(failure_of("completed"), FAILURE_UNKNOWN);
    ck_assert_int_eq(failure_of(""), FAILURE_UNKNOWN);
    ck_assert(failure_parse_classes("wall,crashed", &classes));
    ck_assert_uint_eq(classes, 1u << FAILURE_WALL | 1u << FAILURE_CRASHED);
    ck_assert(failure_parse_classes("failed", &classes));
    for (int class = 0; class <= FAILURE_UNKNOWN; class++)
        ck_assert(classes & 1u << class);
    static const char *const wrong[] = {"", "wall,", ",wall", "crash", "crashed;wall", "completed"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!failure_parse_classes(wrong[i], &classes), "'%s' was taken", wrong[i]);
}
END_TEST

START_TEST(a_class_has_its_own_limit_or_that_of_all)
{
    struct sweep_limits limits = {.attempts = 3, .attempts_ending = {-1, -1, 1, 20, 10, 1}};
    ck_assert_int_eq(failure_limit(&limits, FAILURE_CRASHED), 3);
    ck_assert_int_eq(failure_limit(&limits, FAILURE_WALL), 1);
    ck_assert_int_eq(failure_limit(&limits, FAILURE_STOPPED), 20);
    ck_assert_int_eq(failure_limit(&limits, FAILURE_UNKNOWN), 3);
}
END_TEST

START_TEST(a_process_lives_until_it_is_a_zombie)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) != 0);
    }
    close(ends[0]);
    ck_assert(host_process_lives(child));
    close(ends[1]);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);   /* a zombie now */
    ck_assert(!host_process_lives(child));
    waitpid(child, NULL, 0);
    ck_assert(!host_process_lives(child));
    ck_assert(host_process_lives(getpid()));
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
    tcase_add_test(tests, a_body_of_another_length_is_no_message);
    tcase_add_test(tests, axes_that_no_memory_holds_are_no_message);
    tcase_add_test(tests, a_failure_is_described_by_its_cause);
    tcase_add_test(tests, every_end_of_a_child_has_its_class);
    tcase_add_test(tests, how_often_a_job_was_lost_is_read_back_from_its_reason);
    tcase_add_test(tests, classes_of_failures_are_read_from_their_words);
    tcase_add_test(tests, a_class_has_its_own_limit_or_that_of_all);
    tcase_add_test(tests, a_process_lives_until_it_is_a_zombie);
    tcase_add_test(tests, progress_says_done_failed_running_and_the_time_left);
    tcase_add_test(tests, the_kind_of_progress_is_read_from_its_word);
}

UNIT_MAIN("farm parts", add)
