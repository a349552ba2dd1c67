/* The statistics of across.h and their stratified bootstrap. */
#ifndef RELIN_ANALYSIS_ACROSS_RESAMPLE_H
#define RELIN_ANALYSIS_ACROSS_RESAMPLE_H

#include "across.h"

/* Values of several strata (tasks) one after the other: stratum t is value[end[t-1] .. end[t]-1]. Zero-initialise. */
struct strata {
    size_t size, n, room, end_room;
    double *value;
    size_t *end;
};

void strata_add(struct strata *s, double value);
void strata_close(struct strata *s);   /* ends a stratum */
void strata_free(struct strata *s);

/* Value and percentile interval from STATS_RESAMPLES seeded resamples. NaN of strata without any value. */
void resample_iqm(const struct strata *s, struct across_number *number);
/* Strata of x and y in pairs, none empty. lower: P(X < Y) instead. */
void resample_improvement(const struct strata *x, const struct strata *y, bool lower, struct across_number *number);

#endif
