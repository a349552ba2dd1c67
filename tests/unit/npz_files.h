/* Small .npz archives written byte by byte, so that every part of them can be wrong. */
#ifndef RELIN_TESTS_NPZ_FILES_H
#define RELIN_TESTS_NPZ_FILES_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ZIP_MOST = 1 << 20, ZIP_MOST_MEMBERS = 8 };

struct zip_member {
    const char *name;
    const unsigned char *bytes;
    size_t size;
    bool deflate;
    uint32_t wrong_crc;            /* added to the check sum */
    int64_t wrong_size;            /* added to the size in both headers */
    uint16_t method;               /* 0: as deflate says */
};

static inline void zip_number(unsigned char *out, size_t *at, uint64_t value, int bytes)
{
    for (int b = 0; b < bytes; b++)
        out[(*at)++] = (unsigned char)(value >> (8 * b));
}

/* The packed bytes of a member; returns their number. */
static inline size_t zip_pack(const struct zip_member *m, unsigned char *out)
{
    if (!m->deflate) {
        memcpy(out, m->bytes, m->size);
        return m->size;
    }
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)m->bytes;
    z.avail_in = (uInt)m->size;
    z.next_out = out;
    z.avail_out = ZIP_MOST;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return ZIP_MOST - z.avail_out;
}

/* What local header and directory share: from "version needed" to the lengths of name and extra. */
static inline void zip_fields(const struct zip_member *m, size_t packed, unsigned char *out, size_t *at)
{
    zip_number(out, at, 20, 2);
    zip_number(out, at, 0, 2);
    zip_number(out, at, m->method ? m->method : m->deflate ? 8 : 0, 2);
    zip_number(out, at, 0, 4);
    zip_number(out, at, (uint32_t)crc32(0, m->bytes, (uInt)m->size) + m->wrong_crc, 4);
    zip_number(out, at, packed, 4);
    zip_number(out, at, (uint64_t)((int64_t)m->size + m->wrong_size), 4);
    zip_number(out, at, strlen(m->name), 2);
    zip_number(out, at, 0, 2);
}

/* The archive of n members into out (ZIP_MOST); returns its size. */
static inline size_t zip_bytes(const struct zip_member *members, size_t n, unsigned char *out)
{
    static unsigned char data[ZIP_MOST];
    size_t at = 0, offset[ZIP_MOST_MEMBERS], packed[ZIP_MOST_MEMBERS];
    for (size_t i = 0; i < n; i++) {
        offset[i] = at;
        packed[i] = zip_pack(&members[i], data);
        zip_number(out, &at, 0x04034b50, 4);
        zip_fields(&members[i], packed[i], out, &at);
        memcpy(out + at, members[i].name, strlen(members[i].name));
        at += strlen(members[i].name);
        memcpy(out + at, data, packed[i]);
        at += packed[i];
    }
    size_t directory = at;
    for (size_t i = 0; i < n; i++) {
        zip_number(out, &at, 0x02014b50, 4);
        zip_number(out, &at, 20, 2);
        zip_fields(&members[i], packed[i], out, &at);
        zip_number(out, &at, 0, 6);   /* length of the comment, disk, attributes inside */
        zip_number(out, &at, 0, 4);   /* attributes outside */
        zip_number(out, &at, offset[i], 4);
        memcpy(out + at, members[i].name, strlen(members[i].name));
        at += strlen(members[i].name);
    }
    size_t length = at - directory;
    zip_number(out, &at, 0x06054b50, 4);
    zip_number(out, &at, 0, 4);
    zip_number(out, &at, n, 2);
    zip_number(out, &at, n, 2);
    zip_number(out, &at, length, 4);
    zip_number(out, &at, directory, 4);
    zip_number(out, &at, 0, 2);
    return at;
}

/* The bytes of a .npy member with this text as its header; returns their number. */
static inline size_t npy_bytes(unsigned char *out, const char *header, const void *data, size_t size)
{
    size_t length = strlen(header), at = 8;
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    zip_number(out, &at, length, 2);
    memcpy(out + at, header, length);
    if (size)
        memcpy(out + at + length, data, size);
    return at + length + size;
}

#endif
