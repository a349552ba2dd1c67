/* When a run's checkpoint is written, and what must be the same where it is read. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checkpoint.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "math/blas_setup.h"
#include "sweep/experiment_parts.h"

/* Checkpoints take a hundredth of the time at most, however slow the disk and small the interval: writing them this
 * many times less than what is between two, */
static const double WRITING = 128;
/* and gathering the state in memory this many times less, which is not done more often than so many seconds. */
static const double GATHERING = 500, STATE_SECONDS = 0.05;
/* Steps between two looks at the clock, as long as they take so many seconds in all. */
enum { MOST_STRIDE = 1023 };
static const double LONG_STEPS = 1e-3;

/* The same job, with the same engine and settings, on a file of the same axes, by the same program and kernels of
 * BLAS: then the bits are the same. */
static void identify(struct keeper *keeper, const struct experiment *e)
{
    char text[HASH_HEX_SIZE], axes[HASH_HEX_SIZE];
    const char *settings = e->job->text ? e->job->text : "";
    hash_hex(settings, strlen(settings), text);
    hash_hex(&e->result->layout, sizeof e->result->layout, axes);
    snprintf(keeper->identity, sizeof keeper->identity, "job %s, settings %s, axes %s, relin %s (%s), BLAS kernels %s, "
             "threads %lld", e->job->id, text, axes, RELIN_VERSION, RELIN_GIT, blas_core_type(),
             (long long)e->job->training.threads);
}

/* The interval in force goes from state to state. The next is begun so early that it is on the disk in time: then a kill
 * loses no more than was worked in one interval and the step at its end. */
static void plan_next(struct keeper *keeper, double took)
{
    keeper->interval = fmax(keeper->options->interval, WRITING * took);
    keeper->next_file = keeper->begun + keeper->interval * (1 - 1 / WRITING);
}

void keeper_start(struct keeper *keeper, const struct experiment *e)
{
    struct error err = {0};
    keeper->options = e->observer->checkpoint;
    if (!keeper->options)
        return;
    identify(keeper, e);
    keeper->begun = clock_seconds();
    plan_next(keeper, 0);
    keeper->next_state = keeper->options->held ? 0 : INFINITY;
    if (!keeper->options->path)
        return;
    keeper->resume = checkpoint_read(keeper->options->path, keeper->identity, &err);
    if (err.code != ERROR_NONE)
        log_warning("%s; ignored: the job starts from its beginning", err.text);
    else if (keeper->resume)
        log_info("job %s (process %ld) goes on from its checkpoint", e->job->id, (long)getpid());
    snprintf(keeper->job, sizeof keeper->job, "%s", e->job->id);
}

void keeper_end(struct keeper *keeper, enum error_code failure)
{
    if (keeper->resume && failure == ERROR_FORMAT)   /* not a state of this job after all: the next attempt does without */
        checkpoint_remove(keeper->options->path);
    checkpoint_free(keeper->resume);
    keeper->resume = NULL;
    if (keeper->options && keeper->options->held)
        *keeper->options->held = NULL;
    checkpoint_free(keeper->state);
    keeper->state = NULL;
}

bool keeper_stops(const struct keeper *keeper)
{
    return keeper->options && keeper->options->stops && keeper->options->stops(keeper->options->context);
}

/* A step of a small network takes a microsecond or two: the clock is read at some of such only. */
enum keep keeper_due(struct keeper *keeper)
{
    if (!keeper->options || !keeper->options->path || keeper->skip-- > 0)
        return KEEP_NOTHING;
    double now = clock_seconds();
    keeper->stride = now - keeper->looked > LONG_STEPS ? 0 : keeper->stride < MOST_STRIDE ? 2 * keeper->stride + 1 : MOST_STRIDE;
    keeper->looked = now;
    keeper->skip = keeper->stride;
    return now >= keeper->next_file ? KEEP_FILE : now >= keeper->next_state ? KEEP_STATE : KEEP_NOTHING;
}

struct checkpoint *keeper_begin(struct keeper *keeper)
{
    struct error err = {0};
    keeper->begun = clock_seconds();
    keeper->worked = clock_cpu_seconds();
    if (!keeper->options->path)
        return NULL;
    if (!keeper->state && !(keeper->state = checkpoint_write(keeper->options->path, keeper->identity, &err))) {
        log_warning("no checkpoint: %s", err.text);
        return NULL;
    }
    checkpoint_begin(keeper->state);
    if (keeper->options->held)
        *keeper->options->held = keeper->state;
    return keeper->state;
}

void keeper_commit(struct keeper *keeper, enum keep what)
{
    const struct experiment_checkpoint *options = keeper->options;
    struct error err = {0};
    int failed = keeper->state ? checkpoint_seal(keeper->state, &err) : 0;
    double now = clock_seconds();
    if (options->held)
        keeper->next_state = now + fmax(STATE_SECONDS, GATHERING * (now - keeper->begun));
    if (what == KEEP_FILE) {
        if (keeper->state && !failed)
            failed = checkpoint_save(keeper->state, &err);
        double took = clock_seconds() - keeper->begun;
        plan_next(keeper, took);
        if (options->slowest && took > *options->slowest)
            *options->slowest = took;
        if (keeper->state && !failed)   /* what a later kill costs can be told from this line (tests/faults) */
            log_debug("job %s (process %ld): checkpoint of its state after %.6f s of processor time, written in %.6f s, "
                      "interval in force %.6f s", keeper->job, (long)getpid(), keeper->worked, took, keeper->interval);
    }
    if (failed)
        log_warning("no checkpoint: %s", err.text);
}
