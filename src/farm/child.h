/* The child: runs one job and ends. */
#ifndef RELIN_FARM_CHILD_H
#define RELIN_FARM_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "data/dataset.h"
#include "farm/checkpoints.h"
#include "sweep/failure.h"
#include "sweep/result.h"

/* How a child ends. Anything else is a crash. */
enum {
    CHILD_DONE = 0,
    CHILD_FAILED = 10,       /* the result's `error` says why */
    CHILD_NO_MEMORY = 12,    /* the same: memory was refused */
    CHILD_BAD_DATA = 13,     /* the same: its data or keys do not serve */
    CHILD_AS = 20,           /* and a class of failure: the same, of a program of the user's own */
    CHILD_STOPPED = 11,      /* asked to by USR1 or TERM; it has written its state, where it keeps one and could */
};

/* A child that is asked to stop does so between two steps, with its state written. One that is not there within so many
 * seconds, because an evaluation or an eigenproblem takes longer, ends with the state it last held in memory. */
enum {
    CHILD_PATIENCE_SECONDS = 3,      /* USR1 */
    CHILD_URGENT_SECONDS = 1,        /* TERM: mpirun ends everything two seconds after its own */
};

/* From now on these ask the process, a child that will run. */
void child_catch_stop(void);
struct job;
struct spawner_setup;
/* Never returns. setup: where a program finds its things. parent: the spawner, whose death is the child's. slowest: as of
 * struct experiment_checkpoint. */
void child_run(pid_t parent, int64_t row, const struct job *job, const struct dataset *set,
               const struct spawner_setup *setup, void *block, volatile double *slowest)
    __attribute__((noreturn));

#endif
