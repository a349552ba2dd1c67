#include "ntk/regression.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"
#include "math/cholesky.h"

/* Means (outputs) of the training targets. */
static void average(const struct regression *r, double *mean)
{
    memset(mean, 0, r->outputs * sizeof *mean);
    for (size_t i = 0; i < r->n_train; i++)
        for (size_t c = 0; c < r->outputs; c++)
            mean[c] += r->y[i * r->outputs + c] / (double)r->n_train;
}

static size_t largest(size_t n, const double *values)
{
    size_t best = 0;
    for (size_t c = 1; c < n; c++)
        if (values[c] > values[best])
            best = c;
    return best;
}

/* prediction (n_test, outputs), without the mean. */
static void score(const struct regression *r, const double *mean, double *prediction, double *loss, double *accuracy)
{
    double sum = 0;
    size_t right = 0;
    for (size_t i = 0; i < r->n_test; i++) {
        const double *y = r->y + (r->n_train + i) * r->outputs;
        double *f = prediction + i * r->outputs;
        for (size_t c = 0; c < r->outputs; c++) {
            f[c] += mean[c];
            sum += (f[c] - y[c]) * (f[c] - y[c]);
        }
        right += largest(r->outputs, f) == largest(r->outputs, y);
    }
    *loss = sum / (2 * (double)r->n_test);
    *accuracy = r->classes ? (double)right / (double)r->n_test : NAN;
}

int regression_score(const struct regression *r, const double *kernel, double *scratch, double *loss,
                     double *accuracy, struct error *err)
{
    /* m rows of the system, `sides` right-hand sides: each output, or in full mode all of them in one */
    size_t per = r->full ? r->outputs : 1, sides = r->full ? 1 : r->outputs, m = r->n_train * per;
    size_t stride = (r->n_train + r->n_test) * per;
    int result = -1;
    *loss = *accuracy = NAN;
    if (r->n_train == 0 || r->n_test == 0)
        return 0;
    double *mean = mem_alloc(r->outputs, sizeof *mean, err);
    double *alpha = mem_alloc(m * sides, sizeof *alpha, err);                         /* (sides, m) */
    double *prediction = mem_alloc(r->n_test * r->outputs, sizeof *prediction, err);
    if (!mean || !alpha || !prediction)
        goto done;
    average(r, mean);
    for (size_t i = 0; i < r->n_train; i++)
        for (size_t c = 0; c < r->outputs; c++)
            alpha[r->full ? i * per + c : c * m + i] = r->y[i * r->outputs + c] - mean[c];
    double trace = 0;
    for (size_t i = 0; i < m; i++) {
        memcpy(scratch + i * m, kernel + i * stride, m * sizeof *scratch);
        trace += scratch[i * m + i];
    }
    for (size_t i = 0; i < m; i++)
        scratch[i * m + i] += r->ridge * trace / (double)m;
    result = cholesky_solve(m, scratch, sides, alpha, err);
    if (result == 0) {
        blas_gemm(false, true, r->n_test * per, sides, m, 1, kernel + m * stride, stride, alpha, m, 0, prediction, sides);
        score(r, mean, prediction, loss, accuracy);
    }
    result = result < 0 ? -1 : 0;
done:
    mem_free(mean);
    mem_free(alpha);
    mem_free(prediction);
    return result;
}
