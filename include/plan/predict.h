/* What every job of a sweep costs, by formula. */
#ifndef RELIN_PLAN_PREDICT_H
#define RELIN_PLAN_PREDICT_H

#include <stddef.h>

struct error;
struct job_cost;
struct sweep;

struct sweep_cost {
    double *seconds;         /* (jobs) of the sweep, longest first; the caller frees (mem_free) */
    size_t threads;          /* the most of any job */
    double bytes;            /* the most of any job */
    double data_bytes;       /* of all data sets together: once a node */
};

/* Loads each data set once, for its size, checks every job against it, resolves training.engine, and fills cost[]
 * (jobs, file order) and, unless NULL, *sum. The same program gives the same numbers on every machine.
 * Returns 0, or -1 with *err filled; sum->seconds is then NULL. */
int predict_sweep(struct sweep *sweep, const char *data_root, struct job_cost *cost, struct sweep_cost *sum,
                  struct error *err);

/* Leaves part `part` (1 to parts) of the sweep's jobs: the dearest first, each to the part that has the least to do by the
 * prediction. The parts have each job once. Returns 0, or -1 with *err filled. */
int predict_part(struct sweep *sweep, const char *data_root, size_t part, size_t parts, struct error *err);

#endif
