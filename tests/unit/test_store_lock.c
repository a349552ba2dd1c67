/* The lock beside a result file: one writer, and who may take over. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* --- many at once --------------------------------------------------------------------- */

enum { PROCESSES = 24, ROUNDS = 15 };

static void leave_lock(const char *lock, const char *host, long pid, time_t age)
{
    struct timespec old[2] = {{.tv_sec = time(NULL) - age}, {.tv_sec = time(NULL) - age}};
    FILE *file = fopen(lock, "w");
    fprintf(file, "host %s\npid %ld\nslurm_job -\nrestart 0\nsince 1.0\n", host, pid);
    fclose(file);
    utimensat(AT_FDCWD, lock, old, 0);
}

/* Starts when the pipe `go` is closed; tells whether it got the lock, and keeps it until `end` is closed. */
static void contend(const char *path, const int go[2], const int tell[2], const int end[2])
{
    struct error err = {0};
    char byte;
    close(go[1]);
    close(end[1]);
    if (read(go[0], &byte, 1) != 0)
        _exit(1);
    byte = store_lock(path, &err) == 0 ? 'w' : err.code == ERROR_LOCKED ? 'l' : 'e';
    if (byte == 'e')
        fprintf(stderr, "%s\n", err.text);
    if (write(tell[1], &byte, 1) != 1 || read(end[0], &byte, 1) != 0)
        _exit(1);
    _exit(0);   /* as killed: the lock stays */
}

/* How many of PROCESSES got the lock. */
static int race(const char *path)
{
    int go[2], tell[2], end[2], winners = 0;
    char byte;
    ck_assert(pipe(go) == 0 && pipe(tell) == 0 && pipe(end) == 0);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            contend(path, go, tell, end);
    close(go[1]);
    for (int i = 0; i < PROCESSES; i++) {
        ck_assert_int_eq(read(tell[0], &byte, 1), 1);
        ck_assert_int_ne(byte, 'e');
        winners += byte == 'w';
    }
    close(end[1]);
    for (int i = 0; i < PROCESSES; i++)
        ck_assert_int_gt(wait(NULL), 0);
    for (int i = 0; i < 2; i++)
        close(i ? tell[1] : tell[0]);
    close(go[0]);
    close(end[0]);
    return winners;
}

START_TEST(of_many_that_start_at_once_exactly_one_gets_the_lock)
{
    char path[64], lock[80], host[256], command[200];
    name_files(path, lock);
    gethostname(host, sizeof host);
    for (int round = 0; round < ROUNDS; round++) {
        unlink(lock);
        ck_assert_int_eq(race(path), 1);               /* none was there */
        ck_assert_int_eq(race(path), 1);               /* that of the one before, who is gone */
        leave_lock(lock, host, 4194303, 0);            /* of 0.1.0 */
        ck_assert_int_eq(race(path), 1);
        leave_lock(lock, "elsewhere", 1, 90);
        ck_assert_int_eq(race(path), 1);
        leave_lock(lock, "elsewhere", 1, 0);
        ck_assert_int_eq(race(path), 0);               /* a live one */
    }
    unlink(lock);
    snprintf(command, sizeof command, "test -z \"$(ls -d %s?* 2>/dev/null)\"", path);
    ck_assert_int_eq(system(command), 0);              /* nothing else is left */
}
END_TEST

START_TEST(one_who_died_while_following_a_dead_lock_is_followed)
{
    struct error err = {0};
    struct store_lock_info dead;
    char path[64], lock[80], second[120], host[256];
    name_files(path, lock);
    gethostname(host, sizeof host);
    leave_lock(lock, host, 4194303, 0);
    ck_assert(store_lock_read(path, &dead));
    snprintf(second, sizeof second, "%s.after-%s", lock, dead.id);
    leave_lock(second, host, 1, 0);                    /* alive: it is just about to take over */
    ck_assert_int_eq(store_lock(path, &err), -1);
    ck_assert_int_eq(err.code, ERROR_LOCKED);
    leave_lock(second, host, 4194302, 0);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    ck_assert_int_ne(access(second, F_OK), 0);
    store_unlock(path);
}
END_TEST

/* --- who it is ------------------------------------------------------------------------ */

START_TEST(every_link_to_a_file_meets_the_same_lock)
{
    struct error err = {0};
    char path[64], lock[80], link[80], second[80];
    name_files(path, lock);
    snprintf(link, sizeof link, "%s.link", path);
    snprintf(second, sizeof second, "%s.link2", path);
    unlink(link);
    unlink(second);
    ck_assert_int_eq(symlink(strrchr(path, '/') + 1, link), 0);   /* relative; the file need not be there */
    ck_assert_int_eq(symlink(link, second), 0);
    ck_assert_msg(store_lock(second, &err) == 0, "%s", err.text);
    ck_assert_int_eq(access(lock, F_OK), 0);
    ck_assert_int_eq(store_lock(path, &err), -1);
    ck_assert_int_eq(store_lock(link, &err), -1);
    store_unlock(path);
    unlink(link);
    ck_assert_int_eq(symlink(second, link), 0);                   /* a circle */
    ck_assert_int_eq(store_lock(second, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "Too many levels of symbolic links"));
    unlink(link);
    unlink(second);
}
END_TEST

/* Our own lock as another run of this machine would have left it. */
static void leave_similar(const char *path, const char *lock, long pid, unsigned long long started, const char *space)
{
    struct error err = {0};
    struct store_lock_info own;
    unlink(lock);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    ck_assert(store_lock_read(path, &own));
    store_unlock(path);
    FILE *file = fopen(lock, "w");
    fprintf(file, "host %s\npid %ld\nslurm_job -\nrestart 0\nsince 1.0\nspace %s\nstarted %llu\nid 0000000000000001\n",
            own.host, pid, space ? space : own.space, started ? started : own.started);
    fclose(file);
}

START_TEST(a_process_is_known_by_its_start_and_its_container)
{
    struct error err = {0};
    char path[64], lock[80];
    name_files(path, lock);
    leave_similar(path, lock, getpid(), 0, NULL);
    ck_assert_int_eq(store_lock(path, &err), -1);
    leave_similar(path, lock, getpid(), 7, NULL);                 /* its number was given to another since */
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    store_unlock(path);
    leave_similar(path, lock, 4194303, 7, "other-boot/pid:[1]");  /* that number is not one of ours */
    ck_assert_int_eq(store_lock(path, &err), -1);
    unlink(lock);
}
END_TEST

/* --- the heart ------------------------------------------------------------------------ */

static double beat_of(const char *path)
{
    struct store_lock_info info;
    return store_lock_read(path, &info) ? info.beat : 0;
}

START_TEST(the_heart_beats_whatever_the_process_does)
{
    struct error err = {0};
    char path[64], lock[80];
    name_files(path, lock);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);
    struct timespec old[2] = {{.tv_sec = time(NULL) - 50}, {.tv_sec = time(NULL) - 50}};
    utimensat(AT_FDCWD, lock, old, 0);
    for (int i = 0; i < 100 && time(NULL) - beat_of(path) > 40; i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    ck_assert_double_lt((double)time(NULL) - beat_of(path), 40);
    ck_assert_int_eq(store_lock_check(path, &err), 0);
    /* another follows, as after a long stop */
    unlink(lock);
    leave_lock(lock, "elsewhere", 7, 0);
    for (int i = 0; i < 100 && store_lock_check(path, &err) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    ck_assert_int_eq(store_lock_check(path, &err), -1);
    ck_assert_int_eq(err.code, ERROR_LOCKED);
    ck_assert_ptr_nonnull(strstr(err.text, "a run on elsewhere (process 7) has taken it over"));
    store_unlock(path);
    ck_assert_int_eq(access(lock, F_OK), 0);                      /* it is not ours to remove */
    unlink(lock);
}
END_TEST

START_TEST(after_a_clock_was_set_back_only_a_beat_is_a_sign_of_life)
{
    struct error err = {0};
    char path[64], lock[80];
    name_files(path, lock);
    leave_lock(lock, "elsewhere", 7, -3600);
    pid_t beating = fork();
    if (beating == 0) {
        nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
        utimensat(AT_FDCWD, lock, NULL, 0);
        _exit(0);
    }
    ck_assert_int_eq(store_lock(path, &err), -1);
    ck_assert_int_eq(waitpid(beating, NULL, 0), beating);
    leave_lock(lock, "elsewhere", 7, -3600);
    ck_assert_msg(store_lock(path, &err) == 0, "%s", err.text);   /* it does not beat */
    store_unlock(path);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, of_many_that_start_at_once_exactly_one_gets_the_lock);
    tcase_add_test(tests, one_who_died_while_following_a_dead_lock_is_followed);
    tcase_add_test(tests, every_link_to_a_file_meets_the_same_lock);
    tcase_add_test(tests, a_process_is_known_by_its_start_and_its_container);
    tcase_add_test(tests, the_heart_beats_whatever_the_process_does);
    tcase_add_test(tests, after_a_clock_was_set_back_only_a_beat_is_a_sign_of_life);
    tcase_add_test(tests, a_lock_that_cannot_be_written_is_not_left_behind);
    tcase_add_test(tests, a_live_lock_is_refused_and_a_dead_one_taken_over);
    tcase_add_test(tests, a_requeued_slurm_job_takes_its_own_lock_over);
}

UNIT_MAIN("store: lock", add)
