/* What to ask Slurm for: for `relin plan`, which shows it, and for `relin submit`, which does it. */
#ifndef RELIN_PLAN_CHOOSE_H
#define RELIN_PLAN_CHOOSE_H

#include <stddef.h>

#include "plan/forecast.h"

struct text;

enum { CHOOSE_MOST_TASKS = 4096, CHOOSE_DRAIN_SECONDS = 120, CHOOSE_MOST_MINUTES = 240, CHOICES_MOST = 3,
       CHOOSE_CANDIDATES = 32 };

/* Minutes of the time limit for a makespan of which seconds_p95 is the 95th percentile: with the start of the programs,
 * and `drain` seconds before the limit in which nothing new begins; whole fives, from 5 to CHOOSE_MOST_MINUTES: longer
 * allocations wait longer, and what is not done in this time goes on in the next. */
double choose_minutes(double seconds_p95, double drain);
/* How many allocations of so many minutes the makespan takes, at its 95th percentile. */
size_t choose_rounds(double seconds_p95, double minutes, double drain);
/* Memory of a task, in bytes: the largest job and, at the worst for a task alone on its node, all data. */
double choose_memory(double bytes, double data_bytes);
/* The same of a core, in MB. */
size_t choose_megabytes(double bytes, double data_bytes, size_t cores);
/* Of the job that joins the files of parts: no job, but two files. */
size_t choose_merge_megabytes(double data_bytes);

/* Index of the candidate that is worth it, of n simulated ones with more and more workers: as many as are busy for 90 %
 * of the time, but no more where ten minutes are enough. n >= 1. */
size_t choose_balanced(const struct allocation *candidates, size_t n);

/* Allocations of 1, 2, 4... tasks for each of `parts` parts (1: the sweep as a whole), of at most CHOOSE_MOST_TASKS and no
 * more than jobs, simulated. candidates: the caller's. Returns 0, or -1 with *err filled. */
int choose_candidates(const struct forecast *f, size_t parts, struct allocation candidates[CHOOSE_CANDIDATES], size_t *n, struct error *err);

struct choice {
    struct allocation allocation;
    const char *why;
    double minutes;
};

/* Up to CHOICES_MOST of the candidates that differ: the smallest that ends within one allocation, the balanced one, the
 * smallest that is within a tenth of the shortest makespan. In the order of the candidates. Returns how many. */
size_t choose_worthwhile(const struct allocation *candidates, size_t n, struct choice choices[CHOICES_MOST]);

/* 90: "1:30:00", as sbatch reads it. */
void choose_print_time(double minutes, char *text, size_t size);

#endif
