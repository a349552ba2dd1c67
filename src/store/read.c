/* Reading a result file, serially and without locks, while a run writes it or after. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hdf.h"
#include "read.h"

static int read_axes(struct store_reader *reader, struct error *err)
{
    reader->axes_text = hdf_read_attribute_text(reader->rows.file, "axes", err);
    if (!reader->axes_text)
        return -1;
    size_t most = strlen(reader->axes_text) / 2 + 1;
    reader->axes = mem_alloc(most, sizeof *reader->axes, err);
    if (!reader->axes)
        return -1;
    char *rest = NULL;
    for (char *name = strtok_r(reader->axes_text, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
        reader->axes[reader->n_axes++] = name;
    return 0;
}

struct store_reader *store_read_open(const char *path, struct error *err)
{
    struct store_reader *reader = mem_alloc(1, sizeof *reader, err);
    if (!reader)
        return NULL;
    for (int id = 0; id < VAR_COUNT; id++)
        reader->rows.dataset[id] = -1;
    hid_t file = hdf_open_result(path, err);
    reader->rows.file = file;
    if (file >= 0 && !rows_open(&reader->rows, file, err) && !read_axes(reader, err)) {
        read_metric_names(reader);
        return reader;
    }
    if (file >= 0)
        error_prefix(err, "%s: damaged", path);
    store_read_close(reader);
    return NULL;
}

void store_read_close(struct store_reader *reader)
{
    if (!reader)
        return;
    rows_close(&reader->rows);
    if (reader->rows.file >= 0)
        H5Fclose(reader->rows.file);
    read_metric_free(reader);
    free(reader->axes_text);
    mem_free(reader->axes);
    mem_free(reader);
}

size_t store_read_jobs(const struct store_reader *reader)
{
    return reader->rows.jobs;
}

const struct result_layout *store_read_layout(const struct store_reader *reader)
{
    return &reader->rows.layout;
}

size_t store_read_axes(const struct store_reader *reader, const char *const **names)
{
    *names = reader->axes;
    return reader->n_axes;
}

bool store_read_has(const struct store_reader *reader, const char *name)
{
    /* H5Lexists fails, rather than answers, where a group on the way is missing */
    const char *slash = strchr(name, '/');
    bool has = true;
    if (slash) {
        char group[64];
        snprintf(group, sizeof group, "%.*s", (int)(slash - name), name);
        has = H5Lexists(reader->rows.file, group, H5P_DEFAULT) > 0;
    }
    enum variable_id id;
    size_t column;
    return (has && H5Lexists(reader->rows.file, name, H5P_DEFAULT) > 0) || read_metric_find(reader, name, &id, &column);
}

bool store_read_added(const struct store_reader *reader, enum variable_id id)
{
    return reader->rows.dataset[id] >= 0 && H5Aexists(reader->rows.dataset[id], ADDED_ATTRIBUTE) > 0;
}

/* Opens a (job, ...) dataset and says how many numbers a job has. -1 with *err filled. */
static hid_t open_column(const struct store_reader *reader, const char *name, size_t *width, struct error *err)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    if (!store_read_has(reader, name))
        return error_set(err, ERROR_FORMAT, "dataset %s is not in the file", name);
    hid_t dataset = H5Dopen2(reader->rows.file, name, H5P_DEFAULT);
    if (dataset < 0)
        return hdf_error(err, ERROR_FORMAT, "%s: expected a dataset", name);
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    if (rank < 1 || dims[0] != reader->rows.jobs) {
        H5Dclose(dataset);
        return error_set(err, ERROR_FORMAT, "dataset %s: expected %zu jobs along its first axis, got %zu", name,
                         reader->rows.jobs, (size_t)dims[0]);
    }
    *width = 1;
    for (int i = 1; i < rank; i++)
        *width *= dims[i];
    return dataset;
}

size_t store_read_width(const struct store_reader *reader, const char *name)
{
    size_t width;
    hid_t dataset = open_column(reader, name, &width, NULL);
    if (dataset < 0)
        return 0;
    H5Dclose(dataset);
    return width;
}

int store_read_numbers(const struct store_reader *reader, const char *name, double **values, size_t *width,
                       struct error *err)
{
    enum variable_id id;
    size_t column;
    *values = NULL;
    if (read_metric_find(reader, name, &id, &column))
        return read_metric_numbers(reader, id, column, values, width, err);
    hid_t dataset = open_column(reader, name, width, err);
    if (dataset < 0)
        return -1;
    int status = -1;
    *values = mem_alloc(reader->rows.jobs * *width, sizeof **values, err);
    if (*values) {
        status = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, *values) < 0
                     ? hdf_error(err, ERROR_FORMAT, "%s: cannot be read as numbers", name) : 0;
    }
    H5Dclose(dataset);
    if (status) {
        mem_free(*values);
        *values = NULL;
    }
    return status;
}

/* Texts of variable length come one by one from HDF5, those of fixed length in one block. */
static int read_texts(hid_t dataset, hid_t type, size_t n, char **texts)
{
    if (H5Tis_variable_str(type) > 0) {
        if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            char *own = strdup(texts[i] ? texts[i] : "");
            H5free_memory(texts[i]);
            texts[i] = own;
        }
        return 0;
    }
    size_t size = H5Tget_size(type);
    char *block = mem_alloc(n, size, NULL);
    if (!block || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, block) < 0) {
        mem_free(block);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        texts[i] = strndup(block + i * size, size);
    mem_free(block);
    return 0;
}

int store_read_texts(const struct store_reader *reader, const char *name, char ***texts, struct error *err)
{
    size_t width, n = reader->rows.jobs;
    *texts = NULL;
    hid_t dataset = open_column(reader, name, &width, err);
    if (dataset < 0)
        return -1;
    hid_t type = H5Dget_type(dataset);
    *texts = calloc(n, sizeof **texts);
    int status = 0;
    if (H5Tget_class(type) != H5T_STRING || width != 1)
        status = error_set(err, ERROR_FORMAT, "dataset %s: expected one text per job", name);
    else if (!*texts || read_texts(dataset, type, n, *texts))
        status = hdf_error(err, ERROR_FORMAT, "%s: cannot be read as texts", name);
    H5Tclose(type);
    H5Dclose(dataset);
    if (status) {
        store_free_texts(*texts, n);
        *texts = NULL;
    }
    return status;
}

void store_free_texts(char **texts, size_t n)
{
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
}

int store_read_result(const struct store_reader *reader, size_t job, struct result *result, struct error *err)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (reader->rows.dataset[id] >= 0
            && rows_read(&reader->rows, job, (enum variable_id)id, result->block + result->offset[id], err))
            return -1;
    return 0;
}

int store_read_job_texts(const struct store_reader *reader, size_t first, size_t n, char **texts, struct error *err)
{
    hsize_t start = first, count = n, length = 0;
    hid_t type = hdf_type_text(H5T_VARIABLE), memory = H5Screate_simple(1, &count, NULL), space = -1;
    hid_t dataset = H5Dopen2(reader->rows.file, "config/job_text", H5P_DEFAULT);
    int status = -1;
    memset(texts, 0, n * sizeof *texts);
    if (dataset >= 0) {
        space = H5Dget_space(dataset);
        if (H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &length, NULL) == 1 && first + n <= length
            && H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0
            && H5Dread(dataset, type, memory, space, H5P_DEFAULT, texts) >= 0)
            status = 0;
        H5Sclose(space);
        H5Dclose(dataset);
    }
    H5Sclose(memory);
    H5Tclose(type);
    if (status)
        hdf_error(err, ERROR_FORMAT, "config/job_text: the text of job %zu cannot be read", first);
    return status;
}

void store_free_job_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        H5free_memory(texts[i]);
}

char *store_read_job_text(const struct store_reader *reader, size_t job, struct error *err)
{
    char *text = NULL, *found = NULL;
    if (job < reader->rows.jobs && store_read_job_texts(reader, job, 1, &found, err))
        return NULL;
    text = found ? strdup(found) : NULL;
    store_free_job_texts(&found, 1);
    if (!text)
        hdf_error(err, ERROR_FORMAT, "config/job_text: the text of job %zu cannot be read", job);
    return text;
}

char *store_read_config(const struct store_reader *reader, const char *what, struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "config/%s", what);
    return hdf_read_text(reader->rows.file, path, err);
}

char *store_read_provenance(const struct store_reader *reader, const char *what, struct error *err)
{
    hid_t group = H5Gopen2(reader->rows.file, "provenance", H5P_DEFAULT);
    if (group < 0)
        return hdf_error(err, ERROR_FORMAT, "provenance: expected a group"), NULL;
    char *text = hdf_read_attribute_text(group, what, err);
    H5Gclose(group);
    return text;
}

char *store_read_until(const struct store_reader *reader)
{
    hid_t group = H5Gopen2(reader->rows.file, "config", H5P_DEFAULT);
    char *rule = group >= 0 && H5Aexists(group, "until") > 0 ? hdf_read_attribute_text(group, "until", NULL) : NULL;
    if (group >= 0)
        H5Gclose(group);
    return rule;
}
