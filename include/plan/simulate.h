/* Simulates the hand-out of jobs to workers: makespan, efficiency, the saturation point. */
#ifndef RELIN_PLAN_SIMULATE_H
#define RELIN_PLAN_SIMULATE_H

#include <stddef.h>

struct error;

struct schedule_estimate {
    double makespan;      /* seconds from the first start to the last end */
    double efficiency;    /* sum of job times / (workers * makespan), 0 to 1 */
    double core_seconds;  /* workers * cores per worker * makespan */
    double tail_seconds;  /* worker-seconds idle after the first worker ran out of jobs */
};

/* Each free worker takes the next job of seconds[0..n-1] in the given order (the farm's order when
 * sorted by descending seconds). cores: of one worker. O((n + workers) log workers).
 * Returns 0, or -1 with *err filled. */
int simulate_hand_out(size_t n, const double *seconds, size_t workers, size_t cores,
                      struct schedule_estimate *estimate, struct error *err);

/* P* = sum of times / longest time: more workers than this cannot end sooner. 0 for no jobs. */
double simulate_saturation(size_t n, const double *seconds);

#endif
