/* The child: runs one job and ends; or several short ones, for which a process each costs more than they do. */
#ifndef RELIN_FARM_CHILD_H
#define RELIN_FARM_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "data/dataset.h"
#include "farm/spawner.h"
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

/* What a child has from its spawner. */
struct child_place {
    pid_t parent;                    /* the spawner, whose death is the child's */
    int channel;                     /* a child of several jobs hears of the next here; -1: of one */
    const struct spawner_setup *setup;
    const struct dataset *sets;
    unsigned char *blocks;
    volatile double *slowest;        /* as of struct experiment_checkpoint */
};

/* A job, as it comes through a socket. */
struct child_order {
    struct spawner_order order;
    uint64_t job[];                  /* of job_pack */
};

/* Through the channel: the job is done, and another may come. Without it the child's end is the job's. */
struct child_note {
    int64_t row;
    double cpu_seconds;              /* of the child, its jobs before included */
};

struct job;

/* From now on these ask the process, a child that will run. */
void child_catch_stop(void);
/* Makes a child of a process that was just forked: it dies with its parent, is the one that the kernel takes when memory
 * runs out, and has no files but the standard ones and the channel (-1: none). Returns where the channel is from now on. */
int child_begin(pid_t parent, int channel);
/* Runs a job. Returns how the child is to end. setup: where a program finds its things. */
int child_run(int64_t row, const struct job *job, const struct dataset *set, const struct spawner_setup *setup,
              void *block, volatile double *slowest);
/* The child of a spawner, to its end: a job, and where there is a channel those that follow, as long as they are short, go
 * well and leave nothing behind. order: in a buffer of so many bytes. */
void child_serve(const struct child_place *place, struct child_order *order, size_t room) __attribute__((noreturn));

#endif
