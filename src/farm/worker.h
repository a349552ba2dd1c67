/* The worker of a rank: a small state machine that the rank's loop steps. It never waits.
 *
 *   a task:  (TAG_JOB) WAITING -> RUNNING -> ENDED -> ASKING (TAG_ASK) -> (TAG_LEAVE) GRANTED -> rows written, TAG_RECORD
 *            of short jobs several are asked for at once, and written together (commit.h)
 *            a failed attempt: TAG_FAILED; what follows from it is rank 0's
 *            drain: TAG_RETURNED */
#ifndef RELIN_FARM_WORKER_H
#define RELIN_FARM_WORKER_H

#include <stdbool.h>

#include "base/energy.h"
#include "base/error.h"
#include "farm/spawner.h"
#include "farm/wire.h"
#include "store/store.h"

enum task_state { TASK_NONE, TASK_WAITING, TASK_RUNNING, TASK_ENDED, TASK_ASKING, TASK_GRANTED };
/* What the master hands out, and as much that was given to others while it heard nothing of this rank. */
enum { WORKER_TASKS = 2 * WIRE_MOST_ROWS };

struct task {
    enum task_state state;
    int64_t row;
    struct wire_job job;
    struct text packed;              /* the job, for the spawner */
    bool shares;                     /* a child with others: as of struct spawner_order */
    int block;                       /* RUNNING and after */
    struct spawner_report report;    /* ENDED and after */
};

struct worker {
    struct wire *wire;
    struct store *store;
    struct spawner *spawner;
    struct result results[SPAWNER_BLOCKS];
    int n_blocks;                    /* of them */
    int n_ended, n_granted;          /* tasks of these states */
    double first_ended;              /* clock_seconds(): since when the first of them waits */
    struct task tasks[WORKER_TASKS];
    struct energy *energy;           /* of this node, where this rank tells it; else NULL */
    double job_wall, patience;
    uint64_t n_sets;                 /* of the run's data: no job asks for another */
    char host[64], cpu_model[64];
    double heard, pinged, synced;    /* rank 0's last message, my last ping, my last fsync */
    double looked;                   /* when rank 0's process was last looked for */
    bool draining, drain_told, hurried, retired;
    bool alone;                      /* rank 0 is dead or silent: what runs is asked to write its state, */
    bool orphaned;                   /* and has: this rank ends */
    bool finished, abandon;          /* TAG_STOP came; it said that a rank is lost */
    int exit_code;
};

/* Borrows wire, store and spawner; results are bound to the spawner's blocks already. */
void worker_start(struct worker *worker);
void worker_handle(struct worker *worker, const struct wire_message *message);
/* Returns whether anything happened. */
bool worker_step(struct worker *worker);
/* Frees texts of tasks that were never run. */
void worker_end(struct worker *worker);

/* For commit.h: the state machine's own steps. */
struct task *worker_find(struct worker *worker, enum task_state state, int64_t row);
void worker_drop(struct task *task);
void worker_give_back(struct worker *worker, struct task *task, bool started);
void worker_retire(struct worker *worker, enum error_code code, const char *why);
int worker_free_block(const struct worker *worker);

#endif
