/* A sweep file: YAML text -> checked, expanded list of jobs. */
#ifndef RELIN_SWEEP_SWEEP_H
#define RELIN_SWEEP_SWEEP_H

#include "sweep/failure.h"
#include "sweep/job.h"
#include "sweep/result.h"

/* A further axis of the grid (not architecture, refresh_period, seed, trainer): one column of the file. */
struct sweep_axis {
    char *path;            /* "training.momentum" */
    char *column;          /* "training_momentum", or requested_... where a result has the name */
    bool numeric;          /* all values are numbers: values in number[], else in label[] */
    bool integral;         /* all values are whole numbers */
    double *number;        /* (jobs) NaN where a job of a joined grid lacks the axis: its resolved value is used */
    char **label;          /* (jobs) canonical text */
};

struct sweep_limits {
    double job_wall;       /* seconds; INFINITY: none */
    double checkpoint;     /* seconds between two checkpoints of a job; INFINITY: none */
    double grace;          /* seconds from TERM to KILL of a program; INFINITY: PROGRAM_GRACE_MOST */
    double expected;       /* seconds that a program takes; INFINITY: not known */
    double patience;       /* seconds of silence after which a rank counts as lost */
    int64_t attempts;
    int64_t attempts_ending[FAILURE_COUNT];   /* -1: attempts (failure_limit) */
};

struct sweep {
    char *path;            /* of the file, for messages */
    char *name;
    char *text;            /* the file's text with overrides appended as comments */
    char *resolved;        /* resolved JSON of the whole sweep: without the grid's values */
    size_t n_jobs;
    struct job *jobs;      /* file order, last grid key fastest; a job that occurs twice is once */
    size_t n_duplicates;   /* how many cells were the same job as an earlier one */
    size_t n_axes;
    struct sweep_axis *axes;
    struct sweep_limits limits;
    char *until;           /* the rule by which seeds are added (plan/until.h), as words; NULL: all run */
};

/* Most cells the grids of a sweep may have together (a million: 2 GB in rank 0): more is refused before memory is used.
 * A fuzz target lowers it. */
extern size_t sweep_most_cells;

/* Reads, overrides, checks and expands. overrides: n texts "dotted.path=value". All mistakes are
 * found, and reported in err->text, a line each: file:line:column: key: expected ..., got ...; at most
 * a screenful. Returns 0, or -1 with *err filled. The caller frees with sweep_free (also after -1). */
int sweep_load(struct sweep *sweep, const char *path, const char *const *overrides, size_t n,
               struct error *err);
/* The same of a text; shown: what messages call it, and what names a sweep that does not say its name. */
int sweep_load_text(struct sweep *sweep, const char *shown, const char *text, size_t length, const char *const *overrides,
                    size_t n, struct error *err);
/* The sweep of a result file: its /config/text, overrides and all, and its name. */
int sweep_reload(struct sweep *sweep, const char *name, const char *text, struct error *err);
/* Leaves only the jobs i with keep[i]. */
void sweep_keep(struct sweep *sweep, const bool *keep);
void sweep_free(struct sweep *sweep);

/* Axis lengths of the result file of these jobs. sets[i]: the data set of job i. */
void sweep_layout(const struct sweep *sweep, const struct dataset *const *sets, struct result_layout *layout);

/* Makes the axes of a layout long enough for one more job. */
void layout_extend(struct result_layout *layout, const struct job *job, const struct dataset *set);

/* Has a file's layout room for all that this job writes? A damaged file may not. Returns 0, or -1 with *err filled. */
int layout_check(const struct result_layout *layout, const struct job *job, const struct dataset *set, struct error *err);

/* The keys of a sweep file, with type, default and meaning, for --help and the man page. */
void sweep_describe_keys(struct text *out);

#endif
