/* Where pools come from. A source first measures a set (cheaply: headers, labels), so that
 * memory can be got for it, then fills that memory. To add a reader or a procedural set,
 * write one file with a `struct data_source` and add its row to the table in catalogue.c, or
 * call source_register where the reader needs what this layer may not use (the store's HDF5). */
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
    bool has_targets;        /* does data.target choose what is predicted? */
    /* Set NAME is also found as NAME + suffix: beginning with a dot (".npz") a file, under the root or under
     * one of its folders; else a folder under the root ("-batches-bin"). NULL: as a folder NAME only. */
    const char *suffix;
    const char *expects;     /* the files, for messages; NULL for procedural sets */
    /* Is the folder of this format? Looks at names of files only. NULL: it has no folders. */
    bool (*claims)(const char *folder);
    /* Return 0, or -1 with *err filled. where: the folder or file; empty for procedural sets. */
    int (*measure)(const struct data_spec *spec, const char *where, struct set_shape *shape, struct error *err);
    int (*fill)(const struct data_spec *spec, const char *where, const struct set_shape *shape,
                const struct pool_memory memory[POOL_COUNT], struct error *err);
    /* Procedural sets: adds the keys of the specification that decide the pools, as " key=value" each. */
    void (*identify)(const struct data_spec *spec, struct text *identity);
};

extern const struct data_source source_sprites, source_teacher, source_idx, source_cifar, source_dsprites;

/* Adds a source of files to the table for the life of the process; again is the same as once. */
void source_register(const struct data_source *source);

size_t shape_features(const struct set_shape *shape);

/* Every set of files under root, in the order of the alphabet of its folders and files: its name, source and
 * place. source is NULL for a folder that holds none. */
void source_each(const char *root, void (*visit)(void *context, const char *name, const struct data_source *source,
                                                 const char *where), void *context);

/* The source of a set by its name, and the folder or file it reads (where: size chars; empty for a
 * procedural set). Returns NULL with *err filled: the names there are, and the nearest. */
const struct data_source *source_find(const char *set, const char *root, char *where, size_t size,
                                      struct error *err);
/* Fills *err: the folder holds no set, and what would be one. */
void source_refuse(const char *folder, struct error *err);

/* --- for readers --- */
/* Labels must be 0..classes-1; where *classes is 0 it is found, and each class must then occur. path: of the
 * labels, for messages. Returns 0, or -1 with *err filled. */
int labels_check(const char *path, const int32_t *label, size_t rows, size_t *classes, struct error *err);

/* --- the table --- */
/* Number n of the sources, or NULL after the last. */
const struct data_source *source_at(size_t n);
/* The procedural set of this name, or NULL: a set of files. */
const struct data_source *source_procedural(const char *set);

#endif
