/* The spawner as a program of its own, relin-spawner, that lies beside relin. Forking costs what a process has mapped, and
 * relin has MPI and HDF5 with all their libraries, of which a job needs none: a child of relin-spawner is made, and ends, in
 * a third of the time. The process stays the same one (exec), with its socket; where the program is not there, or is of
 * another build or BLAS was replaced since, the spawner goes on as the copy of relin that it is. */
#ifndef RELIN_FARM_LEAN_H
#define RELIN_FARM_LEAN_H

#include <signal.h>

struct error;

#define LEAN_PROGRAM "relin-spawner"

/* Becomes that program; returns only where it cannot. shared: descriptor of the spawner's shared memory. mask: of signals,
 * as the children shall have it. */
void lean_become(int socket, int shared, const sigset_t *mask);
/* In its main: takes from the arguments what lean_become gave. Returns 0, or -1 where it was not started so, or by a relin
 * of another build; *socket is that of its rank then, or -1. */
int lean_arrive(int argc, char **argv, int *socket, int *shared);
/* Answers a rank that is about to prepare its spawner with an error. */
void lean_refuse(int socket, const struct error *err);

#endif
