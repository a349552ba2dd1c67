/* The mini-batches of a run: every epoch a new order of the training subset, cut into
 * pieces, the last one short. They depend on seed, N and B only, so are equal for all K. */
#ifndef RELIN_TRAIN_BATCHES_H
#define RELIN_TRAIN_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct batches {
    size_t rows, size;      /* N, and B <= N */
    uint64_t seed;
    int64_t epoch;          /* the one in `order`, -1 before the first */
    size_t *order;          /* (rows); NULL where a batch is all rows */
};

/* batch: rows, or BATCH_FULL. Returns 0, or -1 with *err filled. Free `order` with mem_free. */
int batches_create(struct batches *b, size_t rows, int64_t batch, uint64_t seed, struct error *err);

/* The positions of step's batch, *n of them; NULL for all rows. */
const size_t *batches_at(struct batches *b, int64_t step, size_t *n);

#endif
