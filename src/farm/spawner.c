#define _GNU_SOURCE
#include "farm/spawner.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "base/text.h"
#include "farm/child.h"
#include "farm/lean.h"
#include "data/dataset.h"
#include "farm/shm.h"
#include "sweep/job.h"

/* Rank to spawner. */
enum request_kind { REQUEST_INSPECT, REQUEST_PREPARE, REQUEST_RUN, REQUEST_STOP };

struct request {
    enum request_kind kind;
    union {
        struct spawner_order order;
        bool urgent;
    };
    uint64_t bytes[];                    /* the packed job, the setup, or the path */
};

/* Longest message: a job is some kilobytes. */
enum { MESSAGE_SIZE = 128 * 1024 };

size_t spawner_blocks(const struct result_layout *layout)
{
    return result_size(layout) <= SPAWNER_SMALL_RESULT ? SPAWNER_BLOCKS : 2;
}

/* --- the spawner's own side -------------------------------------------------- */

struct server {
    int socket, shared, children;        /* requests; slowest; SIGCHLD */
    bool lean;                           /* is relin-spawner */
    sigset_t mask;                       /* of the children */
    struct spawner_setup setup;
    struct dataset *sets;
    unsigned char *blocks;               /* of results, one behind the other */
    volatile double *slowest;            /* shared */
    pid_t child;                         /* 0: none */
    double started, deadline;            /* of clock_seconds */
    bool killed;
    long long oom_kills;                 /* as of its start */
    struct spawner_report report;
};

/* The names may go as soon as all spawners of the node have mapped: children inherit. */
static int server_prepare(struct server *server, struct error *err)
{
    const struct spawner_setup *setup = &server->setup;
    char name[SHM_NAME_SIZE];
    server->sets = mem_alloc(setup->n_sets, sizeof *server->sets, err);
    if (!server->sets)
        return -1;
    for (size_t i = 0; i < setup->n_sets; i++) {
        shm_name(name, setup->run, setup->data_rank, "data", i);
        if (dataset_map(&server->sets[i], name, err))
            return -1;
    }
    shm_name(name, setup->run, setup->rank, "result", 0);
    server->blocks = shm_map(name, spawner_blocks(&setup->layout) * result_size(&setup->layout), err);
    return server->blocks ? 0 : -1;
}

static void server_run(struct server *server, const struct spawner_order *order, void *packed)
{
    pid_t self = getpid();
    server->report = (struct spawner_report){.row = order->row, .start_time = clock_unix()};
    server->started = clock_seconds();
    server->deadline = server->started + order->wall;
    server->killed = false;
    server->oom_kills = host_oom_kills();
    pid_t child = fork();
    if (child == 0) {
        child_catch_stop();
        sigprocmask(SIG_SETMASK, &server->mask, NULL);
        struct job job;
        job_unpack(&job, packed);
        child_run(self, order->row, &job, &server->sets[order->set], &server->setup,
                  server->blocks + (size_t)order->block * result_size(&server->setup.layout), server->slowest);
    }
    if (child > 0) {
        server->child = child;
        return;
    }
    server->report.status = W_EXITCODE(SPAWNER_NO_PROCESS, 0);   /* a failed attempt */
    send(server->socket, &server->report, sizeof server->report, MSG_NOSIGNAL);
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec)
           + 1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* A child of this process whose parent was a job's. Returns 0 where there is none. */
static pid_t next_stray(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *list = fopen(path, "re");
    if (list && fscanf(list, "%d", &pid) != 1)
        pid = 0;
    if (list)
        fclose(list);
    return pid;
}

/* What a job's program left behind comes to this process, which is the next in line (PR_SET_CHILD_SUBREAPER): it ends, and
 * its own children come in turn. Returns the processor time of all of them. */
static double end_strays(void)
{
    struct rusage usage;
    double seconds = 0;
    pid_t pid;
    int status;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) >= 0) {
        if (pid == 0 && (pid = next_stray()) > 0) {
            kill(pid, SIGKILL);
            pid = wait4(pid, &status, 0, &usage);
        }
        if (pid <= 0)
            break;   /* a kernel that does not list them */
        seconds += seconds_of(&usage);
    }
    return seconds;
}

static void server_reap(struct server *server)
{
    struct rusage usage;
    int status;
    if (!server->child || wait4(server->child, &status, WNOHANG, &usage) != server->child)
        return;
    server->child = 0;
    struct spawner_report *report = &server->report;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;   /* else nobody asks by whom */
    long long oom_kills = killed ? host_oom_kills() : server->oom_kills;
    report->status = status;
    report->oom_kills = oom_kills < 0 ? -1 : (int32_t)(oom_kills - server->oom_kills);
    report->wall_seconds = clock_seconds() - server->started;
    report->cpu_seconds = seconds_of(&usage) + end_strays();
    send(server->socket, report, sizeof *report, MSG_NOSIGNAL);
}

/* At its limit, or where it did not stop in time. */
static void server_kill(struct server *server)
{
    server->report.timed_out = !server->report.stopped;
    server->killed = true;
    kill(server->child, SIGKILL);
}

static void server_stop(struct server *server, bool urgent)
{
    if (!server->child || server->killed || (server->report.stopped && !urgent))
        return;
    if (!server->report.stopped)
        server->deadline = clock_seconds() + SPAWNER_GRACE_SECONDS + *server->slowest;
    server->report.stopped = true;
    kill(server->child, urgent ? SIGTERM : SIGUSR1);
}

/* The ranks may not fork (MPI), the spawner may. */
static void server_inspect(const struct server *server, const char *path)
{
    struct inspection inspection;
    inspect_in_child(path, &inspection);
    send(server->socket, &inspection, sizeof inspection, MSG_NOSIGNAL);
}

/* One request. Returns false when the rank is gone. */
static bool server_answer(struct server *server, char *message)
{
    struct error err = {0};
    const struct request *next = (const struct request *)message;
    if (!server->lean && !server->sets && recv(server->socket, message, MESSAGE_SIZE, MSG_PEEK) > 0
        && next->kind == REQUEST_PREPARE)
        lean_become(server->socket, server->shared, &server->mask);   /* there it is answered */
    ssize_t size = recv(server->socket, message, MESSAGE_SIZE, 0);
    if (size <= 0)
        return size < 0 && errno == EINTR;
    struct request *request = (struct request *)message;
    switch (request->kind) {
    case REQUEST_INSPECT: server_inspect(server, (const char *)request->bytes); break;
    case REQUEST_PREPARE:
        memcpy(&server->setup, request->bytes, sizeof server->setup);
        if (!server_prepare(server, &err))
            err.text[0] = 0;
        send(server->socket, &err, sizeof err, MSG_NOSIGNAL);
        break;
    case REQUEST_RUN: server_run(server, &request->order, request->bytes); break;
    case REQUEST_STOP: server_stop(server, request->urgent); break;
    }
    return true;
}

/* Milliseconds until the running child's limit. */
static int server_patience(const struct server *server)
{
    if (!server->child || server->killed || !isfinite(server->deadline))
        return -1;
    double left = server->deadline - clock_seconds();
    return left <= 0 ? 0 : left > 1e6 ? 1000000000 : (int)(left * 1e3) + 1;
}

static void server_loop(struct server *server)
{
    char *message = mem_alloc(1, MESSAGE_SIZE, NULL);
    struct pollfd events[2] = {{.fd = server->socket, .events = POLLIN},
                               {.fd = server->children, .events = POLLIN}};
    while (message) {
        poll(events, 2, server_patience(server));
        if (events[1].revents & POLLIN) {
            struct signalfd_siginfo info;
            ssize_t ignored = read(server->children, &info, sizeof info);
            (void)ignored;   /* one signal may stand for several ends: wait4 tells */
            server_reap(server);
        }
        if (events[0].revents && !server_answer(server, message))
            break;
        if (server_patience(server) == 0)
            server_kill(server);
    }
    if (server->child) {
        kill(server->child, SIGKILL);
        waitpid(server->child, NULL, 0);
        end_strays();
    }
    mem_free(message);
}

static volatile double *map_slowest(int shared)
{
    void *found = mmap(NULL, sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    return found == MAP_FAILED ? NULL : found;
}

void spawner_serve(int socket, int shared, bool lean)
{
    struct server server = {.socket = socket, .shared = shared, .lean = lean, .slowest = map_slowest(shared)};
    sigset_t child_ends, stop;
    if (!server.slowest)
        _exit(1);
    /* A process group of its own: whoever ends the rank's group leaves time to clear up. What
     * is meant for the rank (a drain) is not for spawner and children; they end with the socket. */
    setpgid(0, 0);
    prctl(PR_SET_NAME, "relin-spawner");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    static const int not_mine[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    for (size_t i = 0; i < sizeof not_mine / sizeof *not_mine; i++)
        signal(not_mine[i], SIG_IGN);
    sigemptyset(&child_ends);
    sigaddset(&child_ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_ends, &server.mask);
    /* a child unblocks them when it listens: until then what is sent to it waits, and is not ignored */
    sigemptyset(&stop);
    sigaddset(&stop, SIGUSR1);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    server.children = signalfd(-1, &child_ends, SFD_CLOEXEC);
    server_loop(&server);
    if (server.setup.run[0])
        shm_remove(server.setup.run, server.setup.rank);
    _exit(0);
}

/* --- the rank's side --------------------------------------------------------- */

int spawner_start(struct spawner *spawner, struct error *err)
{
    int ends[2];
    *spawner = (struct spawner){.socket = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return error_set_errno(err, ERROR_INTERNAL, "no socket for the spawner");
    int shared = memfd_create("relin-slowest", MFD_CLOEXEC);
    spawner->slowest = shared < 0 || ftruncate(shared, sizeof(double)) ? NULL : map_slowest(shared);
    if (!spawner->slowest) {
        close(ends[0]);
        close(ends[1]);
        close(shared);
        *spawner = (struct spawner){.socket = -1};
        return error_set_errno(err, ERROR_MEMORY, "no memory to share with the spawner");
    }
    fflush(NULL);   /* or the child would write it again */
    spawner->pid = fork();
    if (spawner->pid == 0) {
        close(ends[0]);
        spawner_serve(ends[1], shared, false);
    }
    close(ends[1]);
    close(shared);
    if (spawner->pid < 0) {
        close(ends[0]);
        *spawner = (struct spawner){.socket = -1};
        return error_set_errno(err, ERROR_INTERNAL, "no process for the spawner");
    }
    spawner->socket = ends[0];
    return 0;
}

/* A request with bytes behind it. Returns 0, or -1 where the spawner is gone. */
static int send_request(const struct spawner *spawner, const struct request *request, const void *bytes, size_t length)
{
    const struct iovec parts[] = {{(void *)request, sizeof *request}, {(void *)bytes, length}};
    const struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = 2};
    size_t size = sizeof *request + length;
    return size <= MESSAGE_SIZE && sendmsg(spawner->socket, &message, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

int spawner_prepare(struct spawner *spawner, const struct spawner_setup *setup, struct error *err)
{
    const struct request request = {.kind = REQUEST_PREPARE};
    struct error answer;
    if (send_request(spawner, &request, setup, sizeof *setup)
        || recv(spawner->socket, &answer, sizeof answer, 0) != sizeof answer)
        return error_set(err, ERROR_INTERNAL, "the spawner has died: see the system's log");
    if (answer.text[0]) {
        *err = answer;
        return -1;
    }
    return 0;
}

int spawner_run(struct spawner *spawner, const struct spawner_order *order, const struct text *job)
{
    const struct request request = {.kind = REQUEST_RUN, .order = *order};
    return send_request(spawner, &request, job->chars, job->length);
}

void spawner_inspect(struct spawner *spawner, const char *path, struct inspection *inspection)
{
    const struct request request = {.kind = REQUEST_INSPECT};
    if (send_request(spawner, &request, path, strlen(path) + 1)
        || recv(spawner->socket, inspection, sizeof *inspection, 0) != sizeof *inspection)
        *inspection = (struct inspection){.end = INSPECT_NO_CHILD, .detail = ESRCH};
}

void spawner_stop(struct spawner *spawner, bool urgent)
{
    const struct request request = {.kind = REQUEST_STOP, .urgent = urgent};
    send_request(spawner, &request, NULL, 0);   /* a dead one shows at the next poll */
}

int spawner_poll(struct spawner *spawner, struct spawner_report *report)
{
    ssize_t size = recv(spawner->socket, report, sizeof *report, MSG_DONTWAIT);
    if (size == (ssize_t)sizeof *report)
        return 1;
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void spawner_end(struct spawner *spawner)
{
    if (spawner->pid <= 0)
        return;
    close(spawner->socket);
    waitpid(spawner->pid, NULL, 0);
    munmap((void *)spawner->slowest, sizeof *spawner->slowest);
    *spawner = (struct spawner){.socket = -1};
}
