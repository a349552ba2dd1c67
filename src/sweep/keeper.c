/* When a run's checkpoint is written, and what must be the same where it is read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checkpoint.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "math/blas_setup.h"
#include "sweep/experiment_parts.h"

/* Writing takes at most this part of the time, however slow the disk and small the interval. */
static const double MOST_OF_TIME = 1.0 / 20;
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

void keeper_start(struct keeper *keeper, const struct experiment *e)
{
    struct error err = {0};
    keeper->options = e->observer->checkpoint;
    if (!keeper->options)
        return;
    identify(keeper, e);
    keeper->next = clock_seconds() + keeper->options->interval;
    if (!keeper->options->path)
        return;
    keeper->resume = checkpoint_read(keeper->options->path, keeper->identity, &err);
    if (err.code != ERROR_NONE)
        log_warning("%s; ignored: the job starts from its beginning", err.text);
}

void keeper_end(struct keeper *keeper, enum error_code failure)
{
    if (keeper->resume && failure == ERROR_FORMAT)   /* not a state of this job after all: the next attempt does without */
        checkpoint_remove(keeper->options->path);
    checkpoint_finish(keeper->resume, NULL);
    keeper->resume = NULL;
}

bool keeper_stops(const struct keeper *keeper)
{
    return keeper->options && keeper->options->stops && keeper->options->stops(keeper->options->context);
}

/* A step of a small network takes a microsecond or two: the clock is read at some of such only. */
bool keeper_due(struct keeper *keeper)
{
    if (!keeper->options || !keeper->options->path || keeper->skip-- > 0)
        return false;
    double now = clock_seconds();
    keeper->stride = now - keeper->looked > LONG_STEPS ? 0 : keeper->stride < MOST_STRIDE ? 2 * keeper->stride + 1 : MOST_STRIDE;
    keeper->looked = now;
    keeper->skip = keeper->stride;
    return now >= keeper->next;
}

struct checkpoint *keeper_begin(struct keeper *keeper)
{
    struct error err = {0};
    keeper->next = clock_seconds();
    if (!keeper->options->path)
        return NULL;
    struct checkpoint *c = checkpoint_write(keeper->options->path, keeper->identity, &err);
    if (!c)
        log_warning("no checkpoint: %s", err.text);
    return c;
}

void keeper_commit(struct keeper *keeper, struct checkpoint *c)
{
    struct error err = {0};
    if (c && checkpoint_finish(c, &err) != 0)
        log_warning("no checkpoint: %s", err.text);
    double now = clock_seconds(), took = now - keeper->next;
    keeper->next = now + fmax(keeper->options->interval, took / MOST_OF_TIME);
}
