/* IDX, the format of MNIST: two zero bytes, a type code, the number of dimensions, each
 * dimension as a big-endian 32-bit number, then the elements, big-endian, last dimension
 * fastest. Gzipped or plain. */
#ifndef RELIN_DATA_IDX_H
#define RELIN_DATA_IDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct stream;

enum { IDX_MAX_DIMS = 8 };

struct idx {
    const char *path;                /* borrowed */
    struct stream *stream;
    const struct idx_type *type;
    int n_dims;
    size_t dim[IDX_MAX_DIMS];
    size_t rows, row_size;           /* dim[0], and the product of the others */
};

/* Opens a file and checks its header, also against the size of the file. Returns 0, or -1
 * with *err filled. The caller closes (also after -1; zero-initialise). */
int idx_open(struct idx *idx, const char *path, struct error *err);
void idx_close(struct idx *idx);

/* Are the elements unsigned bytes; are they whole numbers? */
bool idx_is_bytes(const struct idx *idx);
bool idx_is_whole(const struct idx *idx);

/* All elements, rows * row_size of them, and then the end of the file. Once a file. Bytes as
 * they are, else any type as float (refused: not a number, infinite) or int32 (whole types only).
 * Return 0, or -1 with *err filled: truncated, corrupt, bytes behind the end. */
int idx_read_bytes(struct idx *idx, unsigned char *values, struct error *err);
int idx_read_floats(struct idx *idx, float *values, struct error *err);
int idx_read_whole(struct idx *idx, int32_t *values, struct error *err);

#endif
