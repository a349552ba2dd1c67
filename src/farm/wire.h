/* Messages between ranks: every tag and wire struct is here.
 *
 * Point-to-point only. A message is a head of fixed width and a tail of bytes. Sending
 * never waits: the message is copied, goes with the next wire_sent, together with all others to
 * that rank, and is kept until MPI is done with it. Messages of a pair of ranks keep their order.
 * Rank 0 writes to its own worker in the same way. */
#ifndef RELIN_FARM_WIRE_H
#define RELIN_FARM_WIRE_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/*  X(tag, who handles it)                                        head.row, head.code; tail */
#define WIRE_TAGS(X)                                                                                  \
    /* start, before the loop */                                                                      \
    X(TAG_SETUP, WORKER)     /* rank 0 has read the sweep: code = exit code, 0 to go on; wire_setup */ \
    X(TAG_READY, MASTER)     /* a rank has its spawner and data: code 0, or 1 and a text */            \
    X(TAG_GO, WORKER)        /* all are ready: code = exit code, 0 to go on */                         \
    /* the loop */                                                                                    \
    X(TAG_JOB, WORKER)       /* run this row; wire_job, then the job's text */                         \
    X(TAG_STARTED, MASTER)   /* its child runs; code = attempts so far, this one counted */            \
    X(TAG_ASK, MASTER)       /* it ended: may I write its rows? */                                     \
    X(TAG_LEAVE, WORKER)     /* code 1: write; 0: the row is no longer yours */                        \
    X(TAG_RECORD, MASTER)    /* the rows are written: the record's variables */                        \
    X(TAG_FAILED, MASTER)    /* the attempt failed: code = its class; wire_failure, then a text: why */ \
    X(TAG_RETURNED, MASTER)  /* not run, or stopped: code 1 if it had been started, with wire_times */ \
    X(TAG_RETIRED, MASTER)   /* this rank runs nothing any more; code: exit code; text: why */         \
    X(TAG_SIGNAL, MASTER)    /* a signal asked this rank to stop */                                    \
    X(TAG_RECALL, WORKER)    /* return what you have not begun: others have nothing to do */           \
    X(TAG_DRAIN, WORKER)     /* return what you have */                                               \
    X(TAG_PING, BOTH)        /* I am alive; to rank 0: code = microseconds a checkpoint took at most; joules */ \
    X(TAG_STOP, WORKER)      /* the last message to a worker: code = exit code of every rank */        \
    X(TAG_BYE, MASTER)       /* its last message; code: exit code where its rows did not come to disk; joules */

enum wire_tag {
#define X(tag, handler) tag,
    WIRE_TAGS(X)
#undef X
    TAG_COUNT
};

/* A ping comes so often, or each fifth of limits.patience if that is less. */
enum { WIRE_PING_SECONDS = 5, WIRE_SYNC_SECONDS = 30, WIRE_RUN_ID = 17 };
/* Rows that rank 0 may have given to one rank. */
enum { WIRE_MOST_ROWS = 32 };

struct wire_head {
    int64_t row;
    int64_t code;
};

struct wire_setup {
    uint64_t layout[9];          /* struct result_layout, in its order */
    double job_wall;             /* seconds; INFINITY: none */
    double checkpoint;           /* limits.checkpoint, the same */
    double grace;                /* limits.grace, the same */
    double patience;             /* limits.patience, the same */
    uint64_t n_sets;
    char run[WIRE_RUN_ID + 7];   /* names the run's shared memory */
    /* texts follow, each with its final 0: result file, folder of data (may be empty), folder of the sweep file, and per
       data set the text of one job that uses it */
};

struct wire_job {
    double predicted;            /* seconds */
    int64_t attempts;            /* starts before this one, all runs counted */
    uint64_t set;
    uint64_t order;              /* of handing out, counted by rank 0: a worker keeps to it */
};

/* How a failed attempt went. */
struct wire_failure {
    double start_time, wall_seconds, cpu_seconds;
    char host[64], cpu_model[64];
};

/* When a stopped attempt ran: Unix seconds; NAN where the spawner has not told. */
struct wire_times {
    double start_time, wall_seconds;
};

struct wire_send;

struct wire {
    MPI_Comm comm;
    int rank, size;
    long *process;               /* (size) its number where this process can look for it; 0: elsewhere, or itself */
    struct wire_send *sending;   /* with MPI */
    struct wire_send **filling;  /* (size) what waits to be sent to each rank, or NULL */
    int *waiting, n_waiting;     /* (size) those ranks */
    bool *listed;                /* (size) is it among them? */
    unsigned char *buffer;       /* what was received last: */
    size_t capacity, length, at; /* so long, taken up to here */
    int from;
};

struct wire_message {
    int from;
    enum wire_tag tag;
    struct wire_head head;
    const unsigned char *tail;   /* valid until the next wire_receive */
    size_t size;
};

/* Before MPI_Init, for one process without mpirun, which never asks Open MPI 4 for more: it need not start a daemon beside
 * itself, which takes longer than all else at the start. Without one all such processes of a user would have one folder for
 * their files, which each removes at its end, under the others: this one gets its own. Others do not know the settings. */
void wire_prepare(void);
/* Collective. Joins a duplicate of comm, and learns which ranks are on this node. Returns 0, or -1 with *err filled. */
int wire_open(struct wire *wire, MPI_Comm comm, struct error *err);
/* Frees; collective unless abandon. */
void wire_close(struct wire *wire, bool abandon);

/* Head and tail are to be sent; a failure shows as silence. */
void wire_send(struct wire *wire, int to, enum wire_tag tag, int64_t row, int64_t code, const void *tail,
               size_t size);
/* Takes the next message, if one is there. */
bool wire_receive(struct wire *wire, struct wire_message *message);
/* Waits, asleep, for one message of a tag from a rank (MPI_ANY_SOURCE: any). Before the loop only. */
void wire_await(struct wire *wire, int from, enum wire_tag tag, struct wire_message *message);
/* Posts what waits and lets MPI go on with it; true when nothing is left. Every round of a rank's loop calls it. */
bool wire_sent(struct wire *wire);
/* Waits until everything is sent. */
void wire_flush(struct wire *wire);

/* Seconds between two pings. */
double wire_ping_seconds(double patience);

bool wire_is_for_master(enum wire_tag tag, const struct wire *wire);

/* Sleeps as long as suits the time since something last happened: microseconds while busy,
 * up to 10 ms when idle (a loop of 1 ms would cost 2.5 % of a core). last: clock_seconds() of the last event.
 * descriptor: of the spawner while a job of this rank runs, whose end wakes it early; such a rank waits for nobody, and
 * leaves the core to its job. -1: none runs. */
void wire_sleep(double last, int descriptor);

#endif
