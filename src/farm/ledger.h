/* Which row is where, in the file and in rank 0's memory: the few changes that keep both in step. */
#ifndef RELIN_FARM_LEDGER_H
#define RELIN_FARM_LEDGER_H

#include "farm/master.h"

/* The file cannot be written: the run is to stop. */
void ledger_break_off(struct master *master, const struct error *err);
void ledger_set_status(struct master *master, size_t row, enum job_status status, int32_t attempts);
/* To a rank, which holds it from now on. */
void ledger_give(struct master *master, size_t row, int rank);
/* Its child runs, since state->since. The file hears of it when it has run for a moment: by then most short jobs are done,
 * and their record says all. A run that dies within that moment has lost nothing that counts. */
void ledger_start(struct master *master, size_t row, int32_t attempts);
/* Writes what the file is to hear by now. */
void ledger_tell_starts(struct master *master);
/* From the rank that holds it. */
void ledger_release(struct master *master, size_t row);
/* From the rank that holds it, where one does, to the head of the queue. */
void ledger_requeue(struct master *master, size_t row, int32_t attempts);
/* A line in the log about a job. rank: -1 where none is meant. */
void ledger_warn(struct master *master, size_t row, int rank, const char *what, const char *why);

#endif
