/* A real spawner and its children: short jobs that share a child come out as they do alone, and what happens to one of them
 * does not happen to the next. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "data/dataset.h"
#include "experiment_frame.h"
#include "farm/child.h"
#include "farm/shm.h"
#include "farm/spawner.h"
#include "sweep/job.h"

static char run_id[17];
static int guard;
static struct spawner spawner;
static struct result results[2];
static int64_t row;

static void start(void)
{
    char name[SHM_NAME_SIZE];
    const struct job job = make_job(1, 1);
    const struct result model = make_result();
    struct spawner_setup setup = {.n_sets = 1, .layout = model.layout, .checkpoints.interval = INFINITY};
    size_t size = result_size(&model.layout);
    load();
    ck_assert_int_eq(spawner_start(&spawner, &err), 0);
    shm_new_run(run_id);
    memcpy(setup.run, run_id, sizeof run_id);
    guard = shm_guard(run_id, 0, &err);
    shm_name(name, run_id, 0, "data", 0);
    ck_assert_msg(dataset_publish(&job.data, NULL, name, &err) == 0, "%s", err.text);
    shm_name(name, run_id, 0, "result", 0);
    unsigned char *blocks = shm_create(name, spawner_blocks(&model.layout) * size, &err);
    ck_assert_ptr_nonnull(blocks);
    for (int i = 0; i < 2; i++)
        result_bind(&results[i], &model.layout, blocks + i * size);
    ck_assert_msg(spawner_prepare(&spawner, &setup, &err) == 0, "%s", err.text);
    mem_free(model.block);
}

static void end(void)
{
    spawner_end(&spawner);
    shm_remove(run_id, 0);
    close(guard);
    unload();
}

/* The spawner's child; 0 where it has none. */
static pid_t child_now(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)spawner.pid, (int)spawner.pid);
    FILE *list = fopen(path, "r");
    ck_assert_ptr_nonnull(list);
    if (fscanf(list, "%d", &pid) != 1)
        pid = 0;
    fclose(list);
    return pid;
}

static void order(const struct job *job, bool shares, double wall)
{
    struct text packed = {0};
    struct job whole = *job;
    const struct spawner_order what = {.row = ++row, .block = (int32_t)(row % 2), .wall = wall, .shares = shares};
    whole.text = (char *)"";
    job_pack(&whole, &packed);
    ck_assert_int_eq(spawner_run(&spawner, &what, &packed), 0);
    text_free(&packed);
}

static struct spawner_report report(void)
{
    struct pollfd socket = {.fd = spawner.socket, .events = POLLIN};
    struct spawner_report told;
    ck_assert_int_eq(poll(&socket, 1, 60000), 1);
    ck_assert_int_eq(spawner_poll(&spawner, &told), 1);
    ck_assert_int_eq(told.row, row);
    ck_assert_double_gt(told.wall_seconds, 0);
    ck_assert_double_gt(told.cpu_seconds, 0);
    return told;
}

/* Of a child that was not killed. */
static struct spawner_report report_of_exit(int code)
{
    struct spawner_report told = report();
    ck_assert(WIFEXITED(told.status));
    ck_assert_int_eq(WEXITSTATUS(told.status), code);
    return told;
}

/* What a job gives does not depend on who ran it. */
static void check_as_here(const struct job *job)
{
    const struct result here = run(job, NULL), *there = &results[row % 2];
    for (int id = 0; id < VAR_COUNT; id++) {
        const struct variable *variable = &variables[id];
        size_t count = result_count(&here.layout, id);
        if (count == 0 || strstr(variable->name, "seconds") || id == VAR_MAX_RSS_BYTES)
            continue;
        ck_assert_msg(memcmp(result_slab(&here, id), result_slab(there, id), count * variable_type_size(variable->type)) == 0,
                      "%s of row %lld", variable->name, (long long)row);
    }
    mem_free(here.block);
}

static void check_done(const struct job *job, bool shares)
{
    order(job, shares, INFINITY);
    struct spawner_report told = report_of_exit(CHILD_DONE);
    ck_assert(!told.timed_out && !told.stopped);
    check_as_here(job);
}

/* Short ones of several kinds; none takes 20 ms, but a machine that is busy may make it so: then it gets a child of its own. */
static struct job short_job(int i)
{
    struct job job = make_job(i % 3 == 0 ? 1 : i % 3 == 1 ? 4 : INFINITY, 8 + i % 4);
    job.network = i % 2 ? &relu_network : &tanh_network;
    job.training.precision = i % 5 ? PRECISION_DOUBLE : PRECISION_SINGLE;
    if (i % 3)
        job.training.engine = (const enum engine[]){ENGINE_TANGENT, ENGINE_KERNEL, ENGINE_FILTER}[i % 4 % 3];
    job.training.seed_init = job.training.seed_data = (uint64_t)i;
    return job;
}

static void wait_for_end(pid_t child)
{
    while (child_now() == child)
        usleep(1000);
}

/* Orders empty jobs until one has left its child to the next. */
static pid_t share(void)
{
    pid_t child = 0;
    for (int i = 0; i < 100 && !child; i++) {
        struct job job = make_job(1, 0);
        check_done(&job, true);
        child = child_now();
    }
    ck_assert_int_gt(child, 0);
    return child;
}

START_TEST(short_jobs_share_a_child_and_give_what_they_give_alone)
{
    int shared = 0;
    double peak = 0;
    for (int i = 0; i < 60; i++) {
        struct job job = short_job(i);
        pid_t before = child_now();
        check_done(&job, true);
        shared += before && child_now() == before;
        if (i % 6 == 0) {   /* its memory is its own */
            peak = peak ? peak : number(&results[row % 2], VAR_MAX_RSS_BYTES, 0);
            ck_assert_double_eq(number(&results[row % 2], VAR_MAX_RSS_BYTES, 0), peak);
        }
    }
    ck_assert_int_gt(shared, 0);
}
END_TEST

START_TEST(a_job_that_does_not_share_has_a_child_of_its_own)
{
    pid_t child = share();
    struct job job = short_job(1);
    check_done(&job, false);
    ck_assert_int_eq(child_now(), 0);
    ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

START_TEST(a_job_that_was_not_short_ends_its_child)
{
    struct job job = make_job(1, 1);
    job.training.steps = 40000;
    share();
    check_done(&job, true);
    ck_assert_int_eq(child_now(), 0);
}
END_TEST

START_TEST(a_job_that_fails_ends_its_child_and_the_next_has_another)
{
    struct job job = short_job(0);
    pid_t child = share();
    job.data.train = 1 << 20;   /* more than there are */
    order(&job, true, INFINITY);
    report_of_exit(CHILD_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(result_text(&results[row % 2], VAR_ERROR), "1048576"));
    ck_assert_int_ne(share(), child);
}
END_TEST

START_TEST(a_job_that_crashes_is_one_failed_attempt_and_the_next_has_another_child)
{
    struct job job = make_job(1, INT64_C(1) << 40);
    pid_t child = share();
    order(&job, true, INFINITY);
    ck_assert_int_eq(child_now(), child);
    kill(child, SIGKILL);
    struct spawner_report told = report();
    ck_assert(WIFSIGNALED(told.status) && WTERMSIG(told.status) == SIGKILL);
    ck_assert(!told.timed_out && !told.stopped);
    ck_assert_int_ne(share(), child);
}
END_TEST

START_TEST(a_child_that_dies_between_two_jobs_takes_none_along)
{
    pid_t child = share();
    kill(child, SIGKILL);
    wait_for_end(child);
    ck_assert_int_ne(share(), child);
}
END_TEST

/* Whatever the moment: one report, and the next job is done. What the child had not begun may be lost with it, as an attempt
 * that somebody else ended. */
START_TEST(an_order_to_a_child_that_dies_is_reported_once)
{
    struct job job = make_job(1, 0);
    for (int i = 0; i < 200; i++) {
        pid_t child = share();
        if (i % 2)
            kill(child, SIGKILL);
        order(&job, true, INFINITY);
        if (i % 2 == 0)
            kill(child, SIGKILL);
        struct spawner_report told = report();
        if (WIFEXITED(told.status))
            check_as_here(&job);
        else
            ck_assert_int_eq(WTERMSIG(told.status), SIGKILL);
        wait_for_end(child);
    }
    check_done(&job, true);
}
END_TEST

static int n_files(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

START_TEST(no_files_are_left_open_and_a_child_has_but_its_own)
{
    pid_t child = share();
    int here = n_files(spawner.pid);
    for (int i = 0; i < 20; i++) {
        kill(child, SIGKILL);
        wait_for_end(child);
        child = share();
        ck_assert_int_eq(n_files(spawner.pid), here);
        ck_assert_int_eq(n_files(child), 2 + 3 + 1);   /* ., .., the standard ones, the channel */
    }
}
END_TEST

START_TEST(a_job_at_its_limit_is_killed_and_the_next_has_another_child)
{
    struct job job = make_job(1, INT64_C(1) << 40);
    pid_t child = share();
    order(&job, true, 0.05);
    ck_assert(report().timed_out);
    ck_assert_int_eq(kill(child, 0), -1);
    ck_assert_int_ne(share(), child);
}
END_TEST

START_TEST(a_job_that_is_asked_to_stop_stops_and_the_next_has_another_child)
{
    struct job job = make_job(1, INT64_C(1) << 40);
    pid_t child = share();
    order(&job, true, INFINITY);
    spawner_stop(&spawner, false);
    ck_assert(report_of_exit(CHILD_STOPPED).stopped);
    ck_assert_int_ne(share(), child);
    spawner_stop(&spawner, true);   /* nothing runs: nothing happens */
    share();
}
END_TEST

START_TEST(nothing_is_left_of_an_idle_child_when_its_rank_is_gone)
{
    pid_t child = share();
    spawner_end(&spawner);
    ck_assert_int_eq(kill(child, 0), -1);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, start, end);
    tcase_add_test(tests, short_jobs_share_a_child_and_give_what_they_give_alone);
    tcase_add_test(tests, a_job_that_does_not_share_has_a_child_of_its_own);
    tcase_add_test(tests, a_job_that_was_not_short_ends_its_child);
    tcase_add_test(tests, a_job_that_fails_ends_its_child_and_the_next_has_another);
    tcase_add_test(tests, a_job_that_crashes_is_one_failed_attempt_and_the_next_has_another_child);
    tcase_add_test(tests, a_child_that_dies_between_two_jobs_takes_none_along);
    tcase_add_test(tests, an_order_to_a_child_that_dies_is_reported_once);
    tcase_add_test(tests, no_files_are_left_open_and_a_child_has_but_its_own);
    tcase_add_test(tests, a_job_at_its_limit_is_killed_and_the_next_has_another_child);
    tcase_add_test(tests, a_job_that_is_asked_to_stop_stops_and_the_next_has_another_child);
    tcase_add_test(tests, nothing_is_left_of_an_idle_child_when_its_rank_is_gone);
}

UNIT_MAIN("spawner", add)
