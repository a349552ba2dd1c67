/* What cells.c and compare.c share. */
#ifndef RELIN_ANALYSIS_CELLS_PARTS_H
#define RELIN_ANALYSIS_CELLS_PARTS_H

#include "cells.h"

/* -1, 0, 1: the first of the axes in which they differ decides. */
int cells_compare_levels(const struct observation *x, const struct observation *y, const size_t *axes, size_t n);
/* Whether a job's value is in the means. */
bool cells_is_counted(const struct observation *x, double value);
/* Are all jobs programs of the user's own, without a refresh period of theirs? */
bool cells_are_programs(const struct observations *o);
/* Whether its trainer is gauss-newton; the trainer must be an axis. */
bool cells_is_solver(const struct cells *c, const struct observation *x);

/* Fills baselines, differences, p, suffices and the answer of a group of summarised, sorted cells; work has room for
 * as many numbers as there are observations. */
void cells_compare_group(const struct cells *c, struct group *g, double *work);

#endif
