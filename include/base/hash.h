/* Identity of texts and integrity of rows. */
#ifndef RELIN_BASE_HASH_H
#define RELIN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_HEX_SIZE = 17 };   /* 16 hex digits and the end */

/* The first 64 bits of SHA-256 of size bytes, as 16 lower-case hex digits. */
void hash_hex(const void *bytes, size_t size, char hex[HASH_HEX_SIZE]);

/* CRC-32 (zlib's), continued from crc; start with 0. */
uint32_t hash_crc32(uint32_t crc, const void *bytes, size_t size);

#endif
