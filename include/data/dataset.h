/* Data sets: a pool of training examples and a pool of test examples, read or made
 * once per node into named POSIX shared memory and mapped read-only by every child.
 *
 * Values are kept in storage type (unsigned char for images: value/255; float
 * otherwise); children convert the rows they need (data/gather.h), so a pool is
 * never copied. Images are NCHW. */
#ifndef RELIN_DATA_DATASET_H
#define RELIN_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct error;

enum { DATA_NAME_SIZE = 64, DATA_MAX_DIMS = 3, DATA_ALL = -1 };
enum { DATA_MAX_SIDE = 4096 };   /* pixels a line of images that are augmented */

enum data_task { TASK_CLASSIFICATION, TASK_REGRESSION };
enum data_normalise {
    NORMALISE_CHANNEL,   /* subtract the training subset's mean, divide by its standard
                            deviation: one scalar each per channel */
    NORMALISE_NONE
};
enum teacher_kind { TEACHER_MULTI_INDEX, TEACHER_NETWORK };
/* dSprites: what is predicted; AUTO is the shape for classes, the orientation for regression. */
enum data_target { TARGET_AUTO, TARGET_ORIENTATION, TARGET_SCALE, TARGET_POSITION, TARGET_SHAPE };

/* How training images are varied at each step (data/augment.h). All zero: not at all. */
struct augmentation {
    int64_t crop;                   /* most pixels an image is moved by, up or down, left or right */
    bool flip;                      /* every other image, by chance, left to right */
};

const char *data_target_name(enum data_target target);

/* What a sweep says under `data:`. Counts may be DATA_ALL ("all"). */
struct data_spec {
    char set[DATA_NAME_SIZE];       /* sprites, teacher, or a folder or file under RELIN_DATA (catalogue.c) */
    int64_t train, validation, test;
    enum data_task task;
    enum data_normalise normalise;
    struct augmentation augment;
    double label_noise;             /* fraction of the training labels that are replaced by wrong ones */
    enum data_target target;        /* dSprites only */
    /* procedural sets only */
    int64_t pool;                   /* examples in the training pool, and in the test pool */
    int64_t set_seed;               /* what the pools are drawn from; not the seed of a job */
    int64_t image_size;             /* sprites: 32 or 64 */
    enum teacher_kind teacher;      /* teacher: */
    int64_t inputs, outputs;        /*   dimension of x and of the targets */
    int64_t indices;                /*   multi-index: directions that matter; network: hidden width */
    double noise;                   /*   standard deviation added to the training targets (classification:
                                         to the outputs before the largest is taken) */
};

/* One pool, borrowed from the mapping. */
struct data_pool {
    size_t rows, features;          /* features = product of shape */
    bool bytes;                     /* x is unsigned char (value/255), else float */
    const void *x;                  /* (rows, features) */
    const int32_t *label;           /* (rows), classification, else NULL */
    const float *target;            /* (rows, outputs), regression, else NULL */
};

struct dataset {
    struct data_pool train, test;
    size_t outputs;                 /* classes, or targets per example: C of method.md */
    enum data_task task;
    int n_dims;                     /* 1 (features) or 3 (channels, height, width) */
    size_t shape[DATA_MAX_DIMS];
    void *map;                      /* the mapping; private to dataset.c */
    size_t map_size;
};

/* Where data files are looked for: RELIN_DATA, else ./data if there is such a folder, else NULL. */
const char *dataset_root(void);

/* Memory of both pools. */
size_t dataset_bytes(const struct dataset *set);

/* The text that decides the pools' contents: equal text, equal pools. The parts of the
 * specification that only choose rows, or how they are seen (train, validation, test, normalise,
 * augment, label_noise), are not in it. */
void dataset_identity(const struct data_spec *spec, struct text *identity);

/* Reads or makes the pools into shared memory object `name` ("/relin-..."), replacing it.
 * root is the folder of data files (RELIN_DATA; may be NULL for procedural sets).
 * Also checks that the pools hold spec's counts. Returns 0, or -1 with *err filled:
 * missing, truncated, corrupt or mismatched files, too few rows, no shared memory left. */
int dataset_publish(const struct data_spec *spec, const char *root, const char *name, struct error *err);

/* Maps a published set read-only. Returns 0, or -1 with *err filled. The caller closes. */
int dataset_map(struct dataset *set, const char *name, struct error *err);

/* Both in private memory of this process, for one-job programs and tests. */
int dataset_load(struct dataset *set, const struct data_spec *spec, const char *root, struct error *err);

/* Unmaps or frees; accepts a zeroed struct. The shared object itself is removed with shm_unlink. */
void dataset_close(struct dataset *set);

/* Do the pools suit what the specification says beside their identity: rows enough for the counts, images
 * to augment, classes to mislabel? Returns 0, or -1 with *err filled. */
int dataset_check_counts(const struct dataset *set, const struct data_spec *spec, struct error *err);

/* A line per set that can be used: name, rows, shape, classes, where (procedural sets
 * too), and per folder that cannot, the reason. For `relin data`. json: an array. */
void dataset_list(const char *root, bool json, struct text *out);

#endif
