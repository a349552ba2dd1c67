/* Where pools come from. A source first measures a set (cheaply: headers, labels), so that
 * memory can be got for it, then fills that memory. To add a reader or a procedural set,
 * write one file with a `struct data_source` and add its row to the table in catalogue.c. */
#ifndef RELIN_DATA_SOURCE_H
#define RELIN_DATA_SOURCE_H

#include "data/dataset.h"

enum pool_kind { POOL_TRAIN, POOL_TEST, POOL_COUNT };

/* The example of number n of a pool of a procedural set draws from this substream of
 * RANDOM_SET, whatever the size of the pool; the pools never meet. What belongs to the set
 * and not to an example draws from the substreams of POOL_COUNT. */
static inline uint64_t source_substream(unsigned pool, uint64_t n) { return (uint64_t)pool << 48 | n; }

struct set_shape {
    size_t rows[POOL_COUNT];
    bool bytes;
    enum data_task task;
    size_t outputs;
    int n_dims;
    size_t shape[DATA_MAX_DIMS];
};

/* Memory of one pool, zeroed: x (rows, features) of unsigned char or float, and one of
 * label (rows) and target (rows, outputs). */
struct pool_memory {
    void *x;
    int32_t *label;
    float *target;
};

struct data_source {
    const char *name;        /* of the procedural set, or of the format of files */
    const char *description; /* for people, one line */
    bool procedural;
    /* Is the folder of this format? Looks at names of files only. NULL for procedural sets. */
    bool (*claims)(const char *folder);
    /* Return 0, or -1 with *err filled. folder is NULL for procedural sets. */
    int (*measure)(const struct data_spec *spec, const char *folder, struct set_shape *shape, struct error *err);
    int (*fill)(const struct data_spec *spec, const char *folder, const struct set_shape *shape,
                const struct pool_memory memory[POOL_COUNT], struct error *err);
    /* Adds the keys of the specification that decide the pools, as " key=value" each. */
    void (*identify)(const struct data_spec *spec, struct text *identity);
};

extern const struct data_source source_sprites, source_teacher, source_idx;

size_t shape_features(const struct set_shape *shape);

/* The source of a set by its name, and the folder it reads (folder: size chars; empty for a
 * procedural set). Returns NULL with *err filled: the names there are, and the nearest. */
const struct data_source *source_find(const char *set, const char *root, char *folder, size_t size,
                                      struct error *err);
/* The procedural set of this name, or NULL: a set of files. */
const struct data_source *source_procedural(const char *set);

#endif
