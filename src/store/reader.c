/* A set of one's own: a file NAME.h5 with the datasets
 *
 *   /train/x, /test/x   (rows, features) or (rows, channels, height, width), of unsigned bytes (value/255)
 *                       or floats (as they are)
 *   /train/y, /test/y   classification: (rows) whole numbers 0..classes-1, all of which occur in training;
 *                       regression: (rows) or (rows, outputs) of floats
 *
 * A source of the data layer (src/data/source.h), handed to it by store_register_reader. */
#include "store/reader.h"

#include <hdf5.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/source.h"
#include "data/split.h"
#include "hdf.h"
#include "store/inspect.h"

enum { MOST_RANK = 1 + DATA_MAX_DIMS };

static const char *const names[POOL_COUNT][2] = {{"/train/x", "/train/y"}, {"/test/x", "/test/y"}};

/* An open dataset and what its header says. */
struct array {
    const char *path, *name;
    hid_t dataset;
    int rank;
    hsize_t dim[MOST_RANK];
    H5T_class_t class;
    bool bytes;                 /* unsigned, of 8 bits */
    size_t rows, row_size;
};

static hid_t open_file(const char *path, struct error *err)
{
    hdf_setup();
    if (inspect_file(path, ERROR_DATA, err))
        return -1;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return file >= 0 ? file : hdf_error(err, ERROR_DATA, "%s: expected an HDF5 file, got one that cannot be opened", path);
}

static void array_close(struct array *a)
{
    if (a->dataset >= 0)
        H5Dclose(a->dataset);
    a->dataset = -1;
}

static int read_type(struct array *a, struct error *err)
{
    hid_t type = H5Dget_type(a->dataset);
    a->class = H5Tget_class(type);
    a->bytes = a->class == H5T_INTEGER && H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE;
    H5Tclose(type);
    if (a->class != H5T_INTEGER && a->class != H5T_FLOAT)
        return error_set(err, ERROR_DATA, "%s: %s: expected numbers, got another type", a->path, a->name);
    return 0;
}

static int read_space(struct array *a, struct error *err)
{
    H5D_space_status_t status = H5D_SPACE_STATUS_NOT_ALLOCATED;
    hid_t space = H5Dget_space(a->dataset);
    a->rank = H5Sget_simple_extent_ndims(space);
    if (a->rank >= 1 && a->rank <= MOST_RANK)
        H5Sget_simple_extent_dims(space, a->dim, NULL);
    H5Sclose(space);
    if (a->rank < 1 || a->rank > MOST_RANK)
        return error_set(err, ERROR_DATA, "%s: %s: expected 1 to %d dimensions, got %d", a->path, a->name, MOST_RANK,
                         a->rank);
    a->rows = a->dim[0];
    a->row_size = 1;
    for (int d = 0; d < a->rank; d++)
        if (a->dim[d] == 0 || (d > 0 && __builtin_mul_overflow(a->row_size, a->dim[d], &a->row_size)))
            return error_set(err, ERROR_DATA, "%s: %s: dimension %d: expected 1 or more and a possible size, got %llu",
                             a->path, a->name, d, (unsigned long long)a->dim[d]);
    if (H5Dget_space_status(a->dataset, &status) < 0 || status == H5D_SPACE_STATUS_NOT_ALLOCATED)
        return error_set(err, ERROR_DATA, "%s: %s: expected values, got a dataset that was never written", a->path,
                         a->name);
    return 0;
}

/* Opens a dataset by its absolute name. The caller closes (also after -1). */
static int array_open(struct array *a, hid_t file, const char *path, const char *name, struct error *err)
{
    *a = (struct array){.path = path, .name = name, .dataset = -1};
    a->dataset = H5Dopen2(file, name, H5P_DEFAULT);
    if (a->dataset < 0)
        return error_set(err, ERROR_DATA, "%s: expected datasets /train/x, /train/y, /test/x and /test/y, got no %s", path,
                         name);
    return read_type(a, err) || read_space(a, err) ? -1 : 0;
}

static int open_inputs(struct array *a, hid_t file, const char *path, int pool, struct set_shape *shape,
                       struct error *err)
{
    if (array_open(a, file, path, names[pool][0], err) != 0)
        return -1;
    if (!a->bytes && a->class != H5T_FLOAT)
        return error_set(err, ERROR_DATA, "%s: %s: expected unsigned bytes or floats, got other whole numbers: convert them",
                         path, a->name);
    if (a->rank != 2 && a->rank != 4)
        return error_set(err, ERROR_DATA, "%s: %s: expected (rows, features) or (rows, channels, height, width), got %d "
                         "dimensions", path, a->name, a->rank);
    if (a->rank == 4 && a->dim[1] > DATA_MAX_CHANNELS)
        return error_set(err, ERROR_DATA, "%s: %s: expected at most %d channels, got %llu", path, a->name,
                         DATA_MAX_CHANNELS, (unsigned long long)a->dim[1]);
    shape->bytes = a->bytes;
    shape->n_dims = a->rank - 1;
    for (int d = 0; d < DATA_MAX_DIMS; d++)
        shape->shape[d] = d < a->rank - 1 ? a->dim[d + 1] : 0;
    shape->rows[pool] = a->rows;
    return 0;
}

static int open_targets(struct array *a, hid_t file, const char *path, int pool, const struct set_shape *shape,
                        struct error *err)
{
    if (array_open(a, file, path, names[pool][1], err) != 0)
        return -1;
    if (a->rows != shape->rows[pool])
        return error_set(err, ERROR_DATA, "%s: %s: expected one of each of the %zu rows of %s, got %zu", path, a->name,
                         shape->rows[pool], names[pool][0], a->rows);
    if (shape->task == TASK_CLASSIFICATION && (a->class != H5T_INTEGER || a->rank != 1))
        return error_set(err, ERROR_DATA, "%s: %s: expected whole numbers (rows) (data.task: classification), got %s with "
                         "%d dimensions", path, a->name, a->class == H5T_INTEGER ? "whole numbers" : "floats", a->rank);
    if (shape->task == TASK_REGRESSION && (a->class != H5T_FLOAT || a->rank > 2))
        return error_set(err, ERROR_DATA, "%s: %s: expected floats (rows) or (rows, outputs) (data.task: regression), got %s "
                         "with %d dimensions", path, a->name, a->class == H5T_INTEGER ? "whole numbers" : "floats",
                         a->rank);
    return 0;
}

static int read_all(const struct array *a, hid_t memory_type, void *values, struct error *err)
{
    if (H5Dread(a->dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        return hdf_error(err, ERROR_DATA, "%s: %s: expected readable values, got damage or a missing filter", a->path,
                         a->name);
    return 0;
}

static int read_floats(const struct array *a, float *values, struct error *err)
{
    if (read_all(a, H5T_NATIVE_FLOAT, values, err) != 0)
        return -1;
    for (size_t i = 0; i < a->rows * a->row_size; i++)
        if (!isfinite(values[i]))
            return error_set(err, ERROR_DATA, "%s: %s: row %zu, element %zu: expected a finite number in the range of "
                             "float, got %g", a->path, a->name, i / a->row_size, i % a->row_size, (double)values[i]);
    return 0;
}

/* HDF5 clips what is beyond the type, which labels_check then refuses. */
static int read_labels(const struct array *a, int32_t *label, size_t *classes, struct error *err)
{
    char where[512];
    snprintf(where, sizeof where, "%.400s: %s", a->path, a->name);
    return read_all(a, H5T_NATIVE_INT32, label, err) || labels_check(where, label, a->rows, classes, err) ? -1 : 0;
}

/* Outputs: columns of the targets, or classes, for which the labels are read. */
static int measure_targets(hid_t file, const char *path, struct set_shape *shape, struct error *err)
{
    struct array train, test = {.dataset = -1};
    int32_t *label = NULL;
    int result = -1;
    if (open_targets(&train, file, path, POOL_TRAIN, shape, err) != 0
        || open_targets(&test, file, path, POOL_TEST, shape, err) != 0)
        goto done;
    shape->outputs = train.row_size;
    result = 0;
    if (test.row_size != train.row_size)
        result = error_set(err, ERROR_DATA, "%s: %s: expected %zu targets a row as in training, got %zu", path, test.name,
                           train.row_size, test.row_size);
    if (result == 0 && shape->task == TASK_CLASSIFICATION) {
        shape->outputs = 0;
        label = mem_alloc(train.rows, sizeof *label, err);
        result = label ? read_labels(&train, label, &shape->outputs, err) : -1;
    }
done:
    mem_free(label);
    array_close(&train);
    array_close(&test);
    return result;
}

static int reader_measure(const struct data_spec *spec, const char *path, struct set_shape *shape, struct error *err)
{
    struct set_shape test = {.task = spec->task};
    struct array inputs;
    hid_t file = open_file(path, err);
    if (file < 0)
        return -1;
    *shape = (struct set_shape){.task = spec->task};
    int result = open_inputs(&inputs, file, path, POOL_TRAIN, shape, err);
    array_close(&inputs);
    if (result == 0) {
        result = open_inputs(&inputs, file, path, POOL_TEST, &test, err);
        array_close(&inputs);
    }
    if (result == 0 && (test.bytes != shape->bytes || test.n_dims != shape->n_dims
                        || memcmp(test.shape, shape->shape, sizeof test.shape) != 0))
        result = error_set(err, ERROR_DATA, "%s: /test/x: expected rows of the same shape and type as /train/x (%zu numbers "
                           "of %s), got %zu of %s", path, shape_features(shape), shape->bytes ? "bytes" : "floats",
                           shape_features(&test), test.bytes ? "bytes" : "floats");
    shape->rows[POOL_TEST] = test.rows[POOL_TEST];
    if (result == 0)
        result = measure_targets(file, path, shape, err);
    H5Fclose(file);
    return result;
}

static int fill_pool(hid_t file, const char *path, int pool, const struct set_shape *shape,
                     const struct pool_memory *memory, struct error *err)
{
    struct set_shape now = {.task = shape->task};
    struct array inputs, targets = {.dataset = -1};
    size_t classes = shape->outputs;
    int result = -1;
    if (open_inputs(&inputs, file, path, pool, &now, err) != 0
        || open_targets(&targets, file, path, pool, &now, err) != 0)
        goto done;
    if (now.rows[pool] != shape->rows[pool] || now.bytes != shape->bytes || inputs.row_size != shape_features(shape)
        || (memory->target && targets.row_size != shape->outputs)) {
        error_set(err, ERROR_DATA, "%s: %s: expected the shape of a moment ago, got another: the file changes while it "
                  "is read", path, names[pool][0]);
        goto done;
    }
    result = shape->bytes ? read_all(&inputs, H5T_NATIVE_UINT8, memory->x, err)
                          : read_floats(&inputs, memory->x, err);
    if (result == 0)
        result = memory->label ? read_labels(&targets, memory->label, &classes, err)
                               : read_floats(&targets, memory->target, err);
done:
    array_close(&inputs);
    array_close(&targets);
    return result;
}

static int reader_fill(const struct data_spec *spec, const char *path, const struct set_shape *shape,
                       const struct pool_memory memory[POOL_COUNT], struct error *err)
{
    int result = 0;
    hid_t file = open_file(path, err);
    (void)spec;
    if (file < 0)
        return -1;
    for (int pool = 0; pool < POOL_COUNT && result == 0; pool++)
        result = fill_pool(file, path, pool, shape, &memory[pool], err);
    H5Fclose(file);
    return result;
}

static const struct data_source source_hdf5 = {
    .name = "hdf5",
    .description = "one's own data in HDF5: /train/x, /train/y, /test/x, /test/y",
    .suffix = ".h5",
    .expects = "NAME.h5",
    .measure = reader_measure,
    .fill = reader_fill,
};

void store_register_reader(void) { source_register(&source_hdf5); }
