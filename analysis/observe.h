/* Result files -> one observation a job, and the axes that tell jobs apart. */
#ifndef RELIN_ANALYSIS_OBSERVE_H
#define RELIN_ANALYSIS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "sweep/result.h"

struct error;

enum { OBSERVE_AXES_MOST = 32 };
enum readout { READOUT_LINEAR, READOUT_NETWORK, READOUT_COUNT };   /* f_lin, f_theta */

/* A value an axis takes; number is NaN where the axis is not numeric. */
struct level {
    char *label;
    double number;
};

/* Levels in ascending order where all are numbers, else in order of appearance. */
struct axis {
    char *name;
    bool numeric, tuned;                 /* tuned: each cell has the value that was best for it (tune.h) */
    bool told;                           /* no axis of the grid but what a run tells of itself (engine, host): tells no
                                            jobs apart, but may be asked for */
    size_t n_levels;
    struct level *levels;
    struct names known;                  /* labels -> levels */
};

struct observation {
    uint32_t level[OBSERVE_AXES_MOST];   /* of each axis */
    enum job_status status;
    bool diverged;
    double updates;                      /* feature updates of the whole run, or before the step that is read */
    bool adaptive;                       /* the gap decides: updates are those that were done, NaN before the end */
    double learning_rate;                /* eta, resolved; NaN before the end */
    double damping;                      /* N(1 - momentum)/(eta K) */
    double at;                           /* step of the evaluation that was chosen; NaN: the end, or there is none */
    uint32_t evaluation;                 /* its place in the curves; UINT32_MAX likewise */
    bool unreached;                      /* done, and never came to the moment that is asked for */
    double value[READOUT_COUNT];         /* the metric; NaN where there is none */
    double validation;                   /* validation loss of f_lin at the same moment; read where it chooses, else NaN */
    double path;                         /* kernel path length at the linearisation points */
    double loss_first, loss_half, loss_last;   /* training loss at steps 0, T/2 (or before) and T */
    char *id;
    uint32_t file;                       /* which of the files it was read from */
};

/* A file, and what it says of itself; texts are NULL where it does not. */
struct source {
    const char *path;                    /* borrowed */
    size_t jobs;
    char *sweep, *version, *revision, *start;   /* name of the sweep; relin's version, git's; when the file was made, UTC */
};

struct observations {
    size_t n_axes, n;
    struct axis axes[OBSERVE_AXES_MOST];
    struct observation *at;
    bool two_readouts;                   /* the metric is known of f_lin and of f_theta */
    char *tuning_seeds;                  /* those that chose (tune.h), "0, 1, 2"; NULL */
    size_t n_sources;
    struct source *source;
    char *until;                         /* the rule by which seeds are added to a file (relin run --until); NULL: none are */
    size_t n_skipped, n_reserved;        /* jobs that are no observations: not needed by it, and, of these, not needed yet */
    size_t n_repeated;                   /* jobs that were in an earlier file too */
    size_t n_conflicts;                  /* of these, with other results there */
    char *conflict;                      /* the first of them, in words; NULL */
};

/* When in a run the metric is read (moment.h). */
enum moment_kind { MOMENT_END, MOMENT_STEP, MOMENT_TRAIN_LOSS, MOMENT_UPDATES, MOMENT_BEST };
struct moment {
    enum moment_kind kind;
    double value;                        /* the step, the loss, the number of updates */
    const char *best;                    /* the metric that is best there */
};

/* What to read of each job. */
struct reading {
    const char *metric;                  /* metric.h says which names there are */
    struct moment moment;
    bool validation;                     /* the validation loss beside it */
    const char *const *columns;          /* further (job) columns to take as axes where a file has them; of no axis */
    size_t n_columns;
};

/* Reads all jobs of the files, but for those that were skipped or are in reserve, since their cell is known well enough
 * without them, or may be. A job that is in several files (job_id) counts once: its finished row, of two finished ones that
 * of the first file; where these differ it is a conflict, which is counted and told. Returns 0, or -1 with *err filled. The
 * caller frees with observe_free (also after -1); *o must be zeroed. */
int observe_read(struct observations *o, const char *const *paths, size_t n_paths,
                 const struct reading *reading, struct error *err);
void observe_free(struct observations *o);

/* The axis of a name (dots and underscores are the same), or SIZE_MAX. */
size_t observe_find_axis(const struct observations *o, const char *name);

/* Keeps the observations whose axis has one of the comma-separated values: "axis=value,value".
 * Returns 0, or -1 with *err filled: no such axis, no such value. */
int observe_filter(struct observations *o, const char *condition, struct error *err);

/* The names of all axes, comma-separated, for messages. */
struct text;
void observe_name_axes(const struct observations *o, struct text *out);

#endif
