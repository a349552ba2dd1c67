/* What the run uses, for the file's groups /runs and /timeline: rank 0 counts, and writes now and then, so that it costs
 * the hand-out nothing. Part of the master. */
#ifndef RELIN_FARM_ACCOUNT_H
#define RELIN_FARM_ACCOUNT_H

#include <stdbool.h>

#include "store/timeline.h"

struct error;
struct master;
struct result;
struct wire_message;

enum { ACCOUNT_ROWS = 256 };

/* A row of the timeline that is not written yet. */
struct account_row {
    size_t index;
    struct attempt attempt;
};

struct account {
    struct run_record run;
    size_t index;                    /* of the run */
    size_t n_attempts;               /* rows of the timeline so far */
    struct account_row rows[ACCOUNT_ROWS];
    size_t n_rows;
    double written, told;            /* rows, the run: clock_seconds() of the last time */
    double cpu_seconds;              /* of rank 0's process when the run began */
    double *joules;                  /* (ranks) that a rank told last, NAN: not its */
    bool ended;
};

/* Writes what runs before could not any more, and this run's first row. Returns 0, or -1 with *err filled. */
int account_start(struct master *master, struct error *err);
void account_free(struct account *account);
/* A row was handed out, to a rank that had nothing (idle) or not; its child runs. */
void account_handed(struct master *master, size_t row, bool idle);
void account_started(struct master *master, size_t row);
/* Its record was committed, which took so many seconds. */
void account_committed(struct master *master, size_t row, const struct result *record, double seconds);
/* Its attempt ended otherwise, if it had begun. start_time NAN: by rank 0's clock from its start to now. */
void account_ended(struct master *master, size_t row, enum attempt_outcome outcome, double start_time, double wall_seconds);
/* TAG_PING and TAG_BYE bring joules. */
void account_hear(struct master *master, const struct wire_message *message);
/* Writes what is due; at the run's end all of it. */
void account_step(struct master *master);

#endif
