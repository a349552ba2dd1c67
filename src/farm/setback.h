/* What follows from an attempt that failed: the job runs again, or is set aside as failed with its reason. Each class
 * of failure has its own limit. What somebody else did to the job (stopped, lost) is no attempt of its own, and counts
 * only where the job has not got on since it was started: has no newer checkpoint. */
#ifndef RELIN_FARM_SETBACK_H
#define RELIN_FARM_SETBACK_H

#include "farm/master.h"

/* rank: on which; how: NULL where nobody can say. */
void setback_take(struct master *master, size_t row, int rank, enum failure_class class, const char *why,
                  const struct wire_failure *how);
/* At the start, with the file open: rows that were running when the last run ended are counted as lost, and what the
 * file says of rows that are to run again is put right. */
void setback_resume(struct master *master);

#endif
