/* What a result file says of the runs that made it: which worker ran which job, and when. */
#ifndef RELIN_PLAN_RECORD_H
#define RELIN_PLAN_RECORD_H

#include <stddef.h>

#include "plan/simulate.h"
#include "sweep/job.h"

struct error;
struct store_reader;

struct recorded_job {
    size_t row;
    double start, seconds;           /* Unix seconds; of its last attempt */
    double cpu_seconds;
    int worker;
    bool done, usual;                /* not failed; and it ran to its end at the first attempt */
    double bytes;                    /* peak memory of its own */
    double accuracy;                 /* test_accuracy, 0 to 1; NaN in regression */
    struct job job;                  /* with the engine that stepped it */
    struct job_cost cost;            /* by formula */
};

/* A time without a pause: jobs jobs[first] to jobs[first + n - 1]. Between two phases the run was stopped, or waited for
 * its next allocation. */
struct recorded_phase {
    size_t first, n, workers;
    double start, end;
};

enum { RECORD_PAUSE = 2 };           /* seconds in which no worker has a job */

struct record {
    size_t n;                        /* jobs that ended, in the order of their starts */
    struct recorded_job *jobs;
    size_t n_phases;
    struct recorded_phase *phases;
    double change;                   /* median seconds of a worker between two jobs; NaN where no worker had two */
};

/* Reads what is done or failed. Predicts each of these jobs by formula, for which the data sets are loaded.
 * Returns 0, or -1 with *err filled. The caller frees with record_free, also after -1. */
int record_read(struct record *record, const char *path, const char *data_root, struct error *err);
void record_free(struct record *record);

/* From times alone: jobs[0..n-1] with worker, start and seconds; sorts them, finds the phases and the change.
 * Returns 0, or -1 with *err filled. */
int record_sort(struct record *record, struct error *err);

/* Seconds from the first start to the last end, pauses left out: as measured, and as the simulator gives it from the
 * measured seconds of each job, in the order of the farm. Returns 0, or -1 with *err filled. */
int record_check(const struct record *record, const struct farm_cost *farm, double *measured, double *simulated,
                 struct error *err);

#endif
