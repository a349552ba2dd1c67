/* relin measure: adding metrics to a result file.
 *
 * measure_plan decides, row by row, what is there already, what the stored kernels give, and what needs
 * the job to run again; measure_run does it. Replays run in child processes, options.at_once at a time:
 * a crash takes one job, and the parent keeps the lock's heart beating and hears signals. Results wait in
 * memory until they are written by store_extend, at the end, when they grow large, and every few minutes;
 * so an interrupted measurement has lost minutes, and the same command goes on with what is not there. */
#ifndef RELIN_CLI_MEASURE_H
#define RELIN_CLI_MEASURE_H

#include "data/dataset.h"
#include "store/store.h"
#include "sweep/measure.h"

struct measure_options {
    const char *path, **metric, **where, **set, *command_line;
    size_t n_metrics, n_where, n_sets;
    double tolerance;                        /* 0: bit for bit */
    int at_once;
    bool json;
};

enum measure_state { MEASURE_WAITING, MEASURE_RUNNING, MEASURE_WRITTEN, MEASURE_REFUSED };

/* One row that lacks something. */
struct measure_task {
    size_t row, set;                         /* set: of measure.sets; SIZE_MAX: not needed */
    struct job job;                          /* with what is measured now */
    bool replay;                             /* else from the stored kernels: */
    unsigned char wanted[VAR_COUNT];
    enum measure_state state;
};

struct measure {
    const struct measure_options *options;
    struct store_reader *reader;
    struct result stored;                    /* scratch: a row as it is */
    struct result_layout layout;             /* of the extended file */
    struct measure_task *tasks;
    size_t n_tasks, n_sets;
    struct dataset *sets;
    char **set_identity;
    bool probe_changes;                      /* then /probe is written anew, of all jobs: */
    struct job *jobs;                        /* (jobs of the file), as they are in it now */
    size_t *job_set;                         /* (jobs of the file) */
    /* what came of it */
    size_t selected, there, not_done, damaged, other_machine, programs, replayed, from_kernel, differing, failed, left;
};

/* Opens, selects, decides, loads data. Says on stderr which rows it leaves out. Returns 0, or -1 with *err
 * filled; measure_free also then. */
int measure_plan(struct measure *measure, const struct measure_options *options, struct error *err);
/* Runs the tasks and extends the file. Returns 0 also where jobs were refused or it was stopped (left > 0);
 * -1 with *err filled where the file could not be written. */
int measure_run(struct measure *measure, struct error *err);
void measure_free(struct measure *measure);

#endif
