#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "farm/child.h"
#include "farm/lean.h"
#include "farm/request.h"
#include "farm/shm.h"
#include "farm/spawner.h"

struct server {
    int socket, shared, children;        /* requests; slowest; SIGCHLD */
    bool lean;                           /* is relin-spawner */
    sigset_t mask;                       /* of the children */
    struct spawner_setup setup;
    struct dataset *sets;
    unsigned char *blocks;               /* of results, one behind the other */
    volatile double *slowest;            /* shared */
    pid_t child;                         /* 0: none */
    int channel;                         /* to a child of several jobs; -1: it is of one */
    bool idle;                           /* such a child between two jobs */
    double told;                         /* its processor time that reports have had */
    double started, deadline;            /* of clock_seconds */
    bool killed;
    long long oom_kills;                 /* as of its start, or not long before: */
    double counted;                      /* then they were asked for */
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

/* To ask costs as much as a short job does. */
static void count_oom_kills(struct server *server)
{
    if (server->idle && server->started - server->counted < 0.5)
        return;
    server->counted = server->started;
    server->oom_kills = host_oom_kills();
}

static void close_channel(struct server *server)
{
    if (server->channel >= 0)
        close(server->channel);
    server->channel = -1;
}

/* Of an idle child: it has nothing to lose. */
static void server_dismiss(struct server *server)
{
    kill(server->child, SIGKILL);
    waitpid(server->child, NULL, 0);
    close_channel(server);
    server->child = 0;
    server->idle = false;
}

/* Returns whether there is a child, and the job is its. */
static bool server_fork(struct server *server, struct child_order *order, size_t room)
{
    int ends[2] = {-1, -1};
    struct child_place place = {.parent = getpid(), .setup = &server->setup, .sets = server->sets,
                                .blocks = server->blocks, .slowest = server->slowest};
    server->told = 0;
    if (order->order.shares && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        ends[0] = ends[1] = -1;   /* then it is of one job */
    pid_t child = fork();
    if (child == 0) {
        child_catch_stop();
        sigprocmask(SIG_SETMASK, &server->mask, NULL);
        place.channel = ends[1];
        child_serve(&place, order, room);
    }
    if (ends[1] >= 0)
        close(ends[1]);
    server->channel = ends[0];
    server->child = child;
    if (child > 0)
        return true;
    close_channel(server);
    server->child = 0;
    return false;
}

/* order: of so many bytes, in a buffer with room for others. */
static void server_run(struct server *server, struct child_order *order, size_t size, size_t room)
{
    server->report = (struct spawner_report){.row = order->order.row, .start_time = clock_unix()};
    server->started = clock_seconds();
    server->deadline = server->started + order->order.wall;
    server->killed = false;
    count_oom_kills(server);
    if (server->idle) {
        server->idle = false;
        if (order->order.shares && send(server->channel, order, size, MSG_NOSIGNAL) == (ssize_t)size)
            return;
        server_dismiss(server);
    }
    if (server_fork(server, order, room))
        return;
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

/* cpu_seconds: of the child, with what reports have had of it. */
static void server_report(struct server *server, int status, double cpu_seconds)
{
    struct spawner_report *report = &server->report;
    report->status = status;
    report->wall_seconds = clock_seconds() - server->started;
    report->cpu_seconds = cpu_seconds - server->told;
    server->told = cpu_seconds;
    send(server->socket, report, sizeof *report, MSG_NOSIGNAL);
}

/* A child of several jobs says that one is done, or has closed the channel: then its end is the job's. */
static void server_hear(struct server *server)
{
    struct child_note note;
    if (server->channel < 0 || server->idle)
        return;
    ssize_t size = recv(server->channel, &note, sizeof note, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        close_channel(server);
    if (size != (ssize_t)sizeof note)
        return;
    if (note.row != server->report.row) {   /* it cannot be trusted with results */
        kill(server->child, SIGKILL);
        return;
    }
    server->idle = true;
    server_report(server, W_EXITCODE(CHILD_DONE, 0), note.cpu_seconds);
    if (server->report.stopped || server->killed)
        server_dismiss(server);
}

static void server_reap(struct server *server)
{
    struct rusage usage;
    int status;
    server_hear(server);   /* before it died */
    if (!server->child || wait4(server->child, &status, WNOHANG, &usage) != server->child)
        return;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;   /* else nobody asks by whom */
    long long oom_kills = killed ? host_oom_kills() : server->oom_kills;
    server->report.oom_kills = oom_kills < 0 ? -1 : (int32_t)(oom_kills - server->oom_kills);
    server->child = 0;
    close_channel(server);
    if (!server->idle)
        server_report(server, status, seconds_of(&usage) + end_strays());
    server->idle = false;
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
    if (!server->child || server->idle || server->killed || (server->report.stopped && !urgent))
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
    case REQUEST_RUN:
        server_run(server, (struct child_order *)request->bytes, (size_t)size - sizeof *request,
                   MESSAGE_SIZE - sizeof *request);
        break;
    case REQUEST_STOP: server_stop(server, request->urgent); break;
    }
    return true;
}

/* Milliseconds until the running child's limit. */
static int server_patience(const struct server *server)
{
    if (!server->child || server->idle || server->killed || !isfinite(server->deadline))
        return -1;
    double left = server->deadline - clock_seconds();
    return left <= 0 ? 0 : left > 1e6 ? 1000000000 : (int)(left * 1e3) + 1;
}

static void server_loop(struct server *server)
{
    char *message = mem_alloc(1, MESSAGE_SIZE, NULL);
    struct pollfd events[3] = {{.fd = server->socket, .events = POLLIN},
                               {.fd = server->children, .events = POLLIN}, {.events = POLLIN}};
    while (message) {
        events[2].fd = server->idle ? -1 : server->channel;
        poll(events, 3, server_patience(server));
        if (events[2].revents)
            server_hear(server);
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

void spawner_serve(int socket, int shared, bool lean)
{
    struct server server = {.socket = socket, .shared = shared, .lean = lean, .channel = -1, .slowest = request_map_slowest(shared)};
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
