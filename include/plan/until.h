/* More seeds where they matter: how many a cell needs until the 95 % t interval of its paired difference to the baseline is
 * no wider than +-halfwidth (method.md section 6).
 *
 * A cell is all jobs that differ by their seed only, in the order of the file; its baseline the cell of the baseline's K that
 * is alike otherwise. The first min_seeds seeds of every cell run. When all that run of a cell, and the baseline's of the
 * same seeds, have ended, and only then, it is decided: narrow enough, or out of seeds, or more of them: as many as the
 * deviation so far asks for, at most twice as many as there are. So what runs is a function of the numbers of the rows
 * alone, in whatever order they came, and a run that was stopped decides again as it did. Failed and diverged runs are
 * in no pair; a cell without any pair, or a baseline alone, stops at min_seeds. */
#ifndef RELIN_PLAN_UNTIL_H
#define RELIN_PLAN_UNTIL_H

#include <stdbool.h>
#include <stddef.h>

#include "sweep/variables.h"

struct error;
struct store_reader;
struct sweep;
struct text;

enum { UNTIL_LEAST_SEEDS = 10, UNTIL_MOST_SEEDS = 10000 };

struct until_rule {
    double halfwidth;                    /* in the metric's unit: accuracies 0 to 1 */
    size_t min_seeds, max_seeds;
    enum variable_id metric;             /* a score of the trained model or of the network */
    double baseline;                     /* K */
};

/* "halfwidth=0.5%,max_seeds=40", and min_seeds=, metric=, baseline=. Returns 0, or -1 with *err filled. */
int until_parse(struct until_rule *rule, const char *text, struct error *err);
/* All of a rule, in one way: equal texts, equal rules. */
void until_write(const struct until_rule *rule, struct text *out);

/* Is the metric told in percent, and differences of it in points? */
bool until_is_percent(const struct until_rule *rule);

enum until_state { UNTIL_WAITING, UNTIL_NARROW, UNTIL_OUT_OF_SEEDS, UNTIL_NO_PAIRS };

struct until_cell {
    size_t first, n;                     /* its rows: order[first .. first + n - 1] */
    size_t group;                        /* cells that share a baseline */
    size_t baseline;                     /* a cell; of the baseline itself */
    size_t active;                       /* of its seeds, the first so many run */
    size_t ended;                        /* of its seeds, the first so many have ended */
    enum until_state state;
};

struct until {
    struct until_rule rule;
    size_t n_jobs, n_cells, n_groups;
    size_t *order;                       /* (jobs) rows, by cell, then as in the file */
    size_t *cell_of, *place;             /* (jobs) its cell, and which of its rows */
    struct until_cell *cells;            /* those of a group one after the other */
    size_t *group_first;                 /* (groups + 1) cells */
    double *value;                       /* (jobs) NaN: none */
    bool *settled;                       /* (jobs) done, or failed for good */
    size_t *dirty, n_dirty;              /* groups to look at */
    bool *is_dirty;                      /* (groups) */
    size_t n_active, n_skipped;          /* rows that run or have run by the rule; rows that are not needed */
    size_t n_open;                       /* cells without a decision */
    size_t *run, n_run, *skip, n_skip;   /* until_step: rows that are to run from now on, and that are not needed */
};

/* Every cell needs a baseline with the same seeds in the same order. Returns 0, or -1 with *err filled. The caller frees,
 * also after -1. */
int until_init(struct until *u, const struct until_rule *rule, const struct sweep *sweep, struct error *err);
void until_free(struct until *u);

/* A row has ended: its metric, NaN where it counts in no pair. */
void until_settle(struct until *u, size_t row, double value);
/* Decides what can be decided. run and skip are what is new; rows that had ended are in neither. */
void until_step(struct until *u);
/* Has the row its turn, or had it? */
bool until_is_active(const struct until *u, size_t row);
/* May the row have its turn yet, since its cell is not decided? */
bool until_is_reserved(const struct until *u, size_t row);
/* How many seeds a cell needs by the deviation of the pairs so far, those that make none counted: at least what it has, and perhaps
 * more than it may have. NaN where there are fewer than 2 pairs. */
double until_expect(const struct until *u, const struct until_cell *cell);
/* How many seeds a cell may have. */
size_t until_most(const struct until *u, const struct until_cell *cell);

/* The pairs among the first n seeds of a cell: how many, the deviation of their differences, and half the width of the
 * interval of their mean; NaN where there are fewer than 2. */
struct until_spread {
    size_t pairs;
    double deviation, half;
};
struct until_spread until_measure(const struct until *u, const struct until_cell *cell, size_t n);
/* "mlp-2x512, K=10" */
void until_name(const struct until *u, const struct sweep *sweep, const struct until_cell *cell, struct text *out);

/* The sweep with as many seeds a cell as the rule may ask for: further ones follow on the largest of grid.seed. *sweep is
 * loaded, and then loaded again where that is needed. Returns 0, or -1 with *err filled. */
int until_load(struct sweep *sweep, const struct until_rule *rule, const char *path, const char *const *overrides, size_t n,
               struct error *err);

/* The rule of a file and what has come of it, in which *sweep becomes the file's own. Returns 0; 1 where the file has no rule; or
 * -1 with *err filled. The caller frees both, also after 1 and -1. */
int until_read(struct until *u, struct sweep *sweep, const struct store_reader *reader, struct error *err);

#endif
