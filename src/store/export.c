/* The result file as one netCDF-4 file: groups, dimensions, attributes. */
#include "store/export.h"

#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "export_parts.h"
#include "read.h"
#include "store/inspect.h"

enum { PATH_SIZE = 1024, LINK_SIZE = 128 };   /* of names in the file */
/* Of the index of a variable's chunks. HDF5's own 64 take 2 kB of every variable, which is more than most have. */
enum { CHUNKS_PER_NODE = 8 };

/* Of dimension scales, which are written with the references of the new file; and what says of texts of fixed length
 * that they are texts, which the new ones are to everybody (xarray would decode them twice). */
static bool is_left_out(const char *name)
{
    static const char *const names[] = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid",
                                        "_Netcdf4Coordinates", "_NCProperties", "_Encoding", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* --- attributes ------------------------------------------------------------------------ */

/* As characters, which is what netCDF's own tools write and understand everywhere. */
static int put_characters(struct copying *c, hid_t to, const char *name, const char *text)
{
    hid_t type = hdf_type_text(*text ? strlen(text) : 1), space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int status = attribute >= 0 && H5Awrite(attribute, type, text) >= 0
                     ? 0 : hdf_error(c->err, ERROR_FILE, "cannot write attribute %s", name);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

static int put_numbers(struct copying *c, hid_t to, const char *name, hid_t from)
{
    hid_t type = H5Aget_type(from), space = H5Aget_space(from), attribute = -1;
    void *values = mem_alloc((size_t)H5Sget_simple_extent_npoints(space), H5Tget_size(type), c->err);
    int status = values ? 0 : -1;
    if (values) {
        attribute = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (attribute < 0 || H5Aread(from, type, values) < 0 || H5Awrite(attribute, type, values) < 0)
            status = hdf_error(c->err, ERROR_FILE, "cannot copy attribute %s", name);
    }
    if (attribute >= 0)
        H5Aclose(attribute);
    mem_free(values);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

struct attribute_copy {
    struct copying *c;
    hid_t to;
};

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *context)
{
    struct attribute_copy *copy = context;
    (void)info;
    if (is_left_out(name))
        return 0;
    hid_t attribute = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    bool text = H5Tget_class(type) == H5T_STRING;
    H5Tclose(type);
    /* A copy is no result file: nothing may go on in it. */
    const char *as = strcmp(name, "relin_format_version") == 0 ? "relin_exported_version" : name;
    int status = text ? 0 : put_numbers(copy->c, copy->to, as, attribute);
    H5Aclose(attribute);
    if (text) {
        char *value = hdf_read_attribute_text(from, name, copy->c->err);
        status = value ? put_characters(copy->c, copy->to, as, value) : -1;
        free(value);
    }
    return status;
}

static int copy_attributes(struct copying *c, hid_t from, hid_t to)
{
    struct attribute_copy copy = {c, to};
    return H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &copy) < 0 ? -1 : 0;
}

/* --- dimensions ------------------------------------------------------------------------ */

/* netCDF keeps its dimensions in this order. */
static int number_dimension(struct copying *c, hid_t scale)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(scale, "_Netcdf4Dimid", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
    int status = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT32, &c->n_dimensions) >= 0
                     ? 0 : hdf_error(c->err, ERROR_FILE, "cannot number a dimension");
    c->n_dimensions++;
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

/* A dimension that has a length and a name, and no values: netCDF's way of telling so. */
static hid_t bare_dimension(struct copying *c, const char *path, hsize_t length)
{
    char mark[80];
    if (H5Lexists(c->to, path, H5P_DEFAULT) > 0)
        return H5Dopen2(c->to, path, H5P_DEFAULT);
    hid_t scale = hdf_create(c->to, path, H5T_IEEE_F32BE, H5T_NATIVE_FLOAT, 1, &length, NULL, c->err);
    snprintf(mark, sizeof mark, "This is a netCDF dimension but not a netCDF variable.%10d", (int)length);
    if (scale >= 0 && (H5DSset_scale(scale, mark) < 0 || number_dimension(c, scale))) {
        hdf_error(c->err, ERROR_FILE, "cannot make the dimension %s", path);
        H5Dclose(scale);
        scale = -1;
    }
    return scale;
}

static herr_t take_name(hid_t dataset, unsigned axis, hid_t scale, void *path)
{
    (void)dataset;
    (void)axis;
    return H5Iget_name(scale, path, PATH_SIZE) > 0 ? 1 : -1;
}

/* What lies along an axis without a scale, in the groups that xarray does not open. */
static void name_axis(const char *group, const char *name, const struct source *s, int axis, char *path, size_t size)
{
    static const char *const image[] = {"channel", "height", "width"};
    bool of_probe = strncmp(group, "/probe/set", 10) == 0;
    if (axis == 0 && s->by_job)
        snprintf(path, size, "/job");
    else if (of_probe && axis == 0)
        snprintf(path, size, "%s/probe", group);
    else if (of_probe && axis <= 3 && s->rank == 4)
        snprintf(path, size, "%s/%s", group, image[axis - 1]);
    else if (of_probe && s->rank == 2)
        snprintf(path, size, "%s/feature", group);
    else
        snprintf(path, size, "%.800s/%.127s_axis%d", strcmp(group, "/") ? group : "", name, axis);
}

static int attach(struct copying *c, const char *group, const char *name, const struct source *s, hid_t dataset)
{
    for (int axis = 0; axis < s->rank; axis++) {
        char path[PATH_SIZE] = "";
        hid_t scale;
        if (H5DSget_num_scales(s->dataset, (unsigned)axis) > 0
            && H5DSiterate_scales(s->dataset, (unsigned)axis, NULL, take_name, path) > 0) {
            scale = H5Dopen2(c->to, path, H5P_DEFAULT);
        } else {
            name_axis(group, name, s, axis, path, sizeof path);
            scale = bare_dimension(c, path, s->dims[axis]);
        }
        herr_t attached = scale < 0 ? -1 : H5DSattach_scale(dataset, scale, (unsigned)axis);
        if (scale >= 0)
            H5Dclose(scale);
        if (attached < 0)
            return hdf_error(c->err, ERROR_FILE, "%s: cannot attach the dimension %s", name, path);
    }
    return 0;
}

/* --- datasets and groups --------------------------------------------------------------- */

static bool is_by_job(const struct copying *c, const char *group, const char *name, const struct source *s)
{
    char path[PATH_SIZE] = "";
    if (s->rank < 1 || s->dims[0] != c->jobs)
        return false;
    if (H5DSis_scale(s->dataset) > 0)
        return strcmp(name, "job") == 0;
    if (H5DSget_num_scales(s->dataset, 0) > 0 && H5DSiterate_scales(s->dataset, 0, NULL, take_name, path) > 0)
        return strcmp(path, "/job") == 0 || strcmp(path, "/kernels/job") == 0;
    return (strcmp(group, "/config") == 0 && strcmp(name, "job_text") == 0)
           || (strcmp(group, "/probe") == 0 && strcmp(name, "set") == 0);
}

static int copy_dataset(struct copying *c, const char *group, const char *name, const struct source *s, hid_t to)
{
    bool scale = H5DSis_scale(s->dataset) > 0;
    hid_t dataset = export_values(c, s, to, name);
    if (dataset < 0)
        return -1;
    int status = 0;
    if (scale && (H5DSset_scale(dataset, name) < 0))
        status = hdf_error(c->err, ERROR_FILE, "cannot make a dimension of %s", name);
    if (!status)
        status = (scale ? number_dimension(c, dataset) : attach(c, group, name, s, dataset))
                 || copy_attributes(c, s->dataset, dataset) ? -1 : 0;
    c->variables++;
    H5Dclose(dataset);
    return status;
}

/* Opens a member of a group; a dataset is copied where it is (or is not) a scale. */
static int copy_member(struct copying *c, const char *group, hid_t from, hid_t to, const char *name, bool scales)
{
    struct source s = {.dataset = H5Dopen2(from, name, H5P_DEFAULT)};
    if (s.dataset < 0)
        return hdf_error(c->err, ERROR_FORMAT, "%s cannot be opened", name);
    int status = 0;
    if ((H5DSis_scale(s.dataset) > 0) == scales) {
        hid_t space = H5Dget_space(s.dataset);
        s.type = H5Dget_type(s.dataset);
        s.rank = H5Sget_simple_extent_ndims(space);
        H5T_class_t class = H5Tget_class(s.type);
        if (s.rank > EXPORT_RANK || (class != H5T_INTEGER && class != H5T_FLOAT && class != H5T_STRING)) {
            status = error_set(c->err, ERROR_FORMAT, "%s: expected numbers or texts of at most %d axes", name, EXPORT_RANK);
        } else {
            H5Sget_simple_extent_dims(space, s.dims, NULL);
            s.by_job = is_by_job(c, group, name, &s);
            status = copy_dataset(c, group, name, &s, to);
        }
        H5Tclose(s.type);
        H5Sclose(space);
    }
    H5Dclose(s.dataset);
    return status;
}

static hid_t create_group(hid_t to, const char *name)
{
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t group = H5Gcreate2(to, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    return group;
}

enum pass { PASS_SCALES, PASS_REST, PASS_GROUPS, PASSES };

static int copy_group(struct copying *c, const char *path, hid_t from, hid_t to);

static int copy_subgroup(struct copying *c, const char *path, hid_t from, hid_t to, const char *name)
{
    char below[PATH_SIZE];
    if (snprintf(below, sizeof below, "%s/%s", strcmp(path, "/") ? path : "", name) >= (int)sizeof below)
        return error_set(c->err, ERROR_FORMAT, "expected groups within groups of less than %d characters", PATH_SIZE);
    hid_t source = H5Gopen2(from, name, H5P_DEFAULT), target = create_group(to, name);
    int status = source < 0 || target < 0 ? hdf_error(c->err, ERROR_FILE, "cannot copy the group %s", below)
                                          : copy_group(c, below, source, target);
    if (source >= 0)
        H5Gclose(source);
    if (target >= 0)
        H5Gclose(target);
    return status;
}

/* Scales before what lies along them, and a group before those below it. */
static int copy_group(struct copying *c, const char *path, hid_t from, hid_t to)
{
    H5G_info_t info;
    if (copy_attributes(c, from, to) || H5Gget_info(from, &info) < 0)
        return -1;
    for (int pass = 0; pass < PASSES; pass++)
        for (hsize_t i = 0; i < info.nlinks; i++) {
            char name[LINK_SIZE];
            H5O_info_t object;
            if (H5Lget_name_by_idx(from, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT) < 0
                || H5Oget_info_by_name2(from, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
                return hdf_error(c->err, ERROR_FORMAT, "the members of %s cannot be read", path);
            bool group = object.type == H5O_TYPE_GROUP;
            int status = pass == PASS_GROUPS ? (group ? copy_subgroup(c, path, from, to, name) : 0)
                         : group             ? 0
                                             : copy_member(c, path, from, to, name, pass == PASS_SCALES);
            if (status)
                return -1;
        }
    return 0;
}

/* --- the file -------------------------------------------------------------------------- */

int export_check_target(const char *path, const char *source, struct error *err)
{
    struct stat target, own;
    struct error none = {0};
    if (stat(path, &target))
        return 0;
    if (S_ISDIR(target.st_mode))
        return error_set(err, ERROR_USAGE, "%s: expected the name of a file, got a folder", path);
    bool same = !stat(source, &own) && own.st_dev == target.st_dev && own.st_ino == target.st_ino;
    hid_t file = same || !S_ISREG(target.st_mode) ? -1 : hdf_open_result(path, &none);
    if (file >= 0)
        H5Fclose(file);
    if (same || file >= 0)
        return error_set(err, ERROR_USAGE, "%s: is a result file of relin, which an export never writes over: expected "
                         "another name", path);
    return 0;
}

static int add_history(struct copying *c, const char *command_line)
{
    char now[32], *before = hdf_read_attribute_text(c->to, "history", c->err);
    struct text all = {0};
    if (!before)
        return -1;
    clock_iso(clock_unix(), now, sizeof now);
    text_add(&all, "%s\n%s %s", before, now, command_line);
    int status = H5Adelete(c->to, "history") < 0 ? hdf_error(c->err, ERROR_FILE, "cannot write history")
                                                 : put_characters(c, c->to, "history", all.chars);
    free(before);
    text_free(&all);
    return status;
}

static int write_file(struct copying *c, hid_t from, const char *path, const char *command_line)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
    if (c->dry)
        H5Pset_fapl_core(access, 1 << 20, false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_istore_k(creation, CHUNKS_PER_NODE / 2);
    c->to = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    if (c->to < 0)
        return hdf_error(c->err, ERROR_FILE, "%s: cannot be created", path);
    int status = copy_group(c, "/", from, c->to) || add_history(c, command_line) ? -1 : 0;
    if (hdf_close_file(c->to) && !status)
        status = hdf_error(c->err, ERROR_FILE, "%s: cannot be completed", path);
    return status;
}

struct rehearsal {
    const struct copying *copying;
    hid_t from;
};

/* In a child: what the walk through a file before it is opened does not come to, its scales above all. */
static int rehearse(void *context, struct error *err)
{
    const struct rehearsal *r = context;
    struct copying dry = *r->copying;
    dry.dry = true;
    dry.err = err;
    return write_file(&dry, r->from, "rehearsal", "");
}

int export_netcdf(const struct store_reader *reader, const char *path, const struct export_netcdf *what,
                  size_t *n_variables, struct error *err)
{
    struct copying c = {.to = -1, .jobs = reader->rows.jobs, .level = what->level, .err = err};
    struct rehearsal rehearsal = {&c, reader->rows.file};
    char temporary[STORE_PATH_SIZE];
    if (snprintf(temporary, sizeof temporary, "%s.%ld.new", path, (long)getpid()) >= (int)sizeof temporary)
        return error_set(err, ERROR_USAGE, "%.80s...: the name is too long", path);
    c.row = mem_alloc(c.jobs, sizeof *c.row, err);
    if (!c.row)
        return -1;
    for (hsize_t i = 0; i < c.jobs; i++)
        if (what->rows[i])
            c.row[c.n_rows++] = i;
    int status = inspect_first(what->source, rehearse, &rehearsal, ERROR_FORMAT, err);
    if (!status) {
        status = write_file(&c, reader->rows.file, temporary, what->command_line)
                 || hdf_replace_file(temporary, path, false, err) ? -1 : 0;
        if (status)
            unlink(temporary);
    }
    mem_free(c.row);
    *n_variables = c.variables;
    return status;
}
