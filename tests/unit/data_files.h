/* Small IDX files in a temporary folder, for tests of the data layer. */
#ifndef RELIN_TESTS_DATA_FILES_H
#define RELIN_TESTS_DATA_FILES_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A fresh root folder with one folder `tiny` in it; removed by files_remove. */
static inline void files_make(char root[64])
{
    char folder[96];
    strcpy(root, "/tmp/relin-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/tiny", root);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}

static inline void files_remove(const char *root)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

/* Back to what files_make left. */
static inline void files_empty(const char *root)
{
    char command[192];
    snprintf(command, sizeof command, "rm -rf '%s'/* && mkdir -m 700 '%s/tiny'", root, root);
    ck_assert_int_eq(system(command), 0);
}

/* Writes bytes to root/tiny/name, gzipped where name ends with .gz. */
static inline void files_write(const char *root, const char *name, const void *bytes, size_t size)
{
    char path[192];
    snprintf(path, sizeof path, "%s/tiny/%s", root, name);
    size_t length = strlen(name);
    const char *mode = length > 3 && strcmp(name + length - 3, ".gz") == 0 ? "wb" : "wbT";
    gzFile file = gzopen(path, mode);
    ck_assert_ptr_nonnull(file);
    ck_assert(size == 0 || gzwrite(file, bytes, (unsigned)size) == (int)size);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static inline size_t files_read(const char *root, const char *name, unsigned char *bytes, size_t room)
{
    char path[192];
    snprintf(path, sizeof path, "%s/tiny/%s", root, name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

/* Writes bytes as they are. */
static inline void files_write_raw(const char *root, const char *name, const void *bytes, size_t size)
{
    char path[192];
    snprintf(path, sizeof path, "%s/tiny/%s", root, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* The bytes of an IDX file: header, then data; returns their number. */
static inline size_t files_idx(unsigned char *out, unsigned char type, int n_dims, const uint32_t *dims,
                               const void *data, size_t size)
{
    size_t n = 0;
    out[n++] = 0, out[n++] = 0, out[n++] = type, out[n++] = (unsigned char)n_dims;
    for (int d = 0; d < n_dims; d++)
        for (int shift = 24; shift >= 0; shift -= 8)
            out[n++] = (unsigned char)(dims[d] >> shift);
    memcpy(out + n, data, size);
    return n + size;
}

enum { TINY_TRAIN = 30, TINY_TEST = 12, TINY_SIDE = 4, TINY_CLASSES = 3 };

static inline unsigned char tiny_pixel(unsigned pool, size_t i) { return (unsigned char)(i * 7 + 13 * pool + 1); }
static inline unsigned char tiny_label(size_t i) { return (unsigned char)(i % TINY_CLASSES); }

/* The four files of a small set: images 4x4, three classes. suffix: "-idx%d-ubyte", ".idx%d-ubyte.gz", ... */
static inline void files_write_tiny(const char *root, const char *suffix)
{
    static const char *const names[2][2] = {{"train-images", "train-labels"}, {"t10k-images", "t10k-labels"}};
    unsigned char data[2048], file[2100];
    for (unsigned pool = 0; pool < 2; pool++) {
        uint32_t rows = pool ? TINY_TEST : TINY_TRAIN, dims[3] = {rows, TINY_SIDE, TINY_SIDE};
        char name[64], end[32];
        size_t size = rows * TINY_SIDE * TINY_SIDE;
        for (size_t i = 0; i < size; i++)
            data[i] = tiny_pixel(pool, i);
        snprintf(end, sizeof end, suffix, 3);
        snprintf(name, sizeof name, "%s%s", names[pool][0], end);
        files_write(root, name, file, files_idx(file, 8, 3, dims, data, size));
        for (size_t i = 0; i < rows; i++)
            data[i] = tiny_label(i);
        snprintf(end, sizeof end, suffix, 1);
        snprintf(name, sizeof name, "%s%s", names[pool][1], end);
        files_write(root, name, file, files_idx(file, 8, 1, dims, data, rows));
    }
}

#endif
