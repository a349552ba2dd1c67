/* The distinct data sets of a sweep: each is prepared once a node. Programs of the user's own read their data themselves:
 * an empty set stands for it, and number 0 for the one that they do not use. */
#ifndef RELIN_FARM_SETS_H
#define RELIN_FARM_SETS_H

#include "data/dataset.h"
#include "sweep/sweep.h"

struct sets {
    size_t n;
    size_t *first;                      /* (n) a job that uses it */
    size_t *of_job;                     /* (jobs) */
    struct dataset *mapped;             /* (n) on rank 0 */
    const struct dataset **job_set;     /* (jobs) into mapped */
};

/* Finds the distinct sets. Returns 0, or -1 with *err filled. The caller frees with sets_free. */
int sets_find(struct sets *sets, const struct sweep *sweep, struct error *err);
/* Publishes and maps, or, where run is NULL, loads for this process only; and checks that every job fits its set.
 * Returns 0, or -1 with *err filled. */
int sets_prepare(struct sets *sets, const struct sweep *sweep, const char *root, const char *run,
                 struct error *err);
/* Publishes one set under its name in this run. Returns 0, or -1 with *err filled. */
int sets_publish(const struct data_spec *spec, const char *root, const char *run, int rank, size_t number,
                 struct error *err);
/* Removes the published names: whoever mapped keeps the memory. */
void sets_unname(const char *run, int rank, size_t n);
void sets_free(struct sets *sets);

#endif
