/* The master, on rank 0: hands rows out, allows and writes commits, watches, ends the run.
 * The rank's loop steps it; it never waits. */
#ifndef RELIN_FARM_MASTER_H
#define RELIN_FARM_MASTER_H

#include "base/text.h"
#include "farm/account.h"
#include "farm/batch.h"
#include "farm/campaign.h"
#include "farm/deadline.h"
#include "farm/progress.h"
#include "farm/queue.h"
#include "farm/roster.h"
#include "farm/wire.h"

#define NO_ROW SIZE_MAX

/* A rank as the master sees it; what it holds, and whether it can run jobs: roster.h. */
struct peer {
    size_t first;                    /* of the rows that it holds, a list; NO_ROW: none */
    bool dead;                       /* who is gone without being dead was silent for too long, and may come back */
    bool bye;                        /* TAG_BYE came */
    double heard;
};

/* A row's state beside its status. */
struct row {
    int32_t owner;                   /* rank that holds it, -1: none */
    size_t next, previous;           /* of the rows that its owner holds */
    int32_t failed[FAILURE_COUNT];   /* attempts of this run that ended so */
    int64_t lost;                    /* losses since it last got on, over all runs */
    double handed, started, since;   /* seconds predicted when it was handed out; clock_seconds(), clock_unix(); started
                                        before it runs: when it was handed to a rank that had nothing, else 0 */
    size_t attempt;                  /* row of the timeline, while it runs */
};

/* Starts of which the file does not know yet, in their order: a ring. */
enum { MASTER_STARTS = 1024 };
struct starts {
    size_t rows[MASTER_STARTS];
    double when[MASTER_STARTS];
    size_t first, n;
};

struct master {
    struct wire *wire;
    struct store *store;
    struct campaign *campaign;
    struct peer *peers;              /* (ranks) */
    struct roster roster;
    struct row *rows;                /* (jobs) */
    struct queue queue;
    struct result record;            /* the record being written */
    struct batch batch;              /* records that wait to be written, in this round of the loop */
    struct starts starts;
    struct text message;             /* being made */
    bool has_checkpoints;            /* is there a folder of them? As of this round of the loop */
    struct progress progress;
    uint64_t handed;                 /* how many rows were handed out so far */
    uint64_t n_prefetched;           /* of them to ranks that had some, since the last recall */
    size_t n_done, n_failed, n_diverged, n_running, n_skipped;
    bool draining, stopping, finished;
    int broken;                      /* exit code of an error that is not a job's: 70, or 75 (no room); 0: none */
    bool evicted;                    /* another run has the file: not a byte more, and out */
    bool lost;                       /* a rank was lost: no more collective calls */
    int exit_code;                   /* once stopping */
    int n_farewells;                 /* ranks, from 0 on, that said bye or are gone */
    double pinged, synced, looked, watched;   /* the ranks; fsync; for dead processes; for silent ones */
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
/* Shows the last state of the progress, and frees all but the peers and the roster. */
void master_end(struct master *master);

#endif
