/* One loop for all trainers and engines (method.md section 1): segments between refreshes, cut into
 * legs between the moments at which the hooks want the parameters. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "core_engine.h"
#include "train/function_space.h"

static void run_free(struct run *r)
{
    if (r->engine)
        r->engine->destroy(r);
    mem_free(r->batches.order);
    mem_free(r->delta);
    mem_free(r->velocity);
    mem_free(r->f_0);
}

/* f_0 (N, C): what a centred model subtracts. */
static int measure_start(struct run *r, struct error *err)
{
    size_t rows = r->batches.rows;
    if (!(r->f_0 = mem_alloc(rows, r->net->outputs * sizeof *r->f_0, err)))
        return -1;
    struct function_space *space = function_space_create(r->problem, err);
    if (space) {
        function_space_move(space, r->problem->theta_0);
        function_space_outputs(space, r->f_0);
    }
    function_space_destroy(space);
    return space ? 0 : -1;
}

static int run_create(struct run *r, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    size_t rows = r->problem->split->count[PART_TRAIN], n_parameters = r->net->n_parameters;
    if (batches_create(&r->batches, rows, spec->batch, spec->seed_batch, err) != 0)
        return -1;
    if ((r->linear && !(r->delta = mem_alloc(n_parameters, sizeof(real), err)))
        || (spec->momentum != 0 && !(r->velocity = mem_alloc(n_parameters, sizeof(real), err)))
        || (spec->centred && measure_start(r, err) != 0))
        return -1;
    r->engine = spec->engine == ENGINE_FILTER && r->linear ? &engine_filter : &engine_tangent;
    return r->engine->create(r, err);
}

/* s <- t: the feature update. The standard trainer's happens by itself, but it resets momentum
 * as K = 1 says. */
static int linearise(struct run *r, int64_t end, struct error *err)
{
    size_t n_parameters = r->net->n_parameters;
    r->segment_start = r->step;
    r->refresh_now = false;
    if (r->velocity && r->problem->spec->momentum_at_refresh == MOMENTUM_RESET)
        memset(r->velocity, 0, n_parameters * sizeof *r->velocity);
    if (!r->linear)
        return 0;
    memcpy(r->theta_s, r->theta, n_parameters * sizeof *r->theta);
    memset(r->delta, 0, n_parameters * sizeof *r->delta);
    return r->engine->linearise(r, r->step, end, err);
}

int run_step_done(struct run *r, const size_t *batch, size_t batch_size, double lr, double loss,
                  const struct trainer_hooks *hooks)
{
    struct step_record record = {
        .step = r->step,
        .batch = batch,
        .batch_size = batch_size,
        .lr = lr,
        .refresh = r->step == r->segment_start,
        .loss = loss,
    };
    r->step++;
    r->curve_time += lr;
    return hooks && hooks->after_step ? hooks->after_step(hooks->context, &record) : 0;
}

static struct moment moment_now(const struct run *r)
{
    bool network = !r->linear || r->exact;
    return (struct moment){
        .step = r->step,
        .curve_time = r->curve_time,
        .theta = r->theta,
        .theta_s = network ? r->theta : r->theta_s,
        .delta = network || r->step == 0 ? NULL : r->delta,
    };
}

/* The first step from `step` on at which the hooks want the parameters. */
static int64_t next_moment(const struct trainer_hooks *hooks, int64_t step)
{
    if (!hooks || !hooks->at_moment)
        return INT64_MAX;
    return hooks->next_moment ? hooks->next_moment(hooks->context, step) : step;
}

/* The loop. Hooks answer 0 to go on; else their answer is returned. */
static int train(struct run *r, const struct trainer_hooks *hooks, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    int64_t refresh = training_next_refresh(spec, 0), wanted = next_moment(hooks, 0);
    int answer = linearise(r, refresh, err);
    while (answer == 0) {
        struct moment moment = moment_now(r);
        if (r->step == wanted) {
            if ((answer = hooks->at_moment(hooks->context, &moment)) != 0)
                return answer;
            wanted = next_moment(hooks, r->step + 1);
        }
        if (r->step >= spec->steps)
            return 0;
        if (r->step == refresh || r->refresh_now) {
            if (hooks && hooks->before_refresh
                && (answer = hooks->before_refresh(hooks->context, &moment)) != 0)
                return answer;
            refresh = training_next_refresh(spec, r->step);
            if ((answer = linearise(r, refresh, err)) != 0)
                return answer;
        }
        answer = r->engine->advance(r, wanted < refresh ? wanted : refresh, hooks, err);
        if (r->diverged)
            return answer;
    }
    return answer;
}

int trainer_run(const struct problem *problem, real *theta, real *theta_s,
                const struct trainer_hooks *hooks, struct training_outcome *outcome, struct error *err)
{
    const struct training_spec *spec = problem->spec;
    bool linear = spec->trainer == TRAINER_LINEARISED;
    assert(problem->split->count[PART_TRAIN] > 0 && spec->refresh_period >= 1);
    assert(linear || spec->refresh_period == 1);
    assert(!spec->centred || problem->theta_0);
    struct run r = {
        .problem = problem,
        .net = problem->net,
        .linear = linear,
        .exact = spec->refresh_period == 1,
        .theta = theta,
        .theta_s = theta_s,
    };
    int answer = -1;
    *outcome = (struct training_outcome){.end = TRAINING_COMPLETED};
    if (run_create(&r, err) == 0) {
        answer = train(&r, hooks, err);
        outcome->steps_done = r.step;
        outcome->end = r.diverged ? TRAINING_DIVERGED : answer > 0 ? TRAINING_STOPPED : TRAINING_COMPLETED;
        if (!linear || r.exact)
            memcpy(theta_s, theta, problem->net->n_parameters * sizeof *theta);
    }
    run_free(&r);
    return answer < 0 ? -1 : 0;
}
