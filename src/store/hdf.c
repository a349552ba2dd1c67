/* HDF5 calls with our errors. */
#define _GNU_SOURCE   /* fallocate */
#include "hdf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_BYTES = 4 << 20 };   /* of blocks that are free, of each kind */

void hdf_setup(void)
{
    static bool done;
    if (done)
        return;
    done = true;
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    H5open();
    /* What HDF5 allocates again and again, 2 MiB to convert one text and 1 MiB for each file's cache, it keeps: asked of the
     * system each time, the pages are most of what a short command costs. */
    H5set_free_list_limits(KEPT_BYTES, KEPT_BYTES, KEPT_BYTES, KEPT_BYTES, KEPT_BYTES, KEPT_BYTES);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

uint64_t hdf_number(const unsigned char *bytes, int n)
{
    uint64_t value = 0;
    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

static herr_t keep_innermost(unsigned n, const H5E_error2_t *entry, void *context)
{
    const char **text = context;
    (void)n;
    *text = entry->desc;
    return 0;
}

/* Where a system call failed, HDF5 tells time, descriptor and addresses, too: only its reason is kept. */
static void add_reason(struct error *err, const char *reason)
{
    static const char mark[] = "error message = '";
    const char *start = strstr(reason, mark);
    size_t used = strlen(err->text);
    start = start ? start + strlen(mark) : reason;
    int length = (int)(start == reason ? strlen(reason) : strcspn(start, "'"));
    snprintf(err->text + used, sizeof err->text - used, " (HDF5: %.*s)", length, start);
    const char *number = strstr(reason, "errno = ");
    if (number)
        error_judge_space(err, atoi(number + strlen("errno = ")));
}

int hdf_error(struct error *err, enum error_code code, const char *format, ...)
{
    if (!err)
        return -1;
    const char *reason = NULL;
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, &reason);
    if (reason)
        add_reason(err, reason);
    return -1;
}

/* --- files that cannot be closed, as on a full disk --- */

static bool stuck;

static void leave_at_once(int code, void *unused)
{
    (void)unused;
    fflush(NULL);
    _exit(code);
}

int hdf_close_file(hid_t file)
{
    if (H5Fclose(file) >= 0)
        return 0;
    if (!stuck)
        on_exit(leave_at_once, NULL);   /* comes before HDF5's own, which was registered earlier */
    stuck = true;
    return -1;
}

bool store_is_stuck(void)
{
    return stuck;
}

hid_t hdf_type_text(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_cset(type, H5T_CSET_UTF8);
    H5Tset_strpad(type, size == H5T_VARIABLE ? H5T_STR_NULLTERM : H5T_STR_NULLPAD);
    return type;
}

hid_t hdf_type_file(enum variable_type type)
{
    switch (type) {
    case TYPE_F64: return H5T_IEEE_F64LE;
    case TYPE_F32: return H5T_IEEE_F32LE;
    case TYPE_I64: return H5T_STD_I64LE;
    case TYPE_I32: return H5T_STD_I32LE;
    case TYPE_U32: return H5T_STD_U32LE;
    case TYPE_U8: return H5T_STD_U8LE;
    case TYPE_TEXT: return hdf_type_text(H5T_VARIABLE);
    default: return hdf_type_text(variable_type_size(type));
    }
}

hid_t hdf_type_memory(enum variable_type type)
{
    switch (type) {
    case TYPE_F64: return H5T_NATIVE_DOUBLE;
    case TYPE_F32: return H5T_NATIVE_FLOAT;
    case TYPE_I64: return H5T_NATIVE_INT64;
    case TYPE_I32: return H5T_NATIVE_INT32;
    case TYPE_U32: return H5T_NATIVE_UINT32;
    case TYPE_U8: return H5T_NATIVE_UINT8;
    default: return hdf_type_file(type);
    }
}

void hdf_type_close(hid_t type)
{
    if (type >= 0 && H5Tget_class(type) == H5T_STRING)
        H5Tclose(type);
}

static int put_attribute(hid_t object, const char *name, hid_t type, hid_t space, const void *value,
                         struct error *err)
{
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int status = attribute >= 0 && H5Awrite(attribute, type, value) >= 0
                     ? 0 : hdf_error(err, ERROR_FILE, "cannot write attribute %s", name);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

/* Of variable length, since h5py shows these as str and the others as bytes. */
int hdf_attribute_text(hid_t object, const char *name, const char *utf8, struct error *err)
{
    hid_t type = hdf_type_text(H5T_VARIABLE);
    int status = put_attribute(object, name, type, H5Screate(H5S_SCALAR), &utf8, err);
    H5Tclose(type);
    return status;
}

int hdf_attribute_numbers(hid_t object, const char *name, hid_t type, size_t n, const void *values,
                          struct error *err)
{
    hsize_t length = n;
    return put_attribute(object, name, type, H5Screate_simple(1, &length, NULL), values, err);
}

/* The text behind a type: in a buffer of its own size, or allocated by HDF5. read: attribute or dataset. */
static char *read_text(hid_t object, bool attribute, hid_t type)
{
    char *text = NULL;
    if (H5Tget_class(type) != H5T_STRING)
        return NULL;
    if (H5Tis_variable_str(type) > 0) {
        char *found = NULL;
        herr_t got = attribute ? H5Aread(object, type, &found)
                               : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &found);
        text = got >= 0 && found ? strdup(found) : NULL;
        H5free_memory(found);
        return text;
    }
    text = calloc(H5Tget_size(type) + 1, 1);
    herr_t got = !text ? -1 : attribute ? H5Aread(object, type, text)
                                        : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
    if (got < 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *hdf_read_attribute_text(hid_t object, const char *name, struct error *err)
{
    char *text = NULL;
    hid_t type = -1, attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute >= 0) {
        type = H5Aget_type(attribute);
        text = read_text(attribute, true, type);
        H5Tclose(type);
        H5Aclose(attribute);
    }
    if (!text)
        hdf_error(err, ERROR_FORMAT, "attribute %s: expected a text, got none", name);
    return text;
}

char *hdf_read_text(hid_t location, const char *name, struct error *err)
{
    char *text = NULL;
    hid_t type = -1, dataset = H5Dopen2(location, name, H5P_DEFAULT);
    if (dataset >= 0) {
        type = H5Dget_type(dataset);
        text = read_text(dataset, false, type);
        H5Tclose(type);
        H5Dclose(dataset);
    }
    if (!text)
        hdf_error(err, ERROR_FORMAT, "%s: expected a text, got none", name);
    return text;
}

hid_t hdf_create(hid_t location, const char *name, hid_t file_type, hid_t memory_type, int rank,
                 const hsize_t *dims, const void *values, struct error *err)
{
    hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(location, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    if (dataset < 0)
        return hdf_error(err, ERROR_FILE, "cannot create dataset %s", name);
    if (values && H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        hdf_error(err, ERROR_FILE, "cannot write dataset %s", name);
        H5Dclose(dataset);
        return -1;
    }
    return dataset;
}

int hdf_put(hid_t location, const char *name, hid_t file_type, hid_t memory_type, int rank,
            const hsize_t *dims, const void *values, struct error *err)
{
    hid_t dataset = hdf_create(location, name, file_type, memory_type, rank, dims, values, err);
    if (dataset < 0)
        return -1;
    H5Dclose(dataset);
    return 0;
}

int hdf_put_text(hid_t location, const char *name, const char *utf8, struct error *err)
{
    hid_t type = hdf_type_text(H5T_VARIABLE);
    int status = hdf_put(location, name, type, type, 0, NULL, &utf8, err);
    H5Tclose(type);
    return status;
}

/* A name is on disk when its folder is. File systems without that are left alone. */
static void sync_folder(const char *path)
{
    char folder[STORE_PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    *(slash ? slash + 1 : folder) = 0;
    int file = open(folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

int hdf_reserve(const char *path, struct error *err)
{
    struct stat found;
    int file = open(path, O_RDWR | O_CLOEXEC);
    int failed = file < 0 || fstat(file, &found) || fallocate(file, 0, 0, found.st_size) ? errno : 0;
    if (file >= 0)
        close(file);
    errno = failed;
    if (failed != ENOSPC && failed != EDQUOT)   /* over the network, say; a write will tell */
        return 0;
    return error_set_errno(err, ERROR_FILE, "%s: no room for all its %lld bytes", path, (long long)found.st_size);
}

int hdf_replace_file(const char *from, const char *path, bool fresh, struct error *err)
{
    int file = open(from, O_RDONLY | O_CLOEXEC), failed = file < 0 || fsync(file) ? errno : 0;
    if (file >= 0 && close(file) && !failed)
        failed = errno;
    if (!failed && (fresh ? link(from, path) : rename(from, path)))
        failed = errno;
    if (fresh && (failed == EPERM || failed == EOPNOTSUPP || failed == ENOSYS))   /* it knows no second names */
        failed = access(path, F_OK) == 0 ? EEXIST : rename(from, path) ? errno : 0;
    else if (fresh && !failed)
        unlink(from);
    errno = failed;
    if (failed)
        return error_set_errno(err, ERROR_FILE, "%s: cannot be put in place", path);
    sync_folder(path);
    return 0;
}
