#include "data/segment.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

enum { SEGMENT_VERSION = 1, SEGMENT_ALIGNMENT = 64 };
static const char segment_magic[8] = "relinset";

struct segment {
    char magic[8];
    uint32_t version, header_size;
    struct set_shape shape;
    uint32_t crc;            /* of all before it: nothing of the header is used before that was checked */
    atomic_uint complete;    /* 1 when the pools are filled */
};

struct segment_offsets {
    size_t x[POOL_COUNT], y[POOL_COUNT];
};

size_t shape_features(const struct set_shape *shape)
{
    size_t features = 1;
    for (int d = 0; d < shape->n_dims; d++)
        if (__builtin_mul_overflow(features, shape->shape[d], &features))
            return 0;
    return features;
}

/* Reserves count * width * size bytes at the next aligned place. False when that overflows. */
static bool place(size_t *end, size_t count, size_t width, size_t size, size_t *offset)
{
    size_t bytes, aligned;
    if (__builtin_mul_overflow(count, width, &bytes) || __builtin_mul_overflow(bytes, size, &bytes)
        || __builtin_add_overflow(*end, (size_t)(SEGMENT_ALIGNMENT - 1), &aligned))
        return false;
    aligned = aligned / SEGMENT_ALIGNMENT * SEGMENT_ALIGNMENT;
    *offset = aligned;
    return !__builtin_add_overflow(aligned, bytes, end);
}

static size_t lay_out(const struct set_shape *shape, struct segment_offsets *offsets)
{
    size_t end = sizeof(struct segment), features = shape_features(shape);
    bool classes = shape->task == TASK_CLASSIFICATION;
    for (int p = 0; p < POOL_COUNT; p++)
        if (features == 0
            || !place(&end, shape->rows[p], features, shape->bytes ? 1 : sizeof(float), &offsets->x[p])
            || !place(&end, shape->rows[p], classes ? 1 : shape->outputs, classes ? sizeof(int32_t) : sizeof(float),
                      &offsets->y[p]))
            return 0;
    return end;
}

size_t segment_size(const struct set_shape *shape)
{
    struct segment_offsets offsets;
    return lay_out(shape, &offsets);
}

void segment_begin(void *map, size_t size, const struct set_shape *shape, struct pool_memory memory[POOL_COUNT])
{
    struct segment *segment = map;
    struct segment_offsets offsets;
    size_t end = lay_out(shape, &offsets);
    assert(end == size);
    (void)end;
    memcpy(segment->magic, segment_magic, sizeof segment->magic);
    segment->version = SEGMENT_VERSION;
    segment->header_size = sizeof *segment;
    segment->shape = *shape;
    segment->crc = hash_crc32(0, segment, offsetof(struct segment, crc));
    for (int p = 0; p < POOL_COUNT; p++) {
        void *y = (char *)map + offsets.y[p];
        bool classes = shape->task == TASK_CLASSIFICATION;
        memory[p] = (struct pool_memory){(char *)map + offsets.x[p], classes ? y : NULL, classes ? NULL : y};
    }
}

void segment_complete(void *map)
{
    atomic_store_explicit(&((struct segment *)map)->complete, 1, memory_order_release);
}

static int check_header(struct segment *segment, size_t size, const char *name, struct error *err)
{
    if (size < sizeof *segment || memcmp(segment->magic, segment_magic, sizeof segment_magic) != 0)
        return error_set(err, ERROR_DATA, "%s: expected a data set in shared memory, got %zu bytes of something else",
                         name, size);
    if (segment->version != SEGMENT_VERSION || segment->header_size != sizeof *segment)
        return error_set(err, ERROR_DATA, "%s: expected a data set of version %d, got version %u: made by another "
                         "relin; remove it", name, SEGMENT_VERSION, segment->version);
    if (atomic_load_explicit(&segment->complete, memory_order_acquire) != 1)
        return error_set(err, ERROR_DATA, "%s: expected a complete data set, got one whose maker has not finished "
                         "(or died): publish it again", name);
    if (segment->crc != hash_crc32(0, segment, offsetof(struct segment, crc)))
        return error_set(err, ERROR_DATA, "%s: expected an intact header, got another check sum: damaged; publish it "
                         "again", name);
    size_t expected = segment_size(&segment->shape);
    if (expected != size)
        return error_set(err, ERROR_DATA, "%s: expected %zu bytes by its header, got %zu: damaged; publish it again",
                         name, expected, size);
    return 0;
}

int segment_attach(struct dataset *set, void *map, size_t size, const char *name, struct error *err)
{
    struct segment_offsets offsets;
    if (check_header(map, size, name, err) != 0)
        return -1;
    const struct set_shape *shape = &((struct segment *)map)->shape;
    lay_out(shape, &offsets);
    *set = (struct dataset){
        .outputs = shape->outputs, .task = shape->task, .n_dims = shape->n_dims, .map = map, .map_size = size};
    memcpy(set->shape, shape->shape, sizeof set->shape);
    struct data_pool *pools[POOL_COUNT] = {&set->train, &set->test};
    for (int p = 0; p < POOL_COUNT; p++) {
        const void *y = (char *)map + offsets.y[p];
        *pools[p] = (struct data_pool){
            .rows = shape->rows[p], .features = shape_features(shape), .bytes = shape->bytes,
            .x = (char *)map + offsets.x[p],
            .label = set->task == TASK_CLASSIFICATION ? y : NULL,
            .target = set->task == TASK_REGRESSION ? y : NULL,
        };
    }
    return 0;
}
