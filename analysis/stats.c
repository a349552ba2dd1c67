#include "stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#if HAVE_GSL
#include <gsl/gsl_cdf.h>
#endif

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

double stats_normal_quantile(double probability)
{
#if HAVE_GSL
    return gsl_cdf_ugaussian_Pinv(probability);
#else
    (void)probability;
    return NAN;
#endif
}

/* The quantile of the intervals, kept: a large file asks for the same few degrees of freedom thousands of times. */
static double interval_quantile(size_t freedom)
{
    enum { KEPT = 256 };
    static double kept[KEPT];
    if (freedom >= KEPT)
        return stats_t_quantile((1 + STATS_LEVEL) / 2, (double)freedom);
    if (kept[freedom] == 0)
        kept[freedom] = stats_t_quantile((1 + STATS_LEVEL) / 2, (double)freedom);
    return kept[freedom];
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
    double half = interval_quantile(n - 1) * s->se;
    s->low = s->mean - half;
    s->high = s->mean + half;
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

double stats_quantile(const double *sorted, size_t n, double p)
{
    double place = p * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}
