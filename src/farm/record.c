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
