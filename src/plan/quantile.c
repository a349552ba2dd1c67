#define _GNU_SOURCE   /* qsort_r */
#include "plan/quantile.h"

#include <math.h>
#include <stdbool.h>
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

/* 2 P(0 < T < t): closed forms for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 4). */
static double student_inside(double t, double freedom)
{
    double angle = atan(t / sqrt(freedom)), cosine = cos(angle), term = fmod(freedom, 2) == 0 ? sin(angle) : sin(angle) * cosine;
    double sum = freedom == 1 ? 0 : term;
    for (double k = fmod(freedom, 2) == 0 ? 2 : 3; k < freedom; k += 2) {
        term *= cosine * cosine * (k - 1) / k;
        sum += term;
    }
    return fmod(freedom, 2) == 0 ? sum : (angle + sum) * M_2_PI;
}

static double student_density(double t, double freedom)
{
    return exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - (freedom + 1) / 2 * log1p(t * t / freedom)) / sqrt(freedom * M_PI);
}

/* Hill 1970 (CACM algorithm 396), whose error is below 1e-3 from 3 degrees of freedom on; 1 and 2 are closed forms. */
static double hill(double p, double freedom)
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

double student_quantile(double p, double freedom)
{
    enum { MOST_TERMS = 2000 };
    double t = hill(p, freedom);
    if (freedom != rint(freedom) || freedom < 3 || freedom > MOST_TERMS)   /* Hill's error falls fast with the freedom */
        return t;
    for (int i = 0; i < 3; i++)   /* Newton's steps from there */
        t += (2 * p - 1 - student_inside(t, freedom)) / (2 * student_density(t, freedom));
    return t;
}

/* P(chi^2 > x): closed forms for whole degrees of freedom (Abramowitz and Stegun 26.4.4 and 5). */
static double chi_square_above(double x, double freedom)
{
    bool even = fmod(freedom, 2) == 0;
    double term = even ? exp(-x / 2) : exp(-x / 2) * sqrt(2 * x / M_PI), sum = even ? term : freedom == 1 ? 0 : term;
    for (double k = even ? 2 : 3; k < freedom; k += 2) {
        term *= x / k;
        sum += term;
    }
    return even ? sum : erfc(sqrt(x / 2)) + sum;
}

double chi_square_quantile(double p, size_t freedom)
{
    enum { CLOSED = 300 };
    double n = (double)freedom, low = 0, high = n + 40 * sqrt(2 * n) + 100;
    if (freedom > CLOSED) {   /* Wilson and Hilferty 1931: there to 1e-5 */
        double z = normal_quantile(p), v = 2 / (9 * n);
        return n * pow(1 - v + z * sqrt(v), 3);
    }
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (chi_square_above(middle, n) > 1 - p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
