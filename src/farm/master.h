/* The master, on rank 0: hands rows out, allows and writes commits, watches, ends the run.
 * The rank's loop steps it; it never waits. */
#ifndef RELIN_FARM_MASTER_H
#define RELIN_FARM_MASTER_H

#include "farm/account.h"
#include "farm/campaign.h"
#include "farm/deadline.h"
#include "farm/progress.h"
#include "farm/queue.h"
#include "farm/wire.h"

/* A rank as the master sees it. */
struct peer {
    int held;                        /* rows handed out and not settled */
    bool able;                       /* can run jobs */
    bool gone;                       /* dead, or silent for too long; the latter may come back */
    bool dead;
    bool bye;                        /* TAG_BYE came */
    double heard;
};

/* A row's state beside its status. */
struct row {
    int32_t owner;                   /* rank that holds it, -1: none */
    int32_t failed[FAILURE_COUNT];   /* attempts of this run that ended so */
    int64_t lost;                    /* losses since it last got on, over all runs */
    double handed, started, since;   /* seconds predicted when it was handed out; clock_seconds(), clock_unix(); started
                                        before it runs: when it was handed to a rank that had nothing, else 0 */
    size_t attempt;                  /* row of the timeline, while it runs */
};

struct master {
    struct wire *wire;
    struct store *store;
    struct campaign *campaign;
    struct peer *peers;              /* (ranks) */
    struct row *rows;                /* (jobs) */
    struct queue queue;
    struct result record;            /* the record being written */
    struct progress progress;
    uint64_t handed;                 /* how many rows were handed out so far */
    size_t n_done, n_failed, n_diverged, n_running;
    bool draining, stopping, finished;
    int broken;                      /* exit code of an error that is not a job's: 70, or 75 (no room); 0: none */
    bool evicted;                    /* another run has the file: not a byte more, and out */
    bool lost;                       /* a rank was lost: no more collective calls */
    int exit_code;                   /* once stopping */
    double pinged, synced, looked;   /* the ranks; fsync; for dead processes */
    struct account account;          /* of what the run uses */
    struct energy *energy;           /* of rank 0's node; borrowed; NULL: not counted */
    int nodes;                       /* of the run */
    double began;                    /* clock_seconds() of its start */
    struct deadline *deadline;       /* borrowed */
    volatile double *slowest;        /* seconds that a checkpoint took at most, on any rank that told */
};

/* Wire, store, campaign and what is borrowed are set, nodes and began too. Returns 0, or -1 with *err filled. The caller
 * ends it. */
int master_start(struct master *master, const struct farm_options *options, struct error *err);
void master_handle(struct master *master, const struct wire_message *message);
/* Returns whether anything happened. */
bool master_step(struct master *master);
/* Shows the last state of the progress, and frees all but the peers. */
void master_end(struct master *master);

#endif
