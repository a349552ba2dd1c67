/* The structure of a result file against the tables that files are built from. */
#include "store/check.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "seal.h"
#include "skeleton.h"
#include "table.h"

static void fault(struct store_check *check, const char *where, const char *what)
{
    check->faults++;
    text_add(&check->report, "%s: %s\n", where, what);
}

/* --- attributes and scales ------------------------------------------------------------ */

static void check_attribute(struct store_check *check, hid_t object, const char *where, const char *name, H5T_class_t kind)
{
    char what[160];
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    if (attribute < 0 || type < 0 || H5Tget_class(type) != kind) {
        snprintf(what, sizeof what, "attribute %s: expected %s, got %s", name, kind == H5T_STRING ? "a text" : "numbers",
                 attribute < 0 ? "none" : "another type");
        fault(check, where, what);
    } else if (kind == H5T_STRING) {   /* its text lies elsewhere in the file */
        char *text = hdf_read_attribute_text(object, name, NULL);
        if (!text) {
            snprintf(what, sizeof what, "attribute %s: its text cannot be read", name);
            fault(check, where, what);
        }
        free(text);
    }
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
}

static void check_scales(const struct store_reader *reader, struct store_check *check, hid_t dataset, const char *where,
                         enum variable_group group, enum variable_dims dims)
{
    enum store_axis axes[4];
    int rank = axis_of(dims, axes);
    for (int i = 0; i < rank; i++) {
        char name[64], what[160];
        snprintf(name, sizeof name, "%s%s", group == GROUP_KERNELS ? "kernels/" : "", axis_names[axes[i]]);
        hid_t scale = store_read_has(reader, name) ? H5Dopen2(reader->rows.file, name, H5P_DEFAULT) : -1;
        if (scale < 0 || H5DSis_attached(dataset, scale, (unsigned)i) <= 0) {
            snprintf(what, sizeof what, "expected the scale %s on axis %d, got %s", name, i, scale < 0 ? "none" : "another or none");
            fault(check, where, what);
        }
        if (scale >= 0)
            H5Dclose(scale);
    }
}

/* --- datasets ------------------------------------------------------------------------- */

/* A dataset that must be there; or -1. */
static hid_t open_due(const struct store_reader *reader, struct store_check *check, const char *path)
{
    hid_t dataset = store_read_has(reader, path) ? H5Dopen2(reader->rows.file, path, H5P_DEFAULT) : -1;
    check->datasets++;
    if (dataset < 0)
        fault(check, path, "expected a dataset, got none");
    return dataset;
}

static void check_shape(const struct store_reader *reader, struct store_check *check, hid_t dataset, const char *path,
                        enum variable_dims dims)
{
    enum store_axis axes[4];
    hsize_t found[H5S_MAX_RANK] = {0};
    char what[160];
    int rank = axis_of(dims, axes);
    hid_t space = H5Dget_space(dataset);
    int got = H5Sget_simple_extent_ndims(space);
    if (got == rank)
        H5Sget_simple_extent_dims(space, found, NULL);
    H5Sclose(space);
    if (got != rank) {
        snprintf(what, sizeof what, "expected %d axes, got %d", rank, got);
        fault(check, path, what);
    }
    for (int i = 0; got == rank && i < rank; i++) {
        hsize_t due = axis_length(&reader->rows.layout, reader->rows.jobs, axes[i]);
        if (found[i] == due)
            continue;
        snprintf(what, sizeof what, "expected %llu along %s, got %llu", (unsigned long long)due, axis_names[axes[i]],
                 (unsigned long long)found[i]);
        fault(check, path, what);
    }
}

static void check_type(struct store_check *check, hid_t dataset, const char *path, enum variable_type type)
{
    hid_t due = hdf_type_file(type), found = H5Dget_type(dataset);
    bool fits = type == TYPE_TEXT ? H5Tget_class(found) == H5T_STRING : H5Tequal(due, found) > 0;
    if (H5Tget_class(due) == H5T_STRING && type != TYPE_TEXT)
        fits = H5Tget_class(found) == H5T_STRING && H5Tget_size(found) == variable_type_size(type);
    if (!fits)
        fault(check, path, "its type is not that of FORMAT.md");
    H5Tclose(found);
    hdf_type_close(due);
}

static void check_dress(const struct store_reader *reader, struct store_check *check, hid_t dataset, const char *path,
                        enum variable_id id)
{
    const struct variable *v = &variables[id];
    bool is_float = v->type == TYPE_F64 || v->type == TYPE_F32;
    check_scales(reader, check, dataset, path, v->group, v->dims);
    check_attribute(check, dataset, path, "long_name", H5T_STRING);
    if (v->units[0])
        check_attribute(check, dataset, path, "units", H5T_STRING);
    if (v->writer != WRITER_SKELETON)
        check_attribute(check, dataset, path, "coordinates", H5T_STRING);
    if (is_float)
        check_attribute(check, dataset, path, "_FillValue", H5T_FLOAT);
    if (v->type == TYPE_TEXT16 || v->type == TYPE_TEXT64 || v->type == TYPE_TEXT256)
        check_attribute(check, dataset, path, "_Encoding", H5T_STRING);
    if (id == VAR_STATUS) {
        check_attribute(check, dataset, path, "flag_values", H5T_INTEGER);
        check_attribute(check, dataset, path, "flag_meanings", H5T_STRING);
    }
}

static void check_variable(const struct store_reader *reader, struct store_check *check, enum variable_id id)
{
    const struct variable *v = &variables[id];
    bool known = v->writer == WRITER_SKELETON || v->writer == WRITER_PLAN;
    char path[128];
    variable_path(id, path, sizeof path);
    if (!known && result_count(&reader->rows.layout, id) == 0)
        return;
    if (v->writer == WRITER_PLAN && !store_read_has(reader, path))
        return;   /* of before engines were chosen */
    hid_t dataset = open_due(reader, check, path);
    if (dataset < 0)
        return;
    check_shape(reader, check, dataset, path, v->dims);
    check_type(check, dataset, path, v->type);
    check_dress(reader, check, dataset, path, id);
    H5Dclose(dataset);
}

static int check_scale(const struct store_reader *reader, struct store_check *check, const char *path, hsize_t length,
                       struct error *err)
{
    hsize_t found = 0;
    char what[160];
    if (!length || !store_read_has(reader, path) || strcmp(path, axis_names[AXIS_METRIC]) == 0)   /* that one has names */
        return 0;   /* what should lie along it says so */
    hid_t dataset = open_due(reader, check, path);
    if (dataset < 0)
        return 0;
    int64_t *numbers = mem_alloc(length, sizeof *numbers, err);
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank == 1)
        H5Sget_simple_extent_dims(space, &found, NULL);
    if (H5DSis_scale(dataset) <= 0)
        fault(check, path, "expected a dimension scale");
    bool whole = numbers && found == length
                 && H5Dread(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0;
    for (hsize_t i = 0; whole && i < length; i++)
        whole = numbers[i] == (int64_t)i;
    if (numbers && !whole) {
        snprintf(what, sizeof what, "expected the numbers 0 to %llu", (unsigned long long)length - 1);
        fault(check, path, what);
    }
    H5Sclose(space);
    H5Dclose(dataset);
    mem_free(numbers);
    return numbers ? 0 : -1;
}

/* The columns that tell jobs apart. */
static void check_axes(const struct store_reader *reader, struct store_check *check)
{
    const char *const *names;
    size_t n = store_read_axes(reader, &names);
    for (size_t i = 0; i < n; i++) {
        hid_t dataset = open_due(reader, check, names[i]);
        if (dataset < 0)
            continue;
        check_shape(reader, check, dataset, names[i], DIMS_JOB);
        check_scales(reader, check, dataset, names[i], GROUP_ROOT, DIMS_JOB);
        H5Dclose(dataset);
    }
}

/* --- groups --------------------------------------------------------------------------- */

static void check_groups(const struct store_reader *reader, struct store_check *check)
{
    static const char *const root[] = {"Conventions", "title", "history", "source", "axes"};
    static const char *const config[] = {"name", "text", "resolved"};
    static const char *const groups[] = {"kernels", "config", "provenance", "probe"};
    char path[64];
    for (size_t i = 0; i < sizeof root / sizeof *root; i++)
        check_attribute(check, reader->rows.file, "the file", root[i], H5T_STRING);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (!store_read_has(reader, groups[i]))
            fault(check, groups[i], "expected a group, got none");
    for (size_t i = 0; i < sizeof config / sizeof *config; i++) {
        char *text = store_read_config(reader, config[i], NULL);
        snprintf(path, sizeof path, "config/%s", config[i]);
        check->datasets++;
        if (!text)
            fault(check, path, "expected a text, got none that can be read");
        free(text);
    }
}

/* Rows of one set of probe inputs, 0 where it is damaged. */
static hsize_t length_of(const struct store_reader *reader, struct store_check *check, const char *path)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    hid_t dataset = open_due(reader, check, path);
    if (dataset < 0)
        return 0;
    hid_t space = H5Dget_space(dataset);
    H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    H5Dclose(dataset);
    return dims[0];
}

static int check_probe(const struct store_reader *reader, struct store_check *check, struct error *err)
{
    double *set;
    size_t width;
    struct error lack = {0};
    if (!store_read_has(reader, "probe") || !store_read_has(reader, "probe/set"))
        return 0;   /* no kernels are followed */
    check->datasets++;
    if (store_read_numbers(reader, "probe/set", &set, &width, &lack)) {
        fault(check, "probe/set", lack.text);
        return lack.code == ERROR_MEMORY ? error_set(err, lack.code, "%s", lack.text) : 0;
    }
    double last = -1;
    for (size_t job = 0; job < reader->rows.jobs; job++)
        last = set[job] > last ? set[job] : last;
    mem_free(set);
    for (int k = 0; k <= last; k++) {
        char group[64], path[80];
        snprintf(group, sizeof group, "probe/set%d", k);
        if (k && H5Lexists(reader->rows.file, group, H5P_DEFAULT) <= 0) {
            fault(check, group, "expected the probe that jobs name in probe/set, got none");
            break;
        }
        hsize_t length[3];
        static const char *const names[] = {"index", "is_test", "x"};
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%s/%s", group, names[i]);
            length[i] = length_of(reader, check, path);
        }
        if (length[0] != length[1] || length[0] != length[2])
            fault(check, group, "index, is_test and x are not of the same length");
    }
    return 0;
}

static void tell_broken(void *check, const char *path)
{
    fault(check, path, "is not what its checksum is of: `relin run` of the sweep makes it anew");
}

int store_check_structure(const struct store_reader *reader, struct store_check *check, struct error *err)
{
    for (int group = 0; group < 2; group++)
        for (int axis = 0; axis < AXIS_COUNT; axis++) {
            char path[64];
            snprintf(path, sizeof path, "%s%s", group ? "kernels/" : "", axis_names[axis]);
            if ((group ? axis_texts[axis].kernels : axis_texts[axis].root)
                && check_scale(reader, check, path, axis_length(&reader->rows.layout, reader->rows.jobs, (enum store_axis)axis), err))
                return -1;
        }
    for (int id = 0; id < VAR_COUNT; id++)
        check_variable(reader, check, (enum variable_id)id);
    check_axes(reader, check);
    check_groups(reader, check);
    seal_check(reader, tell_broken, check);
    return check_probe(reader, check, err) || check_timeline(reader, check, err) ? -1 : 0;
}
