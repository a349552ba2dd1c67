#define _GNU_SOURCE
#include "farm/wire.h"

#include <limits.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/log.h"
#include "base/memory.h"

/* Messages to one rank travel together: all that a round of the rank's loop has to say to it is one message of MPI, an
 * envelope. So a rank that hands out, or takes, many short jobs pays for MPI once for many of them. Each message in it
 * has this before its head and tail; the next begins at a multiple of 8 bytes. */
struct frame {
    int32_t tag;
    uint32_t size;                   /* of the tail */
    struct wire_head head;
};

enum {
    ENVELOPE_ROOM = 3584,            /* Open MPI sends so much at once, without asking the receiver first */
    ENVELOPE_TAG = 0,                /* of MPI: the tags are inside */
};

/* An envelope: being filled, or on its way. */
struct wire_send {
    struct wire_send *next;
    MPI_Request request;
    int to;
    size_t length, capacity;
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

void wire_prepare(void)
{
    const char *temporary = getenv("TMPDIR");
    char folder[PATH_MAX];
    if (getenv("PMIX_RANK") || getenv("PMI_RANK") || getenv("OMPI_MCA_ess_singleton_isolated"))
        return;
    snprintf(folder, sizeof folder, "%s/relin-mpi-%d-%llx", temporary && *temporary ? temporary : "/tmp", (int)getpid(),
             (unsigned long long)(1e6 * clock_unix()));
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_orte_jobfam_session_dir", folder, 0);
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
    wire->filling = mem_alloc((size_t)wire->size, sizeof(struct wire_send *), err);
    wire->waiting = mem_alloc((size_t)wire->size, sizeof *wire->waiting, err);
    wire->listed = mem_alloc((size_t)wire->size, sizeof *wire->listed, err);
    if (!wire->filling || !wire->waiting || !wire->listed)
        return -1;
    prctl(PR_SET_TIMERSLACK, 1000UL);   /* a sleep of microseconds is to be one: 50 are added otherwise */
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
    mem_free(wire->filling);
    mem_free(wire->waiting);
    mem_free(wire->listed);
}

static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

/* Gives an envelope to MPI. */
static void post(struct wire *wire, struct wire_send *envelope)
{
    if (MPI_Isend(envelope->bytes, (int)envelope->length, MPI_BYTE, envelope->to, ENVELOPE_TAG, wire->comm,
                  &envelope->request) != MPI_SUCCESS) {
        mem_free(envelope);
        return;
    }
    envelope->next = wire->sending;
    wire->sending = envelope;
}

/* The envelope to a rank, with so much room left; NULL where there is no memory. */
static struct wire_send *envelope_to(struct wire *wire, int to, size_t room)
{
    struct error err;
    struct wire_send *envelope = wire->filling[to];
    if (envelope && envelope->length + room > envelope->capacity) {   /* its turn comes before what follows */
        wire->filling[to] = NULL;
        post(wire, envelope);
        envelope = NULL;
    }
    if (envelope)
        return envelope;
    size_t capacity = room > ENVELOPE_ROOM ? room : ENVELOPE_ROOM;
    envelope = mem_alloc(1, sizeof *envelope + capacity, &err);
    if (!envelope)
        return NULL;
    envelope->to = to;
    envelope->capacity = capacity;
    wire->filling[to] = envelope;
    if (!wire->listed[to]) {
        wire->listed[to] = true;
        wire->waiting[wire->n_waiting++] = to;
    }
    return envelope;
}

void wire_send(struct wire *wire, int to, enum wire_tag tag, int64_t row, int64_t code, const void *tail,
               size_t size)
{
    assert(size < INT_MAX / 2);
    struct frame frame = {(int32_t)tag, (uint32_t)size, {row, code}};
    struct wire_send *envelope = envelope_to(wire, to, padded(sizeof frame + size));
    if (!envelope)
        return;
    memcpy(envelope->bytes + envelope->length, &frame, sizeof frame);
    if (size)
        memcpy(envelope->bytes + envelope->length + sizeof frame, tail, size);
    envelope->length += padded(sizeof frame + size);
}

bool wire_sent(struct wire *wire)
{
    for (int i = 0; i < wire->n_waiting; i++) {
        int to = wire->waiting[i];
        struct wire_send *envelope = wire->filling[to];
        wire->listed[to] = false;
        wire->filling[to] = NULL;
        if (envelope)
            post(wire, envelope);
    }
    wire->n_waiting = 0;
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

/* Takes an envelope, if one is there. */
static bool receive_envelope(struct wire *wire, int from)
{
    MPI_Status status;
    struct error err;
    int there = 0, count = 0;
    if (MPI_Iprobe(from, ENVELOPE_TAG, wire->comm, &there, &status) != MPI_SUCCESS || !there)
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
    if (MPI_Recv(wire->buffer, count, MPI_BYTE, status.MPI_SOURCE, ENVELOPE_TAG, wire->comm, &status) != MPI_SUCCESS)
        return false;
    wire->from = status.MPI_SOURCE;
    wire->length = (size_t)count;
    wire->at = 0;
    return true;
}

/* Is what is left of the envelope a message? Of a rank with another program it may be none, and then neither is the rest. */
static bool is_message(const struct wire *wire, const struct frame *frame)
{
    return frame->tag >= 0 && frame->tag < TAG_COUNT && frame->size <= wire->length - wire->at - sizeof *frame;
}

static bool receive(struct wire *wire, int from, struct wire_message *message)
{
    struct frame frame = {.tag = -1};
    if (wire->at == wire->length && !receive_envelope(wire, from))
        return false;
    assert(from == MPI_ANY_SOURCE || wire->from == from);
    bool whole = wire->length - wire->at >= sizeof frame;
    if (whole)
        memcpy(&frame, wire->buffer + wire->at, sizeof frame);
    if (!whole || !is_message(wire, &frame)) {
        log_warning("rank %d sent %zu bytes of tag %d, which is no message of this program: ignored", wire->from,
                    wire->length - wire->at, (int)frame.tag);
        wire->at = wire->length;
        return false;
    }
    message->from = wire->from;
    message->tag = (enum wire_tag)frame.tag;
    message->head = frame.head;
    message->tail = wire->buffer + wire->at + sizeof frame;
    message->size = frame.size;
    wire->at += padded(sizeof frame + frame.size);
    if (wire->at > wire->length)
        wire->at = wire->length;
    return true;
}

bool wire_receive(struct wire *wire, struct wire_message *message)
{
    return receive(wire, MPI_ANY_SOURCE, message);
}

void wire_await(struct wire *wire, int from, enum wire_tag tag, struct wire_message *message)
{
    double last = clock_seconds();
    wire_sent(wire);
    while (!receive(wire, from, message) || message->tag != tag) {   /* before the loop nothing else is said */
        wire_sleep(last, -1);
        wire_sent(wire);
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
    bool works = descriptor >= 0;
    double idle = clock_seconds() - last, seconds = works ? idle / 2 : idle / 8, least = works ? 100e-6 : 5e-6;
    if (idle < 250e-6 && !works)   /* to sleep and wake costs as much or more, and no job of this rank needs the core */
        return;
    if (seconds < least)
        seconds = least;
    if (seconds > 10e-3)
        seconds = 10e-3;
    struct timespec wait = {.tv_nsec = (long)(seconds * 1e9)};
    struct pollfd event = {.fd = descriptor, .events = POLLIN};
    ppoll(&event, works, &wait, NULL);
}
