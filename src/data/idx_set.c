/* A folder with four IDX files, as MNIST came: train-images, train-labels, t10k-images and
 * t10k-labels, each followed by -idx3-ubyte or .idx3-ubyte (any number and type), and .gz or not.
 * Images (rows, features), (rows, height, width) or (rows, channels, height, width), of bytes
 * (value/255) or other numbers (as they are). Labels (rows) of whole numbers 0..classes-1, or
 * for regression targets (rows) or (rows, outputs) of floats. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/idx.h"
#include "data/source.h"
#include "data/split.h"

enum role { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, ROLE_COUNT };

static const char *const role_names[ROLE_COUNT] = {"train-images", "train-labels", "t10k-images", "t10k-labels"};

static bool plays(const char *file, const char *role)
{
    size_t length = strlen(role);
    return strncmp(file, role, length) == 0 && strchr("-.", file[length]) && file[length]
           && strncmp(file + length + 1, "idx", 3) == 0;
}

/* Path of the file of a role; of several spellings the first of the alphabet, so plain
 * before gzipped. False: there is none. */
static bool find_file(const char *folder, enum role role, char path[PATH_MAX])
{
    char name[NAME_MAX + 1] = "";
    DIR *list = opendir(folder);
    if (!list)
        return false;
    for (struct dirent *entry; (entry = readdir(list));)
        if (plays(entry->d_name, role_names[role]) && (!name[0] || strcmp(entry->d_name, name) < 0))
            snprintf(name, sizeof name, "%s", entry->d_name);
    closedir(list);
    return name[0] && snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static bool idx_set_claims(const char *folder)
{
    char path[PATH_MAX];
    for (int role = 0; role < ROLE_COUNT; role++)
        if (find_file(folder, role, path))
            return true;
    return false;
}

/* path is the caller's: the opened file borrows it. */
static int open_role(struct idx *idx, const char *folder, enum role role, char path[PATH_MAX], struct error *err)
{
    *idx = (struct idx){0};
    if (!find_file(folder, role, path))
        return error_set(err, ERROR_DATA, "%s: expected a file %s-idx%d-ubyte or %s-idx%d-ubyte.gz, got none",
                         folder, role_names[role], role % 2 ? 1 : 3, role_names[role], role % 2 ? 1 : 3);
    return idx_open(idx, path, err);
}

/* The shape of one row: images as (channels, height, width), the rest as features. */
static int row_shape(const struct idx *idx, struct set_shape *shape, struct error *err)
{
    shape->bytes = idx_is_bytes(idx);
    shape->n_dims = idx->n_dims == 3 || idx->n_dims == 4 ? 3 : 1;
    shape->shape[0] = idx->n_dims == 4 ? idx->dim[1] : idx->n_dims == 3 ? 1 : idx->row_size;
    shape->shape[1] = shape->n_dims == 3 ? idx->dim[idx->n_dims - 2] : 0;
    shape->shape[2] = shape->n_dims == 3 ? idx->dim[idx->n_dims - 1] : 0;
    if (shape->n_dims == 3 && shape->shape[0] > DATA_MAX_CHANNELS)
        return error_set(err, ERROR_DATA, "%s: expected (rows, channels, height, width) with at most %d channels, "
                         "got %zu", idx->path, DATA_MAX_CHANNELS, shape->shape[0]);
    return 0;
}

static int measure_images(const char *folder, struct set_shape *shape, struct error *err)
{
    char path[PATH_MAX];
    struct idx idx;
    struct set_shape test = {0};
    int result = open_role(&idx, folder, TRAIN_IMAGES, path, err);
    if (result == 0)
        result = row_shape(&idx, shape, err);
    shape->rows[POOL_TRAIN] = idx.rows;
    idx_close(&idx);
    if (result != 0)
        return -1;
    result = open_role(&idx, folder, TEST_IMAGES, path, err);
    if (result == 0)
        result = row_shape(&idx, &test, err);
    shape->rows[POOL_TEST] = idx.rows;
    if (result == 0 && (test.bytes != shape->bytes || test.n_dims != shape->n_dims
                        || memcmp(test.shape, shape->shape, sizeof test.shape) != 0))
        result = error_set(err, ERROR_DATA, "%s: expected examples of the same shape and type as the training images "
                           "(%zu numbers of %s), got %zu of %s", path, shape_features(shape),
                           shape->bytes ? "bytes" : "floats", shape_features(&test), test.bytes ? "bytes" : "floats");
    idx_close(&idx);
    return result;
}

/* Opens the labels of a pool and checks them against the images' rows and the task. */
static int open_labels(struct idx *idx, const char *folder, unsigned pool, const struct set_shape *shape,
                       char path[PATH_MAX], struct error *err)
{
    if (open_role(idx, folder, pool == POOL_TRAIN ? TRAIN_LABELS : TEST_LABELS, path, err) != 0)
        return -1;
    if (idx->rows != shape->rows[pool])
        return error_set(err, ERROR_DATA, "%s: expected a label for each of the %zu images, got %zu", path,
                         shape->rows[pool], idx->rows);
    if (shape->task == TASK_CLASSIFICATION && (!idx_is_whole(idx) || idx->row_size != 1))
        return error_set(err, ERROR_DATA, "%s: expected one whole number a row (data.task: classification), got %zu "
                         "%s", path, idx->row_size, idx_is_whole(idx) ? "whole numbers" : "floats");
    if (shape->task == TASK_REGRESSION && idx_is_whole(idx))
        return error_set(err, ERROR_DATA, "%s: expected floats (data.task: regression), got whole numbers: use "
                         "data.task: classification", path);
    return 0;
}

static int measure_labels(const char *folder, struct set_shape *shape, struct error *err)
{
    char path[PATH_MAX];
    struct idx idx;
    int32_t *label = NULL;
    int result = open_labels(&idx, folder, POOL_TRAIN, shape, path, err);
    if (result == 0 && shape->task == TASK_REGRESSION)
        shape->outputs = idx.row_size;
    if (result == 0 && shape->task == TASK_CLASSIFICATION) {
        label = mem_alloc(idx.rows, sizeof *label, err);
        shape->outputs = 0;
        result = label ? idx_read_whole(&idx, label, err) : -1;
        if (result == 0)
            result = labels_check(path, label, idx.rows, &shape->outputs, err);
    }
    mem_free(label);
    idx_close(&idx);
    if (result != 0)
        return -1;
    result = open_labels(&idx, folder, POOL_TEST, shape, path, err);
    if (result == 0 && shape->task == TASK_REGRESSION && idx.row_size != shape->outputs)
        result = error_set(err, ERROR_DATA, "%s: expected %zu targets a row as in training, got %zu", path,
                           shape->outputs, idx.row_size);
    idx_close(&idx);
    return result;
}

static int idx_set_measure(const struct data_spec *spec, const char *folder, struct set_shape *shape,
                           struct error *err)
{
    shape->task = spec->task;
    if (measure_images(folder, shape, err) != 0)
        return -1;
    return measure_labels(folder, shape, err);
}

/* The file may have changed since it was measured. */
static int check_unchanged(const struct idx *idx, size_t rows, size_t row_size, struct error *err)
{
    if (idx->rows != rows || idx->row_size != row_size)
        return error_set(err, ERROR_DATA, "%s: expected %zu rows of %zu numbers as a moment ago, got %zu of %zu: "
                         "the file changes while it is read", idx->path, rows, row_size, idx->rows, idx->row_size);
    return 0;
}

static int fill_pool(const char *folder, unsigned pool, const struct set_shape *shape,
                     const struct pool_memory *memory, struct error *err)
{
    char path[PATH_MAX];
    struct idx idx;
    size_t classes = shape->outputs, rows = shape->rows[pool];
    int result = open_role(&idx, folder, pool == POOL_TRAIN ? TRAIN_IMAGES : TEST_IMAGES, path, err);
    if (result == 0)
        result = check_unchanged(&idx, rows, shape_features(shape), err);
    if (result == 0 && shape->bytes != idx_is_bytes(&idx))
        result = error_set(err, ERROR_DATA, "%s: the type of its elements changed while it was read", path);
    if (result == 0)
        result = shape->bytes ? idx_read_bytes(&idx, memory->x, err) : idx_read_floats(&idx, memory->x, err);
    idx_close(&idx);
    if (result != 0)
        return -1;
    result = open_labels(&idx, folder, pool, shape, path, err);
    if (result == 0)
        result = check_unchanged(&idx, rows, memory->label ? 1 : shape->outputs, err);
    if (result == 0)
        result = memory->label ? idx_read_whole(&idx, memory->label, err)
                               : idx_read_floats(&idx, memory->target, err);
    if (result == 0 && memory->label)
        result = labels_check(path, memory->label, rows, &classes, err);
    idx_close(&idx);
    return result;
}

static int idx_set_fill(const struct data_spec *spec, const char *folder, const struct set_shape *shape,
                        const struct pool_memory memory[POOL_COUNT], struct error *err)
{
    (void)spec;
    for (unsigned pool = 0; pool < POOL_COUNT; pool++)
        if (fill_pool(folder, pool, shape, &memory[pool], err) != 0)
            return -1;
    return 0;
}

const struct data_source source_idx = {
    .name = "idx",
    .description = "IDX files, gzipped or not, as of MNIST",
    .expects = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, "
               "each with .gz or without",
    .claims = idx_set_claims,
    .measure = idx_set_measure,
    .fill = idx_set_fill,
};
