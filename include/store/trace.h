/* The trace file: one job with everything an outside replay needs (FORMAT.md). */
#ifndef RELIN_STORE_TRACE_H
#define RELIN_STORE_TRACE_H

#include "sweep/experiment.h"

struct trace;

/* Opens path for writing (a temporary name until trace_finish) and fills the observer, whose
 * context is the trace. Refuses to replace anything but a trace. Returns it, or NULL with *err filled. */
struct trace *trace_create(const char *path, const struct job *job, int64_t at_step,
                           struct experiment_observer *observer, struct error *err);
/* Completes and renames; or, with keep false, removes. Frees. Returns 0, or -1 with *err filled. */
int trace_finish(struct trace *trace, bool keep, struct error *err);

#endif
