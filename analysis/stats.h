/* Statistics of a cell and of paired differences, always in double.
 *
 * Nothing here fails: what a sample is too small for, or what needs a quantile that this
 * build lacks (no GSL), is NaN, and stats_have_quantiles says which of the two it was. */
#ifndef RELIN_ANALYSIS_STATS_H
#define RELIN_ANALYSIS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All intervals are two-sided 95 %, so each end alone is a one-sided 97.5 % bound. */
#define STATS_LEVEL 0.95
/* Below this size bias-corrected bootstrap intervals cover too rarely to be given. */
enum { STATS_BCA_LEAST = 20, STATS_RESAMPLES = 9999, STATS_SIGNINGS = 100000, STATS_EXACT_MOST = 30 };
/* Of all resampling: part of the meaning of an interval, never change. */
#define STATS_SEED 1

struct stats_summary {
    size_t n;
    double mean, sd, se;         /* sd with n - 1; se = sd / sqrt(n); NaN below n = 2 */
    double median, least, most;
    double low, high;            /* t interval of the mean */
};

/* Whether this build has the quantiles of Student's t and the normal (GSL). */
bool stats_have_quantiles(void);

/* The quantile of Student's t. NaN without GSL. */
double stats_t_quantile(double probability, double freedom);

/* The quantile of the normal distribution. NaN without GSL. */
double stats_normal_quantile(double probability);

/* Summarises x[0..n-1], all finite; n may be 0. */
void stats_summarise(const double *x, size_t n, struct stats_summary *summary);

/* BCa bootstrap interval (Efron 1987) of the mean, STATS_RESAMPLES resamples from a fixed seed, so the
 * same sample always gives the same interval. NaN below STATS_BCA_LEAST or without GSL. */
void stats_bca(const double *x, size_t n, double *low, double *high);

/* The same without the least size: for the simulation that shows why there is one (STATISTICS.md). n >= 2. */
void stats_bca_any(const double *x, size_t n, double *low, double *high);

/* The p-quantile of sorted values, linear between order statistics (type 7 of R, numpy's default). n >= 1. */
double stats_quantile(const double *sorted, size_t n, double p);

/* Two-sided p of the sign-flip test of mean 0: the share of the 2^n signings whose |sum| is at
 * least the observed one. Exact up to n = STATS_EXACT_MOST, else from STATS_SIGNINGS seeded signings, the observed
 * one among them. NaN for n = 0. */
double stats_sign_flip(const double *difference, size_t n);

/* Holm's step-down adjustment (1979) of a family; NaN entries are no members and stay NaN. */
void stats_holm(const double *p, size_t n, double *adjusted);

/* The least number of pairs with which the smallest Holm-adjusted sign-flip p of a family,
 * family * 2 / 2^n, can be at most alpha. */
size_t stats_pairs_needed(size_t family, double alpha);

#endif
