#include "across_resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "must.h"
#include "stats.h"

/* Substreams of RANDOM_RESAMPLE: 0 and 1 are those of stats.h. */
enum { STREAM_IQM = 2, STREAM_IMPROVEMENT = 3 };

void strata_add(struct strata *s, double value)
{
    if (s->size == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->value = must(realloc(s->value, s->room * sizeof *s->value));
    }
    s->value[s->size++] = value;
}

void strata_close(struct strata *s)
{
    if (s->n == s->end_room) {
        s->end_room = s->end_room ? 2 * s->end_room : 16;
        s->end = must(realloc(s->end, s->end_room * sizeof *s->end));
    }
    s->end[s->n++] = s->size;
}

void strata_free(struct strata *s)
{
    free(s->value);
    free(s->end);
    *s = (struct strata){0};
}

static size_t start_of(const struct strata *s, size_t t)
{
    return t ? s->end[t - 1] : 0;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The percentile interval of resampled values, which it sorts. */
static void finish(double *resampled, struct across_number *number)
{
    qsort(resampled, STATS_RESAMPLES, sizeof *resampled, compare_numbers);
    number->low = stats_quantile(resampled, STATS_RESAMPLES, (1 - STATS_LEVEL) / 2);
    number->high = stats_quantile(resampled, STATS_RESAMPLES, (1 + STATS_LEVEL) / 2);
}

/* --- interquartile mean ------------------------------------------------------------ */

/* The middle half of the sorted values, each as often as count says. */
static double middle_mean(const double *sorted, const uint32_t *count, size_t n)
{
    size_t cut = n / 4, seen = 0;
    double sum = 0;
    for (size_t i = 0; i < n && seen < n - cut; i++) {
        size_t from = seen > cut ? seen : cut, to = seen + count[i] < n - cut ? seen + count[i] : n - cut;
        sum += to > from ? (double)(to - from) * sorted[i] : 0;
        seen += count[i];
    }
    return sum / (double)(n - 2 * cut);
}

/* Where each value stands among all, sorted. */
static size_t *rank_all(const double *x, size_t n, double *sorted)
{
    struct { double value; size_t at; } *pair = must(calloc(n + 1, sizeof *pair));
    size_t *rank = must(calloc(n + 1, sizeof *rank));
    for (size_t i = 0; i < n; i++) {
        pair[i].value = x[i];
        pair[i].at = i;
    }
    qsort(pair, n, sizeof *pair, compare_numbers);   /* the value comes first */
    for (size_t i = 0; i < n; i++) {
        sorted[i] = pair[i].value;
        rank[pair[i].at] = i;
    }
    free(pair);
    return rank;
}

double across_iqm(const double *x, size_t n)
{
    double *sorted = must(calloc(n + 1, sizeof *sorted));
    uint32_t *count = must(calloc(n + 1, sizeof *count));
    size_t *rank = rank_all(x, n, sorted);
    for (size_t i = 0; i < n; i++)
        count[i] = 1;
    double mean = middle_mean(sorted, count, n);
    free(rank);
    free(sorted);
    free(count);
    return mean;
}

void resample_iqm(const struct strata *s, struct across_number *number)
{
    static double resampled[STATS_RESAMPLES];
    *number = (struct across_number){NAN, NAN, NAN};
    if (s->size == 0)
        return;
    number->value = across_iqm(s->value, s->size);
    double *sorted = must(calloc(s->size, sizeof *sorted));
    uint32_t *count = must(calloc(s->size, sizeof *count));
    size_t *rank = rank_all(s->value, s->size, sorted);
    struct random r;
    random_start(&r, STATS_SEED, RANDOM_RESAMPLE, STREAM_IQM);
    for (size_t b = 0; b < STATS_RESAMPLES; b++) {
        memset(count, 0, s->size * sizeof *count);
        for (size_t t = 0; t < s->n; t++)
            for (size_t i = start_of(s, t); i < s->end[t]; i++)
                count[rank[start_of(s, t) + random_below(&r, s->end[t] - start_of(s, t))]]++;
        resampled[b] = middle_mean(sorted, count, s->size);
    }
    finish(resampled, number);
    free(rank);
    free(sorted);
    free(count);
}

/* --- probability of improvement ------------------------------------------------------ */

double across_improvement(const double *x, size_t n, const double *y, size_t m)
{
    double wins = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            wins += x[i] > y[j] ? 1 : x[i] == y[j] ? 0.5 : 0;
    return wins / ((double)n * (double)m);
}

/* wins[i * m + j]: does x[i] beat y[j]? 1, 1/2, 0. */
static double *compare_all(const double *x, size_t n, const double *y, size_t m)
{
    double *wins = must(calloc(n * m + 1, sizeof *wins));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            wins[i * m + j] = across_improvement(&x[i], 1, &y[j], 1);
    return wins;
}

/* The share of wins in samples drawn anew of both; count has room for m numbers. */
static double drawn_improvement(struct random *r, const double *wins, size_t n, size_t m, double *count)
{
    double sum = 0;
    memset(count, 0, m * sizeof *count);
    for (size_t j = 0; j < m; j++)
        count[random_below(r, m)]++;
    for (size_t i = 0; i < n; i++) {
        const double *row = wins + random_below(r, n) * m;
        for (size_t j = 0; j < m; j++)
            sum += row[j] * count[j];
    }
    return sum / ((double)n * (double)m);
}

void resample_improvement(const struct strata *x, const struct strata *y, bool lower, struct across_number *number)
{
    static double resampled[STATS_RESAMPLES];
    double *count = must(calloc(y->size + 1, sizeof *count));
    struct random r;
    memset(resampled, 0, sizeof resampled);
    *number = (struct across_number){0};
    random_start(&r, STATS_SEED, RANDOM_RESAMPLE, STREAM_IMPROVEMENT);
    for (size_t t = 0; t < x->n; t++) {
        size_t n = x->end[t] - start_of(x, t), m = y->end[t] - start_of(y, t);
        double *wins = compare_all(x->value + start_of(x, t), n, y->value + start_of(y, t), m), share = 1 / (double)x->n;
        number->value += share * across_improvement(x->value + start_of(x, t), n, y->value + start_of(y, t), m);
        for (size_t b = 0; b < STATS_RESAMPLES; b++)
            resampled[b] += share * drawn_improvement(&r, wins, n, m, count);
        free(wins);
    }
    finish(resampled, number);
    free(count);
    if (lower)
        *number = (struct across_number){1 - number->value, 1 - number->high, 1 - number->low};
}
