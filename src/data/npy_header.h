/* The dictionary at the beginning of a .npy file. */
#ifndef RELIN_DATA_NPY_HEADER_H
#define RELIN_DATA_NPY_HEADER_H

#include "data/npy.h"

struct npy_header {
    char descr[32];               /* "<f8" */
    bool fortran_order;
    int n_dims;
    size_t dim[NPY_MAX_DIMS];
};

/* Parses the text of a header (ended with 0): a Python dictionary of exactly the keys descr, fortran_order
 * and shape, in any order, then blanks. Nothing else of Python is understood. Returns NULL, or what was
 * expected where the text is otherwise. */
const char *npy_header_parse(const char *text, struct npy_header *header);

#endif
