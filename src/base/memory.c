#include "base/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"

/* Every block is preceded by its size, in a header as large as the alignment. */
enum { ALIGNMENT = 64 };
/* A block of several large pages begins with one and asks for them: 512 faults become one. */
enum { LARGE_PAGE = 2 << 20, LARGE_BLOCK = 4 << 20 };
/* What a process keeps of blocks that were freed, and from which size on it keeps none: the most that glibc allows. */
enum { KEPT = 1 << 30, NOT_KEPT = 32 << 20 };

static size_t in_use, peak;

void *mem_alloc(size_t count, size_t size, struct error *err)
{
    size_t bytes, whole;
    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, (size_t)ALIGNMENT, &whole)) {
        error_set(err, ERROR_MEMORY, "asked for %zu blocks of %zu bytes: more than a machine can address",
                  count, size);
        return NULL;
    }
    size_t alignment = bytes < LARGE_BLOCK ? ALIGNMENT : LARGE_PAGE;
    void *block;
    if (posix_memalign(&block, alignment, whole) != 0) {
        error_set(err, ERROR_MEMORY,
                  "could not get %zu bytes beside the %zu already held: use a smaller network or batch, "
                  "or a machine with more memory", bytes, in_use);
        return NULL;
    }
    unsigned char *raw = block;
    if (alignment == LARGE_PAGE)
        madvise(raw, whole, MADV_HUGEPAGE);   /* a wish: without them all is as before */
    memcpy(raw, &bytes, sizeof bytes);
    memset(raw + ALIGNMENT, 0, bytes);
    in_use += bytes;
    if (in_use > peak)
        peak = in_use;
    return raw + ALIGNMENT;
}

void mem_free(void *block)
{
    if (!block)
        return;
    unsigned char *raw = (unsigned char *)block - ALIGNMENT;
    size_t bytes;
    memcpy(&bytes, raw, sizeof bytes);
    in_use -= bytes;
    free(raw);
}

size_t mem_in_use(void) { return in_use; }
size_t mem_peak(void) { return peak; }
void mem_reset_peak(void) { peak = in_use; }

void mem_keep_freed(void)
{
    mallopt(M_MMAP_THRESHOLD, NOT_KEPT);
    mallopt(M_TRIM_THRESHOLD, KEPT);
}
