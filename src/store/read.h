/* A reader's inside, for those who make a file from another. Private to the store. */
#ifndef RELIN_STORE_READ_H
#define RELIN_STORE_READ_H

#include "hdf.h"

struct store_reader {
    struct rows rows;
    char *axes_text;         /* the names, cut at the spaces */
    const char **axes;
    size_t n_axes;
};

/* Row `row` of a file into row `job` of another, with a new checksum. from and to: scratch, bound to the
 * layouts of the two. Returns 0, or -1 with *err filled. */
int rows_carry(const struct store_reader *reader, size_t row, struct result *from, struct rows *rows, size_t job,
               struct result *to, struct error *err);

#endif
