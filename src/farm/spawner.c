#define _GNU_SOURCE
#include "farm/spawner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "farm/request.h"

size_t spawner_blocks(const struct result_layout *layout)
{
    return result_size(layout) <= SPAWNER_SMALL_RESULT ? SPAWNER_BLOCKS : 2;
}

volatile double *request_map_slowest(int shared)
{
    void *found = mmap(NULL, sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    return found == MAP_FAILED ? NULL : found;
}

int spawner_start(struct spawner *spawner, struct error *err)
{
    int ends[2];
    *spawner = (struct spawner){.socket = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return error_set_errno(err, ERROR_INTERNAL, "no socket for the spawner");
    int shared = memfd_create("relin-slowest", MFD_CLOEXEC);
    spawner->slowest = shared < 0 || ftruncate(shared, sizeof(double)) ? NULL : request_map_slowest(shared);
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

/* A request with bytes behind it, in two parts. Returns 0, or -1 where the spawner is gone. */
static int send_request(const struct spawner *spawner, const struct request *request, const void *head, size_t head_size,
                        const void *bytes, size_t length)
{
    const struct iovec parts[] = {{(void *)request, sizeof *request}, {(void *)head, head_size}, {(void *)bytes, length}};
    const struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = 3};
    size_t size = sizeof *request + head_size + length;
    return size <= MESSAGE_SIZE && sendmsg(spawner->socket, &message, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

int spawner_prepare(struct spawner *spawner, const struct spawner_setup *setup, struct error *err)
{
    const struct request request = {.kind = REQUEST_PREPARE};
    struct error answer;
    if (send_request(spawner, &request, setup, sizeof *setup, NULL, 0)
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
    const struct request request = {.kind = REQUEST_RUN};
    return send_request(spawner, &request, order, sizeof *order, job->chars, job->length);
}

void spawner_inspect(struct spawner *spawner, const char *path, struct inspection *inspection)
{
    const struct request request = {.kind = REQUEST_INSPECT};
    if (send_request(spawner, &request, path, strlen(path) + 1, NULL, 0)
        || recv(spawner->socket, inspection, sizeof *inspection, 0) != sizeof *inspection)
        *inspection = (struct inspection){.end = INSPECT_NO_CHILD, .detail = ESRCH};
}

void spawner_stop(struct spawner *spawner, bool urgent)
{
    const struct request request = {.kind = REQUEST_STOP, .urgent = urgent};
    send_request(spawner, &request, NULL, 0, NULL, 0);   /* a dead one shows at the next poll */
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
