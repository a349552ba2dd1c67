/* When the run must have ended: --walltime, or what Slurm says, asked once by the first process.
 *
 * Slurm 22.05 does not set SLURM_JOB_END_TIME, so its squeue is asked. It runs as a process of its own, forked before
 * MPI_Init as the spawner is, and is looked at between other things: nothing waits for it, and it is given up after
 * DEADLINE_QUESTION_SECONDS. */
#ifndef RELIN_FARM_DEADLINE_H
#define RELIN_FARM_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    DEADLINE_QUESTION_SECONDS = 10,
    /* From the drain's beginning to the end of the last process: the grace of a child, and as much as the rest takes.
     * Twice the time that a checkpoint took at most is added. */
    DEADLINE_MARGIN_SECONDS = 10,
};

struct deadline {
    double end;                      /* clock_seconds(); INFINITY: none that is known */
    pid_t asked;                     /* squeue; 0: not asked, or it has answered */
    int answers;                     /* its output */
    double since;                    /* when it was asked */
    char text[64];
    size_t length;
};

/* walltime: seconds from `start` (clock_seconds()), INFINITY where none was given: then Slurm is asked, if this is
 * one of its jobs and the first process. Before MPI_Init and with no other thread about. */
void deadline_start(struct deadline *deadline, double start, double walltime);
/* Must a drain begin now? Says so in the log. slowest: seconds that a checkpoint took at most. */
bool deadline_is_near(struct deadline *deadline, double slowest);
/* slowest is raised to what another rank tells. */
void deadline_hear(volatile double *slowest, int64_t microseconds);
/* Ends a question that is still open. */
void deadline_end(struct deadline *deadline);

/* Of many processes with one command line, the one that becomes rank 0, as far as can be told before MPI starts. */
bool deadline_is_first_process(void);
/* Seconds since 1970 of what squeue prints, 2026-11-24T13:50:00 in local time; NAN where it is no time. */
double deadline_parse(const char *text);

#endif
