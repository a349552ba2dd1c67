/* One loop for all trainers and engines (method.md section 1): segments between refreshes, cut into
 * legs between the moments at which the hooks want the parameters. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "core_engine.h"
#include "train/function_space.h"

static void run_free(struct run *r)
{
    if (r->engine)
        r->engine->destroy(r);
    products_free(&r->products);
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
    bool solves = spec->trainer == TRAINER_GAUSS_NEWTON;
    const char *refusal = r->linear ? training_engine_refusal(spec, spec->engine) : NULL;
    if (refusal)
        return error_set(err, ERROR_UNSUPPORTED, "training.engine: %s", refusal);
    if (batches_create(&r->batches, rows, spec->batch, spec->seed_batch, err) != 0)
        return -1;
    if ((r->linear && !(r->delta = mem_alloc(n_parameters, sizeof(real), err)))
        || (spec->momentum != 0 && !solves && !(r->velocity = mem_alloc(n_parameters, sizeof(real), err)))
        || (spec->centred && measure_start(r, err) != 0))
        return -1;
    r->engine = solves ? &engine_gauss_newton
              : r->linear && spec->engine == ENGINE_KERNEL ? &engine_kernel
              : r->linear && spec->engine == ENGINE_FILTER ? &engine_filter : &engine_tangent;
    return r->engine->create(r, err);
}

/* s <- t: the feature update. The standard trainer's happens by itself, but it resets momentum
 * as K = 1 says. */
static int linearise(struct run *r, int64_t end, struct error *err)
{
    size_t n_parameters = r->net->n_parameters;
    r->segment_start = r->step;
    r->refresh_now = r->begun = false;
    if (r->velocity && r->problem->spec->momentum_at_refresh == MOMENTUM_RESET)
        memset(r->velocity, 0, n_parameters * sizeof *r->velocity);
    r->begun = !r->linear;
    if (!r->linear)
        return 0;
    memcpy(r->theta_s, r->theta, n_parameters * sizeof *r->theta);
    memset(r->delta, 0, n_parameters * sizeof *r->delta);
    int answer = r->engine->linearise(r, r->step, end, err);
    r->begun = true;
    return answer;
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
        .solver_iterations = r->solver_iterations,
        .solver_residual = r->solver_residual,
    };
    r->step++;
    r->curve_time += lr;
    int answer = hooks && hooks->after_step ? hooks->after_step(hooks->context, &record) : 0;
    return answer == 0 && hooks ? run_between_steps(r) : answer;
}

/* --- the state --- */

struct trainer_state {
    struct run *run;
};

int run_between_steps(struct run *r)
{
    struct trainer_state state = {r};
    if (!r->hooks || !r->hooks->between_steps)
        return 0;
    return r->hooks->between_steps(r->hooks->context, r->resuming ? NULL : &state);
}

/* The first step from `step` on at which the hooks want the parameters. */
static int64_t next_moment(const struct trainer_hooks *hooks, int64_t step)
{
    if (!hooks || !hooks->at_moment)
        return INT64_MAX;
    return hooks->next_moment ? hooks->next_moment(hooks->context, step) : step;
}

/* Do the steps that were read go together? With others the loop would not come to an end. At the step of a moment the
 * hooks may have been there, or not yet. */
static bool is_possible(const struct run *r)
{
    return r->segment_start <= r->step && r->step <= training_next_refresh(r->problem->spec, r->segment_start)
           && r->step <= r->wanted && (r->wanted == next_moment(r->hooks, r->step) || r->wanted == next_moment(r->hooks, r->step + 1));
}

static void carry_run(struct run *r, struct checkpoint *c)
{
    size_t bytes = r->net->n_parameters * sizeof(real);
    checkpoint_carry_within(c, &r->step, 0, r->problem->spec->steps);
    checkpoint_carry_within(c, &r->segment_start, 0, r->problem->spec->steps);
    checkpoint_carry_within(c, &r->wanted, 0, INT64_MAX);
    if (checkpoint_is_read(c) && !is_possible(r))
        checkpoint_refuse(c);
    checkpoint_carry(c, &r->curve_time, sizeof r->curve_time);
    checkpoint_carry_flag(c, &r->begun);
    checkpoint_carry(c, &r->solver_iterations, sizeof r->solver_iterations);
    checkpoint_carry(c, &r->solver_residual, sizeof r->solver_residual);
    if (r->products.rows)
        products_carry(&r->products, c);
    checkpoint_carry(c, r->theta, bytes);
    if (r->linear) {
        checkpoint_carry(c, r->theta_s, bytes);
        checkpoint_carry(c, r->delta, bytes);
    }
    if (r->velocity)
        checkpoint_carry(c, r->velocity, bytes);
}

static void carry_engine(struct run *r, struct checkpoint *c)
{
    if (r->begun && r->engine->carry)
        r->engine->carry(r, c);
}

void trainer_carry(const struct trainer_state *state, struct checkpoint *c)
{
    carry_run(state->run, c);
    carry_engine(state->run, c);
}

/* Takes up the state that was carried. What a segment's start decides is computed again. */
static int resume(struct run *r, struct checkpoint *c, struct error *err)
{
    int answer = 0;
    carry_run(r, c);
    if (checkpoint_check(c, !r->begun, err) != 0)
        return -1;
    bool begun = r->begun;
    r->resuming = begun;
    r->begun = false;
    r->replays = true;
    if (r->linear)
        answer = r->engine->linearise(r, r->segment_start, training_next_refresh(r->problem->spec, r->segment_start), err);
    r->replays = false;
    r->begun = true;
    if (answer == 0 && begun) {
        carry_engine(r, c);
        if (checkpoint_check(c, true, err) != 0)
            return -1;
        answer = r->engine->advance(r, r->step, r->hooks, err);
    }
    r->resuming = false;
    return answer;
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

/* The loop. Hooks answer 0 to go on; else their answer is returned. */
static int train(struct run *r, const struct trainer_hooks *hooks, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    bool resumes = hooks && hooks->resume;
    if (!resumes)
        r->wanted = next_moment(hooks, 0);
    int answer = resumes ? resume(r, hooks->resume, err) : linearise(r, training_next_refresh(spec, 0), err);
    int64_t refresh = training_next_refresh(spec, r->segment_start);
    while (answer == 0 && !r->diverged) {
        struct moment moment = moment_now(r);
        if (r->step == r->wanted) {
            if ((answer = hooks->at_moment(hooks->context, &moment)) != 0)
                return answer;
            r->wanted = next_moment(hooks, r->step + 1);
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
        answer = r->engine->advance(r, r->wanted < refresh ? r->wanted : refresh, hooks, err);
    }
    return answer;
}

int trainer_run(const struct problem *problem, real *theta, real *theta_s,
                const struct trainer_hooks *hooks, struct training_outcome *outcome, struct error *err)
{
    const struct training_spec *spec = problem->spec;
    bool linear = spec->trainer == TRAINER_LINEARISED;
    assert(problem->split->count[PART_TRAIN] > 0 && spec->refresh_period >= 1);
    assert(linear || training_is_exact(spec));
    assert(!spec->centred || problem->theta_0);
    struct run r = {
        .problem = problem,
        .net = problem->net,
        .linear = linear,
        .exact = training_is_exact(spec),
        .solver_residual = NAN,
        .theta = theta,
        .theta_s = theta_s,
        .hooks = hooks,
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
