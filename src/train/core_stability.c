/* The largest eigenvalue that limits the step, by Lanczos in function space (N C numbers).
 *
 * Phi^T H Phi has the non-zero eigenvalues of S^T Theta S, Theta = Phi Phi^T, H = S S^T. For
 * half-MSE S = I. For cross-entropy a row's Hessian is diag(p) - p p^T with p = softmax(f), so
 * S = diag(q) - p q^T with q = sqrt(p): S S^T = diag(p) - 2 p p^T + p (q.q) p^T, and q.q = 1. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/gather.h"
#include "math/blas.h"
#include "math/eigen.h"
#include "train/trainer.h"

/* Lanczos keeps its basis: MOST vectors of N C numbers. The spectrum's head stands apart, so a
 * dozen products are usual. */
enum { BLOCK = 1024, MOST = 60 };

struct curvature {
    const struct problem *problem;
    const real *theta;
    struct tape *tape;
    size_t rows, recorded;    /* N; first row of the block on the tape, SIZE_MAX for none */
    real *p;                  /* (N, C) softmax of the trained model, or NULL for half-MSE */
    real *u;                  /* (N, C) */
    real *block_gradient, *gradient;   /* (P) */
};

static size_t block_rows(const struct curvature *k, size_t first)
{
    return k->rows - first < BLOCK ? k->rows - first : BLOCK;
}

/* Records the block of rows that starts at first, unless it is on the tape already. */
static const real *record_block(struct curvature *k, size_t first)
{
    const struct network *net = k->problem->net;
    if (k->recorded != first) {
        gather_inputs(k->problem->split, PART_TRAIN, NULL, first, block_rows(k, first), k->tape->input);
        network_forward(net, k->theta, k->tape->input, block_rows(k, first), k->tape);
        k->recorded = first;
    }
    return k->tape->value[net->n_layers];
}

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
    const struct network *net = k->problem->net;
    apply_factor(k, x, k->u);
    memset(k->gradient, 0, net->n_parameters * sizeof *k->gradient);
    for (size_t first = 0; first < k->rows; first += BLOCK) {
        record_block(k, first);
        network_vjp(net, k->theta, k->tape, k->u + first * net->outputs, k->block_gradient);
        blas_axpy(net->n_parameters, 1, k->block_gradient, k->gradient);
    }
    for (size_t first = 0; first < k->rows; first += BLOCK) {
        record_block(k, first);
        network_jvp(net, k->theta, k->tape, k->gradient, k->u + first * net->outputs);
    }
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

/* Fills k->p; where the model is centred, with the outputs of theta_0 kept in u meanwhile. */
static void measure_probabilities(struct curvature *k)
{
    size_t outputs = k->problem->net->outputs;
    const real *theta = k->theta;
    for (size_t first = 0; first < k->rows; first += BLOCK) {
        size_t n = block_rows(k, first);
        real *f_0 = k->problem->spec->centred ? k->u + first * outputs : NULL;
        if (f_0) {
            k->recorded = SIZE_MAX;
            k->theta = k->problem->theta_0;
            memcpy(f_0, record_block(k, first), n * outputs * sizeof *f_0);
            k->recorded = SIZE_MAX;
            k->theta = theta;
        }
        softmax_rows(n, outputs, record_block(k, first), f_0, k->p + first * outputs);
    }
}

int stability_lambda_max(const struct problem *problem, const real *theta, double *lambda_max,
                         struct error *err)
{
    const struct network *net = problem->net;
    size_t rows = problem->split->count[PART_TRAIN], count = rows * net->outputs;
    struct curvature k = {.problem = problem, .theta = theta, .rows = rows, .recorded = SIZE_MAX};
    double *start = NULL, tolerance = 1000 * REAL_EPSILON;   /* of the residual: the value's error is its square */
    struct random r;
    int result = -1;
    *lambda_max = 0;
    if (!(k.tape = tape_create(net, rows < BLOCK ? rows : BLOCK, true, err))
        || (problem->spec->loss == LOSS_CROSS_ENTROPY && !(k.p = mem_alloc(count, sizeof *k.p, err)))
        || !(k.u = mem_alloc(count, sizeof *k.u, err))
        || !(k.block_gradient = mem_alloc(net->n_parameters, sizeof *k.gradient, err))
        || !(k.gradient = mem_alloc(net->n_parameters, sizeof *k.gradient, err))
        || !(start = mem_alloc(count, sizeof *start, err)))
        goto done;
    if (k.p)
        measure_probabilities(&k);
    random_start(&r, problem->spec->seed_init, RANDOM_START, 0);
    for (size_t i = 0; i < count; i++)
        start[i] = random_normal(&r);
    result = eigen_largest(count, apply, &k, start, tolerance, MOST, lambda_max, err);
done:
    tape_destroy(k.tape);
    mem_free(k.p);
    mem_free(k.u);
    mem_free(k.block_gradient);
    mem_free(k.gradient);
    mem_free(start);
    return result;
}
