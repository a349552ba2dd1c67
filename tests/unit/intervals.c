/* Prints the tables of analysis/STATISTICS.md: coverage by method and n. `make intervals`, with SAMPLES= for more. */
#include <stdio.h>
#include <stdlib.h>

#include "intervals.h"

static void print_coverage(enum method method, const char *name, size_t samples)
{
    static const size_t sizes[] = {3, 6, 10, 20, 40};
    for (int p = 0; p < POPULATIONS; p++) {
        printf("| %s | %s |", name, population_names[p]);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            printf(" %.1f%s |", 100 * interval_coverage((enum population)p, method, sizes[i], samples, 1),
                   method == METHOD_BCA && sizes[i] < STATS_BCA_LEAST ? " (not given)" : "");
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static const struct { const char *name; double cost[INTERVALS_KS]; } truths[] = {
        {"one K worse by exactly the margin", {0, 0.2, 0.5, 1, 1.5, 4}},
        {"none is too few", {0, 0, 0, 0, 0, 0}},
        {"all are, by twice the margin", {2, 2, 2, 2, 2, 2}},
        {"cost grows slowly", {0.1, 0.3, 0.6, 0.9, 1.2, 1.5}}};
    size_t samples = argc > 1 ? (size_t)strtoull(argv[1], NULL, 10) : 10000;
    if (!stats_have_quantiles()) {
        fprintf(stderr, "intervals: expected a build with GSL (libgsl-dev), got one without\n");
        return 1;
    }
    printf("Samples: %zu each, so a share of 95 %% is known to +-%.1f.\n\n", samples, 196 * sqrt(0.95 * 0.05 / (double)samples));
    printf("| interval | population | n = 3 | 6 | 10 | 20 | 40 |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    print_coverage(METHOD_T, "t", samples);
    print_coverage(METHOD_BCA, "BCa", samples);
    printf("\n| seeds | a family of %d Ks without any effect has a Holm-adjusted p of 0.05 or less |\n| ---: | ---: |\n", INTERVALS_KS);
    for (size_t n = 6; n <= 20; n = n < 10 ? n + 2 : 2 * n)
        printf("| %zu | %.1f |\n", n, 100 * family_error(n, samples, 1));
    printf("\n| truth | seeds | answer covers it | claims that too few suffice | is exact |\n| --- | ---: | ---: | ---: | ---: |\n");
    for (size_t t = 0; t < sizeof truths / sizeof *truths; t++)
        for (size_t n = 6; n <= 40; n = n < 10 ? 10 : n < 40 ? 40 : 41) {
            struct answer_rates rates = answer_coverage(truths[t].cost, 1, n, samples, 1);
            printf("| %s | %zu | %.1f | %.1f | %.1f |\n", truths[t].name, n, 100 * rates.covered, 100 * rates.too_bold,
                   100 * rates.exact);
        }
    return 0;
}
