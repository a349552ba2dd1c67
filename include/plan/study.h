/* Studies of what to allocate: scaling, threads, orders of hand-out, errors of the prediction. */
#ifndef RELIN_PLAN_STUDY_H
#define RELIN_PLAN_STUDY_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/forecast.h"

struct error;
struct plan;
struct record;

enum { STUDY_MOST = 24, STUDY_THREADS = 4, STUDY_ORDERS = 3, STUDY_ERRORS = 4, STUDY_SHUFFLES = 9 };

/* The same allocation with one thing changed. */
struct study_row {
    size_t jobs, workers, cores;
    double makespan, p95, efficiency, core_seconds;
    bool measured;                   /* of other threads: jobs with as many were learned from */
};

struct study {
    size_t base;                     /* workers: the most of powers of two that are busy for 90 % of the time */
    struct study_row strong[STUDY_MOST], weak[STUDY_MOST];
    size_t n_strong, n_weak;
    struct study_row threads[2][STUDY_THREADS];      /* base cores, and four times as many as P*; 1, 2, 4, 8 threads */
    struct study_row order[2][STUDY_ORDERS];         /* base workers, and P*; longest first, as in the file, random */
    struct study_row wrong[2][STUDY_ERRORS];         /* the same; longest first by a prediction that is wrong by 0, 10, 30, 100 % */
};

extern const size_t study_threads[STUDY_THREADS];
extern const char *const study_orders[STUDY_ORDERS];
extern const double study_errors[STUDY_ERRORS];

/* The sweep's number of threads is that of its jobs again afterwards. Returns 0, or -1 with *err filled. */
int study_make(struct study *study, struct plan *plan, struct error *err);

/* What matters to a person, of the jobs of earlier runs. NaN: the files do not say. */
struct felt {
    double cells, seeds;             /* cells with 3 seeds or more, of those that differ otherwise; their seeds, on average */
    double seed_core_seconds;        /* one more seed of all cells */
    double curve_core_seconds;       /* all cells to +-0.5 points of test accuracy, 95 % t interval */
    double curve_seeds;              /* seeds of the cell that needs the most */
    double pause_seconds;            /* median from the last end of a job before a stop to the first start after it */
    size_t pauses;
};

int felt_make(struct felt *felt, const struct record *records, size_t n, struct error *err);

/* Seeds until the 95 % t interval of a mean is no wider than +-half, for numbers of this standard deviation; at least 2. */
double felt_seeds(double deviation, double half);

#endif
