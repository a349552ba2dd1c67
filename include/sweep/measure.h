/* Measuring more of jobs that have run (`relin measure`): which variables can be added, which keys
 * they need, and the text of a job with what is measured beyond its own keys.
 *
 * A job keeps its id, which is of its own keys. What is added stands in its text as a last section,
 *   "measured":{"kernels.snapshots":12,"training.evaluations":48,"from_kernel":["cka"]}
 * so that whoever runs the text again (relin verify, a run that finds the row damaged) measures the
 * same. Only keys that change no number of the training may be there: kernels.*, and
 * training.evaluations, whose points join the job's own. Training rows are drawn with the job's own
 * kernels.probe, whatever is measured: beyond that size the training half of the probe comes from
 * the job's own training rows (split_take_probe). */
#ifndef RELIN_SWEEP_MEASURE_H
#define RELIN_SWEEP_MEASURE_H

#include <stdbool.h>

#include "base/text.h"
#include "sweep/job.h"
#include "sweep/result.h"

struct error;

/* A set of variables. */
struct metric_set {
    bool has[VAR_COUNT];
};

/* Adds what a name means: a variable ("kernel_distance", "kernels/step"), or a group: "kernels" (all
 * numbers of the group; not the matrices, which `kernel` and `parameter_change` name) or "curves".
 * Returns 0, or -1 with *err filled (it names the nearest). */
int metric_find(struct metric_set *set, const char *name, struct error *err);

/* What must be set for metrics and is off in this job, as "kernels.snapshots=12", numbers with the sweep
 * file's default. Returns how many settings were written. */
enum { METRIC_KEYS_MOST = 8, METRIC_SETTING_SIZE = 64 };
size_t metric_settings(const struct job *job, const struct metric_set *set,
                       char settings[METRIC_KEYS_MOST][METRIC_SETTING_SIZE]);

/* Has this job's row (stored, as the file has it) a variable already? The job's keys tell; but of a dataset that
 * was added (to the file of a program that did not know it), and of a job of which something came from stored
 * kernels, what is there is what has a number, unless the job diverged. */
bool metric_is_there(const struct job *job, const struct result *stored, enum variable_id id, bool added);

/* Sets keys ("KEY=VALUE") that only measure: fields and text change, the id stays. Refuses other keys,
 * and those that would replace numbers that are there. Returns 0, or -1 with *err filled. */
int job_measure(struct job *job, const char *const *settings, size_t n, struct error *err);
/* Marks variables as computed from the stored kernels, or no longer so. */
int job_mark_from_kernel(struct job *job, const unsigned char *from_kernel, struct error *err);
/* The keys of the measured section, "kernels.snapshots=12 ...", for people; empty where there is none. */
void job_measured_keys(const struct job *job, struct text *out);

#endif
