/* The child: runs one job and ends. */
#ifndef RELIN_FARM_CHILD_H
#define RELIN_FARM_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "data/dataset.h"
#include "farm/checkpoints.h"
#include "sweep/result.h"

/* How a child ends. Anything else is a crash. */
enum {
    CHILD_DONE = 0,
    CHILD_FAILED = 10,       /* the result's `error` says why */
    CHILD_NO_MEMORY = 12,    /* the same: memory was refused */
    CHILD_BAD_DATA = 13,     /* the same: its data or keys do not serve */
    CHILD_STOPPED = 11,      /* asked to by USR1; it has written its state, where it keeps one and could */
};

/* From now on USR1 asks the process, a child that will run, to stop between two steps. */
void child_catch_stop(void);
/* Never returns. parent: the spawner, whose death is the child's. checkpoints: NULL where no state is kept. */
void child_run(pid_t parent, int64_t row, const char *job_text, const struct dataset *set,
               const struct result_layout *layout, void *block, const struct checkpoints *checkpoints)
    __attribute__((noreturn));

#endif
