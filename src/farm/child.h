/* The child: runs one job and ends. */
#ifndef RELIN_FARM_CHILD_H
#define RELIN_FARM_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "data/dataset.h"
#include "sweep/result.h"

/* How a child ends. Anything else is a crash. */
enum { CHILD_DONE = 0, CHILD_FAILED = 10 /* the result's `error` says why */ };

/* Never returns. parent: the spawner, whose death is the child's. */
void child_run(pid_t parent, int64_t row, const char *job_text, const struct dataset *set,
               const struct result_layout *layout, void *block) __attribute__((noreturn));

#endif
