#include "train/spec.h"

#include <math.h>
#include <stddef.h>

const char *training_trainer_name(enum trainer_kind trainer)
{
    switch (trainer) {
    case TRAINER_STANDARD: return "standard";
    case TRAINER_LINEARISED: return "linearised";
    case TRAINER_COMMAND: return "command";
    case TRAINER_GAUSS_NEWTON: break;
    }
    return "gauss-newton";
}

bool training_caches(const struct training_spec *spec, int64_t n)
{
    if (spec->trainer != TRAINER_LINEARISED || training_is_exact(spec) || spec->augmented)
        return false;
    if (spec->batch == BATCH_FULL || spec->batch >= n)
        return true;
    /* by the gap a segment may be as short as one step */
    double segment = spec->refresh.kind == REFRESH_GAP ? (double)spec->refresh.every
                                                        : fmin(spec->refresh_period, (double)spec->steps);
    return segment * (double)spec->batch >= 1.5 * (double)n;
}

const char *training_engine_name(enum engine engine)
{
    static const char *const names[ENGINE_COUNT] = {"auto", "tangent", "kernel", "filter"};
    return names[engine];
}

bool training_engine_exists(enum engine engine)
{
    static const bool there[ENGINE_COUNT] = {[ENGINE_AUTO] = true, [ENGINE_TANGENT] = true, [ENGINE_KERNEL] = true,
                                             [ENGINE_FILTER] = true};
    return there[engine];
}

const char *training_engine_refusal(const struct training_spec *spec, enum engine engine)
{
    if (engine == ENGINE_AUTO || engine == ENGINE_TANGENT)
        return NULL;
    if (spec->trainer != TRAINER_LINEARISED)
        return "only the linearised trainer has segments to step in function space: set training.engine to tangent or auto";
    if (spec->augmented)
        return "function space has one row for each training input, which data.augment changes at every step: set data.augment to none, or training.engine to tangent or auto";
    if (spec->refresh.kind == REFRESH_GAP)
        return "whether the gap calls for a refresh shows at the steps only: set training.engine to tangent or auto, or another training.refresh";
    if (engine == ENGINE_FILTER && spec->loss != LOSS_HALF_MSE)
        return "a segment is a spectral filter for half-mse only: set training.loss to half-mse, or training.engine to kernel";
    if (engine == ENGINE_FILTER && spec->batch != BATCH_FULL)
        return "a segment is a spectral filter for the full batch only: set training.batch to full, or training.engine to kernel";
    return NULL;
}

bool training_has_eta(const struct training_spec *spec)
{
    return spec->trainer != TRAINER_GAUSS_NEWTON || isnan(spec->damping);
}

double training_damping(const struct training_spec *spec, double base_lr, double n)
{
    return isnan(spec->damping) ? n * (1 - spec->momentum) / (base_lr * spec->refresh_period) : spec->damping;
}

double training_lr(const struct training_spec *spec, double base_lr, int64_t step)
{
    const struct schedule *s = &spec->schedule;
    double shape = 1, t = (double)step;
    switch (s->kind) {
    case SCHEDULE_CONSTANT:
        break;
    case SCHEDULE_STEP:
        shape = pow(s->factor, (double)(step / s->every));
        break;
    case SCHEDULE_COSINE:
        shape = s->final + (1 - s->final) * (1 + cos(M_PI * t / (double)spec->steps)) / 2;
        break;
    }
    double warmup = step < s->warmup ? (t + 1) / (double)s->warmup : 1;
    return base_lr * warmup * shape;
}

int64_t training_log_steps(int64_t last, int64_t count, int64_t *steps)
{
    int64_t n = 0;
    if (count < 1)
        return 0;
    steps[n++] = 0;
    if (last < 1 || count < 2)
        return n;
    /* count - 1 points between 1 and last, each the rounded power, but never less than one
     * past the point before and never so late that the rest has no room. */
    int64_t points = count - 1 < last ? count - 1 : last;
    for (int64_t i = 0; i < points; i++) {
        double power = points == 1 ? 1 : (double)i / (double)(points - 1);
        int64_t step = llround(pow((double)last, power)), most = last - (points - 1 - i);
        if (step <= steps[n - 1])
            step = steps[n - 1] + 1;
        steps[n++] = step < most ? step : most;
    }
    return n;
}
