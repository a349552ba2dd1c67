/* The spawner: a small process that a rank forks before MPI_Init, because forking later is
 * unsafe on some fabrics. It forks a child for each job, waits for it with wait4 (exact processor
 * time), kills it at its time limit or on request, and reports. Short jobs may have one child after
 * each other: a process costs more than they do. Rank and spawner speak through a socket; when the rank dies, however, the socket closes: the spawner kills its child,
 * clears the rank's shared memory names away and ends. */
#ifndef RELIN_FARM_SPAWNER_H
#define RELIN_FARM_SPAWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "farm/checkpoints.h"
#include "store/inspect.h"
#include "sweep/result.h"

struct error;

/* A child that was asked to stop and has not within so many seconds, and those that writing a checkpoint took at most,
 * is killed: its disk is slow, say. */
enum { SPAWNER_GRACE_SECONDS = 6 };
enum { SPAWNER_NO_PROCESS = 127 };   /* exit code that stands for a child that could not be made */
/* Results of one rank: one is written to the file while the next job runs. Of small results there are more, so that those
 * of short jobs are written together. */
enum { SPAWNER_BLOCKS = 16, SPAWNER_SMALL_RESULT = 65536 };
size_t spawner_blocks(const struct result_layout *layout);

struct spawner {
    pid_t pid;
    int socket;      /* readable when a report is there, or the spawner gone */
    volatile double *slowest;   /* seconds that a checkpoint took at most; shared with the spawner and its children */
};

struct text;

/* What the spawner must know before the first job. */
struct spawner_setup {
    char run[17];
    int rank, data_rank;                 /* whose names: of the blocks, of the data */
    uint64_t n_sets;
    struct result_layout layout;
    struct checkpoints checkpoints;
    /* of programs: limits.grace, the folder of the sweep file, that of data (may be empty) */
    double grace;
    char folder[CHECKPOINTS_PATH_SIZE], data_root[CHECKPOINTS_PATH_SIZE];
};

struct spawner_order {
    int64_t row;
    int32_t block;                       /* 0..spawner_blocks-1 */
    int32_t set;
    double wall;                         /* seconds; INFINITY: no limit */
    int64_t shares;                      /* 1: a short job: its child may have run such before, and may run another */
};

struct spawner_report {
    int64_t row;
    int32_t status;                      /* as of wait4 */
    bool timed_out, stopped;             /* killed at its limit; asked to stop */
    int32_t oom_kills;                   /* by the kernel on this node meanwhile; -1: it does not say */
    double start_time, wall_seconds, cpu_seconds;
};

/* The spawner's own process, to its end. shared: descriptor of what `slowest` is in. lean: as relin-spawner (lean.h). */
void spawner_serve(int socket, int shared, bool lean) __attribute__((noreturn));

/* Forks. Before MPI_Init and with no other thread about. Returns 0, or -1 with *err filled. */
int spawner_start(struct spawner *spawner, struct error *err);
/* Has the spawner map the data and the blocks; waits for its answer. Returns 0, or -1 with *err filled. */
int spawner_prepare(struct spawner *spawner, const struct spawner_setup *setup, struct error *err);
/* Has the spawner look at a file in a child (store/inspect.h): fills *inspection. Before the first job. */
void spawner_inspect(struct spawner *spawner, const char *path, struct inspection *inspection);
/* One job at a time, as job_pack makes it. Returns 0, or -1 where the spawner is gone. */
int spawner_run(struct spawner *spawner, const struct spawner_order *order, const struct text *job);
/* Asks the running child to write its state and stop, and kills it after SPAWNER_GRACE_SECONDS; its report still comes.
 * urgent: within about a second, whatever it is doing. */
void spawner_stop(struct spawner *spawner, bool urgent);
/* 1: *report filled; 0: nothing yet; -1: the spawner is gone. */
int spawner_poll(struct spawner *spawner, struct spawner_report *report);
/* Closes the socket and waits for the spawner's end. Accepts a zeroed struct. */
void spawner_end(struct spawner *spawner);

#endif
