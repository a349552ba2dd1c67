/* The largest eigenvalue that limits the step, by Lanczos in function space (N C numbers).
 *
 * Phi^T H Phi has the non-zero eigenvalues of S^T Theta S, Theta = Phi Phi^T, H = S S^T. For
 * half-MSE S = I; for cross-entropy see train/loss.h. */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/eigen.h"
#include "train/function_space.h"
#include "train/loss.h"
#include "train/products.h"

/* Lanczos keeps its basis: STABILITY_PRODUCTS vectors of N C numbers. The spectrum's head stands apart, so a
 * dozen products are usual. */

struct curvature {
    const struct problem *problem;
    struct function_space *space;
    size_t rows;              /* N */
    real *p;                  /* (N, C) softmax of the trained model, or NULL for half-MSE */
    real *u;                  /* (N, C) */
    real *gradient;           /* (P) */
    const struct product_watch *watch;   /* may be NULL */
    int stopped;
};

/* y = S^T Phi Phi^T S x */
static int apply(void *context, const double *x, double *y)
{
    struct curvature *k = context;
    size_t outputs = k->problem->net->outputs;
    struct products *products = k->watch ? k->watch->products : NULL;
    if (!products || !products_replay(products, k->u)) {
        if (k->watch && (k->stopped = k->watch->between(k->watch->context)) != 0)
            return k->stopped;
        loss_factor(k->rows, outputs, k->p, x, k->u);
        function_space_vjp(k->space, k->u, k->gradient);
        function_space_jvp(k->space, k->gradient, k->u);
        if (products)
            products_add(products, k->u);
    }
    loss_factor_transposed(k->rows, outputs, k->p, k->u, y);
    return 0;
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
    loss_softmax(k->rows, k->problem->net->outputs, k->p, centred ? k->u : NULL, k->p);
}

size_t stability_product_bytes(const struct problem *problem)
{
    return problem->split->count[PART_TRAIN] * problem->net->outputs * sizeof(real);
}

int stability_lambda_max(const struct problem *problem, const real *theta, double *lambda_max, struct error *err)
{
    return stability_watched(problem, theta, NULL, lambda_max, err);
}

int stability_watched(const struct problem *problem, const real *theta, const struct product_watch *watch,
                      double *lambda_max, struct error *err)
{
    const struct network *net = problem->net;
    size_t rows = problem->split->count[PART_TRAIN], count = rows * net->outputs;
    struct curvature k = {.problem = problem, .rows = rows, .watch = watch};
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
    result = eigen_largest(count, apply, &k, start, tolerance, STABILITY_PRODUCTS, lambda_max, err);
    if (k.stopped > 0)
        result = k.stopped;
done:
    function_space_destroy(k.space);
    mem_free(k.p);
    mem_free(k.u);
    mem_free(k.gradient);
    mem_free(start);
    return result;
}
