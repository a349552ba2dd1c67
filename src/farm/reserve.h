/* Rows in reserve: by the rule of --until (plan/until.h) a row has its turn when its cell is not known well enough without
 * it; the rest is skipped. Without a rule all rows have theirs. Part of the master. */
#ifndef RELIN_FARM_RESERVE_H
#define RELIN_FARM_RESERVE_H

#include "farm/master.h"

/* With the file open: what is not needed by what the file had. */
void reserve_start(struct master *master);
bool reserve_has_turn(const struct master *master, size_t row);
/* How many rows run, or ran, as far as that is known by now. */
size_t reserve_jobs(const struct master *master);
/* A row has ended, with this record; NULL: it has failed for good. */
void reserve_settle(struct master *master, size_t row, const struct result *record);
/* After rows have ended: into the queue what is to run now, and what is not needed is skipped, in the file too. */
void reserve_step(struct master *master);

#endif
