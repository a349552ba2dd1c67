#include "stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "must.h"

#if HAVE_GSL
#include <gsl/gsl_cdf.h>
#endif

enum { RESAMPLES = 9999, SIGNINGS = 99999, EXACT_MOST = 20 };
static const uint64_t resample_seed = 1;   /* part of the meaning of an interval: never change */

bool stats_have_quantiles(void)
{
    return HAVE_GSL;
}

double stats_t_quantile(double probability, double freedom)
{
#if HAVE_GSL
    return gsl_cdf_tdist_Pinv(probability, freedom);
#else
    (void)probability;
    (void)freedom;
    return NAN;
#endif
}

static double normal_quantile(double probability)
{
#if HAVE_GSL
    return gsl_cdf_ugaussian_Pinv(probability);
#else
    (void)probability;
    return NAN;
#endif
}

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *sorted_copy(const double *x, size_t n)
{
    double *copy = must(malloc(n * sizeof *copy));
    memcpy(copy, x, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, compare_numbers);
    return copy;
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

void stats_summarise(const double *x, size_t n, struct stats_summary *s)
{
    *s = (struct stats_summary){.n = n, .mean = NAN, .sd = NAN, .se = NAN, .median = NAN,
                                .least = NAN, .most = NAN, .low = NAN, .high = NAN};
    if (n == 0)
        return;
    double *sorted = sorted_copy(x, n);
    s->mean = mean_of(x, n);
    s->median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    s->least = sorted[0];
    s->most = sorted[n - 1];
    free(sorted);
    if (n < 2)
        return;
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - s->mean) * (x[i] - s->mean);
    s->sd = sqrt(squares / (double)(n - 1));
    s->se = s->sd / sqrt((double)n);
    double half = stats_t_quantile((1 + STATS_LEVEL) / 2, (double)(n - 1)) * s->se;
    s->low = s->mean - half;
    s->high = s->mean + half;
}

/* The acceleration: skewness of the mean's jackknife values over 6. */
static double acceleration(const double *x, size_t n, double mean)
{
    double squares = 0, cubes = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (x[i] - mean) / (double)(n - 1);   /* = mean of the jackknife - value without i */
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* The p-quantile of sorted values, linear between order statistics. */
static double quantile_of(const double *sorted, size_t n, double p)
{
    double place = p * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

void stats_bca(const double *x, size_t n, double *low, double *high)
{
    *low = *high = NAN;
    if (n < STATS_BCA_LEAST || !stats_have_quantiles())
        return;
    double mean = mean_of(x, n);
    static double means[RESAMPLES];
    struct random r;
    random_start(&r, resample_seed, RANDOM_RESAMPLE, 0);
    double below = 0;
    for (size_t b = 0; b < RESAMPLES; b++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += x[random_below(&r, n)];
        means[b] = sum / (double)n;
        below += means[b] < mean ? 1 : means[b] == mean ? 0.5 : 0;
    }
    qsort(means, RESAMPLES, sizeof *means, compare_numbers);
    /* z0, kept finite when every resample lies on one side */
    double share = fmin(fmax(below, 0.5), RESAMPLES - 0.5) / RESAMPLES;
    double z0 = normal_quantile(share), a = acceleration(x, n, mean);
    double *ends[2] = {low, high};
    for (int end = 0; end < 2; end++) {
        double z = z0 + normal_quantile(end ? (1 + STATS_LEVEL) / 2 : (1 - STATS_LEVEL) / 2);
        *ends[end] = quantile_of(means, RESAMPLES, normal_cdf(z0 + z / (1 - a * z)));
    }
}

double stats_sign_flip(const double *d, size_t n)
{
    if (n == 0)
        return NAN;
    double observed = 0, scale = 0;
    for (size_t i = 0; i < n; i++) {
        observed += d[i];
        scale += fabs(d[i]);
    }
    /* sums that are equal on paper differ by rounding */
    double threshold = fabs(observed) - 1e-12 * scale;
    size_t extreme = 0;
    if (n <= EXACT_MOST) {
        /* d[n-1] keeps its sign: a signing and its opposite have the same |sum| */
        size_t signings = (size_t)1 << (n - 1);
        for (size_t s = 0; s < signings; s++) {
            double sum = d[n - 1];
            for (size_t i = 0; i + 1 < n; i++)
                sum += s >> i & 1 ? -d[i] : d[i];
            extreme += fabs(sum) >= threshold;
        }
        return (double)extreme / (double)signings;
    }
    struct random r;
    random_start(&r, resample_seed, RANDOM_RESAMPLE, 1);
    for (size_t s = 0; s < SIGNINGS; s++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += random_u32(&r) & 1 ? -d[i] : d[i];
        extreme += fabs(sum) >= threshold;
    }
    return ((double)extreme + 1) / (SIGNINGS + 1);   /* the observed signing is one of them */
}

void stats_holm(const double *p, size_t n, double *adjusted)
{
    size_t members = 0;
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = NAN;
        members += !isnan(p[i]);
    }
    double floor = 0;   /* adjusted values never fall along the sorted p */
    for (size_t rank = 0; rank < members; rank++) {
        size_t least = n;
        for (size_t i = 0; i < n; i++)
            if (!isnan(p[i]) && isnan(adjusted[i]) && (least == n || p[i] < p[least]))
                least = i;
        assert(least < n);
        floor = fmax(floor, fmin(1, p[least] * (double)(members - rank)));
        adjusted[least] = floor;
    }
}

size_t stats_pairs_needed(size_t family, double alpha)
{
    size_t n = 1;
    while ((double)family * 2 * pow(0.5, (double)n) > alpha)
        n++;
    return n;
}
