/* What the jobs of a sweep may take: seconds with their error, and so the makespan of an allocation with its own.
 *
 * A job takes seconds * exp(spread z - spread^2/2) * exp(common z0): z its own standard normal number, z0 one that all
 * jobs of a run share (the machine is faster or slower than it was thought to be). */
#ifndef RELIN_PLAN_FORECAST_H
#define RELIN_PLAN_FORECAST_H

#include <stddef.h>

#include "plan/simulate.h"

struct error;
struct job;
struct job_cost;
struct lessons;
struct sweep;

struct job_forecast {
    double seconds, spread;          /* mean; standard deviation of the logarithm */
    double bytes, bytes_spread;
    size_t learned;                  /* jobs that it was learned from; 0: by formula alone */
    int level;                       /* enum lesson_level */
};

struct forecast {
    size_t n;
    struct job_forecast *jobs;       /* (n) file order */
    size_t *order;                   /* (n) as the farm hands out: the dearest by formula first */
    double *formula;                 /* (n) file order: seconds by formula, by which the farm orders */
    double common;
    struct farm_cost farm;
    size_t threads;                  /* the most of any job */
    double bytes, data_bytes;        /* of the largest job, with its error; of all data sets, once a node */
};

/* One number of tasks, each of `cores` cores, and what comes of it. Medians over the simulated runs, but for p95. */
struct allocation {
    size_t nodes, workers, cores;    /* nodes 0: not said; cores 0: the threads of the jobs */
    double makespan, makespan_p95, efficiency, tail_seconds, core_seconds;
};

/* cost: of the sweep's jobs, as predict_sweep fills it; lessons: NULL: by formula, with the error it has had.
 * Returns 0, or -1 with *err filled. The caller frees with forecast_free, also after -1. */
int forecast_make(struct forecast *f, const struct sweep *sweep, const struct job_cost *cost, double data_bytes,
                  const struct lessons *lessons, struct error *err);
void forecast_free(struct forecast *f);

/* The same sweep with `copies` times as many seeds. Returns 0, or -1 with *err filled. */
int forecast_repeat(struct forecast *f, size_t copies, struct error *err);

/* Some of its jobs, by number, each as often as it is named, as a forecast of its own, which the caller frees, also after -1.
 * Returns 0, or -1 with *err filled. */
int forecast_some(const struct forecast *f, const size_t *jobs, size_t n, struct forecast *some, struct error *err);

/* Simulates every allocation on the same drawn runs, so that they differ by themselves and not by chance: from 200 runs
 * of a small sweep down to 5 of a million jobs. Always the same numbers for the same input.
 * Returns 0, or -1 with *err filled. */
int forecast_allocations(const struct forecast *f, struct allocation *allocations, size_t n, struct error *err);

/* Mean seconds of all jobs, in the order of hand-out. The caller frees (mem_free). NULL with *err filled. */
double *forecast_seconds(const struct forecast *f, struct error *err);
/* P* of the mean seconds. */
double forecast_saturation(const struct forecast *f);

/* By how much c threads make a job faster than one, by Amdahl's law with the compiled-in share of a step that the BLAS
 * library divides. */
double forecast_speedup(size_t threads);

#endif
