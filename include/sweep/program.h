/* Any program as a job: `trainer: {command: [words]}` runs a program of the user's own.
 *
 * It is started with the job as one JSON object on its standard input (the job's text, as /config/job_text has it),
 * and in its environment
 *   RELIN_JOB           path of a file with the same object
 *   RELIN_JOB_ID, RELIN_SEED, RELIN_DATA (absolute, where there is one)
 *   RELIN_THREADS       training.threads, as OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and MKL_NUM_THREADS are too
 *   RELIN_PARAMETER_X   the value of parameters.X, for each
 *   RELIN_CHECKPOINT    a folder for a state of its own, there until the job is done; not with limits.checkpoint: none
 * and without what would have it join the MPI that runs it (program_environment). A word {seed}, or {section.key} of the
 * job's object, stands for that value. It works in the folder of the sweep file: words with a slash are found from there,
 * a first word without one in PATH.
 *
 * Its standard output is JSON objects, one a line (struct program_output), its standard error is kept for the reason of a
 * failure. It runs in a process group of its own. Asked to stop, it gets TERM, and KILL after limits.grace. */
#ifndef RELIN_SWEEP_PROGRAM_H
#define RELIN_SWEEP_PROGRAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sweep/failure.h"
#include "sweep/result.h"

struct error;
struct job;
struct text;

enum { OWN_NAME_SIZE = 48, METRICS_MOST = 32 };   /* of parameters and metrics */
enum { PROGRAM_GRACE_MOST = 3600 };                /* seconds: limits.grace none */

/* A name of a parameter or metric: a letter or _, then letters, digits and _. */
bool program_is_name(const char *name);

/* The words with spaces between: the trainer's name in the file, and for people. Returns false where the job is none. */
bool program_label(const struct job *job, struct text *out);
/* For people: "train.py lr=0.1 seed 3". */
void program_describe(const struct job *job, struct text *out);
/* The user's own metrics of a job. Returns how many. */
size_t program_metrics(const struct job *job, char names[METRICS_MOST][OWN_NAME_SIZE]);
/* The value of parameters.NAME as JSON. Returns false where the job has none of that name. */
bool program_parameter(const struct job *job, const char *name, struct text *out);

/* --- what a program prints ---------------------------------------------------------------------- */

/* One object a line. The keys:
 *   step                         the line is a point of the curves, at a whole number that does not fall; the same step
 *                                twice is one point
 *   train_loss, ... the twelve scores of variables.h, and the sweep's metrics
 *   time                         of a point: curve_time
 *   feature_updates, learning_rate, flops
 * The last value of a name is the job's. A loss that is not finite makes it diverged. null, and NaN of a metric of the
 * user's own, is no value. At most layout.eval points are kept: where more come, every second one is dropped as often as
 * it takes; the last one stays. */
enum { PROGRAM_LINE_MOST = 65536, PROGRAM_EVALUATIONS_MOST = 1 << 20 };
struct program_output {
    struct result *result;
    char metric[METRICS_MOST][OWN_NAME_SIZE];
    size_t n_metrics, points_most;
    char line[PROGRAM_LINE_MOST + 1];
    size_t length;               /* of the line so far */
    size_t lines, objects;       /* complete ones */
    size_t points;               /* kept */
    int64_t ordinal, every;      /* of the last point among all; kept are its multiples */
    int64_t step;                /* of the last point; -1: none */
    char diverged[128];          /* which loss was not finite; empty: none was */
};

/* result: bound and cleared. */
void program_output_start(struct program_output *output, const struct job *job, struct result *result);
/* Takes the next bytes. Returns 0, or -1 with *err filled: the line, what was expected, what was there. */
int program_output_feed(struct program_output *output, const char *bytes, size_t n, struct error *err);
/* At the end of all: a last line may lack its newline. Fills outcome, error, steps_done. Returns 0, or -1 with *err filled:
 * also where there was no object at all. */
int program_output_end(struct program_output *output, struct error *err);

/* --- running it ---------------------------------------------------------------------------------- */

struct program_place {
    const char *folder;                   /* of the sweep file; NULL or "": the present one */
    const char *checkpoint;               /* made where it is not there; NULL: none */
    const char *data_root;                /* may be NULL */
    double grace;                         /* limits.grace */
    const volatile sig_atomic_t *stop;    /* 1: asked to stop, 2: at once; NULL: never asked */
    const sigset_t *mask;                 /* signals while it waits: those that change *stop are blocked otherwise */
};

enum program_end { PROGRAM_DONE, PROGRAM_STOPPED, PROGRAM_FAILED };

/* Runs it to its end, all of its process group included. DONE: result filled as by experiment_run. STOPPED: it was asked
 * to. FAILED: *class and *err (the program, and why) are filled, and the end of what it said is on standard error. */
enum program_end program_run(const struct job *job, const struct program_place *place, struct result *result,
                             enum failure_class *class, struct error *err);

/* Takes the variables of MPI and of a Slurm step out of the environment of this process. */
void program_environment(void);

#endif
