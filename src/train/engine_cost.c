#include "train/engine_cost.h"

#include <math.h>

#include "nn/cost.h"
#include "train/spec.h"

/* One core with AVX-512: 784-512-512-10, full batch of 1,000. */
static const double GEMM_SINGLE = 175e9, GEMM_DOUBLE = 90e9;   /* flops a second */
static const double BANDWIDTH = 26e9;                          /* bytes a second, reading a matrix once */
/* Seconds a single precision number moved in a forward pass and a VJP: of those between layers, of patches and of Winograd's
 * transforms. Fitted to steps of 128 rows of cnn, lenet, myrtle, resnet and layers (relin bench --all). */
static const double BOUNDARY_SECONDS = 0.25e-9, PATCH_SECONDS = 1.15e-9, TRANSFORM_SECONDS = 0.45e-9;
static const double FORWARD_PART = 0.3, VJP_PART = 0.7, JVP_PART = 0.58;   /* a JVP also gathers stored activations */
static const double STEP_SECONDS = 40e-6;                      /* of a pass, apart from its flops */

/* Theta is not formed to be diagonalised beyond this side: 5 matrices of 32 MB. */
static const double DENSE_MOST = 2000;

/* Products until alpha is right: in double, to 1e-8, 60, 120 and 200 for K = 1e3, 1e4 and 1e5 on a real NTK at half the
 * stability limit, where the theory's bound is sqrt(2 K ln(2/delta)). In single precision the tolerance is less: 18, 18, 26 to
 * 36, 84 and 114 a segment for K = 32, 100, 1e3, 1e4 and 3e4, and some more in the first one. */
static const double PRODUCTS_FIRST = 12, PRODUCTS_AT_1000 = 27, PRODUCTS_POWER = 0.4, PRODUCTS_DOUBLE = 1.5;

double engine_eigen_rate(bool large)
{
    return large ? 45e9 : 15e9;
}

static double number_bytes(const struct engine_sizes *s)
{
    return s->double_precision ? 8 : 4;
}

static double gemm_seconds(const struct engine_sizes *s, double flops)
{
    return flops / (s->double_precision ? GEMM_DOUBLE : GEMM_SINGLE);
}

/* A JVP, or a VJP, of one row: two products a layer, one in the first. */
static double derivative_flops(const struct engine_sizes *s)
{
    return 2 * s->forward - s->first;
}

/* Products of so many rows of forward passes and of JVPs and VJPs, as they are done. */
static double product_seconds(const struct engine_sizes *s, double forwards, double derivatives)
{
    return gemm_seconds(s, forwards * (s->forward - s->saved) + derivatives * (derivative_flops(s) - 2 * s->saved));
}

double engine_moved_seconds(const struct engine_sizes *s, double forwards, double jvps, double vjps)
{
    double moved = (BOUNDARY_SECONDS * s->boundary + PATCH_SECONDS * s->patches + TRANSFORM_SECONDS * s->transformed)
                 * number_bytes(s) / 4;
    return moved * (FORWARD_PART * forwards + JVP_PART * jvps + VJP_PART * vjps);
}

/* theta, theta_s, delta, gradient, velocity. */
static double parameter_bytes(const struct engine_sizes *s)
{
    return number_bytes(s) * (s->momentum > 0 ? 5 : 4) * s->parameters;
}

static double row_bytes(const struct engine_sizes *s)
{
    return number_bytes(s) * (s->inputs + s->boundary + s->scratch);
}

/* Of all rows on a tape, those that do not fit in blocks. */
static double tape_bytes(const struct engine_sizes *s)
{
    double block = (double)block_rows(row_bytes(s), (size_t)s->rows, TRAINING_BLOCK_BYTES);
    return block * row_bytes(s) + number_bytes(s) * s->rows * 3 * s->outputs;
}

/* Of a batch, in blocks that stay in the cache, or of the whole subset, which is recorded once. */
static double batch_bytes(const struct engine_sizes *s, bool stored)
{
    double block = s->caches && !stored ? s->batch
                 : (double)cache_rows(row_bytes(s), s->boundary, s->parameters, (size_t)s->batch);
    return block * row_bytes(s) + number_bytes(s) * s->batch * 3 * s->outputs
         + (block < s->batch ? number_bytes(s) * s->parameters : 0);
}

bool engine_keeps(const struct engine_sizes *s, double rows)
{
    return number_bytes(s) * rows * s->boundary <= TRAINING_TAPE_BYTES;
}

void engine_cost_tangent(const struct engine_sizes *s, struct engine_cost *cost)
{
    double recorded = s->caches ? s->rows : s->steps * s->batch;
    double derivatives = s->steps * s->batch * (s->standard ? 1 : 2);
    cost->flops = derivatives * derivative_flops(s) + recorded * s->forward;
    cost->seconds = product_seconds(s, recorded, derivatives)
                  + engine_moved_seconds(s, recorded, s->standard ? 0 : s->steps * s->batch, s->steps * s->batch)
                  + s->steps * (STEP_SECONDS + 6 * number_bytes(s) * s->parameters / BANDWIDTH);
    bool stored = s->caches && s->batch < s->rows;
    cost->bytes = parameter_bytes(s) + batch_bytes(s, stored) + (stored ? number_bytes(s) * s->rows * s->boundary : 0);
}

/* Flops of Theta by identity 5. */
static double forming_flops(const struct engine_sizes *s)
{
    double n = s->rows * s->outputs;
    return s->rows * s->forward + n * (s->forward - s->first) + n * n * (s->boundary + s->inputs / s->outputs);
}

void engine_cost_kernel(const struct engine_sizes *s, struct engine_cost *cost)
{
    double n = s->rows * s->outputs, form = forming_flops(s), ends = s->rows * 2 * derivative_flops(s);
    double step = 2 * n * s->batch * s->outputs;
    cost->flops = form + ends + s->steps * step;
    cost->seconds = (form + ends) / GEMM_DOUBLE
                  + s->steps * (STEP_SECONDS + fmax(4 * step / BANDWIDTH, step / GEMM_DOUBLE));
    cost->bytes = parameter_bytes(s) + tape_bytes(s) + 8 * n * (n + 6);
}

double filter_products(const struct engine_sizes *s)
{
    double most = fmin(s->steps, s->rows * s->outputs);
    double plain = s->steps / (1 - s->momentum);   /* steps without momentum that lead as far */
    double one = (PRODUCTS_FIRST + PRODUCTS_AT_1000 * pow(plain / 1000, PRODUCTS_POWER))
               * (s->double_precision ? PRODUCTS_DOUBLE : 1);
    double chains = 1 + (s->momentum_kept ? 0.5 : 0) + (s->weight_decay ? 1 : 0);
    return ceil(chains * fmin(most, one));
}

static void cost_by_lanczos(const struct engine_sizes *s, struct engine_cost *cost)
{
    double m = filter_products(s), n = s->rows * s->outputs;
    double products = m * s->rows * 2 * derivative_flops(s) + s->rows * (s->forward + derivative_flops(s));
    double orthogonal = 4 * m * m * n, small = 60 * m * m * m;   /* half a dozen checks on the way */
    cost->flops = products + orthogonal + small;
    cost->seconds = product_seconds(s, s->rows, (2 * m + 1) * s->rows)
                  + engine_moved_seconds(s, s->rows, m * s->rows, (m + 1) * s->rows) + 2 * orthogonal / BANDWIDTH
                  + small / engine_eigen_rate(false) + m * STEP_SECONDS;
    cost->bytes = parameter_bytes(s) + tape_bytes(s) + 8 * (m * n + 4 * n + 3 * m * m);
}

static void cost_by_eigenvectors(const struct engine_sizes *s, struct engine_cost *cost)
{
    double n = s->rows * s->outputs, form = forming_flops(s), eigen = 9 * n * n * n;
    double passes = s->rows * (s->forward + 2 * derivative_flops(s));
    cost->flops = form + eigen + passes;
    cost->seconds = gemm_seconds(s, form + passes) + eigen / engine_eigen_rate(true);
    cost->bytes = parameter_bytes(s) + tape_bytes(s) + 8 * n * (5 * n + 12);
}

bool filter_is_dense(const struct engine_sizes *s)
{
    struct engine_cost lanczos, eigenvectors;
    cost_by_lanczos(s, &lanczos);
    cost_by_eigenvectors(s, &eigenvectors);
    return s->rows * s->outputs <= DENSE_MOST && eigenvectors.seconds < lanczos.seconds;
}

void engine_cost_filter(const struct engine_sizes *s, struct engine_cost *cost)
{
    if (filter_is_dense(s))
        cost_by_eigenvectors(s, cost);
    else
        cost_by_lanczos(s, cost);
}
