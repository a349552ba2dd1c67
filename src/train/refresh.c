/* When the linearisation point moves. */
#include <math.h>

#include "base/text.h"
#include "train/spec.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Step of log-spaced refresh i of n, from 1 on. T^(i/(n+1)) is convex in i and 1 at 0, so where it does not
 * exceed i + 1 it grows by less than 1 a step, and by at least 1 from there on: the maximum increases
 * strictly and stays below T for n < T. The factor mends exact powers that come out a bit below. */
static int64_t log_step(int64_t steps, int64_t n, int64_t i)
{
    int64_t power = (int64_t)floor(pow((double)steps, (double)i / (double)(n + 1)) * (1 + 1e-12));
    return power > i ? power : i;
}

static int64_t last_step(const struct training_spec *spec)
{
    return spec->steps > 0 ? spec->steps - 1 : 0;
}

static int64_t next_log_step(const struct training_spec *spec, int64_t step)
{
    int64_t n = smaller(spec->refresh.count, last_step(spec)), low = 1, high = n + 1;
    while (low < high) {   /* the first i whose step is after `step` */
        int64_t middle = low + (high - low) / 2;
        if (log_step(spec->steps, n, middle) > step)
            high = middle;
        else
            low = middle + 1;
    }
    return low <= n ? log_step(spec->steps, n, low) : spec->steps;
}

static int64_t next_multiple(const struct training_spec *spec, int64_t period, int64_t step, int64_t last)
{
    int64_t number = step / period + 1;
    if (number > last || number > last_step(spec) / period)
        return spec->steps;
    return number * period;
}

int64_t training_next_refresh(const struct training_spec *spec, int64_t step)
{
    const struct refresh_schedule *r = &spec->refresh;
    if (spec->trainer == TRAINER_GAUSS_NEWTON)
        return step + 1 < spec->steps ? step + 1 : spec->steps;
    switch (r->kind) {
    case REFRESH_PERIOD:
        if (spec->refresh_period >= (double)spec->steps)
            return spec->steps;
        return next_multiple(spec, (int64_t)spec->refresh_period, step, INT64_MAX);
    case REFRESH_AT:
        for (int64_t i = 0; i < r->count; i++)
            if (r->at[i] > step)
                return smaller(r->at[i], spec->steps);
        return spec->steps;
    case REFRESH_LOG: return next_log_step(spec, step);
    case REFRESH_FIRST: return next_multiple(spec, r->every, step, r->count);
    case REFRESH_GAP: break;
    }
    return spec->steps;
}

double training_feature_updates(const struct training_spec *spec)
{
    const struct refresh_schedule *r = &spec->refresh;
    double steps = (double)spec->steps;
    int64_t n = 0;
    if (spec->trainer == TRAINER_GAUSS_NEWTON)
        return steps < 1 ? 0 : steps - 1;
    if (r->kind == REFRESH_GAP)
        return steps > 1 ? NAN : 0;
    if (steps < 1)
        return 0;
    switch (r->kind) {
    case REFRESH_AT:
        while (n < r->count && r->at[n] < spec->steps)
            n++;
        return (double)n;
    case REFRESH_LOG: return (double)smaller(r->count, last_step(spec));
    case REFRESH_FIRST: return (double)smaller(r->count, last_step(spec) / r->every);
    default: return spec->refresh_period >= steps ? 0 : ceil(steps / spec->refresh_period) - 1;
    }
}

double training_most_updates(const struct training_spec *spec)
{
    if (spec->refresh.kind == REFRESH_GAP)
        return (double)(last_step(spec) / spec->refresh.every);
    return training_feature_updates(spec);
}

bool training_is_exact(const struct training_spec *spec)
{
    return spec->trainer == TRAINER_GAUSS_NEWTON || (spec->refresh.kind == REFRESH_PERIOD && spec->refresh_period == 1);
}

/* The constant period that a schedule comes to in T steps, or 0. */
static double constant_period(const struct training_spec *spec)
{
    const struct refresh_schedule *r = &spec->refresh;
    double steps = (double)spec->steps, most = training_most_updates(spec);
    if (r->kind == REFRESH_PERIOD)
        return spec->refresh_period >= steps && spec->refresh_period != 1 ? INFINITY : spec->refresh_period;
    if (most == 0)
        return INFINITY;
    if (r->kind == REFRESH_GAP)
        return 0;
    if (r->kind == REFRESH_FIRST && r->count >= last_step(spec) / r->every)
        return (double)r->every;
    return most == steps - 1 ? 1 : 0;
}

void training_canonicalise_refresh(struct training_spec *spec)
{
    struct refresh_schedule *r = &spec->refresh;
    double period = constant_period(spec), updates = training_feature_updates(spec);
    if (period != 0) {
        *r = (struct refresh_schedule){.kind = REFRESH_PERIOD};
        spec->refresh_period = period;
        return;
    }
    if (r->kind == REFRESH_AT)
        r->count = (int64_t)updates;   /* further ones are never reached */
    spec->refresh_period = r->kind == REFRESH_GAP ? INFINITY : (double)spec->steps / (updates + 1);
}

void training_refresh_label(const struct training_spec *spec, struct text *out)
{
    const struct refresh_schedule *r = &spec->refresh;
    switch (r->kind) {
    case REFRESH_PERIOD: text_add_string(out, "constant"); break;
    case REFRESH_AT:
        for (int64_t i = 0; i < r->count; i++)
            text_add(out, "%s%lld", i ? "," : "at=", (long long)r->at[i]);
        break;
    case REFRESH_LOG: text_add(out, "log=%lld", (long long)r->count); break;
    case REFRESH_FIRST: text_add(out, "first=%lld/%lld", (long long)r->count, (long long)r->every); break;
    case REFRESH_GAP:
        text_add(out, "gap=");
        text_add_number(out, r->gap);
        if (r->every != 1)
            text_add(out, "/%lld", (long long)r->every);
        break;
    }
}
