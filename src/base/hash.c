#include "base/hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <zlib.h>

void hash_hex(const void *bytes, size_t size, char hex[HASH_HEX_SIZE])
{
    static EVP_MD *sha256;   /* looked up once */
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (!sha256)
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    int ok = sha256 && EVP_Digest(bytes, size, digest, &length, sha256, NULL);
    assert(ok && length >= 8);
    (void)ok;
    for (int i = 0; i < 16; i++)
        hex[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
    hex[16] = 0;
}

uint32_t hash_crc32(uint32_t crc, const void *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc, bytes, size);
}
