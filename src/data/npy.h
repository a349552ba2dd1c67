/* Arrays of numbers in a .npz archive of numpy: a zip file whose members are .npy files, each a magic
 * number, a version, the text of a Python dictionary (descr, fortran_order, shape) and the elements.
 *
 * Only members that are asked for by name are opened, and only plain numbers in C order are read: what
 * holds Python objects is pickled, and unpickling runs whatever the file says, so it is never decoded. */
#ifndef RELIN_DATA_NPY_H
#define RELIN_DATA_NPY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum { NPY_MAX_DIMS = 8 };

struct npz {
    const char *path;             /* borrowed */
    struct zip *archive;
    uint64_t file_size;
};

/* Returns 0, or -1 with *err filled. The caller closes (also after -1; zero-initialise). */
int npz_open(struct npz *npz, const char *path, struct error *err);
void npz_close(struct npz *npz);

struct npy {
    const char *path, *name;      /* borrowed */
    struct zip_file *file;
    const struct npy_type *type;
    int n_dims;                   /* 0 for a single number */
    size_t dim[NPY_MAX_DIMS];
    size_t rows, row_size;        /* dim[0] (1 without dimensions), and the product of the others */
    size_t read;                  /* elements so far */
};

/* Opens a member ("imgs.npy") and checks its header: numbers, C order, and a shape that agrees with the
 * member's size, which agrees with what the archive can hold. Returns 0, or -1 with *err filled.
 * The caller closes (also after -1; zero-initialise). */
int npy_open(struct npy *npy, const struct npz *npz, const char *name, struct error *err);
void npy_close(struct npy *npy);

bool npy_is_bytes(const struct npy *npy);   /* elements of unsigned 8 bits */

/* The next count elements, as they are (bytes only) or as double. After the last one the end of the
 * member and its check sum are checked. Return 0, or -1 with *err filled. */
int npy_read_bytes(struct npy *npy, unsigned char *values, size_t count, struct error *err);
int npy_read_doubles(struct npy *npy, double *values, size_t count, struct error *err);

#endif
