/* One number a job, from the file's variables: a metric by name, the learning rate, the feature updates,
 * and all of these at a moment before the end of training. */
#ifndef RELIN_ANALYSIS_METRIC_H
#define RELIN_ANALYSIS_METRIC_H

#include "observe.h"

struct store_reader;

/* Fills value, by both read-outs where the file has them. The name is that of a (job) variable of numbers, of one of
 * the kernels' with or without "kernels/", of a (job, snapshot) one of these (then: the last snapshot there is), or
 * ALIGNMENT_METRIC. At K = 1 a metric at theta_s that was not measured is the one at theta_t: there these are one.
 * At another moment than the end it is read from curve_<name>. Needs status, the axes and the evaluation that was
 * chosen (moment.h); new: n of them.
 * Returns 0, or -1 with *err filled. */
int metric_read(struct observations *o, const struct store_reader *reader, const struct reading *reading,
                struct observation *new, size_t n, struct error *err);

/* Fills updates, adaptive and learning_rate, all of the whole run. Returns 0, or -1 with *err filled. */
int metric_read_updates(const struct store_reader *reader, struct observation *new, size_t n, struct error *err);

/* Fills the training losses: at the first, the middle and the last point of each job's curve, up to `at`. Returns 0,
 * or -1 with *err filled. */
int metric_read_losses(const struct store_reader *reader, struct observation *new, size_t n, struct error *err);

/* Copies a (job) column of numbers into the member at offset of each new observation. */
int metric_read_member(const struct store_reader *reader, const char *name, struct observation *new, size_t n,
                       size_t offset, struct error *err);

#endif
