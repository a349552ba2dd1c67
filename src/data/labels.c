/* Labels of files, checked. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source.h"

int labels_check(const char *path, const int32_t *label, size_t rows, size_t *classes, struct error *err)
{
    enum { MOST_CLASSES = 1 << 16 };
    size_t most = *classes ? *classes : MOST_CLASSES, found = 0;
    for (size_t i = 0; i < rows; i++) {
        if (label[i] < 0 || (size_t)label[i] >= most)
            return error_set(err, ERROR_DATA, "%s: row %zu: expected a label of 0 to %zu, got %d", path, i, most - 1,
                             label[i]);
        found = (size_t)label[i] >= found ? (size_t)label[i] + 1 : found;
    }
    if (*classes)
        return 0;
    *classes = found;
    unsigned char *seen = mem_alloc(found, 1, err);
    if (!seen)
        return -1;
    for (size_t i = 0; i < rows; i++)
        seen[label[i]] = 1;
    unsigned char *gap = memchr(seen, 0, found);
    size_t missing = gap ? (size_t)(gap - seen) : 0;
    mem_free(seen);
    if (gap)
        return error_set(err, ERROR_DATA, "%s: expected labels 0 to classes-1 that all occur, got a largest label of "
                         "%zu and no row of class %zu", path, found - 1, missing);
    return 0;
}
