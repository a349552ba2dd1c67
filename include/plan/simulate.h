/* Simulates the hand-out of jobs to workers: makespan, efficiency, the saturation point. */
#ifndef RELIN_PLAN_SIMULATE_H
#define RELIN_PLAN_SIMULATE_H

#include <stddef.h>

struct error;

/* What the farm itself takes, in seconds. Zeros: nothing. */
struct farm_cost {
    double change;        /* of a worker between two of its jobs: a child ends, rows are written, another starts. (Jobs
                             of some milliseconds may share a child; a plan need not tell them from others.) */
    double dispatch;      /* of rank 0 for the first job of a worker */
    double commit;        /* of rank 0 for the record of each, with the hand-out of the next */
};

/* By which a plan goes where no run says better. Upper ends of what was measured on one machine of 2 cores: a record takes
 * 0.2 to 0.3 ms, a forked child 0.6 ms. */
#define FARM_CHANGE 1e-3
#define FARM_DISPATCH 10e-6
#define FARM_COMMIT 0.3e-3

struct schedule_estimate {
    double makespan;      /* seconds from the first start to the last end, or commit */
    double efficiency;    /* sum of job times / (workers * makespan), 0 to 1 */
    double core_seconds;  /* workers * cores per worker * makespan */
    double tail_seconds;  /* worker-seconds idle after the first worker ran out of jobs */
};

/* Each free worker takes the next job of seconds[0..n-1] in the given order: the farm's where that is by descending
 * prediction, whatever the jobs then take. Rank 0 serves one worker at a time, in the order in which they ask.
 * cores: of one worker. farm: NULL: costs nothing. O((n + workers) log workers); no memory but workers numbers.
 * Returns 0, or -1 with *err filled. */
int simulate_hand_out(size_t n, const double *seconds, size_t workers, size_t cores, const struct farm_cost *farm,
                      struct schedule_estimate *estimate, struct error *err);

/* P* = sum of times / longest time: more workers than this cannot end sooner. 0 for no jobs. */
double simulate_saturation(size_t n, const double *seconds);

#endif
