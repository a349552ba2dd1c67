/* The lock beside a result file: one writer, and who may take over. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "store/store.h"
#include "unit.h"

static void name_files(char path[64], char lock[80])
{
    snprintf(path, 64, "/tmp/relin-test-lock-%d.h5", (int)getpid());
    snprintf(lock, 80, "%s.lock", path);
    unlink(lock);
}

START_TEST(a_live_lock_is_refused_and_a_dead_one_taken_over)
{
    struct error err = {0};
    struct store_lock_info info;
    char path[64], lock[80];
    name_files(path, lock);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    ck_assert_int_eq(store_lock(path, &err), -1);
    ck_assert_int_eq(err.code, ERROR_LOCKED);
    ck_assert_ptr_nonnull(strstr(err.text, "in use by a run on"));
    ck_assert(store_lock_read(path, &info) && info.live && info.pid == getpid());
    store_unlock(path);
    ck_assert_int_ne(access(lock, F_OK), 0);
    /* a process of this host that is gone, and a host we cannot ask whose heart has stopped */
    char host[256];
    gethostname(host, sizeof host);
    FILE *file = fopen(lock, "w");
    fprintf(file, "host %s\npid 4194303\nslurm_job -\nrestart 0\nsince 1.0\n", host);
    fclose(file);
    ck_assert(store_lock_read(path, &info) && !info.live);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    file = fopen(lock, "w");
    fprintf(file, "host elsewhere\npid 1\nslurm_job -\nrestart 0\nsince 1.0\n");
    fclose(file);
    ck_assert_int_eq(store_lock(path, &err), -1);
    struct timespec old[2] = {{.tv_sec = time(NULL) - 90}, {.tv_sec = time(NULL) - 90}};
    utimensat(AT_FDCWD, lock, old, 0);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    store_unlock(path);
}
END_TEST

START_TEST(a_requeued_slurm_job_takes_its_own_lock_over)
{
    struct error err = {0};
    char path[64], lock[80];
    name_files(path, lock);
    FILE *file = fopen(lock, "w");
    fprintf(file, "host elsewhere\npid 1\nslurm_job 77\nrestart 0\nsince 1.0\n");
    fclose(file);
    setenv("SLURM_JOB_ID", "77", 1);
    ck_assert_int_eq(store_lock(path, &err), -1);   /* a second start within the same job */
    setenv("SLURM_RESTART_COUNT", "1", 1);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    store_unlock(path);
}
END_TEST

START_TEST(a_lock_that_cannot_be_written_is_not_left_behind)
{
    struct error err = {0};
    struct rlimit limit, nothing;
    char path[64], lock[80];
    name_files(path, lock);
    getrlimit(RLIMIT_FSIZE, &limit);
    nothing = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &nothing);   /* writes fail, as on a full disk */
    int status = store_lock(path, &err);
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(status, -1);
    ck_assert_ptr_nonnull(strstr(err.text, ".lock: cannot be written: File too large"));
    ck_assert_int_ne(access(lock, F_OK), 0);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, a_lock_that_cannot_be_written_is_not_left_behind);
    tcase_add_test(tests, a_live_lock_is_refused_and_a_dead_one_taken_over);
    tcase_add_test(tests, a_requeued_slurm_job_takes_its_own_lock_over);
}

UNIT_MAIN("store: lock", add)
