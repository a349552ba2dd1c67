/* Across architectures, data sets and whatever else makes a task: does a run with refresh period K beat one of the
 * baseline, and how good is the middle half of all runs? As in rliable (Agarwal et al. 2021).
 *
 * A task is a group of cells (cells.h); the groups that differ in the named axes alone are taken together. Of each K:
 *
 *   improvement   the mean over tasks of P(X > Y) + P(X = Y)/2, X a run with K, Y one of the baseline: the Mann-Whitney
 *                 statistic over n m. Turned where lower is better, so that above 1/2 is better than the baseline
 *   iqm           the mean of the middle half of all tasks' runs together (trimmed by a quarter at either end, rounded
 *                 down), in the metric's unit; iqm_baseline likewise of the baseline's runs of these tasks
 *   difference    the same of the paired differences to the baseline, which are comparable where tasks differ in level
 *
 * Intervals are 95 % percentiles of a bootstrap stratified by task: runs are drawn anew within each task, the two sides
 * of the improvement independently. The tasks are not drawn: the claim is about these. */
#ifndef RELIN_ANALYSIS_ACROSS_H
#define RELIN_ANALYSIS_ACROSS_H

#include "cells.h"

struct text;

struct across_number {
    double value, low, high;
};

struct across_row {
    size_t group;                        /* one of the tasks: what the others have in common with it */
    double period;                       /* K */
    size_t tasks, runs, baseline_runs;   /* runs of all tasks together */
    struct across_number improvement, iqm, iqm_baseline, difference;
};

struct across {
    size_t n_axes, axis[OBSERVE_AXES_MOST];        /* in which tasks differ */
    size_t n_common, common[OBSERVE_AXES_MOST];    /* in which those of a row do not */
    size_t n;
    struct across_row *row;                        /* by what is common, then ascending K */
};

/* names: comma-separated axes. Returns 0, or -1 with *err filled: no axis of that name, or none of the groups'. The
 * caller frees with across_free (also after -1). */
int across_find(struct across *across, const struct cells *c, const char *names, struct error *err);
void across_free(struct across *across);

/* The interquartile mean of x[0..n-1], n >= 1. */
double across_iqm(const double *x, size_t n);
/* P(X > Y) + P(X = Y)/2 of two samples, n, m >= 1. */
double across_improvement(const double *x, size_t n, const double *y, size_t m);

#endif
