/* Starting a program of the user's own (sweep/program.h says with what). */
#ifndef RELIN_SWEEP_PROGRAM_START_H
#define RELIN_SWEEP_PROGRAM_START_H

#include <sys/types.h>

#include "sweep/program.h"

/* Starts it in a process group of its own, which ends with this process. *out and *said: its standard output and error,
 * which the caller closes. Returns 0, or -1 with *class and *err filled: it cannot be found, made or started. */
int program_start(const struct job *job, const struct program_place *place, pid_t *pid, int *out, int *said,
                  enum failure_class *class, struct error *err);

#endif
