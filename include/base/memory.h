/* Checked, counted memory. Blocks are zeroed and aligned to 64 bytes.
 * The high-water mark is what a job reports as its peak memory: pages that are
 * shared with other processes (the data) are not in it. Not thread safe. */
#ifndef RELIN_BASE_MEMORY_H
#define RELIN_BASE_MEMORY_H

#include <stddef.h>

struct error;

/* Returns count*size zeroed bytes, or NULL with *err filled (also on overflow of
 * the product). A product of 0 gives a valid block. The caller frees with mem_free. */
void *mem_alloc(size_t count, size_t size, struct error *err);

/* Frees a block of mem_alloc; accepts NULL. */
void mem_free(void *block);

/* From now on this process keeps what it frees, but for large blocks, for the next one that it asks for: else the system clears
 * pages and hands them out again for each, which takes longer than the work of a small job. */
void mem_keep_freed(void);

/* Bytes held now, and the most ever held since mem_reset_peak. */
size_t mem_in_use(void);
size_t mem_peak(void);
void mem_reset_peak(void);

#endif
