/* The largest eigenvalue that limits the step, by Lanczos in function space (N C numbers).
 *
 * Phi^T H Phi has the non-zero eigenvalues of S^T Theta S, Theta = Phi Phi^T, H = S S^T. For
 * half-MSE S = I. For cross-entropy a row's Hessian is diag(p) - p p^T with p = softmax(f), so
 * S = diag(q) - p q^T with q = sqrt(p): S S^T = diag(p) - 2 p p^T + p (q.q) p^T, and q.q = 1. */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/eigen.h"
#include "train/function_space.h"

/* Lanczos keeps its basis: MOST vectors of N C numbers. The spectrum's head stands apart, so a
 * dozen products are usual. */
enum { MOST = 60 };

struct curvature {
    const struct problem *problem;
    struct function_space *space;
    size_t rows;              /* N */
    real *p;                  /* (N, C) softmax of the trained model, or NULL for half-MSE */
    real *u;                  /* (N, C) */
    real *gradient;           /* (P) */
};

/* u = S v: u_c = q_c v_c - p_c (q.v) */
static void apply_factor(const struct curvature *k, const double *v, real *u)
{
    size_t outputs = k->problem->net->outputs;
    for (size_t i = 0; i < k->rows; i++, v += outputs, u += outputs) {
        const real *p = k->p ? k->p + i * outputs : NULL;
        double dot = 0;
        for (size_t c = 0; p && c < outputs; c++)
            dot += sqrt((double)p[c]) * v[c];
        for (size_t c = 0; c < outputs; c++)
            u[c] = (real)(p ? sqrt((double)p[c]) * v[c] - (double)p[c] * dot : v[c]);
    }
}

/* v = S^T w: v_c = q_c (w_c - p.w) */
static void apply_factor_transposed(const struct curvature *k, const real *w, double *v)
{
    size_t outputs = k->problem->net->outputs;
    for (size_t i = 0; i < k->rows; i++, v += outputs, w += outputs) {
        const real *p = k->p ? k->p + i * outputs : NULL;
        double dot = 0;
        for (size_t c = 0; p && c < outputs; c++)
            dot += (double)p[c] * (double)w[c];
        for (size_t c = 0; c < outputs; c++)
            v[c] = p ? sqrt((double)p[c]) * ((double)w[c] - dot) : (double)w[c];
    }
}

/* y = S^T Phi Phi^T S x */
static int apply(void *context, const double *x, double *y)
{
    struct curvature *k = context;
    apply_factor(k, x, k->u);
    function_space_vjp(k->space, k->u, k->gradient);
    function_space_jvp(k->space, k->gradient, k->u);
    apply_factor_transposed(k, k->u, y);
    return 0;
}

/* p (n, C) = softmax(f - f_0), f_0 NULL where not centred. */
static void softmax_rows(size_t n, size_t outputs, const real *f, const real *f_0, real *p)
{
    for (size_t i = 0; i < n * outputs; i++)
        p[i] = f_0 ? f[i] - f_0[i] : f[i];
    for (size_t i = 0; i < n; i++, p += outputs) {
        double most = (double)p[0], sum = 0;
        for (size_t c = 1; c < outputs; c++)
            most = fmax(most, (double)p[c]);
        for (size_t c = 0; c < outputs; c++)
            sum += exp((double)p[c] - most);
        for (size_t c = 0; c < outputs; c++)
            p[c] = (real)(exp((double)p[c] - most) / sum);
    }
}

/* Fills k->p, with the outputs of theta_0 kept in u meanwhile where the model is centred. */
static void measure_probabilities(struct curvature *k, const real *theta)
{
    bool centred = k->problem->spec->centred;
    if (centred) {
        function_space_move(k->space, k->problem->theta_0);
        function_space_outputs(k->space, k->u);
        function_space_move(k->space, theta);
    }
    function_space_outputs(k->space, k->p);
    softmax_rows(k->rows, k->problem->net->outputs, k->p, centred ? k->u : NULL, k->p);
}

int stability_lambda_max(const struct problem *problem, const real *theta, double *lambda_max,
                         struct error *err)
{
    const struct network *net = problem->net;
    size_t rows = problem->split->count[PART_TRAIN], count = rows * net->outputs;
    struct curvature k = {.problem = problem, .rows = rows};
    double *start = NULL, tolerance = 1000 * REAL_EPSILON;   /* of the residual: the value's error is its square */
    struct random r;
    int result = -1;
    *lambda_max = 0;
    if (!(k.space = function_space_create(problem, err))
        || (problem->spec->loss == LOSS_CROSS_ENTROPY && !(k.p = mem_alloc(count, sizeof *k.p, err)))
        || !(k.u = mem_alloc(count, sizeof *k.u, err))
        || !(k.gradient = mem_alloc(net->n_parameters, sizeof *k.gradient, err))
        || !(start = mem_alloc(count, sizeof *start, err)))
        goto done;
    function_space_move(k.space, theta);
    if (k.p)
        measure_probabilities(&k, theta);
    random_start(&r, problem->spec->seed_init, RANDOM_START, 0);
    for (size_t i = 0; i < count; i++)
        start[i] = random_normal(&r);
    result = eigen_largest(count, apply, &k, start, tolerance, MOST, lambda_max, err);
done:
    function_space_destroy(k.space);
    mem_free(k.p);
    mem_free(k.u);
    mem_free(k.gradient);
    mem_free(start);
    return result;
}
