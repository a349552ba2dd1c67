/* Which class of failure an attempt belongs to, and its reason for people. What follows from it is the master's
 * (setback.h). */
#ifndef RELIN_FARM_POLICY_H
#define RELIN_FARM_POLICY_H

#include "farm/spawner.h"
#include "sweep/failure.h"

/* Of an attempt that ended neither done nor as it was asked to by this rank.
 *   killed at limits.job_wall, or at a limit of processor time      wall
 *   memory refused by the allocator, no process to be had, or       out-of-memory
 *     SIGKILL while the kernel killed on this node for want of it
 *   SIGKILL without that, TERM, INT, HUP, QUIT, USR1, USR2, ALRM    stopped
 *   its own error about data or keys                                bad-data
 *   of a program of the user's own the class that its child says
 *   any other signal, error or exit code                            crashed */
enum failure_class policy_classify(const struct spawner_report *report);
void policy_describe(const struct spawner_report *report, double job_wall, const char *child_error, char *text,
                     size_t size);

/* The reason of a job that was lost, as it stands in the file: the number is read back by the next run. */
void policy_describe_loss(int64_t times, const char *last, char *text, size_t size);
/* That number; 0 where the text is another. */
int64_t policy_losses(const char *text);

#endif
