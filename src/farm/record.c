#include "farm/record.h"

#include <assert.h>
#include <string.h>

static size_t slab_size(const struct result_layout *layout, enum variable_id id)
{
    if (variables[id].writer != WRITER_RECORD)
        return 0;
    return result_count(layout, id) * variable_type_size(variables[id].type);
}

size_t record_size(const struct result_layout *layout)
{
    size_t size = 0;
    for (int id = 0; id < VAR_COUNT; id++)
        size += slab_size(layout, (enum variable_id)id);
    return size;
}

enum { SLAB_ALIGNMENT = 8 };

/* Its offset; returns where the next begins. */
static size_t place(const struct result_layout *layout, enum variable_id id, size_t at, size_t *offset)
{
    size_t size = slab_size(layout, id);
    *offset = size ? at : SIZE_MAX;
    return at + (size + SLAB_ALIGNMENT - 1) / SLAB_ALIGNMENT * SLAB_ALIGNMENT;
}

size_t record_block_size(const struct result_layout *layout)
{
    size_t end = 0, unused;
    for (int id = 0; id < VAR_COUNT; id++)
        end = place(layout, (enum variable_id)id, end, &unused);
    return end;
}

void record_bind(struct result *record, const struct result_layout *layout, void *block)
{
    size_t end = 0;
    assert((uintptr_t)block % SLAB_ALIGNMENT == 0);
    record->layout = *layout;
    record->block = block;
    for (int id = 0; id < VAR_COUNT; id++)
        end = place(layout, (enum variable_id)id, end, &record->offset[id]);
}

void record_pack(const struct result *result, unsigned char *bytes)
{
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t size = slab_size(&result->layout, (enum variable_id)id);
        if (size)
            memcpy(bytes, result_slab(result, (enum variable_id)id), size);
        bytes += size;
    }
}

void record_unpack(struct result *result, const unsigned char *bytes, size_t size)
{
    assert(size == record_size(&result->layout));
    (void)size;
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t slab = slab_size(&result->layout, (enum variable_id)id);
        if (slab)
            memcpy(result_slab(result, (enum variable_id)id), bytes, slab);
        bytes += slab;
    }
}
