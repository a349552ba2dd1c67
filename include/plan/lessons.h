/* What earlier runs teach a plan: measured seconds and memory over those by formula, from their result files.
 *
 * A lesson is learned at four levels; of a job the narrowest counts that at least LESSON_JOBS jobs speak for. Only jobs
 * that were completed at the first attempt are learned from. */
#ifndef RELIN_PLAN_LESSONS_H
#define RELIN_PLAN_LESSONS_H

#include <stddef.h>

#include "plan/simulate.h"

struct error;
struct job;
struct job_cost;
struct text;

enum { LESSON_JOBS = 3 };

enum lesson_level {
    LESSON_CELL,         /* the same engine, architecture, threads and seconds by formula: the same job but for its seed */
    LESSON_NETWORK,      /* the same engine, architecture and threads */
    LESSON_ENGINE,       /* the same engine */
    LESSON_ANY,
    LESSON_NONE,
};

struct lesson {
    size_t jobs;
    double factor;       /* sum of measured seconds over the sum of those by formula */
    double spread;       /* standard deviation of the logarithm of measured over expected */
    double bytes_factor, bytes_spread;
};

/* Zero-initialise. */
struct lessons {
    struct sample *samples;
    size_t n, capacity;
    size_t files, left_out;          /* jobs that are done but teach nothing: diverged, or not at the first attempt */
    double common;                   /* of an error that the jobs of a run share */
    double wall_seconds, cpu_seconds;   /* of all jobs of the files; of one thread. Far apart: the machine was busy */
    double machine;                  /* 0, or of calibration: factor of every job that nothing else is known of */
    struct farm_cost farm;
    struct learned *learned;         /* by level and key */
    size_t n_learned;
};

/* Reads a file's finished jobs and predicts each by formula, for which its data sets are loaded.
 * Returns 0, or -1 with *err filled. */
int lessons_add_file(struct lessons *l, const char *path, const char *data_root, struct error *err);
/* One finished job by hand. Texts are copied. Returns 0, or -1 with *err filled. */
int lessons_add(struct lessons *l, const char *architecture, const char *engine, size_t threads, double formula,
                double seconds, double bytes_ratio, struct error *err);
/* After the last one. Returns 0, or -1 with *err filled: fewer than LESSON_JOBS jobs. */
int lessons_end(struct lessons *l, struct error *err);
/* What the farm itself takes, where no file said so. */
void lessons_set_farm(struct lessons *l);
void lessons_free(struct lessons *l);

/* The lesson for a job of so many seconds by formula (those of its number of threads). The level, LESSON_NONE where l is
 * NULL; *lesson is then what formulas are known to miss by. */
enum lesson_level lessons_find(const struct lessons *l, const char *architecture, const char *engine, size_t threads,
                               double formula, struct lesson *lesson);
const char *lesson_level_name(enum lesson_level level);

#endif
