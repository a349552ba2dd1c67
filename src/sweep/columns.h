/* The further axes of a grid, as columns of the result file. */
#ifndef RELIN_SWEEP_COLUMNS_H
#define RELIN_SWEEP_COLUMNS_H

#include "sweep/sweep.h"

struct columns {
    size_t n;
    char **path;
};

/* Remembers an axis, once, unless the file has a column for it anyway. */
void columns_add(struct columns *columns, const char *path);

/* Fills sweep->axes with the resolved value of every job. */
void columns_fill(const struct columns *columns, struct sweep *sweep);

void columns_free(struct columns *columns);

#endif
