/* One copy of equal blocks. The jobs of a sweep say the same of their networks thousands of times: they hold one specification
 * together. Not thread safe. */
#ifndef RELIN_BASE_SHARE_H
#define RELIN_BASE_SHARE_H

#include <stddef.h>

/* The copy of these bytes, made where nobody holds one yet; aligned for any type, never to be changed. Equal bytes, equal
 * pointer. NULL where size is 0. Whoever holds it gives it back once with share_drop. Out of memory aborts: blocks are small. */
const void *share_hold(const void *block, size_t size);
/* Frees the copy once nobody holds it; accepts NULL. */
void share_drop(const void *shared);

#endif
