/* A sweep, what its jobs cost by formula, what earlier runs say of that, and so what they may take. */
#ifndef RELIN_PLAN_PLAN_H
#define RELIN_PLAN_PLAN_H

#include <stdbool.h>

#include "plan/forecast.h"
#include "plan/lessons.h"
#include "plan/predict.h"
#include "sweep/sweep.h"

struct until_rule;

struct plan_source {
    const char *sweep;                   /* path */
    const char *const *overrides;
    size_t n_overrides;
    const char *const *from;             /* result files to learn from */
    size_t n_from;
    const struct until_rule *until;      /* with as many seeds as this rule may ask for; NULL: those of the sweep */
    bool calibrate;                      /* or by a second of training, here and now */
};

struct plan {
    struct sweep sweep;
    struct job_cost *cost;               /* (jobs) by formula, file order */
    struct sweep_cost all;
    struct lessons lessons;
    bool learned;                        /* lessons hold something */
    struct forecast forecast;
};

/* Without from and calibrate the same numbers on every machine. Returns 0, or -1 with *err filled. The caller frees
 * with plan_free, also after -1. */
int plan_make(struct plan *plan, const struct plan_source *source, const char *data_root, struct error *err);
void plan_free(struct plan *plan);

#endif
