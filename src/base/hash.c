#include "base/hash.h"

/* Not EVP: its algorithms are objects to be fetched, which costs a process 0.5 ms, and each child some pages. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <zlib.h>

void hash_hex(const void *bytes, size_t size, char hex[HASH_HEX_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX sha256;
    SHA256_Init(&sha256);
    SHA256_Update(&sha256, bytes, size);
    SHA256_Final(digest, &sha256);
    for (int i = 0; i < 16; i++)
        hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    hex[16] = 0;
}

uint32_t hash_crc32(uint32_t crc, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc, bytes, size);
}
