#include "table.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define COLUMN(s, field, type, units, name) {#field, type, offsetof(struct s, field), units, name}
#define SINCE_1970 "seconds since 1970-01-01 00:00:00 UTC"

static const struct column attempt_columns[] = {
    COLUMN(attempt, job, TYPE_I64, "", "row of the job, -1 where the row is not used"),
    COLUMN(attempt, run, TYPE_I32, "", "number of the run, as in /runs"),
    COLUMN(attempt, worker, TYPE_I32, "", "MPI rank that ran it"),
    COLUMN(attempt, start, TYPE_F64, SINCE_1970, "start of the attempt"),
    COLUMN(attempt, end, TYPE_F64, SINCE_1970, "end of the attempt, NaN while it runs"),
    COLUMN(attempt, kept, TYPE_F64, "s", "seconds of the attempt whose work was not lost"),
    COLUMN(attempt, outcome, TYPE_U8, "", "how the attempt ended"),
    COLUMN(attempt, crc, TYPE_U32, "", "CRC-32 of the row's other columns; written last"),
};

static const struct column run_columns[] = {
    COLUMN(run_record, start, TYPE_F64, SINCE_1970, "start of the run, NaN where the row is not used"),
    COLUMN(run_record, ready, TYPE_F64, SINCE_1970, "when everything was prepared"),
    COLUMN(run_record, end, TYPE_F64, SINCE_1970, "end of the run, NaN where it was killed or runs"),
    COLUMN(run_record, last, TYPE_F64, SINCE_1970, "when the run was last heard of"),
    COLUMN(run_record, exit_code, TYPE_I32, "", "exit code of the run, -1 before"),
    COLUMN(run_record, ranks, TYPE_I32, "1", "MPI ranks"),
    COLUMN(run_record, workers, TYPE_I32, "1", "ranks that train"),
    COLUMN(run_record, nodes, TYPE_I32, "1", "nodes"),
    COLUMN(run_record, threads, TYPE_I32, "1", "BLAS threads of a job, the most"),
    COLUMN(run_record, requested_tasks, TYPE_I32, "1", "tasks that Slurm was asked for, -1 without Slurm"),
    COLUMN(run_record, requested_cpus, TYPE_I32, "1", "processors a task that Slurm was asked for, -1 where none were named"),
    COLUMN(run_record, requested_memory, TYPE_F64, "B", "memory a task that Slurm was asked for"),
    COLUMN(run_record, time_limit, TYPE_F64, "s", "time that the run had, from its start"),
    COLUMN(run_record, data_bytes, TYPE_F64, "B", "memory of all data sets, once a node"),
    COLUMN(run_record, rank_0_cpu_seconds, TYPE_F64, "s", "processor time of rank 0, which hands out and commits, since everything was prepared; children not counted"),
    COLUMN(run_record, jobs_waiting, TYPE_I64, "1", "jobs to be run when the run began"),
    COLUMN(run_record, hand_outs, TYPE_I64, "1", "jobs handed out"),
    COLUMN(run_record, dispatches, TYPE_I64, "1", "jobs handed out to a rank that had none"),
    COLUMN(run_record, dispatch_seconds, TYPE_F64, "s", "of these, from hand-out to start, all together"),
    COLUMN(run_record, dispatch_longest, TYPE_F64, "s", "of these, from hand-out to start, the longest"),
    COLUMN(run_record, commits, TYPE_I64, "1", "records committed"),
    COLUMN(run_record, commit_seconds, TYPE_F64, "s", "rank 0's time in committing them"),
    COLUMN(run_record, energy_joules, TYPE_F64, "J", "energy of processors and memory of the run's nodes, whoever used them, where readable"),
    COLUMN(run_record, host, TYPE_TEXT64, "", "host of rank 0"),
    COLUMN(run_record, slurm_job, TYPE_TEXT64, "", "number of the Slurm job"),
    COLUMN(run_record, crc, TYPE_U32, "", "CRC-32 of the row's other columns; written last"),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
const struct table attempts_table = {"timeline", "attempt", "number of the attempt", attempt_columns, COUNT(attempt_columns),
                                     sizeof(struct attempt), &attempt_none};
const struct table runs_table = {"runs", "run", "number of the run", run_columns, COUNT(run_columns),
                                 sizeof(struct run_record), &run_none};
_Static_assert(COUNT(run_columns) <= TABLE_COLUMNS && COUNT(attempt_columns) <= TABLE_COLUMNS, "TABLE_COLUMNS");

/* --- making one ----------------------------------------------------------------------- */

static hid_t make_scale(hid_t group, const struct table *table, size_t room, struct error *err)
{
    hsize_t length = room;
    int64_t *numbers = mem_alloc(room, sizeof *numbers, err);
    if (!numbers)
        return -1;
    for (size_t i = 0; i < room; i++)
        numbers[i] = (int64_t)i;
    hid_t scale = hdf_create(group, table->axis, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &length, numbers, err);
    mem_free(numbers);
    if (scale >= 0 && (H5DSset_scale(scale, table->axis) < 0 || hdf_attribute_text(scale, "units", "1", err)
                       || hdf_attribute_text(scale, "long_name", table->axis_name, err))) {
        H5Dclose(scale);
        return hdf_error(err, ERROR_FILE, "cannot make a scale of %s", table->axis);
    }
    return scale;
}

static int describe(hid_t dataset, hid_t scale, const struct column *column, const void *fill, struct error *err)
{
    static const uint8_t outcomes[ATTEMPT_OUTCOMES] = {0, 1, 2, 3, 4};
    if (H5DSattach_scale(dataset, scale, 0) < 0)
        return hdf_error(err, ERROR_FILE, "cannot attach a scale to %s", column->name);
    if ((column->units[0] && hdf_attribute_text(dataset, "units", column->units, err))
        || hdf_attribute_text(dataset, "long_name", column->long_name, err)
        || (column->type == TYPE_F64 && hdf_attribute_numbers(dataset, "_FillValue", H5T_NATIVE_DOUBLE, 1, fill, err))
        || (column->type == TYPE_TEXT64 && hdf_attribute_text(dataset, "_Encoding", "utf-8", err)))
        return -1;
    if (strcmp(column->name, "outcome") != 0)
        return 0;
    return hdf_attribute_numbers(dataset, "flag_values", H5T_NATIVE_UINT8, ATTEMPT_OUTCOMES, outcomes, err)
           || hdf_attribute_text(dataset, "flag_meanings", ATTEMPT_MEANINGS, err) ? -1 : 0;
}

static int make_column(hid_t group, hid_t scale, const struct table *table, const struct column *column, size_t room,
                       struct error *err)
{
    hsize_t length = room;
    const unsigned char *fill = (const unsigned char *)table->none + column->offset;
    hid_t file = hdf_type_file(column->type), memory = hdf_type_memory(column->type);
    hid_t space = H5Screate_simple(1, &length, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);   /* nothing is allocated while ranks have it open */
    H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
    if (H5Tget_class(file) != H5T_STRING)
        H5Pset_fill_value(creation, memory, fill);
    hid_t dataset = H5Dcreate2(group, column->name, file, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    int status = dataset < 0 ? hdf_error(err, ERROR_FILE, "cannot create dataset %s/%s", table->group, column->name)
                             : describe(dataset, scale, column, fill, err);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    hdf_type_close(file);
    hdf_type_close(memory);
    return status;
}

int table_create(hid_t file, const struct table *table, size_t room, struct error *err)
{
    hid_t group = H5Gcreate2(file, table->group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0)
        return hdf_error(err, ERROR_FILE, "cannot create group %s", table->group);
    hid_t scale = make_scale(group, table, room, err);
    int status = scale < 0 ? -1 : 0;
    for (size_t i = 0; i < table->n_columns && !status; i++)
        status = make_column(group, scale, table, &table->columns[i], room, err);
    if (scale >= 0)
        H5Dclose(scale);
    H5Gclose(group);
    return status;
}

/* --- rows ------------------------------------------------------------------------------- */

static hsize_t length_of(hid_t dataset)
{
    hsize_t length = 0;
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) == 1)
        H5Sget_simple_extent_dims(space, &length, NULL);
    H5Sclose(space);
    return length;
}

int table_open(struct open_table *open, hid_t file, const struct table *table, struct error *err)
{
    *open = (struct open_table){.table = table};
    for (size_t i = 0; i < TABLE_COLUMNS; i++)
        open->dataset[i] = -1;
    if (H5Lexists(file, table->group, H5P_DEFAULT) <= 0)
        return 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", table->group, table->columns[i].name);
        open->dataset[i] = H5Dopen2(file, path, H5P_DEFAULT);
        if (open->dataset[i] < 0)
            return hdf_error(err, ERROR_FORMAT, "dataset %s is missing", path);
        hsize_t length = length_of(open->dataset[i]);
        if (i == 0)
            open->room = length;
        if (length == 0 || length != open->room)
            return error_set(err, ERROR_FORMAT, "dataset %s: expected %zu numbers along %s, got %llu", path, open->room,
                             table->axis, (unsigned long long)length);
    }
    return 0;
}

void table_close(struct open_table *open)
{
    for (size_t i = 0; open->table && i < open->table->n_columns; i++)
        if (open->dataset[i] >= 0)
            H5Dclose(open->dataset[i]);
    *open = (struct open_table){0};
}

/* One column of n rows, between the file and a buffer. */
static int transfer(const struct open_table *open, size_t c, size_t first, size_t n, void *buffer, bool write,
                    struct error *err)
{
    hsize_t start = first, count = n;
    hid_t type = hdf_type_memory(open->table->columns[c].type);
    hid_t space = H5Dget_space(open->dataset[c]), memory = H5Screate_simple(1, &count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    herr_t done = write ? H5Dwrite(open->dataset[c], type, memory, space, H5P_DEFAULT, buffer)
                        : H5Dread(open->dataset[c], type, memory, space, H5P_DEFAULT, buffer);
    H5Sclose(memory);
    H5Sclose(space);
    hdf_type_close(type);
    if (done >= 0)
        return 0;
    return hdf_error(err, ERROR_FILE, "row %zu of %s/%s cannot be %s", first, open->table->group,
                     open->table->columns[c].name, write ? "written" : "read");
}

int table_write(const struct open_table *open, size_t first, size_t n, const void *rows, struct error *err)
{
    const struct table *table = open->table;
    unsigned char *buffer = mem_alloc(n, sizeof(((struct run_record *)0)->host), err);
    int status = buffer ? 0 : -1;
    for (size_t c = 0; c < table->n_columns && !status; c++) {
        size_t size = variable_type_size(table->columns[c].type);
        const unsigned char *field = (const unsigned char *)rows + table->columns[c].offset;
        for (size_t i = 0; i < n; i++)
            memcpy(buffer + i * size, field + i * table->row_size, size);
        status = transfer(open, c, first, n, buffer, true, err);
    }
    mem_free(buffer);
    return status;
}

int table_read(const struct open_table *open, size_t first, size_t n, void *rows, struct error *err)
{
    const struct table *table = open->table;
    unsigned char *buffer = mem_alloc(n, sizeof(((struct run_record *)0)->host), err);
    int status = buffer ? 0 : -1;
    for (size_t c = 0; c < table->n_columns && !status; c++) {
        size_t size = variable_type_size(table->columns[c].type);
        unsigned char *field = (unsigned char *)rows + table->columns[c].offset;
        status = transfer(open, c, first, n, buffer, false, err);
        for (size_t i = 0; i < n && !status; i++)
            memcpy(field + i * table->row_size, buffer + i * size, size);
    }
    mem_free(buffer);
    return status;
}
