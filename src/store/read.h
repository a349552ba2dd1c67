/* A reader's inside, for store_build. Private to the store. */
#ifndef RELIN_STORE_READ_H
#define RELIN_STORE_READ_H

#include "hdf.h"

struct store_reader {
    struct rows rows;
    char *axes_text;         /* the names, cut at the spaces */
    const char **axes;
    size_t n_axes;
};

#endif
