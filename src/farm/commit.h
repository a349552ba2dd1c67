/* A worker's results on their way into the file: rank 0 is asked for leave, then the rows are written, and the record goes to
 * rank 0. A result of a short job waits for a moment for its neighbours: asking, writing and telling cost the same for one and
 * for ten. */
#ifndef RELIN_FARM_COMMIT_H
#define RELIN_FARM_COMMIT_H

#include "farm/worker.h"

/* Its child is done: RUNNING -> ENDED. */
void commit_ended(struct worker *worker, struct task *task);
/* Asks for all that have ended. */
void commit_ask(struct worker *worker);
/* The same where it is time: the jobs are not short, a block is needed, nothing else runs, or some have waited for a moment. */
void commit_ask_when_due(struct worker *worker);
/* TAG_LEAVE. */
void commit_hear(struct worker *worker, const struct wire_message *message);
/* Writes the rows of all that may be, and tells rank 0. Returns whether there were any. */
bool commit_granted(struct worker *worker);

#endif
