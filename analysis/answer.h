/* How few feature updates suffice: fixed-sequence testing along ascending K (method: Maurer,
 * Hothorn and Lehmacher 1995), no correction needed because each sequence stops at its first
 * failure.
 *
 * The parameter is K0, the largest K of the grid such that it and every smaller one is truly
 * within the margin of the baseline. Three places on the grid:
 *   shown     from the baseline upwards while the lower end of the paired difference's 95 %
 *             interval lies above -margin. P(shown > K0) <= 2.5 %. This is the answer.
 *   possible  from the largest K downwards while the upper end lies below -margin, i.e. the K is
 *             shown not to suffice; the first that is not. P(possible < K0) <= 2.5 %.
 *   estimate  as `shown`, judged by the mean alone.
 * So [shown, possible] covers K0 with at least 95 %, and shown <= estimate <= possible. In feature
 * updates, which fall with K, the interval is [updates(possible), updates(shown)].
 *
 * A K with a diverged run is never shown to suffice; one whose runs all diverged is shown not to. */
#ifndef RELIN_ANALYSIS_ANSWER_H
#define RELIN_ANALYSIS_ANSWER_H

#include <stddef.h>

/* One K: paired differences to the baseline, positive where better than it. */
struct answer_step {
    size_t pairs, diverged;
    double mean, low, high;      /* NaN where too few pairs */
};

struct answer {
    size_t shown, estimate, possible;   /* indices into the steps; 0 is the baseline itself */
    size_t stopped;                     /* the first step that was not shown, or n */
};

/* steps: n of them, ascending K; steps[0] is the baseline and is not looked at. n >= 1. */
void answer_find(const struct answer_step *steps, size_t n, double margin, struct answer *answer);

#endif
