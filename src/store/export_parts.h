/* A netCDF-4 copy on its way. Private to the store's export files.
 *
 * Functions return 0 (or a handle >= 0), or -1 with *c->err filled. */
#ifndef RELIN_STORE_EXPORT_PARTS_H
#define RELIN_STORE_EXPORT_PARTS_H

#include "hdf.h"

enum { EXPORT_RANK = 8 };

struct copying {
    hid_t to;                    /* the file that is made */
    hsize_t *row, n_rows;        /* rows of the source that are taken, ascending */
    hsize_t jobs;                /* rows of the source */
    int level;                   /* of deflate */
    bool dry;                    /* all but the numbers, into memory */
    int32_t n_dimensions;        /* so far: netCDF numbers them */
    size_t variables;
    struct error *err;
};

/* A dataset of the source: where it is, and its shape. */
struct source {
    hid_t dataset, type;
    int rank;
    hsize_t dims[EXPORT_RANK];
    bool by_job;                 /* the first axis is that of jobs */
};

/* The dataset that takes the source's chosen rows, with them in it. name: below location. The caller closes. */
hid_t export_values(struct copying *c, const struct source *source, hid_t location, const char *name);

#endif
