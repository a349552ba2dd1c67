/* Losses of outputs f (n, outputs) against targets y (n, outputs). Sums in double, so that
 * 10,000 single precision rows do not lose digits. */
#include "train/loss.h"

#include <math.h>

static size_t largest(size_t outputs, const real *x)
{
    size_t best = 0;
    for (size_t c = 1; c < outputs; c++)
        if (x[c] > x[best])
            best = c;
    return best;
}

/* log(sum_c exp f_c) of a row: the largest output, and what the others add to it. */
static double log_sum_exp(size_t outputs, const real *f)
{
    size_t best = largest(outputs, f);
    double others = 0;
    for (size_t c = 0; c < outputs; c++)
        if (c != best)
            others += exp((double)f[c] - (double)f[best]);
    return (double)f[best] + log1p(others);
}

static double half_mse_row(size_t outputs, const real *f, const real *y)
{
    double sum = 0;
    for (size_t c = 0; c < outputs; c++) {
        double r = (double)f[c] - (double)y[c];
        sum += r * r;
    }
    return sum / 2;
}

static double cross_entropy_row(size_t outputs, const real *f, const real *y)
{
    double log_z = log_sum_exp(outputs, f), sum = 0;
    for (size_t c = 0; c < outputs; c++)
        if (y[c] != 0)   /* an output of -inf must not make 0 * inf */
            sum += (double)y[c] * (log_z - (double)f[c]);
    return sum;
}

static double row_loss(enum loss loss, size_t outputs, const real *f, const real *y)
{
    return loss == LOSS_HALF_MSE ? half_mse_row(outputs, f, y) : cross_entropy_row(outputs, f, y);
}

double loss_value(enum loss loss, size_t n, size_t outputs, const real *f, const real *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += row_loss(loss, outputs, f + i * outputs, y + i * outputs);
    return sum / (double)n;
}

void loss_gradient(enum loss loss, size_t n, size_t outputs, const real *f, const real *y, real *g)
{
    for (size_t i = 0; i < n; i++, f += outputs, y += outputs, g += outputs) {
        double log_z = loss == LOSS_CROSS_ENTROPY ? log_sum_exp(outputs, f) : 0;
        for (size_t c = 0; c < outputs; c++) {
            double prediction = loss == LOSS_CROSS_ENTROPY ? exp((double)f[c] - log_z) : (double)f[c];
            g[c] = (real)((prediction - (double)y[c]) / (double)n);
        }
    }
}

void loss_sums(enum loss loss, size_t n, size_t outputs, const real *f, const real *y,
               double *loss_sum, double *correct)
{
    for (size_t i = 0; i < n; i++, f += outputs, y += outputs) {
        *loss_sum += row_loss(loss, outputs, f, y);
        *correct += largest(outputs, f) == largest(outputs, y);
    }
}

void loss_softmax(size_t n, size_t outputs, const real *f, const real *f_0, real *p)
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

/* u_c = q_c v_c - p_c (q.v) */
void loss_factor(size_t n, size_t outputs, const real *p, const double *v, real *u)
{
    for (size_t i = 0; i < n; i++, v += outputs, u += outputs) {
        double dot = 0;
        for (size_t c = 0; p && c < outputs; c++)
            dot += sqrt((double)p[i * outputs + c]) * v[c];
        for (size_t c = 0; c < outputs; c++) {
            double own = p ? (double)p[i * outputs + c] : 1;
            u[c] = (real)(sqrt(own) * v[c] - own * dot);
        }
    }
}

/* v_c = q_c (w_c - p.w) */
void loss_factor_transposed(size_t n, size_t outputs, const real *p, const real *w, double *v)
{
    for (size_t i = 0; i < n; i++, v += outputs, w += outputs) {
        double dot = 0;
        for (size_t c = 0; p && c < outputs; c++)
            dot += (double)p[i * outputs + c] * (double)w[c];
        for (size_t c = 0; c < outputs; c++)
            v[c] = p ? sqrt((double)p[i * outputs + c]) * ((double)w[c] - dot) : (double)w[c];
    }
}
