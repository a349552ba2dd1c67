/* The BCa bootstrap interval (Efron 1987) of a mean.
 *
 * The resamples depend on the sample's size alone (one seed for all), so how often each one draws which value is
 * drawn once a size and kept: a resample's mean is then a product with a row of counts, and a file of thousands of
 * cells is read in the time of one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "must.h"
#include "stats.h"

enum { RESAMPLES = STATS_RESAMPLES, BLOCK = 512, KEPT = 8, BUCKETS = 2048 };

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

/* --- resamples --------------------------------------------------------------- */

/* count[i * RESAMPLES + b]: how often resample b draws value i. */
struct draws {
    size_t n;
    float *count;
};

/* The draws of samples of n values; a few sizes are kept, as many as one file is likely to have. */
static const float *draws_of(size_t n)
{
    static struct draws kept[KEPT];
    static size_t next;
    for (size_t k = 0; k < KEPT; k++)
        if (kept[k].n == n)
            return kept[k].count;
    struct draws *d = &kept[next++ % KEPT];
    free(d->count);
    *d = (struct draws){n, must(calloc(n * RESAMPLES, sizeof *d->count))};
    struct random r;
    random_start(&r, STATS_SEED, RANDOM_RESAMPLE, 0);
    for (size_t b = 0; b < RESAMPLES; b++)
        for (size_t i = 0; i < n; i++)
            d->count[random_below(&r, n) * RESAMPLES + b] += 1;
    return d->count;
}

/* shift[b]: mean of resample b minus the sample's mean. */
static void resample(const double *x, size_t n, double mean, double *shift)
{
    const float *count = draws_of(n);
    for (size_t from = 0; from < RESAMPLES; from += BLOCK) {
        size_t size = RESAMPLES - from < BLOCK ? RESAMPLES - from : BLOCK;
        double sum[BLOCK] = {0};
        for (size_t i = 0; i < n; i++) {
            double d = x[i] - mean;
            const float *row = count + i * RESAMPLES + from;
            for (size_t b = 0; b < size; b++)
                sum[b] += d * (double)row[b];
        }
        for (size_t b = 0; b < size; b++)
            shift[from + b] = sum[b] / (double)n;
    }
}

/* --- quantiles without sorting all -------------------------------------------- */

/* Values in buckets by size; only buckets that are asked about are sorted. */
struct buckets {
    double value[RESAMPLES];
    uint32_t first[BUCKETS + 1];
};

static size_t bucket_of(double value, double least, double scale)
{
    double place = (value - least) * scale;
    return place >= BUCKETS ? BUCKETS - 1 : (size_t)place;
}

static void fill(struct buckets *s, const double *x)
{
    double least = x[0], most = x[0];
    for (size_t b = 1; b < RESAMPLES; b++) {
        least = x[b] < least ? x[b] : least;
        most = x[b] > most ? x[b] : most;
    }
    double scale = most > least ? BUCKETS / (most - least) : 0;
    memset(s->first, 0, sizeof s->first);
    for (size_t b = 0; b < RESAMPLES; b++)
        s->first[bucket_of(x[b], least, scale) + 1]++;
    for (size_t k = 0; k < BUCKETS; k++)
        s->first[k + 1] += s->first[k];
    uint32_t place[BUCKETS];
    memcpy(place, s->first, sizeof place);
    for (size_t b = 0; b < RESAMPLES; b++)
        s->value[place[bucket_of(x[b], least, scale)]++] = x[b];
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value of a rank, 0 the least. Sorting a bucket twice does no harm. */
static double of_rank(struct buckets *s, size_t rank)
{
    size_t low = 0, high = BUCKETS;   /* first[low] <= rank < first[high] */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (s->first[middle] <= rank)
            low = middle;
        else
            high = middle;
    }
    qsort(s->value + s->first[low], s->first[low + 1] - s->first[low], sizeof *s->value, compare_numbers);
    return s->value[rank];
}

/* As stats_quantile. */
static double quantile(struct buckets *s, double p)
{
    double place = p * (RESAMPLES - 1);
    size_t below = (size_t)place;
    if (below + 1 >= RESAMPLES)
        return of_rank(s, RESAMPLES - 1);
    double low = of_rank(s, below);
    return low + (place - (double)below) * (of_rank(s, below + 1) - low);
}

/* --- the interval -------------------------------------------------------------- */

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

void stats_bca_any(const double *x, size_t n, double *low, double *high)
{
    static double shift[RESAMPLES];
    static struct buckets buckets;
    *low = *high = NAN;
    if (n < 2 || !stats_have_quantiles())
        return;
    double mean = 0, scale = 0, below = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        scale = fmax(scale, fabs(x[i] - mean));
    resample(x, n, mean, shift);
    /* means that are equal on paper differ by rounding, and accuracies are often equal */
    double equal = 1e-13 * scale;
    for (size_t b = 0; b < RESAMPLES; b++)
        below += shift[b] < -equal ? 1 : shift[b] <= equal ? 0.5 : 0;
    fill(&buckets, shift);
    /* z0, kept finite when every resample lies on one side */
    double share = fmin(fmax(below, 0.5), RESAMPLES - 0.5) / RESAMPLES;
    double z0 = stats_normal_quantile(share), a = acceleration(x, n, mean);
    double *ends[2] = {low, high};
    for (int end = 0; end < 2; end++) {
        double z = z0 + stats_normal_quantile(end ? (1 + STATS_LEVEL) / 2 : (1 - STATS_LEVEL) / 2);
        *ends[end] = mean + quantile(&buckets, normal_cdf(z0 + z / (1 - a * z)));
    }
}

void stats_bca(const double *x, size_t n, double *low, double *high)
{
    *low = *high = NAN;
    if (n >= STATS_BCA_LEAST)
        stats_bca_any(x, n, low, high);
}
