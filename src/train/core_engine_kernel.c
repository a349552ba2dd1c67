/* The kernel engine: steps in function space (method.md section 2, identity 3). A step is one product with
 * the batch's columns of Theta_s; no pass through the network. With d = Phi_s (theta_t - theta_s):
 *
 *   f_lin   = f_s + d
 *   theta_t = (1 + y) theta_s + x v_s - Phi_s^T alpha        v_t = q theta_s + p v_s + Phi_s^T beta
 *
 * from x = y = q = 0, p = 1, alpha = beta = 0, and with V = Phi_s v_t a step is
 *
 *   p    = mu p + lambda x             q = mu q + lambda (1 + y)
 *   beta = mu beta + g - lambda alpha  V = mu V + Theta_s[:,B] g_B + lambda (Phi_s theta_s + d)
 *   x -= eta p     y -= eta q     alpha += eta beta     d -= eta V
 *
 * which needs the images Phi_s v_s and Phi_s theta_s, one JVP each at the refresh. Vectors are in double;
 * Theta_s is in the precision of training: its rounding is that of a slightly other network, and a step is
 * bound by reading it. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "core_engine.h"
#include "core_theta.h"
#include "data/gather.h"
#include "math/blas.h"
#include "train/function_space.h"
#include "train/loss.h"

struct kernel {
    struct function_space *space;
    int64_t end;                /* of the segment */
    real *theta;                /* (NC, NC) Theta_s */
    real *gradient;             /* (P) */
    real *u;                    /* (NC) in the precision of products */
    real *f_s;                  /* (NC) the network at theta_s, less f_0 where centred */
    real *targets;              /* (NC) */
    real *f, *y, *g;            /* (B, C) */
    double *d, *V, *alpha;      /* (NC) */
    double *beta;               /* (NC), with momentum */
    double *theta_image;        /* (NC) Phi_s theta_s, with weight decay */
    double along_v, along_theta, velocity_v, velocity_theta;   /* x, y, p, q */
};

static void destroy(struct run *r)
{
    struct kernel *e = r->engine_state;
    if (!e)
        return;
    function_space_destroy(e->space);
    void *const blocks[] = {e->theta, e->gradient, e->u, e->f_s, e->targets, e->f, e->y, e->g, e->d, e->V,
                            e->alpha, e->beta, e->theta_image, e};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
}

static int check_memory(const struct run *r, struct error *err)
{
    double bytes = theta_bytes(r->problem), most = host_memory();
    if (bytes <= most)
        return 0;
    return error_set(err, ERROR_MEMORY, "training.engine: kernel: expected Theta of %zu training rows x %zu outputs "
                     "to fit the %.3g bytes of this machine, got %.3g bytes: set training.engine to tangent, or to "
                     "filter where it can, or data.train to fewer rows", r->batches.rows, r->net->outputs, most, bytes);
}

static int create(struct run *r, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    size_t count = r->batches.rows * r->net->outputs, batch = r->batches.size * r->net->outputs;
    if (check_memory(r, err) != 0)
        return -1;
    struct kernel *e = r->engine_state = mem_alloc(1, sizeof *e, err);
    if (!e || !(e->space = function_space_create(r->problem, err))
        || !(e->theta = mem_alloc(count, count * sizeof(real), err))
        || !(e->gradient = mem_alloc(r->net->n_parameters, sizeof(real), err))
        || !(e->u = mem_alloc(count, sizeof(real), err)) || !(e->f_s = mem_alloc(count, sizeof(real), err))
        || !(e->targets = mem_alloc(count, sizeof(real), err)) || !(e->f = mem_alloc(batch, sizeof(real), err))
        || !(e->y = mem_alloc(batch, sizeof(real), err)) || !(e->g = mem_alloc(batch, sizeof(real), err))
        || !(e->d = mem_alloc(count, sizeof(double), err)) || !(e->V = mem_alloc(count, sizeof(double), err))
        || !(e->alpha = mem_alloc(count, sizeof(double), err))
        || (spec->momentum != 0 && !(e->beta = mem_alloc(count, sizeof(double), err)))
        || (spec->weight_decay != 0 && !(e->theta_image = mem_alloc(count, sizeof(double), err))))
        return -1;
    gather_targets(r->problem->split, PART_TRAIN, NULL, 0, r->batches.rows, e->targets);
    return 0;
}

/* to (NC), overwritten = Phi_s tangent. */
static void image(struct kernel *e, size_t count, const real *tangent, double *to)
{
    function_space_jvp(e->space, tangent, e->u);
    for (size_t i = 0; i < count; i++)
        to[i] = (double)e->u[i];
}

static int linearise(struct run *r, int64_t s, int64_t end, struct error *err)
{
    struct kernel *e = r->engine_state;
    size_t count = r->batches.rows * r->net->outputs;
    e->end = end;
    if (theta_form(r->problem, r->theta_s, 0, e->theta, e->f_s, err) != 0)
        return -1;
    for (size_t i = 0; r->f_0 && i < count; i++)
        e->f_s[i] -= r->f_0[i];
    function_space_move(e->space, r->theta_s);
    memset(e->d, 0, count * sizeof *e->d);
    memset(e->V, 0, count * sizeof *e->V);
    memset(e->alpha, 0, count * sizeof *e->alpha);
    if (e->beta)
        memset(e->beta, 0, count * sizeof *e->beta);
    if (r->velocity && s > 0 && r->problem->spec->momentum_at_refresh == MOMENTUM_KEEP)
        image(e, count, r->velocity, e->V);
    if (e->theta_image)
        image(e, count, r->theta_s, e->theta_image);
    e->along_v = e->along_theta = e->velocity_theta = 0;
    e->velocity_v = 1;
    return 0;
}

/* e->f, e->y: f_lin and the targets of a batch. */
static void read_batch(const struct run *r, struct kernel *e, const size_t *batch, size_t n)
{
    size_t outputs = r->net->outputs;
    for (size_t i = 0; i < n; i++) {
        size_t row = (batch ? batch[i] : i) * outputs;
        for (size_t c = 0; c < outputs; c++) {
            e->f[i * outputs + c] = (real)((double)e->f_s[row + c] + e->d[row + c]);
            e->y[i * outputs + c] = e->targets[row + c];
        }
    }
}

/* e->u (NC), overwritten = Theta_s[:,B] g_B. Theta_s is symmetric: its rows of the batch are read, of the full
 * one a triangle. */
static void multiply(const struct run *r, struct kernel *e, const size_t *batch, size_t n)
{
    size_t outputs = r->net->outputs, count = r->batches.rows * outputs;
    if (!batch)
        blas_symv(count, e->theta, e->g, e->u);
    for (size_t i = 0; batch && i < n; i++)
        blas_gemv(true, outputs, count, 1, e->theta + batch[i] * outputs * count, count, e->g + i * outputs,
                  i > 0, e->u);
}

/* One step with e->u = Theta_s[:,B] g_B; beta without momentum is g alone, less the decay's share. */
static void step(const struct run *r, struct kernel *e, const size_t *batch, size_t n, double eta)
{
    const struct training_spec *spec = r->problem->spec;
    double mu = (double)(real)spec->momentum, lambda = (double)(real)spec->weight_decay;
    size_t outputs = r->net->outputs, count = r->batches.rows * outputs;
    e->velocity_v = mu * e->velocity_v + lambda * e->along_v;
    e->velocity_theta = mu * e->velocity_theta + lambda * (1 + e->along_theta);
    e->along_v -= eta * e->velocity_v;
    e->along_theta -= eta * e->velocity_theta;
    for (size_t i = 0; e->beta && i < count; i++)
        e->beta[i] = mu * e->beta[i] - lambda * e->alpha[i];
    for (size_t i = 0; !e->beta && lambda != 0 && i < count; i++)
        e->alpha[i] -= eta * lambda * e->alpha[i];
    for (size_t i = 0; i < n; i++) {
        double *to = (e->beta ? e->beta : e->alpha) + (batch ? batch[i] : i) * outputs;
        for (size_t c = 0; c < outputs; c++)
            to[c] += (e->beta ? 1 : eta) * (double)e->g[i * outputs + c];
    }
    for (size_t i = 0; e->beta && i < count; i++)
        e->alpha[i] += eta * e->beta[i];
    for (size_t i = 0; i < count; i++) {
        double decayed = e->theta_image ? lambda * (e->theta_image[i] + e->d[i]) : 0;
        e->V[i] = mu * e->V[i] + (double)e->u[i] + decayed;
        e->d[i] -= eta * e->V[i];
    }
}

/* e->gradient (P), overwritten = Phi_s^T along. */
static void pull_back(struct kernel *e, size_t count, const double *along)
{
    for (size_t i = 0; i < count; i++)
        e->u[i] = (real)along[i];
    function_space_vjp(e->space, e->u, e->gradient);
}

/* The parameters at the step reached, and at the segment's end the velocity. */
static void recover(struct run *r, struct kernel *e)
{
    size_t count = r->batches.rows * r->net->outputs, parameters = r->net->n_parameters;
    pull_back(e, count, e->alpha);
    for (size_t i = 0; i < parameters; i++) {
        double velocity = r->velocity ? e->along_v * (double)r->velocity[i] : 0;
        r->delta[i] = (real)(velocity + e->along_theta * (double)r->theta_s[i] - (double)e->gradient[i]);
        r->theta[i] = r->theta_s[i] + r->delta[i];
    }
    if (!r->velocity || !(r->step == e->end || r->refresh_now))
        return;
    pull_back(e, count, e->beta);
    for (size_t i = 0; i < parameters; i++)
        r->velocity[i] = (real)(e->velocity_v * (double)r->velocity[i] + e->velocity_theta * (double)r->theta_s[i]
                                + (double)e->gradient[i]);
}

static int advance(struct run *r, int64_t until, const struct trainer_hooks *hooks, struct error *err)
{
    struct kernel *e = r->engine_state;
    const struct training_spec *spec = r->problem->spec;
    size_t n, outputs = r->net->outputs;
    int answer = 0;
    (void)err;
    while (r->step < until && answer == 0) {
        const size_t *batch = batches_at(&r->batches, r->step, &n);
        double lr = training_lr(spec, r->problem->lr, r->step);
        read_batch(r, e, batch, n);
        double loss = loss_value(spec->loss, n, outputs, e->f, e->y);
        if (!isfinite(loss)) {
            r->diverged = true;
            break;
        }
        loss_gradient(spec->loss, n, outputs, e->f, e->y, e->g);
        multiply(r, e, batch, n);
        step(r, e, batch, n, (double)(real)lr);
        answer = run_step_done(r, batch, n, lr, loss, hooks);
    }
    recover(r, e);
    return answer;
}

/* Theta_s and the images are made again of theta_s and v_s, which stays in run->velocity until the segment's end. */
static void carry(struct run *r, struct checkpoint *c)
{
    struct kernel *e = r->engine_state;
    size_t bytes = r->batches.rows * r->net->outputs * sizeof(double);
    double *const vectors[] = {e->d, e->V, e->alpha, e->beta};
    double *const numbers[] = {&e->along_v, &e->along_theta, &e->velocity_v, &e->velocity_theta};
    for (size_t i = 0; i < 4; i++) {
        if (vectors[i])
            checkpoint_carry(c, vectors[i], bytes);
        checkpoint_carry(c, numbers[i], sizeof *numbers[i]);
    }
}

const struct engine_ops engine_kernel = {
    .name = "kernel",
    .create = create,
    .destroy = destroy,
    .linearise = linearise,
    .advance = advance,
    .carry = carry,
};
