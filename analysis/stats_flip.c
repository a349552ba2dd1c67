/* The sign-flip test of mean 0. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "must.h"
#include "stats.h"

/* All 2^n signed sums of |d|, ascending: each value doubles the list, by merging the list less it with the list and
 * it. With a sum the list has its negative, so half of a merge is mirrored. Returns one of the two rooms, of 2^n numbers
 * each. */
static double *signed_sums(const double *d, size_t n, double *room, double *other)
{
    size_t size = 1;
    room[0] = 0;
    for (size_t i = 0; i < n; i++, size *= 2) {
        double step = fabs(d[i]);
        for (size_t to = 0, low = 0, high = 0; to < size; to++) {
            double less = room[low] - step, more = room[high] + step;
            bool lower = less <= more;
            other[to] = lower ? less : more;
            low += lower;
            high += !lower;
        }
        for (size_t to = 0; to < size; to++)
            other[2 * size - 1 - to] = -other[to];
        double *list = other;
        other = room;
        room = list;
    }
    return room;
}

/* Of all signings of d those whose sum reaches the threshold: each is one of the first half of the values with one of
 * the second, and along the ascending sums of one those of the other that are needed fall. */
static uint64_t count_reaching(const double *d, size_t n, double threshold)
{
    size_t half = n / 2, rest = n - half, most = (size_t)1 << rest;
    double *room = must(malloc(4 * most * sizeof *room)), *a, *b;
    a = signed_sums(d, half, room, room + most);
    b = signed_sums(d + half, rest, room + 2 * most, room + 3 * most);
    uint64_t count = 0;
    size_t needed = most;   /* b[needed] and above reach it */
    for (size_t i = 0; i < (size_t)1 << half; i++) {
        while (needed > 0 && a[i] + b[needed - 1] >= threshold)
            needed--;
        count += most - needed;
    }
    free(room);
    return count;
}

/* From seeded signings; eight signs at a time, by a table of the sums that eight values can have. */
static double sampled(const double *d, size_t n, double threshold)
{
    size_t tables = (n + 7) / 8, extreme = 1;   /* the observed signing is one of them */
    double *table = must(calloc(256 * tables, sizeof *table));
    for (size_t i = 0; i < n; i++)
        for (size_t signs = 0; signs < 256; signs++)
            table[i / 8 * 256 + signs] += signs >> i % 8 & 1 ? -d[i] : d[i];
    struct random r;
    random_start(&r, STATS_SEED, RANDOM_RESAMPLE, 1);
    for (size_t s = 1; s < STATS_SIGNINGS; s++) {
        double sum = 0;
        for (size_t t = 0; t < tables; t += 4) {
            uint32_t word = random_u32(&r);
            for (size_t k = t; k < t + 4 && k < tables; k++, word >>= 8)
                sum += table[k * 256 + (word & 255)];
        }
        extreme += fabs(sum) >= threshold;
    }
    free(table);
    return (double)extreme / STATS_SIGNINGS;
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
    if (!(threshold > 0))
        return 1;
    if (n > STATS_EXACT_MOST)
        return sampled(d, n, threshold);
    /* a signing and its opposite have the same |sum| */
    return 2 * (double)count_reaching(d, n, threshold) / ldexp(1, (int)n);
}
