#define _GNU_SOURCE
#include "farm/wire.h"

#include <limits.h>
#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/log.h"
#include "base/memory.h"

/* A message on its way, in a list. */
struct wire_send {
    struct wire_send *next;
    MPI_Request request;
    unsigned char bytes[];
};

/* A process, and the name of the space its number is of. */
struct place {
    long pid;
    char space[120];
};

static int find_processes(struct wire *wire, struct error *err)
{
    struct place own;
    struct place *all = mem_alloc((size_t)wire->size, sizeof *all, err);
    wire->process = mem_alloc((size_t)wire->size, sizeof *wire->process, err);
    if (!all || !wire->process) {
        mem_free(all);
        return -1;
    }
    memset(&own, 0, sizeof own);
    own.pid = getpid();
    host_process_space(own.space, sizeof own.space);
    MPI_Allgather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, wire->comm);
    for (int rank = 0; rank < wire->size; rank++)
        wire->process[rank] = rank != wire->rank && strcmp(all[rank].space, own.space) == 0 ? all[rank].pid : 0;
    mem_free(all);
    return 0;
}

int wire_open(struct wire *wire, MPI_Comm comm, struct error *err)
{
    *wire = (struct wire){0};
    if (MPI_Comm_dup(comm, &wire->comm) != MPI_SUCCESS)
        return error_set(err, ERROR_INTERNAL, "MPI gives no communicator");
    /* a lost rank must not end the others: what cannot be sent shows as silence */
    MPI_Comm_set_errhandler(wire->comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(wire->comm, &wire->rank);
    MPI_Comm_size(wire->comm, &wire->size);
    return find_processes(wire, err);
}

void wire_close(struct wire *wire, bool abandon)
{
    if (!abandon) {
        wire_flush(wire);
        MPI_Comm_free(&wire->comm);
    }
    mem_free(wire->buffer);
    mem_free(wire->process);
}

void wire_send(struct wire *wire, int to, enum wire_tag tag, int64_t row, int64_t code, const void *tail,
               size_t size)
{
    struct wire_head head = {row, code};
    struct error err;
    struct wire_send *send = mem_alloc(1, sizeof *send + sizeof head + size, &err);
    if (!send)
        return;
    assert(size < INT_MAX - sizeof head);
    memcpy(send->bytes, &head, sizeof head);
    if (size)
        memcpy(send->bytes + sizeof head, tail, size);
    if (MPI_Isend(send->bytes, (int)(sizeof head + size), MPI_BYTE, to, (int)tag, wire->comm, &send->request)
        != MPI_SUCCESS) {
        mem_free(send);
        return;
    }
    send->next = wire->sending;
    wire->sending = send;
}

bool wire_sent(struct wire *wire)
{
    for (struct wire_send **link = &wire->sending; *link;) {
        struct wire_send *send = *link;
        int done = 0;
        if (MPI_Test(&send->request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || done) {
            *link = send->next;
            mem_free(send);
        } else {
            link = &send->next;
        }
    }
    return !wire->sending;
}

void wire_flush(struct wire *wire)
{
    double last = clock_seconds();
    while (!wire_sent(wire))
        wire_sleep(last, -1);
}

static bool receive(struct wire *wire, int from, int tag, struct wire_message *message)
{
    MPI_Status status;
    struct error err;
    int there = 0, count = 0;
    if (MPI_Iprobe(from, tag, wire->comm, &there, &status) != MPI_SUCCESS || !there)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &count);
    if ((size_t)count > wire->capacity) {
        mem_free(wire->buffer);
        wire->capacity = 0;
        wire->buffer = mem_alloc(1, (size_t)count, &err);
        if (!wire->buffer)
            return false;
        wire->capacity = (size_t)count;
    }
    if (MPI_Recv(wire->buffer, count, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, wire->comm, &status)
        != MPI_SUCCESS)
        return false;
    if ((size_t)count < sizeof message->head || status.MPI_TAG >= TAG_COUNT) {
        log_warning("rank %d sent %d bytes of tag %d, which is no message of this program: ignored", status.MPI_SOURCE, count,
                    status.MPI_TAG);
        return false;
    }
    message->from = status.MPI_SOURCE;
    message->tag = (enum wire_tag)status.MPI_TAG;
    memcpy(&message->head, wire->buffer, sizeof message->head);
    message->tail = wire->buffer + sizeof message->head;
    message->size = (size_t)count - sizeof message->head;
    return true;
}

bool wire_receive(struct wire *wire, struct wire_message *message)
{
    return receive(wire, MPI_ANY_SOURCE, MPI_ANY_TAG, message);
}

void wire_await(struct wire *wire, int from, enum wire_tag tag, struct wire_message *message)
{
    double last = clock_seconds();
    while (!receive(wire, from, (int)tag, message)) {
        wire_sent(wire);
        wire_sleep(last, -1);
    }
}

double wire_ping_seconds(double patience)
{
    return patience / 5 < WIRE_PING_SECONDS ? patience / 5 : WIRE_PING_SECONDS;
}

bool wire_is_for_master(enum wire_tag tag, const struct wire *wire)
{
    enum { WORKER, MASTER, BOTH };
    static const int handler[TAG_COUNT] = {
#define X(name, who) [name] = who,
        WIRE_TAGS(X)
#undef X
    };
    assert(tag < TAG_COUNT);
    return handler[tag] == MASTER || (handler[tag] == BOTH && wire->rank == 0);
}

void wire_sleep(double last, int descriptor)
{
    double idle = clock_seconds() - last, seconds = idle / 8;
    if (seconds < 20e-6)
        seconds = 20e-6;
    if (seconds > 10e-3)
        seconds = 10e-3;
    struct timespec wait = {.tv_nsec = (long)(seconds * 1e9)};
    struct pollfd event = {.fd = descriptor, .events = POLLIN};
    ppoll(&event, descriptor >= 0, &wait, NULL);
}
