#include "farm/batch.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "farm/record.h"

int batch_init(struct batch *batch, const struct result_layout *layout, struct error *err)
{
    size_t size = record_block_size(layout);
    *batch = (struct batch){.block = mem_alloc(BATCH_RECORDS, size, err)};
    for (size_t i = 0; batch->block && i < BATCH_RECORDS; i++)
        record_bind(&batch->records[i], layout, batch->block + i * size);
    return batch->block ? 0 : -1;
}

void batch_free(struct batch *batch)
{
    mem_free(batch->block);
    *batch = (struct batch){0};
}

bool batch_is_full(const struct batch *batch)
{
    return batch->n == BATCH_RECORDS;
}

struct result *batch_next(struct batch *batch)
{
    assert(batch->n < BATCH_RECORDS);
    return &batch->records[batch->n];
}

void batch_keep(struct batch *batch, size_t row)
{
    batch->rows[batch->n] = row;
    batch->of[batch->n] = &batch->records[batch->n];
    batch->n++;
}

/* By insertion: few, and mostly in order. */
void batch_sort(struct batch *batch)
{
    for (size_t i = 1; i < batch->n; i++)
        for (size_t j = i; j > 0 && batch->rows[j - 1] > batch->rows[j]; j--) {
            size_t row = batch->rows[j];
            const struct result *record = batch->of[j];
            batch->rows[j] = batch->rows[j - 1];
            batch->of[j] = batch->of[j - 1];
            batch->rows[j - 1] = row;
            batch->of[j - 1] = record;
        }
}

size_t batch_run(const struct batch *batch, size_t i)
{
    size_t n = 1;
    while (i + n < batch->n && batch->rows[i + n] == batch->rows[i] + n)
        n++;
    return n;
}
