/* Counter-based random numbers (Philox4x32-10 of Random123).
 *
 * A stream is keyed by (seed, stream, substream); number n of a stream depends on
 * nothing else: not on rank, order of jobs, threads or K. Substreams separate
 * uses inside a stream (an epoch, an example, a parameter tensor). */
#ifndef RELIN_BASE_RANDOM_H
#define RELIN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are part of the meaning of a seed: never renumber. */
enum random_stream {
    RANDOM_INIT = 1,       /* initial parameters */
    RANDOM_SUBSET = 2,     /* which rows are training and validation */
    RANDOM_BATCH = 3,      /* order of mini-batches */
    RANDOM_AUGMENT = 4,    /* augmentation */
    RANDOM_PROBE = 5,      /* rows of the probe set */
    RANDOM_SET = 6,        /* contents of procedural data sets */
    RANDOM_RESAMPLE = 7,   /* bootstrap */
    RANDOM_TEST = 8,       /* which rows are test */
    RANDOM_START = 9,      /* start vectors of Lanczos */
    RANDOM_LABEL = 10,     /* label noise */
    RANDOM_PLAN = 11,      /* what jobs may take, in a simulated run */
};

struct random {
    uint32_t key[2], counter[4];
    uint32_t block[4];
    unsigned used;           /* words of block already given out */
    double spare_normal;
    int has_spare;
};

void random_start(struct random *r, uint64_t seed, enum random_stream stream, uint64_t substream);

/* Goes to words 4*block and on of the stream: for many short draws that need no stream each. */
void random_seek(struct random *r, uint64_t block);

uint32_t random_u32(struct random *r);
/* Uniform in [0, 1) with 53 bits. */
double random_uniform(struct random *r);
/* Standard normal (Box-Muller). */
double random_normal(struct random *r);
/* Uniform in {0..n-1}, without bias. n >= 1. */
uint64_t random_below(struct random *r, uint64_t n);
/* Fisher-Yates shuffle of index[0..n-1]. */
void random_shuffle(struct random *r, size_t *index, size_t n);

#endif
