#include "data/npy.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "base/error.h"
#include "data/npy_header.h"

struct npy_type {
    const char *descr;
    size_t size;
    double (*decode)(const unsigned char *bytes);
};

/* Little-endian elements on a little-endian machine: the only ones there are of both. */
#define DECODE(name, type)                                  \
    static double name(const unsigned char *bytes)          \
    {                                                       \
        type value;                                         \
        memcpy(&value, bytes, sizeof value);                \
        return (double)value;                               \
    }
DECODE(decode_u1, uint8_t)
DECODE(decode_i1, int8_t)
DECODE(decode_u2, uint16_t)
DECODE(decode_i2, int16_t)
DECODE(decode_u4, uint32_t)
DECODE(decode_i4, int32_t)
DECODE(decode_u8, uint64_t)
DECODE(decode_i8, int64_t)
DECODE(decode_f4, float)
DECODE(decode_f8, double)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are decoded as they are");

static const struct npy_type types[] = {
    {"|u1", 1, decode_u1}, {"|i1", 1, decode_i1}, {"|b1", 1, decode_u1},
    {"<u2", 2, decode_u2}, {"<i2", 2, decode_i2}, {"<u4", 4, decode_u4}, {"<i4", 4, decode_i4},
    {"<u8", 8, decode_u8}, {"<i8", 8, decode_i8}, {"<f4", 4, decode_f4}, {"<f8", 8, decode_f8},
};

int npz_open(struct npz *npz, const char *path, struct error *err)
{
    struct stat status;
    int code = 0;
    *npz = (struct npz){.path = path};
    if (stat(path, &status) != 0)
        return error_set_errno(err, ERROR_DATA, "%s: could not be opened", path);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_DATA, "%s: expected a regular file, got something else", path);
    npz->file_size = (uint64_t)status.st_size;
    npz->archive = zip_open(path, ZIP_RDONLY, &code);
    if (npz->archive)
        return 0;
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    error_set(err, ERROR_DATA, "%s: expected a zip archive (.npz), got a file of %llu bytes that is none (%s): truncated "
              "or not this file; fetch it again", path, (unsigned long long)npz->file_size, zip_error_strerror(&why));
    zip_error_fini(&why);
    return -1;
}

void npz_close(struct npz *npz)
{
    if (npz->archive)
        zip_discard(npz->archive);
    npz->archive = NULL;
}

/* Finds the member and disbelieves sizes that no such archive could hold. */
static int find_member(const struct npz *npz, const char *name, zip_stat_t *member, struct error *err)
{
    enum { DEFLATE_BEST_RATIO = 1032 };
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_INDEX;
    if (zip_stat(npz->archive, name, 0, member) != 0)
        return error_set(err, ERROR_DATA, "%s: expected a member %s, got none of that name", npz->path, name);
    if ((member->valid & needed) != needed
        || (member->comp_method != ZIP_CM_STORE && member->comp_method != ZIP_CM_DEFLATE))
        return error_set(err, ERROR_DATA, "%s: %s: expected a stored or deflated member, got another method of "
                         "compression: write it with numpy.savez or savez_compressed", npz->path, name);
    bool stored = member->comp_method == ZIP_CM_STORE;
    if (member->comp_size > npz->file_size || (stored && member->size != member->comp_size)
        || (!stored && member->size / DEFLATE_BEST_RATIO > member->comp_size))
        return error_set(err, ERROR_DATA, "%s: %s: expected sizes that fit a file of %llu bytes, got %llu bytes packed "
                         "into %llu: corrupt; fetch it again", npz->path, name, (unsigned long long)npz->file_size,
                         (unsigned long long)member->size, (unsigned long long)member->comp_size);
    return 0;
}

static int read_exactly(struct npy *npy, void *bytes, size_t size, struct error *err)
{
    size_t got = 0;
    while (got < size) {
        zip_int64_t count = zip_fread(npy->file, (char *)bytes + got, size - got);
        if (count < 0)
            return error_set(err, ERROR_DATA, "%s: %s: expected intact data, got corrupt data (%s); fetch it again",
                             npy->path, npy->name, zip_file_strerror(npy->file));
        if (count == 0)
            return error_set(err, ERROR_DATA, "%s: %s: expected %zu more bytes, got %zu: truncated; fetch it again",
                             npy->path, npy->name, size, got);
        got += (size_t)count;
    }
    return 0;
}

/* The text of the header, ended with 0; *total is the number of bytes before the elements. */
static int read_header(struct npy *npy, char *text, size_t room, size_t *total, struct error *err)
{
    unsigned char start[12];
    if (read_exactly(npy, start, 10, err) != 0)
        return -1;
    if (memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3 || start[7] != 0)
        return error_set(err, ERROR_DATA, "%s: %s: expected numpy's array format, version 1.0 to 3.0, got other bytes",
                         npy->path, npy->name);
    size_t length = start[8] | (size_t)start[9] << 8, fixed = start[6] == 1 ? 10 : 12;
    if (fixed == 12) {
        if (read_exactly(npy, start + 10, 2, err) != 0)
            return -1;
        length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    if (length >= room)
        return error_set(err, ERROR_DATA, "%s: %s: expected a header of less than %zu bytes, got %zu", npy->path,
                         npy->name, room, length);
    if (read_exactly(npy, text, length, err) != 0)
        return -1;
    text[length] = 0;
    *total = fixed + length;
    if (strlen(text) != length)
        return error_set(err, ERROR_DATA, "%s: %s: header: expected a text, got a byte of 0 in it", npy->path, npy->name);
    return 0;
}

static int find_type(struct npy *npy, const struct npy_header *header, struct error *err)
{
    if (strcmp(header->descr, "|O") == 0)
        return error_set(err, ERROR_DATA, "%s: %s: expected numbers, got Python objects (pickled), which are never "
                         "decoded: save it as an array of numbers", npy->path, npy->name);
    for (size_t t = 0; t < sizeof types / sizeof *types && !npy->type; t++)
        if (strcmp(types[t].descr, header->descr) == 0)
            npy->type = &types[t];
    if (!npy->type)
        return error_set(err, ERROR_DATA, "%s: %s: expected little-endian integers or floats of 1 to 8 bytes (|u1, <i8, "
                         "<f8, ...), got %s", npy->path, npy->name, header->descr);
    if (header->fortran_order && header->n_dims > 1)
        return error_set(err, ERROR_DATA, "%s: %s: expected an array in C order (fortran_order False), got Fortran "
                         "order: save it with numpy.ascontiguousarray", npy->path, npy->name);
    return 0;
}

/* Believes a shape only if the member is of exactly that size. */
static int check_size(struct npy *npy, size_t header, uint64_t size, struct error *err)
{
    size_t total = npy->type->size;
    bool overflow = false;
    npy->rows = npy->n_dims ? npy->dim[0] : 1;
    npy->row_size = 1;
    for (int d = 0; d < npy->n_dims; d++) {
        overflow |= __builtin_mul_overflow(total, npy->dim[d], &total);
        if (d > 0)
            overflow |= __builtin_mul_overflow(npy->row_size, npy->dim[d], &npy->row_size);
    }
    overflow |= __builtin_add_overflow(total, header, &total);
    if (overflow || total != size)
        return error_set(err, ERROR_DATA, "%s: %s: expected %zu bytes by its header%s, got %llu: corrupt; fetch it again",
                         npy->path, npy->name, total, overflow ? " (and more than can be counted)" : "",
                         (unsigned long long)size);
    return 0;
}

int npy_open(struct npy *npy, const struct npz *npz, const char *name, struct error *err)
{
    char text[4096];
    zip_stat_t member;
    struct npy_header header;
    size_t total = 0;
    *npy = (struct npy){.path = npz->path, .name = name};
    if (find_member(npz, name, &member, err) != 0)
        return -1;
    npy->file = zip_fopen_index(npz->archive, member.index, 0);
    if (!npy->file)
        return error_set(err, ERROR_DATA, "%s: %s: could not be opened: %s", npz->path, name,
                         zip_strerror(npz->archive));
    if (read_header(npy, text, sizeof text, &total, err) != 0)
        return -1;
    const char *expected = npy_header_parse(text, &header);
    if (expected)
        return error_set(err, ERROR_DATA, "%s: %s: header: expected %s, got %.80s", npy->path, name, expected, text);
    npy->n_dims = header.n_dims;
    memcpy(npy->dim, header.dim, sizeof npy->dim);
    return find_type(npy, &header, err) || check_size(npy, total, member.size, err) ? -1 : 0;
}

void npy_close(struct npy *npy)
{
    if (npy->file)
        zip_fclose(npy->file);
    npy->file = NULL;
}

bool npy_is_bytes(const struct npy *npy) { return strcmp(npy->type->descr, "|u1") == 0; }

/* Counts elements; libzip compares the check sum when the end is met. */
static int advance(struct npy *npy, size_t count, struct error *err)
{
    char byte;
    npy->read += count;
    if (npy->read < npy->rows * npy->row_size)
        return 0;
    zip_int64_t more = zip_fread(npy->file, &byte, 1);
    if (more == 0)
        return 0;
    return error_set(err, ERROR_DATA, "%s: %s: expected the end of the member and its check sum, got %s; fetch it again",
                     npy->path, npy->name, more > 0 ? "further bytes" : zip_file_strerror(npy->file));
}

int npy_read_bytes(struct npy *npy, unsigned char *values, size_t count, struct error *err)
{
    assert(npy_is_bytes(npy) && count <= npy->rows * npy->row_size - npy->read);
    return read_exactly(npy, values, count, err) || advance(npy, count, err) ? -1 : 0;
}

int npy_read_doubles(struct npy *npy, double *values, size_t count, struct error *err)
{
    unsigned char block[8192];
    size_t size = npy->type->size;
    assert(count <= npy->rows * npy->row_size - npy->read);
    for (size_t first = 0; first < count;) {
        size_t n = sizeof block / size < count - first ? sizeof block / size : count - first;
        if (read_exactly(npy, block, n * size, err) != 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            values[first + i] = npy->type->decode(block + i * size);
        first += n;
    }
    return advance(npy, count, err);
}
