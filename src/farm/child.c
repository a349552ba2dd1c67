#define _GNU_SOURCE
#include "farm/child.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/checkpoint.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "sweep/program.h"
#include "sweep/experiment.h"
#include "sweep/job.h"

/* Not for ever: what libraries keep would add up. */
enum { MOST_JOBS = 1000 };

/* The child outlives nobody: it dies with its parent. If the parent went before the signal
 * was asked for, there is a new one already. */
static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CHILD_FAILED);
}

/* When memory runs out the kernel shall take a job, which can run again, not a rank. */
static void offer_to_oom_killer(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, "1000", 4);
    (void)written;   /* refused in some containers: then the kernel's own choice stands */
    close(file);
}

/* From `first` on. */
static void close_files(int first)
{
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
    for (int fd = first, last = (int)sysconf(_SC_OPEN_MAX); fd < last; fd++)
        close(fd);
}

int child_begin(pid_t parent, int channel)
{
    die_with(parent);
    offer_to_oom_killer();
    bool has_one = channel >= 0 && (channel == 3 || dup3(channel, 3, O_CLOEXEC) == 3);
    close_files(has_one ? 4 : 3);
    return has_one ? 3 : -1;
}

static volatile sig_atomic_t stop_asked;
static struct checkpoint *volatile held;   /* the job's state of a moment ago */

static void catch_stop(int number)
{
    stop_asked = 1;
    alarm(number == SIGTERM ? CHILD_URGENT_SECONDS : CHILD_PATIENCE_SECONDS);
}

/* It is in something long, an evaluation or an eigenproblem, and cannot be waited for: what it held before must do. */
static void give_up(int number)
{
    if (syscall(SYS_gettid) != getpid()) {   /* a thread of BLAS: the state is the first one's */
        syscall(SYS_tgkill, getpid(), getpid(), number);
        return;
    }
    if (checkpoint_rescue(held) == 1)
        alarm(1);
    else
        _exit(CHILD_STOPPED);
}

static void catch_signal(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void child_catch_stop(void)
{
    catch_signal(SIGUSR1, catch_stop);
    catch_signal(SIGTERM, catch_stop);
    catch_signal(SIGALRM, give_up);
}

static bool stops(void *context)
{
    (void)context;
    return stop_asked;
}

static int exit_code_of(enum error_code code)
{
    switch (code) {
    case ERROR_MEMORY: return CHILD_NO_MEMORY;
    case ERROR_USAGE:
    case ERROR_SWEEP:
    case ERROR_DATA:
    case ERROR_FILE:
    case ERROR_FORMAT:
    case ERROR_UNSUPPORTED: return CHILD_BAD_DATA;
    default: return CHILD_FAILED;
    }
}

static volatile sig_atomic_t program_stop;

static void catch_program_stop(int number)
{
    program_stop = number == SIGTERM ? 2 : program_stop ? program_stop : 1;
}

static void wake(int number)
{
    (void)number;
}

/* A program has its own time to stop: no alarm, and the spawner learns how long that may be. */
static int run_program(const struct job *job, const struct spawner_setup *setup, const char *checkpoint,
                       struct result *result, volatile double *slowest)
{
    double grace = fmin(setup->grace, PROGRAM_GRACE_MOST);
    struct program_place place = {.folder = setup->folder, .checkpoint = checkpoint, .grace = grace,
                                  .data_root = setup->data_root[0] ? setup->data_root : NULL, .stop = &program_stop};
    enum failure_class class = FAILURE_CRASHED;
    struct error err = {0};
    sigset_t stops, mask;
    sigemptyset(&stops);
    sigaddset(&stops, SIGUSR1);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGCHLD);
    sigprocmask(SIG_BLOCK, &stops, &mask);
    sigdelset(&mask, SIGUSR1);
    sigdelset(&mask, SIGTERM);
    sigdelset(&mask, SIGCHLD);
    catch_signal(SIGUSR1, catch_program_stop);
    catch_signal(SIGTERM, catch_program_stop);
    catch_signal(SIGCHLD, wake);
    alarm(0);
    program_stop = stop_asked;   /* before this */
    place.mask = &mask;
    if (grace > *slowest)
        *slowest = grace;
    enum program_end end = program_run(job, &place, result, &class, &err);
    if (end == PROGRAM_FAILED)
        result_set_text(result, VAR_ERROR, err.text);
    return end == PROGRAM_DONE ? CHILD_DONE : end == PROGRAM_STOPPED ? CHILD_STOPPED : CHILD_AS + (int)class;
}

int child_run(int64_t row, const struct job *job, const struct dataset *set, const struct spawner_setup *setup,
              void *block, volatile double *slowest)
{
    char path[CHECKPOINTS_PATH_SIZE + 64];
    struct experiment_checkpoint keep = {.interval = INFINITY, .stops = stops, .held = &held, .slowest = slowest};
    struct experiment_observer observer = {.checkpoint = &keep};
    struct error err = {0};
    struct result result;
    char title[16];
    snprintf(title, sizeof title, "relin-job-%lld", (long long)row);
    prctl(PR_SET_NAME, title);

    result_bind(&result, &setup->layout, block);
    result_clear(&result);
    if (isfinite(setup->checkpoints.interval)
        && checkpoints_path(setup->checkpoints.result, job->id, path, sizeof path) == 0) {
        keep.path = path;
        keep.interval = setup->checkpoints.interval;
    }
    if (job->training.trainer == TRAINER_COMMAND)
        return run_program(job, setup, keep.path, &result, slowest);
    int status = experiment_run(job, set, &result, &observer, &err);   /* sets the BLAS threads too */
    if (status)
        result_set_text(&result, VAR_ERROR, err.text);
    return status ? exit_code_of(err.code) : strcmp(result_text(&result, VAR_OUTCOME), "stopped") == 0 ? CHILD_STOPPED : CHILD_DONE;
}

void child_serve(const struct child_place *place, struct child_order *order, size_t room)
{
    int channel = child_begin(place->parent, place->channel);
    size_t held_before = mem_in_use();
    struct child_note note = {.cpu_seconds = clock_cpu_seconds()};
    for (int n = 1;; n++) {
        const struct spawner_order *this = &order->order;
        double before = note.cpu_seconds, most = JOB_SHORT_SECONDS + (n == 1 ? JOB_START_SECONDS : 0);
        struct job job;
        job_unpack(&job, order->job);
        int end = child_run(this->row, &job, &place->sets[this->set], place->setup,
                            place->blocks + (size_t)this->block * result_size(&place->setup->layout), place->slowest);
        note = (struct child_note){this->row, clock_cpu_seconds()};
        if (channel < 0 || end != CHILD_DONE || stop_asked || n == MOST_JOBS || note.cpu_seconds - before > most
            || mem_in_use() != held_before || job.training.trainer == TRAINER_COMMAND)
            _exit(end);
        prctl(PR_SET_NAME, "relin-idle");
        if (send(channel, &note, sizeof note, MSG_NOSIGNAL) < 0)
            _exit(end);
        if (recv(channel, order, room, 0) <= 0)
            _exit(CHILD_FAILED);   /* of no job; were there one, it was not done */
    }
}
