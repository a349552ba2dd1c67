#include "ntk/metrics.h"

#include <math.h>

#include "math/blas.h"

double metric_cosine(size_t n, const double *k, const double *other)
{
    return blas_dot(n * n, k, other) / (blas_norm(n * n, k) * blas_norm(n * n, other));
}

double metric_kernel_distance(size_t n, const double *k, const double *other)
{
    double scale = 1 / blas_norm(n * n, k), other_scale = 1 / blas_norm(n * n, other), sum = 0;
    for (size_t i = 0; i < n * n; i++) {
        double difference = scale * k[i] - other_scale * other[i];
        sum += difference * difference;
    }
    return sum / 2;
}

double metric_relative_change(size_t n, const double *k, const double *initial)
{
    double sum = 0;
    for (size_t i = 0; i < n * n; i++)
        sum += (k[i] - initial[i]) * (k[i] - initial[i]);
    return sqrt(sum) / blas_norm(n * n, initial);
}

double metric_trace(size_t n, const double *k)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += k[i * n + i];
    return sum;
}

double metric_effective_rank(size_t n, const double *k)
{
    double trace = metric_trace(n, k), norm = blas_norm(n * n, k);
    return trace * trace / (norm * norm);
}

double metric_entropy_rank(size_t n, const double *eigenvalues)
{
    double sum = 0, entropy = 0;
    for (size_t i = 0; i < n; i++)
        if (eigenvalues[i] > 0)
            sum += eigenvalues[i];
    if (!(sum > 0))
        return NAN;
    for (size_t i = 0; i < n; i++)
        if (eigenvalues[i] > 0)
            entropy -= eigenvalues[i] / sum * log(eigenvalues[i] / sum);
    return exp(entropy);
}

double metric_condition_number(size_t n, const double *eigenvalues)
{
    const double epsilon = 2.220446049250313e-16;
    if (n == 0)
        return NAN;
    double least = eigenvalues[0], most = eigenvalues[0];
    for (size_t i = 1; i < n; i++) {
        least = fmin(least, eigenvalues[i]);
        most = fmax(most, eigenvalues[i]);
    }
    if (!(most > 0))
        return NAN;
    return least > (double)n * epsilon * most ? most / least : INFINITY;
}

void metric_centre(size_t n, const double *k, size_t stride, double *centred)
{
    for (size_t i = 0; i < n; i++) {
        double mean = 0;
        for (size_t j = 0; j < n; j++)
            mean += k[i * stride + j] / (double)n;
        for (size_t j = 0; j < n; j++)
            centred[i * n + j] = k[i * stride + j] - mean;
    }
    for (size_t j = 0; j < n; j++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += centred[i * n + j] / (double)n;
        for (size_t i = 0; i < n; i++)
            centred[i * n + j] -= mean;
    }
}

void metric_centre_targets(size_t n, size_t outputs, const double *y, double *centred)
{
    for (size_t c = 0; c < outputs; c++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += y[i * outputs + c] / (double)n;
        for (size_t i = 0; i < n; i++)
            centred[c * n + i] = y[i * outputs + c] - mean;
    }
}

void metric_target_gram(size_t n, size_t outputs, const double *centred, double *gram)
{
    blas_gemm(true, false, n, n, outputs, 1, centred, n, centred, n, 0, gram, n);
}

void metric_target_energy(size_t n, const double *vectors, size_t outputs, const double *centred,
                          double *energy)
{
    double norm = blas_norm(n * outputs, centred), sum = 0;
    for (size_t j = 0; j < n; j++) {
        const double *u = vectors + (n - 1 - j) * n;
        for (size_t c = 0; c < outputs; c++) {
            double projection = blas_dot(n, u, centred + c * n) / norm;
            sum += projection * projection;
        }
        energy[j] = sum;
    }
}

void metric_mirror(size_t n, double *k)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            k[i * n + j] = k[j * n + i];
}
