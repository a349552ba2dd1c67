/* The axes of the result file, and the rows of an open one. */
#include "hdf.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

const char *const axis_names[AXIS_COUNT] = {"job", "eval", "refresh", "snapshot", "layer", "eigenvalue",
                                            "probe", "probe2", "parameter", "metric"};

hsize_t axis_length(const struct result_layout *layout, size_t jobs, enum store_axis axis)
{
    switch (axis) {
    case AXIS_JOB: return jobs;
    case AXIS_EVAL: return layout->eval;
    case AXIS_REFRESH: return layout->refresh;
    case AXIS_SNAPSHOT: return layout->snapshot;
    case AXIS_LAYER: return layout->layer;
    case AXIS_EIGENVALUE: return layout->eigenvalue;
    case AXIS_PROBE:
    case AXIS_PROBE2: return layout->probe;
    case AXIS_METRIC: return layout->metric;
    default: return layout->parameter;
    }
}

int axis_of(enum variable_dims dims, enum store_axis axes[4])
{
    static const struct { int rank; enum store_axis axis[3]; } more[DIMS_COUNT] = {
        [DIMS_JOB] = {1, {0}},
        [DIMS_EVAL] = {2, {AXIS_EVAL}},
        [DIMS_REFRESH] = {2, {AXIS_REFRESH}},
        [DIMS_SNAPSHOT] = {2, {AXIS_SNAPSHOT}},
        [DIMS_LAYER] = {3, {AXIS_SNAPSHOT, AXIS_LAYER}},
        [DIMS_EIGENVALUE] = {3, {AXIS_SNAPSHOT, AXIS_EIGENVALUE}},
        [DIMS_KERNEL] = {4, {AXIS_SNAPSHOT, AXIS_PROBE, AXIS_PROBE2}},
        [DIMS_PARAMETER] = {2, {AXIS_PARAMETER}},
        [DIMS_METRIC] = {2, {AXIS_METRIC}},
        [DIMS_EVAL_METRIC] = {3, {AXIS_EVAL, AXIS_METRIC}},
    };
    axes[0] = AXIS_JOB;
    memcpy(axes + 1, more[dims].axis, sizeof more[dims].axis);
    return more[dims].rank;
}

void variable_path(enum variable_id id, char *path, size_t size)
{
    snprintf(path, size, "%s%s", variables[id].group == GROUP_KERNELS ? "kernels/" : "", variables[id].name);
}

void variable_fill(enum variable_id id, unsigned char *value)
{
    memset(value, 0, 8);
    if (variables[id].type == TYPE_F64)
        memcpy(value, &(double){NAN}, sizeof(double));
    else if (variables[id].type == TYPE_F32)
        memcpy(value, &(float){NAN}, sizeof(float));
    else if (id == VAR_STEP || id == VAR_REFRESH_STEP || id == VAR_SNAPSHOT_STEP || id == VAR_REFRESHES_DONE)
        memcpy(value, &(int64_t){-1}, sizeof(int64_t));
    else if (id == VAR_WORKER)
        memcpy(value, &(int32_t){-1}, sizeof(int32_t));
}

/* Length of a scale; 0 where the file has no such axis. */
static hsize_t scale_length(hid_t file, const char *path)
{
    hsize_t length = 0;
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    if (dataset < 0)
        return 0;
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) == 1)
        H5Sget_simple_extent_dims(space, &length, NULL);
    H5Sclose(space);
    H5Dclose(dataset);
    return length;
}

/* Measurements that the program which wrote the file did not know. What is there from the first version on
 * is written with the record, and its lack is damage. */
static void find_absent(hid_t file, struct result_layout *layout)
{
    char path[128];
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        variable_path(id, path, sizeof path);
        if (variables[id].writer != WRITER_ROWS || result_count(layout, id) == 0)
            continue;
        bool group = variables[id].group == GROUP_ROOT || H5Lexists(file, "kernels", H5P_DEFAULT) > 0;
        result_set_absent(layout, id, !group || H5Lexists(file, path, H5P_DEFAULT) <= 0);
    }
}

int rows_measure(hid_t file, size_t *jobs, struct result_layout *layout, struct error *err)
{
    *jobs = scale_length(file, "job");
    *layout = (struct result_layout){
        .eval = scale_length(file, "eval"),
        .refresh = scale_length(file, "refresh"),
        .metric = scale_length(file, "metric"),
    };
    if (H5Lexists(file, "kernels", H5P_DEFAULT) > 0) {
        layout->snapshot = scale_length(file, "kernels/snapshot");
        layout->layer = scale_length(file, "kernels/layer");
        layout->eigenvalue = scale_length(file, "kernels/eigenvalue");
        layout->probe = scale_length(file, "kernels/probe");
        layout->parameter = scale_length(file, "kernels/parameter");
        layout->kernel = H5Lexists(file, "kernels/kernel", H5P_DEFAULT) > 0;
    }
    find_absent(file, layout);
    H5Eclear2(H5E_DEFAULT);
    return *jobs ? 0 : error_set(err, ERROR_FORMAT, "expected a scale 'job' with one entry per job, found none");
}

static int open_variable(struct rows *rows, enum variable_id id, struct error *err)
{
    char path[128];
    enum store_axis axes[4];
    hsize_t dims[4], found[4], count[4];
    int rank = axis_of(variables[id].dims, axes);
    for (int i = 0; i < rank; i++) {
        dims[i] = axis_length(&rows->layout, rows->jobs, axes[i]);
        count[i] = i ? dims[i] : 1;
    }
    variable_path(id, path, sizeof path);
    rows->dataset[id] = H5Dopen2(rows->file, path, H5P_DEFAULT);
    if (rows->dataset[id] < 0)
        return hdf_error(err, ERROR_FORMAT, "dataset %s is missing", path);
    rows->file_space[id] = H5Dget_space(rows->dataset[id]);
    rows->memory_space[id] = H5Screate_simple(rank, count, NULL);
    rows->type[id] = hdf_type_memory(variables[id].type);
    if (H5Sget_simple_extent_ndims(rows->file_space[id]) != rank)
        return error_set(err, ERROR_FORMAT, "dataset %s: expected %d axes, got %d", path, rank,
                         H5Sget_simple_extent_ndims(rows->file_space[id]));
    H5Sget_simple_extent_dims(rows->file_space[id], found, NULL);
    for (int i = 0; i < rank; i++)
        if (found[i] != dims[i])
            return error_set(err, ERROR_FORMAT, "dataset %s: expected %llu along %s, got %llu", path,
                             (unsigned long long)dims[i], axis_names[axes[i]], (unsigned long long)found[i]);
    return 0;
}

int rows_open(struct rows *rows, hid_t file, struct error *err)
{
    rows->file = file;
    for (int id = 0; id < VAR_COUNT; id++)
        rows->dataset[id] = rows->file_space[id] = rows->memory_space[id] = rows->type[id] = -1;
    if (rows_measure(file, &rows->jobs, &rows->layout, err))
        return -1;
    for (int id = 0; id < VAR_COUNT; id++)
        if (result_count(&rows->layout, (enum variable_id)id) > 0
            && open_variable(rows, (enum variable_id)id, err))
            return -1;
    return 0;
}

void rows_close(struct rows *rows)
{
    for (int id = 0; id < VAR_COUNT; id++) {
        if (rows->dataset[id] < 0)
            continue;
        hdf_type_close(rows->type[id]);
        if (rows->memory_space[id] >= 0)
            H5Sclose(rows->memory_space[id]);
        if (rows->file_space[id] >= 0)
            H5Sclose(rows->file_space[id]);
        H5Dclose(rows->dataset[id]);
        rows->dataset[id] = -1;
    }
}

static int select_rows(const struct rows *rows, size_t job, size_t n, enum variable_id id, struct error *err)
{
    assert(n > 0 && job + n <= rows->jobs && rows->dataset[id] >= 0);
    enum store_axis axes[4];
    hsize_t start[4] = {job}, count[4] = {n};
    int rank = axis_of(variables[id].dims, axes);
    for (int i = 1; i < rank; i++)
        count[i] = axis_length(&rows->layout, rows->jobs, axes[i]);
    if (H5Sselect_hyperslab(rows->file_space[id], H5S_SELECT_SET, start, NULL, count, NULL) < 0)
        return hdf_error(err, ERROR_FILE, "row %zu of %s cannot be selected", job, variables[id].name);
    return 0;
}

/* The default transfer property is independent I/O, with MPI-IO too. */
static int write_selected(struct rows *rows, size_t job, enum variable_id id, hid_t memory, const void *slabs,
                          struct error *err)
{
    if (H5Dwrite(rows->dataset[id], rows->type[id], memory, rows->file_space[id], H5P_DEFAULT, slabs) < 0)
        return hdf_error(err, ERROR_FILE, "row %zu of %s cannot be written", job, variables[id].name);
    return 0;
}

int rows_write(struct rows *rows, size_t job, enum variable_id id, const void *slab, struct error *err)
{
    return select_rows(rows, job, 1, id, err) || write_selected(rows, job, id, rows->memory_space[id], slab, err) ? -1 : 0;
}

int rows_write_many(struct rows *rows, size_t first, size_t n, enum variable_id id, const void *slabs, struct error *err)
{
    hsize_t count = n * result_count(&rows->layout, id);
    if (select_rows(rows, first, n, id, err))
        return -1;
    hid_t memory = H5Screate_simple(1, &count, NULL);
    int failed = write_selected(rows, first, id, memory, slabs, err);
    H5Sclose(memory);
    return failed;
}

int rows_read(const struct rows *rows, size_t job, enum variable_id id, void *slab, struct error *err)
{
    if (select_rows(rows, job, 1, id, err))
        return -1;
    if (H5Dread(rows->dataset[id], rows->type[id], rows->memory_space[id], rows->file_space[id],
                H5P_DEFAULT, slab) < 0)
        return hdf_error(err, ERROR_FILE, "row %zu of %s cannot be read", job, variables[id].name);
    return 0;
}

int rows_write_rows(struct rows *rows, size_t job, const struct result *result, struct error *err)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (variables[id].writer == WRITER_ROWS && result->offset[id] != SIZE_MAX
            && rows_write(rows, job, (enum variable_id)id, result->block + result->offset[id], err))
            return -1;
    return 0;
}

int rows_write_record(struct rows *rows, size_t job, const struct result *result, struct error *err)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (variables[id].writer == WRITER_RECORD && id != VAR_CRC && id != VAR_STATUS
            && rows_write(rows, job, (enum variable_id)id, result->block + result->offset[id], err))
            return -1;
    if (rows_write(rows, job, VAR_CRC, result->block + result->offset[VAR_CRC], err))
        return -1;
    return rows_write(rows, job, VAR_STATUS, result->block + result->offset[VAR_STATUS], err);
}

/* One variable of n neighbouring jobs; slabs: room for them. */
static int write_column(struct rows *rows, size_t first, size_t n, enum variable_id id, const struct result *const *results,
                        unsigned char *slabs, struct error *err)
{
    size_t size = result_count(&rows->layout, id) * variable_type_size(variables[id].type);
    for (size_t i = 0; i < n; i++)
        memcpy(slabs + i * size, results[i]->block + results[i]->offset[id], size);
    return rows_write_many(rows, first, n, id, slabs, err);
}

/* Room for any column of a writer's. The caller frees. */
static unsigned char *column_room(const struct rows *rows, size_t n, enum variable_writer writer, struct error *err)
{
    size_t largest = 0;
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t size = result_count(&rows->layout, (enum variable_id)id) * variable_type_size(variables[id].type);
        largest = variables[id].writer == writer && size > largest ? size : largest;
    }
    return mem_alloc(n, largest, err);
}

int rows_write_rows_of(struct rows *rows, size_t first, size_t n, const struct result *const *results, struct error *err)
{
    if (n == 1)
        return rows_write_rows(rows, first, results[0], err);
    unsigned char *slabs = column_room(rows, n, WRITER_ROWS, err);
    int failed = slabs ? 0 : -1;
    for (int id = 0; id < VAR_COUNT && !failed; id++)
        if (variables[id].writer == WRITER_ROWS && results[0]->offset[id] != SIZE_MAX)
            failed = write_column(rows, first, n, (enum variable_id)id, results, slabs, err);
    mem_free(slabs);
    return failed;
}

int rows_write_records(struct rows *rows, size_t first, size_t n, const struct result *const *results, struct error *err)
{
    if (n == 1)
        return rows_write_record(rows, first, results[0], err);
    unsigned char *slabs = column_room(rows, n, WRITER_RECORD, err);
    int failed = slabs ? 0 : -1;
    for (int id = 0; id < VAR_COUNT && !failed; id++)
        if (variables[id].writer == WRITER_RECORD && id != VAR_CRC && id != VAR_STATUS)
            failed = write_column(rows, first, n, (enum variable_id)id, results, slabs, err);
    if (!failed)
        failed = write_column(rows, first, n, VAR_CRC, results, slabs, err)
                 || write_column(rows, first, n, VAR_STATUS, results, slabs, err) ? -1 : 0;
    mem_free(slabs);
    return failed;
}
