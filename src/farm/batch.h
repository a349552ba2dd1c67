/* Records that came in the same round of rank 0's loop: those of neighbouring rows are written together, since a write
 * costs the same for one row and for twenty. */
#ifndef RELIN_FARM_BATCH_H
#define RELIN_FARM_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "sweep/result.h"

struct error;

enum { BATCH_RECORDS = 64 };

struct batch {
    size_t n;
    size_t rows[BATCH_RECORDS];
    struct result records[BATCH_RECORDS];   /* of writer RECORD only */
    const struct result *of[BATCH_RECORDS]; /* of each of rows */
    unsigned char *block;
};

/* Returns 0, or -1 with *err filled. The caller frees. */
int batch_init(struct batch *batch, const struct result_layout *layout, struct error *err);
void batch_free(struct batch *batch);
bool batch_is_full(const struct batch *batch);
/* Where the next record goes; keeps what was put there. Not full. */
struct result *batch_next(struct batch *batch);
void batch_keep(struct batch *batch, size_t row);
/* By row. */
void batch_sort(struct batch *batch);
/* How many from i on are of neighbouring rows. Sorted. */
size_t batch_run(const struct batch *batch, size_t i);

#endif
