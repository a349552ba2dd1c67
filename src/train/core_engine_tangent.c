/* The tangent engine: steps in weight space, one JVP and one VJP at theta_s each. With theta_s = theta
 * at every step, and no JVP, it is ordinary SGD. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "core_engine.h"
#include "data/augment.h"
#include "data/gather.h"
#include "train/loss.h"
#include "train/optimiser.h"

enum { BLOCK = 256 };   /* rows of a pass over the whole training subset */

struct tangent {
    bool caches;              /* values at theta_s are recorded once a segment */
    real *gradient;           /* (P) */
    struct tape *tape;        /* of the batch, with its inputs */
    struct tape *store;       /* of the whole subset, where mini-batches are gathered from it */
    real *targets, *f, *g;    /* (B, C) */
};

static void destroy(struct run *r)
{
    struct tangent *e = r->engine_state;
    if (!e)
        return;
    tape_destroy(e->tape);
    tape_destroy(e->store);
    mem_free(e->gradient);
    mem_free(e->targets);
    mem_free(e->f);
    mem_free(e->g);
    mem_free(e);
}

static int create(struct run *r, struct error *err)
{
    size_t rows = r->batches.rows, batch = r->batches.size, row = r->net->outputs * sizeof(real);
    struct tangent *e = r->engine_state = mem_alloc(1, sizeof *e, err);
    if (!e)
        return -1;
    assert(!(r->problem->spec->augmented && r->f_0));   /* f_0 is of the rows as they are */
    assert(r->problem->spec->augmented == data_augments(&r->problem->split->augment));
    *e = (struct tangent){.caches = training_caches(r->problem->spec, (int64_t)rows)};
    bool stored = e->caches && r->batches.order;
    size_t capacity = stored && batch < BLOCK ? (rows < BLOCK ? rows : BLOCK) : batch;
    if (!(e->tape = tape_create(r->net, capacity, true, err))
        || (stored && !(e->store = tape_create_store(r->net, rows, err)))
        || !(e->gradient = mem_alloc(r->net->n_parameters, sizeof(real), err))
        || !(e->targets = mem_alloc(batch, row, err)) || !(e->f = mem_alloc(batch, row, err))
        || !(e->g = mem_alloc(batch, row, err)))
        return -1;
    if (!r->batches.order) {   /* the only batch there is stays where it is */
        gather_inputs(r->problem->split, PART_TRAIN, NULL, 0, rows, e->tape->input);
        gather_targets(r->problem->split, PART_TRAIN, NULL, 0, rows, e->targets);
    }
    return 0;
}

/* Passes over the whole training subset at theta_s, a block at a time, into the store. */
static void record_all(struct run *r, struct tangent *e)
{
    size_t rows = r->batches.rows;
    for (size_t first = 0; first < rows; first += e->tape->capacity) {
        size_t n = rows - first < e->tape->capacity ? rows - first : e->tape->capacity;
        gather_inputs(r->problem->split, PART_TRAIN, NULL, first, n, e->tape->input);
        network_forward(r->net, r->theta_s, e->tape->input, n, e->tape);
        tape_put(r->net, e->tape, first, e->store);
    }
}

static int linearise(struct run *r, int64_t s, int64_t end, struct error *err)
{
    struct tangent *e = r->engine_state;
    (void)s;
    (void)end;
    (void)err;
    if (e->store)
        record_all(r, e);
    else if (e->caches)
        network_forward(r->net, r->theta_s, e->tape->input, r->batches.rows, e->tape);
    return 0;
}

/* Inputs and targets of a batch; of the full batch only what differs from step to step. */
static void gather_batch(struct run *r, struct tangent *e, const size_t *batch, size_t n)
{
    const struct split *split = r->problem->split;
    const struct training_spec *spec = r->problem->spec;
    if (spec->augmented)
        gather_augmented(split, &split->augment, batch, 0, n, spec->seed_augment, r->step, e->tape->input);
    else if (batch)
        gather_inputs(split, PART_TRAIN, batch, 0, n, e->tape->input);
    if (batch)
        gather_targets(split, PART_TRAIN, batch, 0, n, e->targets);
}

/* Puts a batch on the tape, as recorded at the linearisation point. */
static void record_batch(struct run *r, struct tangent *e, const size_t *batch, size_t n)
{
    gather_batch(r, e, batch, n);
    if (e->store)
        tape_gather(r->net, e->store, batch, n, e->tape);
    else if (!e->caches)
        network_forward(r->net, r->linear ? r->theta_s : r->theta, e->tape->input, n, e->tape);
}

/* e->f (n, C) = the trained model on the batch of the tape. At delta = 0 the JVP gives zeros
 * and f_lin is the network's f to the last bit. */
static void model_outputs(struct run *r, struct tangent *e, const size_t *batch, size_t n)
{
    size_t outputs = r->net->outputs, count = n * outputs;
    const real *f_s = e->tape->value[r->net->n_layers];
    if (r->linear) {
        network_jvp(r->net, r->theta_s, e->tape, r->delta, e->f);
        for (size_t i = 0; i < count; i++)
            e->f[i] += f_s[i];
    } else {
        memcpy(e->f, f_s, count * sizeof *e->f);
    }
    for (size_t i = 0; r->f_0 && i < n; i++) {
        const real *f_0 = r->f_0 + (batch ? batch[i] : i) * outputs;
        for (size_t c = 0; c < outputs; c++)
            e->f[i * outputs + c] -= f_0[c];
    }
}

static int advance(struct run *r, int64_t until, const struct trainer_hooks *hooks, struct error *err)
{
    struct tangent *e = r->engine_state;
    const struct training_spec *spec = r->problem->spec;
    size_t n, outputs = r->net->outputs;
    int answer = 0;
    (void)err;
    while (r->step < until && answer == 0) {
        const size_t *batch = batches_at(&r->batches, r->step, &n);
        record_batch(r, e, batch, n);
        model_outputs(r, e, batch, n);
        double lr = training_lr(spec, r->problem->lr, r->step);
        double loss = loss_value(spec->loss, n, outputs, e->f, e->targets);
        if (!isfinite(loss)) {
            r->diverged = true;
            return 0;
        }
        loss_gradient(spec->loss, n, outputs, e->f, e->targets, e->g);
        network_vjp(r->net, r->linear ? r->theta_s : r->theta, e->tape, e->g, e->gradient);
        optimiser_update(r->net->n_parameters, (real)lr, (real)spec->momentum, (real)spec->weight_decay,
                         e->gradient, r->velocity, r->theta, r->delta ? r->theta_s : NULL, r->delta);
        answer = run_step_done(r, batch, n, lr, loss, hooks);
    }
    return answer;
}

const struct engine_ops engine_tangent = {
    .name = "tangent",
    .create = create,
    .destroy = destroy,
    .linearise = linearise,
    .advance = advance,
};
