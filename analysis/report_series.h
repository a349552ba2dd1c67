/* What is measured along training, summarised over the jobs of each cell: curves, kernels, refreshes. */
#ifndef RELIN_ANALYSIS_REPORT_SERIES_H
#define RELIN_ANALYSIS_REPORT_SERIES_H

#include "report.h"

enum { SERIES_MOST = 8, SERIES_CURVES_DRAWN = 10, SERIES_CELLS_WHOLE = 240 };

/* A measure: its variable, and the one that stands for it where it is missing at K = 1 (the network is its own
 * linearisation there, theta_s is theta_t), or NULL. name, low, high: columns of the table; title for people. */
struct series_measure {
    const char *variable, *at_one;
    const char *name, *low, *high, *title;
};

struct series {
    const char *step;                  /* "step", "kernels/step", "refresh_step": (job, x); -1 where unused */
    size_t n;
    struct series_measure measures[SERIES_MOST];
};

/* Adds columns and rows to an empty table: group, curve, refresh_period, step, n, then mean and 95 % t interval of each
 * measure over the jobs of a cell that have ended and did not diverge, at each step that one of them has. Without any of
 * the variables there are no rows. Curves that are too many to draw are hidden; of more than SERIES_CELLS_WHOLE cells
 * those that are not drawn are left out, and the table's note says so. Returns 0, or -1 with *err filled. */
int series_fill(const struct report *r, const struct series *s, struct sheet *t, struct error *err);

/* "K = 10", "K = ∞", the label of a schedule, "Gauss-Newton, K = 10". */
void series_name_cell(const struct cell *cell, struct text *out);
/* Which cells are drawn: at most so many curves a panel, spread over all Ks, and so many panels. (n_cells) flags; the
 * caller frees. */
bool *series_choose_cells(const struct cells *c);

#endif
