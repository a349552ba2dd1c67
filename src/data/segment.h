/* One block of memory that holds a whole set: a header, then x and labels or targets of
 * each pool. The same in shared and in private memory. */
#ifndef RELIN_DATA_SEGMENT_H
#define RELIN_DATA_SEGMENT_H

#include "data/source.h"

/* Bytes a set of this shape takes; 0 when no memory can hold it. */
size_t segment_size(const struct set_shape *shape);

/* Writes the header into size zeroed bytes and says where the pools' memory is. */
void segment_begin(void *map, size_t size, const struct set_shape *shape, struct pool_memory memory[POOL_COUNT]);
/* Marks the set as complete: the last thing its maker does. */
void segment_complete(void *map);

/* Points a set into a complete segment, whose header is checked against size. name is for
 * messages. Returns 0, or -1 with *err filled. */
int segment_attach(struct dataset *set, void *map, size_t size, const char *name, struct error *err);

#endif
