/* Simulated samples whose truth is known: how often do the intervals and tests of relin summary say it? */
#ifndef RELIN_UNIT_INTERVALS_H
#define RELIN_UNIT_INTERVALS_H

#include <math.h>
#include <stdbool.h>

#include "answer.h"
#include "base/random.h"
#include "stats.h"

enum { INTERVALS_N_MOST = 64, INTERVALS_KS = 6 };

/* What a seed's result may look like; the mean is known. */
enum population { NORMAL, ACCURACY, SKEWED, HEAVY, POPULATIONS };

static const char *const population_names[POPULATIONS] = {
    "normal", "accuracy on 100 examples, 0.95", "skewed (lognormal, sigma 1/2)", "heavy tails (Student's t, 3)"};

static inline double population_mean(enum population p)
{
    return p == ACCURACY ? 0.95 : p == SKEWED ? exp(0.125) : 0;
}

static inline double draw_one(struct random *r, enum population p)
{
    double right = 0, squares = 0;
    switch (p) {
    case ACCURACY:
        for (int i = 0; i < 100; i++)
            right += random_uniform(r) < 0.95;
        return right / 100;
    case SKEWED: return exp(0.5 * random_normal(r));
    case HEAVY:
        for (int i = 0; i < 3; i++)
            squares += pow(random_normal(r), 2);
        return random_normal(r) / sqrt(squares / 3);
    default: return random_normal(r);
    }
}

enum method { METHOD_T, METHOD_BCA };

/* The share of samples of n whose interval contains the mean. */
static inline double interval_coverage(enum population p, enum method method, size_t n, size_t samples, uint64_t seed)
{
    struct random r;
    size_t covered = 0;
    random_start(&r, seed, RANDOM_RESAMPLE, 100 + (uint64_t)p);
    for (size_t s = 0; s < samples; s++) {
        double x[INTERVALS_N_MOST], low, high;
        struct stats_summary summary;
        for (size_t i = 0; i < n; i++)
            x[i] = draw_one(&r, p);
        stats_summarise(x, n, &summary);
        low = summary.low;
        high = summary.high;
        if (method == METHOD_BCA)
            stats_bca_any(x, n, &low, &high);
        covered += low <= population_mean(p) && population_mean(p) <= high;
    }
    return (double)covered / (double)samples;
}

/* Paired differences of INTERVALS_KS cells to one baseline: x[k][i], with true means -cost[k]; every cell and the
 * baseline have noise of their own, so that differences of different K are correlated as they are in a file. */
static inline void draw_pairs(struct random *r, const double *cost, size_t n, double x[INTERVALS_KS][INTERVALS_N_MOST])
{
    for (size_t i = 0; i < n; i++) {
        double baseline = random_normal(r);
        for (size_t k = 0; k < INTERVALS_KS; k++)
            x[k][i] = -cost[k] + random_normal(r) - baseline;
    }
}

/* The share of families without any effect of which Holm's smallest p is at most 0.05. */
static inline double family_error(size_t n, size_t samples, uint64_t seed)
{
    static const double nothing[INTERVALS_KS];
    struct random r;
    size_t errors = 0;
    random_start(&r, seed, RANDOM_RESAMPLE, 200);
    for (size_t s = 0; s < samples; s++) {
        double x[INTERVALS_KS][INTERVALS_N_MOST], p[INTERVALS_KS], adjusted[INTERVALS_KS];
        bool any = false;
        draw_pairs(&r, nothing, n, x);
        for (size_t k = 0; k < INTERVALS_KS; k++)
            p[k] = stats_sign_flip(x[k], n);
        stats_holm(p, INTERVALS_KS, adjusted);
        for (size_t k = 0; k < INTERVALS_KS; k++)
            any = any || adjusted[k] <= 0.05;
        errors += any;
    }
    return (double)errors / (double)samples;
}

/* How often the answer is right of Ks with these costs (in standard deviations of one run) and a margin. */
struct answer_rates {
    double covered;              /* K0 lies in [shown, possible] */
    double too_bold;             /* shown is beyond K0: more than suffices was claimed */
    double exact;                /* shown is K0 */
};

static inline struct answer_rates answer_coverage(const double *cost, double margin, size_t n, size_t samples, uint64_t seed)
{
    struct answer_rates rates = {0};
    struct random r;
    size_t truth = 0;
    while (truth < INTERVALS_KS && cost[truth] < margin)
        truth++;
    random_start(&r, seed, RANDOM_RESAMPLE, 300);
    for (size_t s = 0; s < samples; s++) {
        double x[INTERVALS_KS][INTERVALS_N_MOST];
        struct answer_step steps[INTERVALS_KS + 1] = {{0}};
        struct answer answer;
        draw_pairs(&r, cost, n, x);
        for (size_t k = 0; k < INTERVALS_KS; k++) {
            struct stats_summary d;
            stats_summarise(x[k], n, &d);
            steps[k + 1] = (struct answer_step){.pairs = n, .mean = d.mean, .low = d.low, .high = d.high};
        }
        answer_find(steps, INTERVALS_KS + 1, margin, &answer);
        rates.covered += answer.shown <= truth && truth <= answer.possible;
        rates.too_bold += answer.shown > truth;
        rates.exact += answer.shown == truth;
    }
    rates.covered /= (double)samples;
    rates.too_bold /= (double)samples;
    rates.exact /= (double)samples;
    return rates;
}

#endif
