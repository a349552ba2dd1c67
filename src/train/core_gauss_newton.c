/* The Gauss-Newton trainer (method.md section 3), solved in function space by conjugate gradients. Over all
 * N rows, with H = S S^T and g the derivatives of the summed loss by f (train/loss.h), nu = mu + N lambda:
 *
 *   step = (Phi^T H Phi + nu I)^-1 (Phi^T g + N lambda theta)
 *
 * Let g = S h + e, rho = Phi^T e + N lambda theta, and A = S^T Phi. Since (A^T A + nu I)^-1 A^T =
 * A^T (A A^T + nu I)^-1, and (A^T A + nu I)^-1 rho = (rho - A^T (A A^T + nu I)^-1 A rho)/nu,
 *
 *   (S^T Theta S + nu I) w = h - S^T Phi rho/nu        step = Phi^T S w + rho/nu
 *
 * half-MSE: S = I, h = f - Y, e = 0: the step of method.md. Cross-entropy: S = diag(q) - p q^T, g = p - y =
 * S (g/q) because q.(g/q) = sum g = 0: h = g/q, e = 0. Where g/q is so large that it would drown what the
 * other rows say, h is 0 there and e takes the rest. mu = 0: the step of least norm. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "core_engine.h"
#include "data/gather.h"
#include "math/blas.h"
#include "math/cg.h"
#include "train/function_space.h"
#include "train/loss.h"

/* Most products with Theta a step; most of h: a class of probability 1e-8 that is the target's; relative
 * residual of the solve. */
enum { MOST = 2000 };
static const double LARGEST = 1e4, TOLERANCE = sizeof(real) == sizeof(double) ? 1e-12 : 1e-6;

struct gauss_newton {
    struct function_space *space;
    size_t rows, outputs, parameters;
    struct run *run;
    int stopped;              /* what the hooks answered to stop a long solve */
    double nu, decay;         /* mu + N lambda, N lambda */
    real *targets, *f;        /* (N, C) */
    real *p;                  /* (N, C) softmax(f); NULL for half-MSE */
    real *u;                  /* (N, C) scratch */
    double *h, *w;            /* (N, C) */
    real *gradient;           /* (P) */
    real *rho;                /* (P); NULL where it is always zero */
};

static void destroy(struct run *r)
{
    struct gauss_newton *k = r->engine_state;
    if (!k)
        return;
    function_space_destroy(k->space);
    void *const blocks[] = {k->targets, k->f, k->p, k->u, k->h, k->w, k->gradient, k->rho, k};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
}

static int create(struct run *r, struct error *err)
{
    const struct training_spec *spec = r->problem->spec;
    size_t rows = r->batches.rows, outputs = r->net->outputs, count = rows * outputs, real_size = sizeof(real);
    bool cross_entropy = spec->loss == LOSS_CROSS_ENTROPY;
    struct gauss_newton *k = r->engine_state = mem_alloc(1, sizeof *k, err);
    if (!k)
        return -1;
    *k = (struct gauss_newton){.rows = rows, .outputs = outputs, .parameters = r->net->n_parameters, .run = r,
                               .decay = (double)rows * spec->weight_decay};
    if (r->hooks && r->hooks->between_steps && products_create(&r->products, count * real_size, MOST + 1, err) != 0)
        return -1;
    k->nu = training_damping(spec, r->problem->lr, (double)rows) + k->decay;
    if (!(k->space = function_space_create(r->problem, err)) || !(k->targets = mem_alloc(count, real_size, err))
        || !(k->f = mem_alloc(count, real_size, err))
        || (cross_entropy && !(k->p = mem_alloc(count, real_size, err)))
        || !(k->u = mem_alloc(count, real_size, err)) || !(k->h = mem_alloc(count, sizeof *k->h, err))
        || !(k->w = mem_alloc(count, sizeof *k->w, err))
        || !(k->gradient = mem_alloc(k->parameters, real_size, err))
        || ((cross_entropy || k->decay != 0) && !(k->rho = mem_alloc(k->parameters, real_size, err))))
        return -1;
    gather_targets(r->problem->split, PART_TRAIN, NULL, 0, rows, k->targets);
    return 0;
}

/* y = (S^T Theta S + nu I) x, unless the hooks stop it: until it is solved the run stands before the step. */
static int apply(void *context, const double *x, double *y)
{
    struct gauss_newton *k = context;
    if (!products_replay(&k->run->products, k->u)) {
        if ((k->stopped = run_between_steps(k->run)) != 0)
            return k->stopped;
        loss_factor(k->rows, k->outputs, k->p, x, k->u);
        function_space_vjp(k->space, k->u, k->gradient);
        function_space_jvp(k->space, k->gradient, k->u);
        products_add(&k->run->products, k->u);
    }
    loss_factor_transposed(k->rows, k->outputs, k->p, k->u, y);
    for (size_t i = 0; i < k->rows * k->outputs; i++)
        y[i] += k->nu * x[i];
    return 0;
}

/* h (C) of a row's softmax p and targets y, and its remainder e (C). With D = sum of g where h is g/q, which
 * is minus the sum of the other g, S h = g - p D where h is g/q, and -p D elsewhere. Returns whether e is not
 * zero. */
static bool split_row(const struct gauss_newton *k, const real *p, const real *y, double *h, real *e)
{
    double kept = 0;
    bool remainder = false;
    for (size_t c = 0; c < k->outputs; c++) {
        double g = (double)p[c] - (double)y[c], q = sqrt((double)p[c]);
        bool keep = k->nu == 0 || fabs(g) <= LARGEST * q;
        h[c] = keep && g != 0 ? g / q : 0;
        e[c] = keep ? 0 : (real)g;
        kept -= keep ? 0 : g;
        remainder = remainder || !keep;
    }
    for (size_t c = 0; c < k->outputs; c++)
        e[c] += (real)((double)p[c] * kept);
    return remainder;
}

/* k->h, k->p, and the remainder e in k->u. Returns whether there is any. */
static bool split_gradient(struct gauss_newton *k)
{
    bool remainder = false;
    if (k->p)
        loss_softmax(k->rows, k->outputs, k->f, NULL, k->p);
    for (size_t i = 0; i < k->rows * k->outputs; i += k->outputs) {
        if (k->p)
            remainder = split_row(k, k->p + i, k->targets + i, k->h + i, k->u + i) || remainder;
        for (size_t c = i; !k->p && c < i + k->outputs; c++)
            k->h[c] = (double)k->f[c] - (double)k->targets[c];
    }
    return remainder;
}

/* k->rho = Phi^T e + N lambda theta, over nu; h -= S^T Phi of it. */
static void add_remainder(const struct run *r, struct gauss_newton *k, bool remainder)
{
    if (remainder)
        function_space_vjp(k->space, k->u, k->rho);
    else
        memset(k->rho, 0, k->parameters * sizeof *k->rho);
    for (size_t i = 0; i < k->parameters; i++)
        k->rho[i] = (real)(((double)k->rho[i] + k->decay * (double)r->theta[i]) / k->nu);
    function_space_jvp(k->space, k->rho, k->u);
    loss_factor_transposed(k->rows, k->outputs, k->p, k->u, k->w);
    for (size_t i = 0; i < k->rows * k->outputs; i++)
        k->h[i] -= k->w[i];
}

/* k->gradient (P), overwritten = the step at theta, whose outputs are in k->f. */
static int solve(struct run *r, struct gauss_newton *k, struct error *err)
{
    struct cg_report report;
    bool remainder = split_gradient(k), rest = remainder || k->decay != 0;
    if (rest)
        add_remainder(r, k, remainder);
    if (cg_solve(k->rows * k->outputs, apply, k, k->h, TOLERANCE, REAL_EPSILON, MOST, k->w, &report, err) != 0)
        return -1;
    if (!report.converged)
        log_debug("gauss-newton step %lld: conjugate gradients ended after %zu products at a relative residual of %.2g",
                  (long long)r->step, report.iterations, report.residual);
    products_clear(&r->products);
    r->solver_iterations = report.iterations;
    r->solver_residual = report.residual;
    loss_factor(k->rows, k->outputs, k->p, k->w, k->u);
    function_space_vjp(k->space, k->u, k->gradient);
    if (rest)
        blas_axpy(k->parameters, 1, k->rho, k->gradient);
    return 0;
}

static int advance(struct run *r, int64_t until, const struct trainer_hooks *hooks, struct error *err)
{
    struct gauss_newton *k = r->engine_state;
    const struct training_spec *spec = r->problem->spec;
    bool tied = isnan(spec->damping);
    int answer = 0;
    while (r->step < until && answer == 0) {
        double lr = training_lr(spec, r->problem->lr, r->step);
        function_space_move(k->space, r->theta);
        function_space_outputs(k->space, k->f);
        if (r->f_0)
            blas_axpy(k->rows * k->outputs, -1, r->f_0, k->f);
        double loss = loss_value(spec->loss, k->rows, k->outputs, k->f, k->targets);
        if (!isfinite(loss)) {
            r->diverged = true;
            return 0;
        }
        if (solve(r, k, err) != 0)
            return k->stopped > 0 ? k->stopped : -1;
        blas_axpy(k->parameters, tied ? -1 : (real)-lr, k->gradient, r->theta);
        answer = run_step_done(r, NULL, k->rows, tied ? r->problem->lr * spec->refresh_period : lr, loss, hooks);
    }
    return answer;
}

const struct engine_ops engine_gauss_newton = {
    .name = "gauss-newton",
    .create = create,
    .destroy = destroy,
    .advance = advance,
};
