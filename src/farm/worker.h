/* The worker of a rank: a small state machine that the rank's loop steps. It never waits.
 *
 *   a task:  (TAG_JOB) WAITING -> RUNNING -> ASKING (TAG_ASK) -> (TAG_LEAVE) rows written, TAG_RECORD
 *            a failed attempt: TAG_FAILED; the last allowed one goes the way of a result, as failed
 *            drain: TAG_RETURNED */
#ifndef RELIN_FARM_WORKER_H
#define RELIN_FARM_WORKER_H

#include <stdbool.h>

#include "farm/spawner.h"
#include "farm/wire.h"
#include "store/store.h"

enum task_state { TASK_NONE, TASK_WAITING, TASK_RUNNING, TASK_ASKING };
enum { WORKER_TASKS = 4 };           /* the master hands out two; the others are being written */

struct task {
    enum task_state state;
    int64_t row;
    struct wire_job job;
    char *text;
    int block;                       /* RUNNING, ASKING */
    struct spawner_report report;    /* ASKING */
    char failure[256];               /* ASKING: why the last attempt failed; empty: a result */
};

struct worker {
    struct wire *wire;
    struct store *store;
    struct spawner *spawner;
    struct result results[SPAWNER_BLOCKS];
    struct task tasks[WORKER_TASKS];
    double job_wall;
    int64_t attempts;                /* limits.attempts */
    char host[64], cpu_model[64];
    double heard, pinged, synced;    /* rank 0's last message, my last ping, my last fsync */
    bool draining, drain_told, retired;
    bool finished, abandon, orphaned;   /* TAG_STOP came; it said that a rank is lost; rank 0 is silent */
    int exit_code;
};

/* Borrows wire, store and spawner; results are bound to the spawner's blocks already. */
void worker_start(struct worker *worker);
void worker_handle(struct worker *worker, const struct wire_message *message);
/* Returns whether anything happened. */
bool worker_step(struct worker *worker);
/* Frees texts of tasks that were never run. */
void worker_end(struct worker *worker);

/* Why an attempt failed, for people. */
void worker_describe_failure(const struct spawner_report *report, double job_wall, const char *child_error,
                             char *text, size_t size);

#endif
