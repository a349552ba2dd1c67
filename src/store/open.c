/* From a name to an open result file, or to a reason why it is none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hdf.h"
#include "store/inspect.h"

enum { MOST_LINKS = 40 };

int store_resolve(const char *path, char real[STORE_PATH_SIZE], struct error *err)
{
    int length = snprintf(real, STORE_PATH_SIZE, "%s", path);
    for (int i = 0; i < MOST_LINKS; i++) {
        char target[STORE_PATH_SIZE], folder[STORE_PATH_SIZE];
        if (length < 0 || length >= STORE_PATH_SIZE)
            return error_set(err, ERROR_USAGE, "%.80s...: the name of a result file is longer than %d characters", path,
                             STORE_PATH_SIZE - 1);
        ssize_t size = readlink(real, target, sizeof target - 1);
        if (size < 0)   /* no link: a file, or nothing yet */
            return 0;
        target[size] = 0;
        memcpy(folder, real, sizeof folder);
        char *slash = strrchr(folder, '/');
        *(slash ? slash + 1 : folder) = 0;
        size_t room = STORE_PATH_SIZE, used = 0;
        if (target[0] != '/')
            used = (size_t)snprintf(real, room, "%s", folder);
        length = (int)used + snprintf(real + used, room - used, "%s", target);
    }
    errno = ELOOP;
    return error_set_errno(err, ERROR_FILE, "%s", path);
}

/* --- is it a file at all, and whole? -------------------------------------------------- */

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

/* The length that an HDF5 file says of itself: in its superblock, of version 0 as ours, 2 or 3. 0: unknown. */
static uint64_t own_length(const unsigned char *head, size_t size)
{
    static const unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    if (size < 48 || memcmp(head, signature, sizeof signature) != 0)
        return 0;
    if (head[8] == 0 && head[13] == 8)
        return hdf_number(head + 40, 8);
    return (head[8] == 2 || head[8] == 3) && head[9] == 8 ? hdf_number(head + 28, 8) : 0;
}

/* What libhdf5 would wait for, or say less well. file: for reading. */
static int check_kind(int file, struct error *err)
{
    unsigned char head[64];
    struct stat found;
    if (fstat(file, &found))
        return error_set_errno(err, ERROR_FILE, "cannot be looked at");
    if (!S_ISREG(found.st_mode))
        return error_set(err, ERROR_FOREIGN, "expected a result file of relin, got %s", kind_of(found.st_mode));
    if (found.st_size == 0)
        return error_set(err, ERROR_FOREIGN, "expected a result file of relin, got an empty file: remove it, or name another");
    ssize_t got = pread(file, head, sizeof head, 0);
    if (got < 0)
        return error_set_errno(err, ERROR_FILE, "cannot be read");
    uint64_t length = own_length(head, (size_t)got);
    if (length > (uint64_t)found.st_size)
        return error_set(err, ERROR_FORMAT, "torn: by its beginning it has %llu bytes, of which %lld are there. Put a whole copy "
                         "in its place; or move it away, and `relin run` begins anew",
                         (unsigned long long)length, (long long)found.st_size);
    return 0;
}

/* --- is it ours? ---------------------------------------------------------------------- */

static int check_version(hid_t file, struct error *err)
{
    int32_t version = 0;
    hid_t attribute = H5Aopen(file, "relin_format_version", H5P_DEFAULT);
    if (attribute < 0)
        return error_set(err, ERROR_FOREIGN, "expected a result file of relin, got another HDF5 file "
                         "(no attribute relin_format_version)");
    hid_t space = H5Aget_space(attribute);
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    herr_t got = one ? H5Aread(attribute, H5T_NATIVE_INT32, &version) : -1;
    H5Sclose(space);
    H5Aclose(attribute);
    if (got < 0 || version < 1)
        return error_set(err, ERROR_FORMAT, "attribute relin_format_version is damaged");
    if (version > STORE_FORMAT_VERSION)
        return error_set(err, ERROR_FOREIGN, "written in format version %d, this relin reads up to %d: use a newer relin",
                         version, STORE_FORMAT_VERSION);
    return 0;
}

hid_t hdf_open_result(const char *path, struct error *err)
{
    hdf_setup();
    int raw = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);   /* a pipe would be waited for */
    if (raw < 0)
        return error_set_errno(err, ERROR_FILE, "%s", path);
    int failed = check_kind(raw, err);
    close(raw);
    if (!failed && inspect_file(path, ERROR_FORMAT, err))
        return -1;
    hid_t file = failed ? -1 : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (!failed && file < 0) {
        bool hdf5 = H5Fis_hdf5(path) > 0;
        failed = hdf5 ? hdf_error(err, ERROR_FORMAT, "damaged: HDF5 cannot open it; put a whole copy in its place, or move it "
                                  "away, and `relin run` begins anew")
                      : error_set(err, ERROR_FOREIGN, "expected a result file of relin, got a file that is not HDF5");
    }
    if (!failed && (failed = check_version(file, err)))
        H5Fclose(file);
    return failed ? error_prefix(err, "%s", path) : file;
}

int store_check_one_name(const char *path, struct error *err)
{
    struct stat found;
    if (stat(path, &found) || found.st_nlink < 2)
        return 0;
    return error_set(err, ERROR_USAGE, "%s: has %lu names (hard links), and what is written under one would change the others, a "
                     "second run under another not be seen: make it a file of its own (cp %s copy.h5 && mv copy.h5 %s)", path,
                     (unsigned long)found.st_nlink, path, path);
}
