#include "sweep/result.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"

/* Every slab begins on a cache line, so that typed access is aligned in shared memory too. */
enum { SLAB_ALIGNMENT = 64 };

bool result_absent(const struct result_layout *layout, enum variable_id id)
{
    return layout->absent[id / 64] >> id % 64 & 1;
}

void result_set_absent(struct result_layout *layout, enum variable_id id, bool absent)
{
    uint64_t bit = UINT64_C(1) << id % 64;
    layout->absent[id / 64] = absent ? layout->absent[id / 64] | bit : layout->absent[id / 64] & ~bit;
}

size_t result_count(const struct result_layout *layout, enum variable_id id)
{
    if (variables[id].writer == WRITER_SKELETON || variables[id].writer == WRITER_PLAN || result_absent(layout, id))
        return 0;
    switch (variables[id].dims) {
    case DIMS_JOB: return 1;
    case DIMS_EVAL: return layout->eval;
    case DIMS_REFRESH: return layout->refresh;
    case DIMS_SNAPSHOT: return layout->snapshot;
    case DIMS_LAYER: return layout->snapshot * layout->layer;
    case DIMS_EIGENVALUE: return layout->snapshot * layout->eigenvalue;
    case DIMS_KERNEL: return layout->kernel ? layout->snapshot * layout->probe * layout->probe : 0;
    case DIMS_PARAMETER: return layout->parameter;
    case DIMS_METRIC: return layout->metric;
    case DIMS_EVAL_METRIC: return layout->eval * layout->metric;
    case DIMS_COUNT: break;
    }
    assert(!"a variable has no dimensions");
    return 0;
}

static size_t slab_bytes(const struct result_layout *layout, enum variable_id id)
{
    return result_count(layout, id) * variable_type_size(variables[id].type);
}

static size_t place(const struct result_layout *layout, size_t *offset)
{
    size_t end = 0;
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t bytes = slab_bytes(layout, id);
        if (offset)
            offset[id] = bytes ? end : SIZE_MAX;
        end += (bytes + SLAB_ALIGNMENT - 1) / SLAB_ALIGNMENT * SLAB_ALIGNMENT;
    }
    return end;
}

size_t result_size(const struct result_layout *layout)
{
    return place(layout, NULL);
}

void result_bind(struct result *result, const struct result_layout *layout, void *block)
{
    assert((uintptr_t)block % SLAB_ALIGNMENT == 0);
    result->layout = *layout;
    result->block = block;
    place(layout, result->offset);
}

void result_clear(struct result *result)
{
    memset(result->block, 0, result_size(&result->layout));
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t count = result_count(&result->layout, id);
        void *slab = result_slab(result, id);
        for (size_t i = 0; i < count; i++)
            switch (variables[id].type) {
            case TYPE_F64: ((double *)slab)[i] = NAN; break;
            case TYPE_F32: ((float *)slab)[i] = NAN; break;
            case TYPE_I64: ((int64_t *)slab)[i] = -1; break;
            case TYPE_I32: ((int32_t *)slab)[i] = -1; break;
            default: break;
            }
    }
}

void *result_slab(const struct result *result, enum variable_id id)
{
    return result->offset[id] == SIZE_MAX ? NULL : result->block + result->offset[id];
}

static void *typed(const struct result *result, enum variable_id id, enum variable_type type)
{
    assert(variables[id].type == type);
    (void)type;
    return result_slab(result, id);
}

double *result_f64(const struct result *result, enum variable_id id)
{
    return typed(result, id, TYPE_F64);
}

float *result_f32(const struct result *result, enum variable_id id)
{
    return typed(result, id, TYPE_F32);
}

int64_t *result_i64(const struct result *result, enum variable_id id)
{
    return typed(result, id, TYPE_I64);
}

int32_t *result_i32(const struct result *result, enum variable_id id)
{
    return typed(result, id, TYPE_I32);
}

static size_t text_size(enum variable_id id)
{
    enum variable_type type = variables[id].type;
    assert(type == TYPE_TEXT16 || type == TYPE_TEXT64 || type == TYPE_TEXT256);
    return variable_type_size(type);
}

void result_set_text(struct result *result, enum variable_id id, const char *text)
{
    size_t room = text_size(id) - 1, length = strlen(text);
    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)   /* inside a character */
            length--;
    }
    char *slab = result_slab(result, id);
    memset(slab, 0, room + 1);
    memcpy(slab, text, length);
}

void result_end_texts(struct result *result)
{
    for (int id = 0; id < VAR_COUNT; id++) {
        enum variable_type type = variables[id].type;
        char *slab = result_slab(result, id);
        if (slab && (type == TYPE_TEXT16 || type == TYPE_TEXT64 || type == TYPE_TEXT256))
            slab[variable_type_size(type) - 1] = 0;
    }
}

const char *result_text(const struct result *result, enum variable_id id)
{
    (void)text_size(id);
    return result_slab(result, id);
}

uint32_t result_crc(const struct result *result)
{
    uint32_t crc = 0;
    for (int id = 0; id < VAR_COUNT; id++)
        if (id != VAR_STATUS && id != VAR_CRC && result->offset[id] != SIZE_MAX)
            crc = hash_crc32(crc, result_slab(result, id), slab_bytes(&result->layout, id));
    return crc;
}
