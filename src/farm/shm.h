/* Shared memory of a run. Objects are named only while they are handed over between
 * processes of a node: "/relin-RUN.RANK.KIND-NUMBER". Each rank that names objects holds a
 * locked guard "/relin-RUN.RANK"; the lock goes with the process, so whoever can take it
 * knows that the run is dead and clears its names away. */
#ifndef RELIN_FARM_SHM_H
#define RELIN_FARM_SHM_H

#include <stddef.h>

struct error;

enum { SHM_NAME_SIZE = 96 };

/* The run's own id: 16 hex digits. */
void shm_new_run(char run[17]);

void shm_name(char name[SHM_NAME_SIZE], const char *run, int rank, const char *kind, size_t number);

/* Creates and locks the guard. Returns its descriptor, which the caller keeps open for as long
 * as names may exist, or -1 with *err filled. */
int shm_guard(const char *run, int rank, struct error *err);

/* A new object of size bytes, mapped; NULL with *err filled. The caller unmaps. */
void *shm_create(const char *name, size_t size, struct error *err);
/* Maps one that exists, for reading and writing. NULL with *err filled. The caller unmaps. */
void *shm_map(const char *name, size_t size, struct error *err);

/* Removes every name of one rank of a run, the guard last. */
void shm_remove(const char *run, int rank);
/* Removes the names of all dead runs on this node. */
void shm_remove_dead(void);

#endif
