/* relin plan, in parts: what was asked, the report, its list of jobs. */
#ifndef RELIN_CLI_PLAN_H
#define RELIN_CLI_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "plan/plan.h"

enum { PLAN_COUNTS_MOST = 32, PLAN_FILES_MOST = 64 };

struct plan_arguments {
    bool json, csv, jobs, keys, calibrate, compare;
    struct allocation allocations[PLAN_COUNTS_MOST];
    size_t n_allocations, copies;
    const char *from[PLAN_FILES_MOST], *check[PLAN_FILES_MOST];
    size_t n_from, n_check;
    const char *target;          /* --target-halfwidth */
    char **files;                /* the sweep file, then overrides */
    size_t n_files;
};

/* The report. Where no allocations were asked for, *a gets powers of two past saturation. Returns 0, or -1 with *err filled. */
int plan_print(const struct plan *plan, struct plan_arguments *a, struct text *out, struct error *err);

/* Studies of what to allocate; the plan's forecast stays as it is. Returns 0, or -1 with *err filled. */
int plan_compare(struct plan *plan, const struct plan_arguments *a, struct text *out, struct error *err);
/* The files of --check: simulated and predicted makespan against the measured one. Returns 0, or -1 with *err filled. */
int plan_check(const struct plan *plan, const struct plan_arguments *a, struct text *out, struct error *err);

/* Further seeds until intervals are narrow. Where no allocations were asked for, *a gets some. Returns 0, or -1 with *err filled. */
int plan_seeds(const struct plan *plan, struct plan_arguments *a, struct text *out, struct error *err);

/* Every job of the sweep: a table, members of a JSON object, CSV. */
void plan_jobs_table(const struct plan *plan, struct text *out);
void plan_jobs_json(const struct plan *plan, struct text *out);
void plan_jobs_csv(const struct plan *plan, struct text *out);

#endif
