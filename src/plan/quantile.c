#define _GNU_SOURCE   /* qsort_r */
#include "plan/quantile.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sort_numbers(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ascending);
}

static int largest_first(const void *a, const void *b, void *context)
{
    const double *values = context;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    if (values[i] != values[k])
        return values[i] > values[k] ? -1 : 1;
    return i < k ? -1 : i > k;
}

void order_largest_first(const double *values, size_t n, size_t *order)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, largest_first, (void *)(size_t)values);
}

double sorted_quantile(const double *values, size_t n, double p)
{
    if (n == 0)
        return NAN;
    double at = p * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below;
    return i + 1 < n ? values[i] + (at - below) * (values[i + 1] - values[i]) : values[n - 1];
}

double normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {   /* erfc is monotonic: halve until doubles end */
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / M_SQRT2) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Hill 1970 (CACM algorithm 396), whose error is below 1e-3 from 3 degrees of freedom on; 1 and 2 are closed forms. */
double student_quantile(double p, double freedom)
{
    double two = 2 * fmin(p, 1 - p), sign = p < 0.5 ? -1 : 1;
    if (freedom < 1.5)
        return sign / tan(two * M_PI_2);
    if (freedom < 2.5)
        return sign * sqrt(2 / (two * (2 - two)) - 2);
    double a = 1 / (freedom - 0.5), b = 48 / (a * a), c = ((20700 * a / b - 98) * a - 16) * a + 96.36;
    double d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * M_PI_2) * freedom, y = pow(d * two, 2 / freedom);
    if (y > 0.05 + a) {
        double x = normal_quantile(two / 2);
        y = x * x;
        if (freedom < 5)
            c += 0.3 * (freedom - 4.5) * (x + 0.6);
        c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
        y = expm1(a * y * y);
    } else {
        y = ((1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3) + 0.5 / (freedom + 4)) * y - 1)
            * (freedom + 1) / (freedom + 2) + 1 / y;
    }
    return sign * sqrt(freedom * y);
}
