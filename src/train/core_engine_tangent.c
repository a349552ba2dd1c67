/* The tangent engine: steps in weight space, one JVP and one VJP at theta_s each. With theta_s = theta
 * at every step, and no JVP, it is ordinary SGD. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "core_engine.h"
#include "data/augment.h"
#include "data/gather.h"
#include "math/blas.h"
#include "train/loss.h"
#include "train/optimiser.h"

struct tangent {
    bool caches;              /* values at theta_s are recorded once a segment */
    size_t block;             /* rows of a batch on the tape at a time */
    real *gradient;           /* (P) */
    real *block_gradient;     /* (P), where a batch is several blocks */
    struct tape *tape;        /* of a block, with its inputs */
    struct tape *store;       /* of the whole subset, where mini-batches are gathered from it */
    struct tape *network;     /* of a block at theta, where the gap decides on a refresh */
    real *targets, *f, *g;    /* (B, C) */
};

static void destroy(struct run *r)
{
    struct tangent *e = r->engine_state;
    if (!e)
        return;
    tape_destroy(e->tape);
    tape_destroy(e->store);
    tape_destroy(e->network);
    mem_free(e->gradient);
    mem_free(e->block_gradient);
    mem_free(e->targets);
    mem_free(e->f);
    mem_free(e->g);
    mem_free(e);
}

static bool by_gap(const struct run *r)
{
    return r->problem->spec->refresh.kind == REFRESH_GAP;
}

/* Are the activations of so many rows within what training keeps? */
static bool keeps(const struct run *r, size_t rows)
{
    size_t budget = r->problem->tape_budget ? r->problem->tape_budget : TRAINING_TAPE_BYTES;
    return (double)rows * (double)(r->net->boundary * sizeof(real)) <= (double)budget;
}

/* All, where the batch is the subset, recorded once a segment and left where it is. */
static size_t block_of(const struct run *r, const struct tangent *e)
{
    size_t batch = r->batches.size;
    if (e->caches && !r->batches.order)
        return batch;
    if (!keeps(r, batch) && r->problem->tape_budget)
        return network_block_rows(r->net, batch, r->problem->tape_budget);
    return network_cache_rows(r->net, batch);
}

static int create(struct run *r, struct error *err)
{
    size_t rows = r->batches.rows, batch = r->batches.size, row = r->net->outputs * sizeof(real);
    struct tangent *e = r->engine_state = mem_alloc(1, sizeof *e, err);
    if (!e)
        return -1;
    assert(!(r->problem->spec->augmented && r->f_0));   /* f_0 is of the rows as they are */
    assert(r->problem->spec->augmented == data_augments(&r->problem->split->augment));
    *e = (struct tangent){.caches = training_caches(r->problem->spec, (int64_t)rows) && keeps(r, rows)};
    e->block = block_of(r, e);
    bool stored = e->caches && r->batches.order;
    size_t pass = network_block_rows(r->net, rows < READOUT_ROWS ? rows : READOUT_ROWS, READOUT_BYTES);
    size_t capacity = stored && e->block < pass ? pass : e->block;
    if (!(e->tape = tape_create(r->net, capacity, true, err))
        || (stored && !(e->store = tape_create_store(r->net, rows, err)))
        || (by_gap(r) && !(e->network = tape_create(r->net, e->block, false, err)))
        || !(e->gradient = mem_alloc(r->net->n_parameters, sizeof(real), err))
        || (e->block < batch && !(e->block_gradient = mem_alloc(r->net->n_parameters, sizeof(real), err)))
        || !(e->targets = mem_alloc(batch, row, err)) || !(e->f = mem_alloc(batch, row, err))
        || !(e->g = mem_alloc(batch, row, err)))
        return -1;
    if (!r->batches.order) {   /* the only batch there is stays where it is */
        if (e->block == rows)
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

/* Inputs of n rows of a batch from row `first` on, and at the first the targets of all; of the full batch only
 * what differs from step to step. batch: NULL for the full one. */
static void gather_rows(struct run *r, struct tangent *e, const size_t *batch, size_t first, size_t n)
{
    const struct split *split = r->problem->split;
    const struct training_spec *spec = r->problem->spec;
    const size_t *index = batch ? batch + first : NULL;
    if (spec->augmented)
        gather_augmented(split, &split->augment, index, first, n, spec->seed_augment, r->step, e->tape->input);
    else if (batch)
        gather_inputs(split, PART_TRAIN, index, 0, n, e->tape->input);
    else if (e->block < r->batches.size)
        gather_inputs(split, PART_TRAIN, NULL, first, n, e->tape->input);
    if (batch)
        gather_targets(split, PART_TRAIN, index, 0, n, e->targets + first * r->net->outputs);
}

/* Puts n rows of a batch on the tape, as recorded at the linearisation point. */
static void record_rows(struct run *r, struct tangent *e, const size_t *batch, size_t first, size_t n)
{
    gather_rows(r, e, batch, first, n);
    if (e->store)
        tape_gather(r->net, e->store, batch + first, n, e->tape);
    else if (!e->caches)
        network_forward(r->net, r->linear ? r->theta_s : r->theta, e->tape->input, n, e->tape);
}

/* f (n, C) = the trained model, before it is centred, on the rows of the tape. At delta = 0 the JVP
 * gives zeros and f_lin is the network's f to the last bit. */
static void model_outputs(struct run *r, struct tangent *e, size_t n, real *f)
{
    size_t count = n * r->net->outputs;
    const real *f_s = e->tape->value[r->net->n_layers];
    if (r->linear) {
        network_jvp(r->net, r->theta_s, e->tape, r->delta, f);
        for (size_t i = 0; i < count; i++)
            f[i] += f_s[i];
    } else {
        memcpy(f, f_s, count * sizeof *f);
    }
}

/* Squares of |f_theta - f_lin| and |f_lin - f_s|. */
struct gap { double gap, way; };

/* Is the step of the segment one at which one looks? */
static bool gap_looks(const struct run *r)
{
    int64_t taken = r->step - r->segment_start;
    return by_gap(r) && taken > 0 && taken % r->problem->spec->refresh.every == 0;
}

/* Adds the rows of the tape; f is f_lin. */
static void gap_add(struct run *r, struct tangent *e, size_t n, const real *f_lin, struct gap *sums)
{
    const real *f_s = e->tape->value[r->net->n_layers];
    const real *f = network_forward(r->net, r->theta, e->tape->input, n, e->network);
    for (size_t i = 0; i < n * r->net->outputs; i++) {
        double error = (double)f[i] - (double)f_lin[i], change = (double)f_lin[i] - (double)f_s[i];
        sums->gap += error * error;
        sums->way += change * change;
    }
}

static void centre(struct run *r, const size_t *batch, size_t first, size_t n, real *f)
{
    size_t outputs = r->net->outputs;
    for (size_t i = 0; r->f_0 && i < n; i++) {
        const real *f_0 = r->f_0 + (batch ? batch[first + i] : first + i) * outputs;
        for (size_t c = 0; c < outputs; c++)
            f[i * outputs + c] -= f_0[c];
    }
}

/* The gradient of n rows on the tape of a batch of `all`: the first overwrite e->gradient, the others add. */
static void add_gradient(struct run *r, struct tangent *e, size_t first, size_t n, size_t all)
{
    size_t outputs = r->net->outputs, begin = first * outputs;
    real *gradient = first == 0 ? e->gradient : e->block_gradient;
    loss_gradient(r->problem->spec->loss, n, outputs, e->f + begin, e->targets + begin, e->g);
    for (size_t i = 0; n < all && i < n * outputs; i++)   /* it was the mean of the block */
        e->g[i] *= (real)((double)n / (double)all);
    network_vjp(r->net, r->linear ? r->theta_s : r->theta, e->tape, e->g, gradient);
    if (first > 0)
        blas_axpy(r->net->n_parameters, 1, gradient, e->gradient);
}

/* The model's outputs of a batch, what the gap says of them, and the gradient of a batch in several blocks, whose
 * activations are gone after it. */
static void pass(struct run *r, struct tangent *e, const size_t *batch, size_t all, struct gap *sums)
{
    for (size_t first = 0, n; first < all; first += n) {
        real *f = e->f + first * r->net->outputs;
        n = all - first < e->block ? all - first : e->block;
        record_rows(r, e, batch, first, n);
        model_outputs(r, e, n, f);
        if (gap_looks(r))
            gap_add(r, e, n, f, sums);
        centre(r, batch, first, n, f);
        if (n < all)
            add_gradient(r, e, first, n, all);
    }
}

static int advance(struct run *r, int64_t until, const struct trainer_hooks *hooks, struct error *err)
{
    struct tangent *e = r->engine_state;
    const struct training_spec *spec = r->problem->spec;
    size_t n;
    int answer = 0;
    (void)err;
    while (r->step < until && answer == 0) {
        const size_t *batch = batches_at(&r->batches, r->step, &n);
        struct gap sums = {0};
        pass(r, e, batch, n, &sums);
        /* not where both are 0, nor where f_theta is not a number */
        if (sqrt(sums.gap) > spec->refresh.gap * sqrt(sums.way)) {
            r->refresh_now = true;
            return 0;
        }
        double lr = training_lr(spec, r->problem->lr, r->step);
        double loss = loss_value(spec->loss, n, r->net->outputs, e->f, e->targets);
        if (!isfinite(loss)) {
            r->diverged = true;
            return 0;
        }
        if (n <= e->block)
            add_gradient(r, e, 0, n, n);
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
