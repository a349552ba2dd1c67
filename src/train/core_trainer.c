/* One loop for both trainers (method.md section 1): the standard one is the case in which
 * the model is the network itself, theta_s = theta at every step. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/gather.h"
#include "train/batches.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "train/trainer.h"

enum { BLOCK = 256 };   /* rows of a pass over the whole training subset */

struct run {
    const struct problem *problem;
    const struct network *net;
    bool linear;              /* the linearised trainer */
    bool exact;               /* its K = 1: by definition its read-outs are the network's */
    bool caches;              /* values at theta_s are recorded once a segment */
    struct batches batches;
    real *theta, *theta_s;    /* the caller's */
    real *delta;              /* theta - theta_s; NULL in the standard trainer */
    real *velocity;           /* NULL without momentum */
    real *gradient;
    struct tape *tape;        /* of the batch, with its inputs */
    struct tape *store;       /* of the whole subset, where mini-batches are gathered from it */
    real *f_0;                /* (N, C) outputs at theta_0, where centred */
    real *targets, *f, *g;    /* (B, C) */
};

static void run_free(struct run *r)
{
    tape_destroy(r->tape);
    tape_destroy(r->store);
    mem_free(r->batches.order);
    mem_free(r->delta);
    mem_free(r->velocity);
    mem_free(r->gradient);
    mem_free(r->f_0);
    mem_free(r->targets);
    mem_free(r->f);
    mem_free(r->g);
}

/* Passes over the whole training subset at theta, a block at a time; each block's tape goes into
 * the store and its outputs into f (N, C), unless NULL. Leaves the last block on the tape. */
static void record_all(struct run *r, const real *theta, struct tape *store, real *f)
{
    size_t rows = r->batches.rows, outputs = r->net->outputs;
    for (size_t first = 0; first < rows; first += r->tape->capacity) {
        size_t n = rows - first < r->tape->capacity ? rows - first : r->tape->capacity;
        gather_inputs(r->problem->split, PART_TRAIN, NULL, first, n, r->tape->input);
        const real *out = network_forward(r->net, theta, r->tape->input, n, r->tape);
        if (store)
            tape_put(r->net, r->tape, first, store);
        if (f)
            memcpy(f + first * outputs, out, n * outputs * sizeof *f);
    }
}

static int run_create(struct run *r, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    size_t rows = r->problem->split->count[PART_TRAIN], n_parameters = r->net->n_parameters;
    if (batches_create(&r->batches, rows, spec->batch, spec->seed_batch, err) != 0)
        return -1;
    size_t batch = r->batches.size, row = r->net->outputs * sizeof(real);
    bool stored = r->caches && r->batches.order, blocks = stored || spec->centred;
    size_t capacity = blocks && batch < BLOCK ? (rows < BLOCK ? rows : BLOCK) : batch;
    if (!(r->tape = tape_create(r->net, capacity, true, err))
        || (stored && !(r->store = tape_create_store(r->net, rows, err)))
        || (r->linear && !(r->delta = mem_alloc(n_parameters, sizeof(real), err)))
        || (spec->momentum != 0 && !(r->velocity = mem_alloc(n_parameters, sizeof(real), err)))
        || !(r->gradient = mem_alloc(n_parameters, sizeof(real), err))
        || (spec->centred && !(r->f_0 = mem_alloc(rows, row, err)))
        || !(r->targets = mem_alloc(batch, row, err)) || !(r->f = mem_alloc(batch, row, err))
        || !(r->g = mem_alloc(batch, row, err)))
        return -1;
    if (spec->centred)
        record_all(r, r->problem->theta_0, NULL, r->f_0);
    if (!r->batches.order) {   /* the only batch there is stays where it is */
        gather_inputs(r->problem->split, PART_TRAIN, NULL, 0, rows, r->tape->input);
        gather_targets(r->problem->split, PART_TRAIN, NULL, 0, rows, r->targets);
    }
    return 0;
}

/* s <- t: the feature update. The standard trainer's happens by itself, but it resets momentum
 * as K = 1 says. */
static void linearise(struct run *r)
{
    size_t n_parameters = r->net->n_parameters;
    if (r->velocity && r->problem->spec->momentum_at_refresh == MOMENTUM_RESET)
        memset(r->velocity, 0, n_parameters * sizeof *r->velocity);
    if (!r->linear)
        return;
    memcpy(r->theta_s, r->theta, n_parameters * sizeof *r->theta);
    memset(r->delta, 0, n_parameters * sizeof *r->delta);
    if (r->store)
        record_all(r, r->theta_s, r->store, NULL);
    else if (r->caches)
        network_forward(r->net, r->theta_s, r->tape->input, r->batches.rows, r->tape);
}

/* Puts a batch on the tape, as recorded at the linearisation point. */
static void record_batch(struct run *r, const size_t *batch, size_t n)
{
    const struct split *split = r->problem->split;
    if (batch) {
        gather_inputs(split, PART_TRAIN, batch, 0, n, r->tape->input);
        gather_targets(split, PART_TRAIN, batch, 0, n, r->targets);
    }
    if (r->store)
        tape_gather(r->net, r->store, batch, n, r->tape);
    else if (!r->caches)
        network_forward(r->net, r->linear ? r->theta_s : r->theta, r->tape->input, n, r->tape);
}

/* r->f (n, C) = the trained model on the batch of the tape. At delta = 0 the JVP gives zeros
 * and f_lin is the network's f to the last bit. */
static void model_outputs(struct run *r, const size_t *batch, size_t n)
{
    size_t outputs = r->net->outputs, count = n * outputs;
    const real *f_s = r->tape->value[r->net->n_layers];
    if (r->linear) {
        network_jvp(r->net, r->theta_s, r->tape, r->delta, r->f);
        for (size_t i = 0; i < count; i++)
            r->f[i] += f_s[i];
    } else {
        memcpy(r->f, f_s, count * sizeof *r->f);
    }
    for (size_t i = 0; r->f_0 && i < n; i++) {
        const real *f_0 = r->f_0 + (batch ? batch[i] : i) * outputs;
        for (size_t c = 0; c < outputs; c++)
            r->f[i * outputs + c] -= f_0[c];
    }
}

/* One step of SGD. Returns false, with nothing changed, where the loss is not finite. */
static bool step_once(struct run *r, struct step_record *record)
{
    const struct training_spec *spec = r->problem->spec;
    size_t n, outputs = r->net->outputs;
    const size_t *batch = batches_at(&r->batches, record->step, &n);
    record_batch(r, batch, n);
    model_outputs(r, batch, n);
    record->batch = batch;
    record->batch_size = n;
    record->lr = training_lr(spec, r->problem->lr, record->step);
    record->loss = loss_value(spec->loss, n, outputs, r->f, r->targets);
    if (!isfinite(record->loss))
        return false;
    loss_gradient(spec->loss, n, outputs, r->f, r->targets, r->g);
    network_vjp(r->net, r->linear ? r->theta_s : r->theta, r->tape, r->g, r->gradient);
    optimiser_update(r->net->n_parameters, (real)record->lr, (real)spec->momentum, (real)spec->weight_decay,
                     r->gradient, r->velocity, r->theta, r->delta ? r->theta_s : NULL, r->delta);
    return true;
}

static struct moment moment_now(const struct run *r, int64_t step, double curve_time)
{
    bool network = !r->linear || r->exact;
    return (struct moment){
        .step = step,
        .curve_time = curve_time,
        .theta = r->theta,
        .theta_s = network ? r->theta : r->theta_s,
        .delta = network || step == 0 ? NULL : r->delta,
    };
}

/* The loop. Hooks answer 0 to go on; else their answer is returned. */
static int train(struct run *r, const struct trainer_hooks *hooks, struct training_outcome *outcome)
{
    const struct training_spec *spec = r->problem->spec;
    double curve_time = 0;
    int answer = 0;
    for (int64_t t = 0;; t++) {
        struct moment moment = moment_now(r, t, curve_time);
        struct step_record record = {.step = t, .refresh = t == 0};
        if (hooks && hooks->at_moment && (answer = hooks->at_moment(hooks->context, &moment)) != 0)
            return answer;
        if (t >= spec->steps)
            return 0;
        if (training_refresh_due(spec, t)) {
            if (hooks && hooks->before_refresh
                && (answer = hooks->before_refresh(hooks->context, &moment)) != 0)
                return answer;
            record.refresh = true;
            linearise(r);
        }
        if (!step_once(r, &record)) {
            outcome->end = TRAINING_DIVERGED;
            return 0;
        }
        outcome->steps_done = t + 1;
        curve_time += record.lr;
        if (hooks && hooks->after_step && (answer = hooks->after_step(hooks->context, &record)) != 0)
            return answer;
    }
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
        .caches = training_caches(spec, (int64_t)problem->split->count[PART_TRAIN]),
        .theta = theta,
        .theta_s = theta_s,
    };
    int answer = -1;
    *outcome = (struct training_outcome){.end = TRAINING_COMPLETED};
    if (run_create(&r, err) == 0) {
        linearise(&r);
        answer = train(&r, hooks, outcome);
        if (answer > 0)
            outcome->end = TRAINING_STOPPED;
        if (!linear || r.exact)
            memcpy(theta_s, theta, problem->net->n_parameters * sizeof *theta);
    }
    run_free(&r);
    return answer < 0 ? -1 : 0;
}
