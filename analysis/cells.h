/* Observations -> cells (one per combination of the --by axes), groups of cells that differ in K
 * alone or in what takes its place, paired comparisons with the baseline K, and the answer of each group.
 *
 * In the place of a constant K: a refresh schedule, compared with the baseline as the Ks are but outside their order;
 * and, where training_steps is an axis, Gauss-Newton steps, each run compared with the linearised run of the same K
 * and K times the steps, and not with a baseline. */
#ifndef RELIN_ANALYSIS_CELLS_H
#define RELIN_ANALYSIS_CELLS_H

#include "answer.h"
#include "observe.h"
#include "stats.h"

enum suffices { SUFFICES_UNASKED, SUFFICES_BASELINE, SUFFICES_SHOWN, SUFFICES_UNCLEAR, SUFFICES_NOT };

struct cell {
    size_t first, count;                   /* observations */
    size_t failed, diverged, missing;      /* missing: pending or running */
    size_t unreached;                      /* never came to the moment that is asked for */
    double period;                         /* K; NaN where --by leaves it out */
    const char *schedule;                  /* label; NULL: a constant period. Borrowed of the axis */
    bool solves;                           /* Gauss-Newton beside linearised cells */
    size_t against;                        /* the cell that it is compared with; SIZE_MAX: none */
    double updates;                        /* where the gap decides their mean; else NaN where they differ */
    double updates_least, updates_most;
    double eta_period, damping;            /* eta K, N(1 - momentum)/(eta K): means over the jobs; NaN of schedules */
    struct stats_summary value, network, path;   /* network: f_theta, whatever is asked for */
    double bca_low, bca_high;
    struct stats_summary difference;       /* to `against` on common seeds, in the metric's unit */
    size_t unpaired_divergence;            /* runs of the cell or of its pairs' baseline that diverged, or never came there */
    double p, p_holm;
    enum suffices suffices;
};

struct group {
    size_t first, count;                   /* cells: constant periods, ascending K; then schedules */
    size_t n_constant;                     /* of the first kind */
    size_t baseline;                       /* a cell, or SIZE_MAX: no such K, or K is averaged over */
    bool has_answer;
    struct answer answer;                  /* counted from the baseline on, of constant periods */
    size_t family;                         /* cells compared (Holm) */
    size_t pairs_most;                     /* common seeds of the comparison that has most */
    double p_least;                        /* the smallest Holm-adjusted p that so many pairs can give; NaN without any */
    size_t pairs_needed;                   /* with how many it could be 0.05 */
};

/* What is asked. Zero-initialise, then cells_find fills what is free. */
struct question {
    const char *metric;
    enum readout readout;
    double baseline;                       /* K */
    struct moment moment;                  /* when in a run the metric is read */
    double margin;                         /* NaN: the default, 0.01 for accuracies, else no answer */
    bool is_accuracy;                      /* shown in percent and points */
    bool brief;                            /* neither bootstrap intervals nor p-values: they take most of the time */
    int better;                            /* +1 higher is, -1 lower is, 0 nobody knows */
};

struct cells {
    const struct observations *of;
    struct question question;
    size_t n_by, by[OBSERVE_AXES_MOST];    /* axes of a cell, refresh_period last where it is one */
    size_t n_common;                       /* the first of them, common to a group */
    bool by_period;
    bool pairs_trainers;                   /* Gauss-Newton cells stand beside linearised ones */
    size_t period, schedule, trainer, steps, damping;   /* axes; SIZE_MAX: there is none */
    size_t n_units, unit[OBSERVE_AXES_MOST];   /* the others: seed, and what is averaged over */
    size_t n_tuned, tuned[OBSERVE_AXES_MOST];  /* neither: each cell's own value of them was chosen (tune.h) */
    size_t n_cells, n_groups;
    struct cell *cell;
    struct group *group;
    const struct across *across;           /* NULL: not asked for. Borrowed */
};

/* by: comma-separated axes, or NULL for all but the seed. Sorts the observations. Returns 0, or -1
 * with *err filled: an unknown axis, or two jobs alike in all axes. The caller frees (also after -1). */
int cells_find(struct cells *c, struct observations *o, const struct question *question, const char *by,
               struct error *err);
void cells_free(struct cells *c);

/* Is a metric of this name shown in percent and points? */
bool cells_is_accuracy(const char *metric);

struct text;
/* "training_lr 0.1"; of a level that is an object of JSON its words: "training_lr of_limit 0.5". */
void cells_name_level(const char *axis, const char *label, struct text *out);
/* "mlp-2x512", or "mlp-2x512, data_train 250": what the cells of a group have in common. */
void cells_name_group(const struct cells *c, const struct group *g, struct text *out);

#endif
