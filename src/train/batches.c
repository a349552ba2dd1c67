#include "train/batches.h"

#include "base/memory.h"
#include "base/random.h"

int batches_create(struct batches *b, size_t rows, int64_t batch, uint64_t seed, struct error *err)
{
    bool all = batch <= 0 || (uint64_t)batch >= rows;
    *b = (struct batches){.rows = rows, .size = all ? rows : (size_t)batch, .seed = seed, .epoch = -1};
    if (!all && !(b->order = mem_alloc(rows, sizeof *b->order, err)))
        return -1;
    return 0;
}

const size_t *batches_at(struct batches *b, int64_t step, size_t *n)
{
    *n = b->size;
    if (!b->order)
        return NULL;
    int64_t per_epoch = (int64_t)((b->rows + b->size - 1) / b->size), epoch = step / per_epoch;
    size_t first = (size_t)(step % per_epoch) * b->size;
    if (epoch != b->epoch) {
        struct random r;
        for (size_t i = 0; i < b->rows; i++)
            b->order[i] = i;
        random_start(&r, b->seed, RANDOM_BATCH, (uint64_t)epoch);
        random_shuffle(&r, b->order, b->rows);
        b->epoch = epoch;
    }
    if (b->rows - first < b->size)
        *n = b->rows - first;
    return b->order + first;
}
