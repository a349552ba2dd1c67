/* The filter engine: a segment of full-batch half-MSE as a spectral filter of Theta (method.md identity
 * 6). Products with Theta are matrix-free, one VJP and one JVP each. A Krylov space (filter_space.h)
 * holds alpha and beta of every step of the segment, so that a moment costs the VJP that makes its
 * parameters and no product. */
#include <assert.h>
#include <float.h>
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "core_engine.h"
#include "core_theta.h"
#include "data/gather.h"
#include "filter_space.h"
#include "train/engine_cost.h"
#include "train/function_space.h"

static const double TOLERANCE = 1e-8;          /* of alpha and of theta - theta_s, relative, */
static const double PRECISION_FACTOR = 30;     /* or so many of the precision's epsilons where that is more */
static const double NEGLIGIBLE = 0.1;          /* an error of theta of so many epsilons of |theta_s| */

struct filter {
    struct function_space *network;   /* products at theta_s */
    struct filter_space space;
    size_t n;                         /* N C */
    int64_t end;                      /* of the segment */
    bool kept;                        /* momentum at a refresh */
    bool broken;                      /* the segment begins with a residual that is not finite, */
    bool overflowed;                  /* or its first step leads to one: products are not finite */
    double loss;                      /* of the segment's first step */
    real *kernel;                     /* (n, n) Theta where it is formed, */
    double *matrix;                   /* and in double, which in double is the same */
    struct run *run;
    int stopped;                      /* what the hooks answered to stop a long solve */
    real *targets, *u;                /* (n) */
    real *gradient;                   /* (P) */
    double *x;                        /* (n) */
};

static void destroy(struct run *r)
{
    struct filter *e = r->engine_state;
    if (!e)
        return;
    function_space_destroy(e->network);
    filter_space_free(&e->space);
    mem_free(e->targets);
    mem_free(e->u);
    mem_free(e->gradient);
    mem_free(e->x);
    if (sizeof(real) < sizeof(double))
        mem_free(e->matrix);
    mem_free(e->kernel);
    mem_free(e);
}

static double tolerance(void)
{
    return fmax(TOLERANCE, PRECISION_FACTOR * REAL_EPSILON);
}

/* The theory's bound where eta is within the stability limit, sqrt(2 K ln(2/delta)) products for each starting
 * vector, and a little more; for no segment longer than T. */
static size_t most_products(const struct training_spec *spec, size_t n)
{
    double chains = 1 + (spec->momentum != 0) + (spec->weight_decay != 0);
    double most = chains * (1.2 * sqrt(2 * (double)spec->steps * log(2 / tolerance())) + 50);
    return most < (double)n ? (size_t)most : n;
}

static int create(struct run *r, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    size_t rows = r->batches.rows, n = rows * r->net->outputs;
    struct mode_rule rule = mode_rule(spec, r->problem->lr, (double)rows, sizeof(real) < sizeof(double));
    struct filter *e = r->engine_state = mem_alloc(1, sizeof *e, err);
    assert(r->linear && spec->loss == LOSS_HALF_MSE && !r->batches.order);
    if (!e)
        return -1;
    e->n = n;
    e->run = r;
    e->kept = spec->momentum != 0 && spec->momentum_at_refresh == MOMENTUM_KEEP;
    if (r->hooks && r->hooks->between_steps
        && products_create(&r->products, n * sizeof(real), most_products(spec, n) + 1, err) != 0)
        return -1;
    if (filter_space_create(&e->space, &rule, n, most_products(spec, n), REAL_EPSILON, err) != 0
        || !(e->network = function_space_create(r->problem, err))
        || !(e->targets = mem_alloc(n, sizeof(real), err)) || !(e->u = mem_alloc(n, sizeof(real), err))
        || !(e->gradient = mem_alloc(r->net->n_parameters, sizeof(real), err))
        || !(e->x = mem_alloc(n, sizeof(double), err)))
        return -1;
    gather_targets(r->problem->split, PART_TRAIN, NULL, 0, rows, e->targets);
    return 0;
}

/* y = Theta x, unless the hooks stop it: until the space is found the run stands at the segment's start. */
static int apply(void *context, const double *x, double *y)
{
    struct filter *e = context;
    if (!products_replay(&e->run->products, e->u)) {
        if ((e->stopped = run_between_steps(e->run)) != 0)
            return e->stopped;
        for (size_t i = 0; i < e->n; i++)
            e->u[i] = (real)x[i];
        function_space_vjp(e->network, e->u, e->gradient);
        function_space_jvp(e->network, e->gradient, e->u);
        products_add(&e->run->products, e->u);
    }
    for (size_t i = 0; i < e->n; i++) {
        y[i] = (double)e->u[i];
        e->overflowed = e->overflowed || !isfinite(y[i]);
    }
    return e->overflowed ? -1 : 0;
}

/* Begins the part's chain from x. */
static int begin_part(struct filter *e, enum filter_part part, struct error *err)
{
    for (size_t i = 0; i < e->n; i++)
        e->broken = e->broken || !isfinite(e->x[i]);
    return e->broken ? 0 : filter_space_begin(&e->space, part, e->x, err);
}

/* ... from Phi w. */
static int begin_image(struct filter *e, enum filter_part part, const real *w, struct error *err)
{
    function_space_jvp(e->network, w, e->u);
    for (size_t i = 0; i < e->n; i++)
        e->x[i] = (double)e->u[i];
    return begin_part(e, part, err);
}

static double norm(size_t n, const real *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* Is it cheaper to form Theta for a segment of so many steps? */
static bool is_dense(const struct run *r, const struct filter *e, int64_t steps)
{
    const struct network *net = r->net;
    struct engine_sizes sizes = {
        .rows = (double)r->batches.rows,
        .outputs = (double)net->outputs,
        .steps = (double)steps,
        .parameters = (double)net->n_parameters,
        .momentum = r->problem->spec->momentum,
        .forward = 2 * (net->first + net->rest),
        .first = 2 * net->first,
        .inputs = (double)net->inputs,
        .double_precision = sizeof(real) == sizeof(double),
        .momentum_kept = e->kept && r->segment_start > 0,
        .weight_decay = r->problem->spec->weight_decay != 0,
    };
    for (size_t i = 0; i < net->n_layers; i++)
        sizes.boundary += (double)net->layers[i].outputs;
    if (r->problem->filter_by != FILTER_BY_COST)
        return r->problem->filter_by == FILTER_BY_EIGENVECTORS;
    return filter_is_dense(&sizes);
}

/* Fills the space with the eigenvectors of Theta_s. */
static int fill(struct run *r, struct filter *e, struct error *err)
{
    bool same = sizeof(real) == sizeof(double);
    if (!e->kernel && !(e->kernel = mem_alloc(e->n, e->n * sizeof(real), err)))
        return -1;
    if (!e->matrix && !(e->matrix = same ? (void *)e->kernel : mem_alloc(e->n, e->n * sizeof(double), err)))
        return -1;
    if (theta_form(r->problem, r->theta_s, 0, e->kernel, e->u, err) != 0)
        return -1;
    for (size_t i = 0; i < e->n * e->n; i++) {
        e->matrix[i] = (double)e->kernel[i];
        e->overflowed = e->overflowed || !isfinite(e->matrix[i]);
    }
    return e->overflowed ? 0 : filter_space_fill(&e->space, e->matrix, err);
}

static int linearise(struct run *r, int64_t s, int64_t end, struct error *err)
{
    struct filter *e = r->engine_state;
    double floor = NEGLIGIBLE * REAL_EPSILON * norm(r->net->n_parameters, r->theta_s);
    e->end = end;
    e->broken = e->overflowed = false;
    e->loss = 0;
    filter_space_clear(&e->space);
    if (r->replays)
        products_rewind(&r->products);
    else
        products_clear(&r->products);
    if (is_dense(r, e, end - s) && fill(r, e, err) != 0)
        return -1;
    function_space_move(e->network, r->theta_s);
    function_space_outputs(e->network, e->u);
    for (size_t i = 0; i < e->n; i++) {
        e->x[i] = (double)e->u[i] - (r->f_0 ? (double)r->f_0[i] : 0) - (double)e->targets[i];
        e->loss += 0.5 * e->x[i] * e->x[i] / (double)r->batches.rows;
    }
    if (begin_part(e, PART_R, err) != 0 || (e->kept && begin_image(e, PART_Q, r->velocity, err) != 0)
        || (r->problem->spec->weight_decay != 0 && begin_image(e, PART_P, r->theta_s, err) != 0))
        return -1;
    if (e->broken || e->overflowed)
        return 0;
    int answer = filter_space_converge(&e->space, s, end, tolerance(), floor, apply, e, err);
    if (answer != 0 && e->stopped > 0)
        return e->stopped;
    return e->overflowed ? 0 : answer;
}

/* gradient = Phi^T of the vector with these numbers along the modes. */
static void pull_back(struct filter *e, const double *along)
{
    filter_space_vector(&e->space, along, e->x);
    for (size_t i = 0; i < e->n; i++)
        e->u[i] = (real)e->x[i];
    function_space_vjp(e->network, e->u, e->gradient);
}

/* theta, delta and, at a segment's end, the velocity, from the state. */
static void make_parameters(struct run *r, struct filter *e)
{
    const struct mode_state *state = &e->space.state;
    size_t P = r->net->n_parameters;
    pull_back(e, state->alpha);
    for (size_t p = 0; p < P; p++) {
        double theta = state->a * (double)r->theta_s[p] - (double)e->gradient[p];
        if (e->kept)
            theta += state->b * (double)r->velocity[p];
        r->theta[p] = (real)theta;
        r->delta[p] = r->theta[p] - r->theta_s[p];
    }
    if (!e->kept || state->step != e->end)
        return;
    pull_back(e, state->beta);
    for (size_t p = 0; p < P; p++)
        r->velocity[p] = (real)(state->c * (double)r->theta_s[p] + state->d * (double)r->velocity[p]
                                + (double)e->gradient[p]);
}

/* Is an output of the state's model no number of the working precision? If not, `most_loss` was passed
 * because it is for the norm of all outputs: it is raised to where the largest would be. */
static bool overflows(struct filter *e)
{
    struct filter_space *space = &e->space;
    double largest = 0, sum = 0;
    if (!isfinite(space->most_loss))
        return true;
    modes_residual(&space->modes, &space->state, space->scratch);
    filter_space_vector(space, space->scratch, e->x);
    for (size_t i = 0; i < e->n; i++) {
        double f = fabs(e->x[i] + (double)e->targets[i]);
        if (!(f <= FLT_MAX))
            return true;
        largest = fmax(largest, f);
        sum += e->x[i] * e->x[i];
    }
    space->most_loss = sum / 2 * (FLT_MAX / largest) * (FLT_MAX / largest);
    return false;
}

/* One step at a time, for hooks that want to know its loss. */
static int advance_watched(struct run *r, struct filter *e, int64_t until, const struct trainer_hooks *hooks)
{
    struct filter_space *space = &e->space;
    int answer = 0;
    while (r->step < until && answer == 0) {
        double loss = modes_loss(&space->modes, &space->state);
        while (!(loss <= space->most_loss) || !isfinite(loss))
            if (overflows(e)) {
                r->diverged = true;
                return 0;
            }
        modes_step(&space->rule, &space->modes, &space->state);
        answer = run_step_done(r, NULL, r->batches.rows, training_lr(r->problem->spec, r->problem->lr, r->step),
                               loss / (double)r->batches.rows, hooks);
    }
    return answer;
}

static int advance(struct run *r, int64_t until, const struct trainer_hooks *hooks, struct error *err)
{
    struct filter *e = r->engine_state;
    struct filter_space *space = &e->space;
    int answer = 0;
    (void)err;
    if (e->broken || e->overflowed) {
        r->diverged = true;
        return e->broken ? 0 : run_step_done(r, NULL, r->batches.rows,
                                             training_lr(r->problem->spec, r->problem->lr, r->step), e->loss, hooks);
    }
    if (hooks && hooks->after_step) {
        answer = advance_watched(r, e, until, hooks);
    } else {
        while (!r->diverged && !modes_advance(&space->rule, &space->modes, &space->state, until, space->most_loss,
                                              space->scratch))
            r->diverged = overflows(e);
        while (r->step < space->state.step)   /* their number decides bits: no state between them */
            run_step_done(r, NULL, r->batches.rows, training_lr(r->problem->spec, r->problem->lr, r->step), NAN, NULL);
    }
    if (answer == 0 && !r->diverged && !(hooks && hooks->after_step))
        answer = run_between_steps(r);
    make_parameters(r, e);
    return answer;
}

/* The space is found again from theta_s, its products and v_s, which stays in run->velocity until the segment's end. */
static void carry(struct run *r, struct checkpoint *c)
{
    struct filter *e = r->engine_state;
    struct mode_state *state = &e->space.state;
    checkpoint_carry(c, &e->space.most_loss, sizeof e->space.most_loss);
    checkpoint_carry_within(c, &state->step, r->segment_start, r->step);
    double *const numbers[] = {&state->a, &state->b, &state->c, &state->d};
    for (size_t i = 0; i < 4; i++)
        checkpoint_carry(c, numbers[i], sizeof *numbers[i]);
    checkpoint_carry(c, state->alpha, e->space.modes.n * sizeof *state->alpha);
    checkpoint_carry(c, state->beta, e->space.modes.n * sizeof *state->beta);
}

const struct engine_ops engine_filter = {
    .name = "filter",
    .create = create,
    .destroy = destroy,
    .linearise = linearise,
    .advance = advance,
    .carry = carry,
};
