/* What a file's runs were given and what they did with it: one row a run (group /runs), one row an attempt of a
 * job (group /timeline). Both are in the file from its first day, with room to spare, since nothing can grow while
 * ranks have it open; a run that finds too little room has the file made anew, as for a grown grid.
 *
 * A row has a checksum of its own: one that a kill tore, or that was never written, does not fit it and is not read.
 * What a killed run could no longer write follows from the jobs' own columns (timeline_reconcile). */
#ifndef RELIN_STORE_TIMELINE_H
#define RELIN_STORE_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct store;
struct store_reader;
struct text;

enum attempt_outcome { ATTEMPT_RUNNING, ATTEMPT_DONE, ATTEMPT_FAILED, ATTEMPT_LOST, ATTEMPT_STOPPED, ATTEMPT_OUTCOMES };
#define ATTEMPT_MEANINGS "running done failed lost stopped"

/* An attempt. Times are Unix seconds: those of the worker's clock where the attempt told them, else of rank 0's. */
struct attempt {
    int64_t job;                     /* row of the job; -1: unused */
    int32_t run, worker;             /* number of the run; rank */
    double start, end;               /* end NaN while it runs */
    double kept;                     /* seconds of it whose work was not lost: all of it where done, else to its last checkpoint */
    uint8_t outcome;                 /* enum attempt_outcome */
    uint32_t crc;
};

/* A run. Whole numbers that nobody told are -1, others NaN. */
struct run_record {
    double start, ready, end;        /* of the process; everything prepared; NaN until it ended */
    double last;                     /* when this row was written last: a killed run lived so long */
    int32_t exit_code;               /* -1 until it ended */
    int32_t ranks, workers, nodes;   /* workers: ranks that train */
    int32_t threads;                 /* of a job, the most */
    int32_t requested_tasks, requested_cpus;   /* of Slurm; cpus a task */
    double requested_memory;         /* bytes a task */
    double time_limit;               /* seconds from start */
    double data_bytes;               /* of all data sets: once a node */
    double rank_0_cpu_seconds;       /* since ready, its worker's part too, children not */
    int64_t jobs_waiting;            /* at its start */
    int64_t hand_outs;
    int64_t dispatches;              /* of them to a rank that had nothing */
    double dispatch_seconds, dispatch_longest;   /* of these, from hand-out to start: sum, most */
    int64_t commits;
    double commit_seconds;           /* rank 0's part: the record */
    double energy_joules;            /* of processors and memory of its nodes */
    char host[64], slurm_job[64];    /* of rank 0 */
    uint32_t crc;
};

struct timeline {
    bool present;                    /* files of before there was one have none */
    struct attempt *attempts;
    struct run_record *runs;
    size_t n_attempts, n_runs;       /* up to the last that is used */
    size_t room_attempts, room_runs;      /* in the file */
    size_t capacity;                      /* of attempts, in memory */
};

/* Fill of an unused row, and a row's checksum. */
extern const struct attempt attempt_none;
extern const struct run_record run_none;
uint32_t attempt_crc(const struct attempt *attempt);
uint32_t run_crc(const struct run_record *run);

/* Reads both; rows that do not fit their checksum become attempt_none, run_none. Returns 0, or -1 with *err filled.
 * The caller frees, also after -1. */
int timeline_read(const struct store_reader *reader, struct timeline *timeline, struct error *err);
void timeline_free(struct timeline *timeline);

/* What the file says of each job, (jobs) each; and, where asked, when its checkpoint was written. */
struct timeline_jobs {
    size_t n;
    const double *status, *start_time, *wall_seconds, *worker;
    double (*checkpoint)(void *context, size_t job);   /* Unix seconds, -INFINITY: none; NULL: not asked */
    void *context;
};
/* Ends what no run is alive to end: attempts that say they run are done where their job is, else lost when their run
 * was last heard of, and ended jobs whose attempt was never written get their row. Runs get the time they were last
 * heard of. live: the last run is alive, and what it runs is left. Returns 0, or -1 with *err filled (memory).
 * changed (may be NULL): (n_attempts afterwards) set where a row is other than in the file; the caller frees. */
int timeline_reconcile(struct timeline *timeline, const struct timeline_jobs *jobs, bool live, unsigned char **changed,
                       struct error *err);

/* --- writing, rank 0 of a run; independent --- */
/* Rows first..first+n-1, with their checksums, which are set. Beyond the room nothing is written. Returns 0, or -1
 * with *err filled. */
int store_write_attempts(struct store *store, size_t first, size_t n, struct attempt *attempts, struct error *err);
int store_write_run(struct store *store, size_t index, struct run_record *run, struct error *err);

#endif
