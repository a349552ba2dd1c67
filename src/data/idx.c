#include "data/idx.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "data/stream.h"

struct idx_type {
    unsigned char code;
    unsigned char size;
    bool whole;
    const char *name;
    double (*decode)(const unsigned char *bytes);
};

static uint64_t big_endian(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static double decode_ubyte(const unsigned char *b) { return b[0]; }
static double decode_byte(const unsigned char *b) { return (int8_t)b[0]; }
static double decode_short(const unsigned char *b) { return (int16_t)big_endian(b, 2); }
static double decode_int(const unsigned char *b) { return (int32_t)big_endian(b, 4); }

static double decode_float(const unsigned char *b)
{
    uint32_t bits = (uint32_t)big_endian(b, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double decode_double(const unsigned char *b)
{
    uint64_t bits = big_endian(b, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const struct idx_type types[] = {
    {0x08, 1, true, "unsigned byte", decode_ubyte},
    {0x09, 1, true, "signed byte", decode_byte},
    {0x0b, 2, true, "short", decode_short},
    {0x0c, 4, true, "int", decode_int},
    {0x0d, 4, false, "float", decode_float},
    {0x0e, 8, false, "double", decode_double},
};

static int read_exactly(struct idx *idx, void *bytes, size_t size, const char *what, struct error *err)
{
    size_t got;
    if (stream_read(idx->stream, bytes, size, &got, err) != 0)
        return -1;
    if (got < size)
        return error_set(err, ERROR_DATA, "%s: expected %zu bytes of %s, got %zu: truncated; fetch it again",
                         idx->path, size, what, got);
    return 0;
}

/* Believes a header only as far as a file of this size could hold what it promises. */
static int check_size(struct idx *idx, struct error *err)
{
    size_t header = 4 + 4 * (size_t)idx->n_dims, total = idx->type->size;
    bool overflow = false;
    idx->rows = idx->dim[0];
    idx->row_size = 1;
    for (int d = 0; d < idx->n_dims; d++) {
        if (idx->dim[d] == 0)
            return error_set(err, ERROR_DATA, "%s: dimension %d: expected 1 or more, got 0", idx->path, d);
        overflow |= __builtin_mul_overflow(total, idx->dim[d], &total);
        if (d > 0)
            overflow |= __builtin_mul_overflow(idx->row_size, idx->dim[d], &idx->row_size);
    }
    overflow |= __builtin_add_overflow(total, header, &total);
    uint64_t most = stream_most_bytes(idx->stream);
    if (overflow)
        return error_set(err, ERROR_DATA, "%s: expected dimensions of a possible size, got more than any memory "
                         "holds: corrupt header; fetch it again", idx->path);
    if (total > most)
        return error_set(err, ERROR_DATA, "%s: expected %zu bytes by its header, got a file that holds at most %llu: "
                         "truncated, or corrupt header; fetch it again", idx->path, total, (unsigned long long)most);
    return 0;
}

int idx_open(struct idx *idx, const char *path, struct error *err)
{
    unsigned char magic[4], dims[4 * IDX_MAX_DIMS];
    *idx = (struct idx){.path = path};
    idx->stream = stream_open(path, err);
    if (!idx->stream || read_exactly(idx, magic, sizeof magic, "IDX header", err) != 0)
        return -1;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        if (types[t].code == magic[2])
            idx->type = &types[t];
    if (magic[0] != 0 || magic[1] != 0 || !idx->type || magic[3] == 0 || magic[3] > IDX_MAX_DIMS)
        return error_set(err, ERROR_DATA, "%s: expected an IDX file (bytes 0, 0, a type 8 to 14, 1 to %d dimensions), "
                         "got bytes %u, %u, %u, %u", path, IDX_MAX_DIMS, magic[0], magic[1], magic[2], magic[3]);
    idx->n_dims = magic[3];
    if (read_exactly(idx, dims, 4 * (size_t)idx->n_dims, "IDX dimensions", err) != 0)
        return -1;
    for (int d = 0; d < idx->n_dims; d++)
        idx->dim[d] = big_endian(dims + 4 * d, 4);
    return check_size(idx, err);
}

void idx_close(struct idx *idx)
{
    stream_close(idx->stream);
    idx->stream = NULL;
}

bool idx_is_bytes(const struct idx *idx) { return idx->type->code == 0x08; }
bool idx_is_whole(const struct idx *idx) { return idx->type->whole; }

static int expect_end(struct idx *idx, struct error *err)
{
    unsigned char byte;
    size_t got;
    if (stream_read(idx->stream, &byte, 1, &got, err) != 0)
        return -1;
    if (got > 0)
        return error_set(err, ERROR_DATA, "%s: expected the end of the file after %zu elements of type %s, "
                         "got further bytes: corrupt header, or not this file alone", idx->path,
                         idx->rows * idx->row_size, idx->type->name);
    return 0;
}

int idx_read_bytes(struct idx *idx, unsigned char *values, struct error *err)
{
    assert(idx_is_bytes(idx));
    if (read_exactly(idx, values, idx->rows * idx->row_size, "elements", err) != 0)
        return -1;
    return expect_end(idx, err);
}

/* Calls store for every element in order. */
static int read_values(struct idx *idx, int (*store)(struct idx *, void *, size_t, double, struct error *),
                       void *values, struct error *err)
{
    unsigned char block[8192];
    size_t size = idx->type->size, total = idx->rows * idx->row_size;
    for (size_t first = 0; first < total;) {
        size_t count = sizeof block / size < total - first ? sizeof block / size : total - first;
        if (read_exactly(idx, block, count * size, "elements", err) != 0)
            return -1;
        for (size_t i = 0; i < count; i++)
            if (store(idx, values, first + i, idx->type->decode(block + i * size), err) != 0)
                return -1;
        first += count;
    }
    return expect_end(idx, err);
}

static int store_float(struct idx *idx, void *values, size_t i, double value, struct error *err)
{
    float rounded = (float)value;
    if (!isfinite(rounded))
        return error_set(err, ERROR_DATA, "%s: row %zu, element %zu: expected a finite number, got %g", idx->path,
                         i / idx->row_size, i % idx->row_size, value);
    ((float *)values)[i] = rounded;
    return 0;
}

static int store_whole(struct idx *idx, void *values, size_t i, double value, struct error *err)
{
    (void)idx, (void)err;
    ((int32_t *)values)[i] = (int32_t)value;
    return 0;
}

int idx_read_floats(struct idx *idx, float *values, struct error *err)
{
    return read_values(idx, store_float, values, err);
}

int idx_read_whole(struct idx *idx, int32_t *values, struct error *err)
{
    assert(idx_is_whole(idx));
    return read_values(idx, store_whole, values, err);
}
