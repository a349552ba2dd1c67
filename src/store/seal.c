#include "seal.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#define SEAL_ATTRIBUTE "crc"

/* CRC-32 of the numbers as they are in the file, least byte first, or of the texts, each with its closing 0. */
static int crc_of(hid_t dataset, uint32_t *crc)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    bool texts = H5Tis_variable_str(type) > 0;
    size_t size = H5Tget_size(type), n = (size_t)H5Sget_simple_extent_npoints(space);
    void *values = mem_alloc(n, size, NULL);
    int status = values && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 ? 0 : -1;
    *crc = 0;
    if (!status && texts) {
        for (size_t i = 0; i < n; i++) {
            const char *text = ((char **)values)[i] ? ((char **)values)[i] : "";
            *crc = hash_crc32(*crc, text, strlen(text) + 1);
        }
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    } else if (!status) {
        *crc = hash_crc32(0, values, n * size);
    }
    mem_free(values);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

int seal_column(hid_t dataset, struct error *err)
{
    uint32_t crc;
    if (crc_of(dataset, &crc))
        return hdf_error(err, ERROR_FILE, "a column cannot be read again for its checksum");
    return hdf_attribute_numbers(dataset, SEAL_ATTRIBUTE, H5T_NATIVE_UINT32, 1, &crc, err);
}

static bool dataset_holds(hid_t dataset)
{
    uint32_t is, was;
    if (H5Aexists(dataset, SEAL_ATTRIBUTE) <= 0)
        return true;
    hid_t attribute = H5Aopen(dataset, SEAL_ATTRIBUTE, H5P_DEFAULT), space = H5Aget_space(attribute);
    bool read = H5Sget_simple_extent_npoints(space) == 1 && H5Aread(attribute, H5T_NATIVE_UINT32, &was) >= 0;
    H5Sclose(space);
    H5Aclose(attribute);
    return read && !crc_of(dataset, &is) && is == was;
}

bool seal_holds(const struct store_reader *reader, const char *path)
{
    if (!store_read_has(reader, path))
        return true;
    hid_t dataset = H5Dopen2(reader->rows.file, path, H5P_DEFAULT);
    bool holds = dataset >= 0 && dataset_holds(dataset);
    if (dataset >= 0)
        H5Dclose(dataset);
    return holds;
}

struct look {
    const struct store_reader *reader;
    const char *group;
    void (*broken)(void *context, const char *path);
    void *context;
    size_t n;
};

static herr_t look_at(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    struct look *look = data;
    char path[256];
    H5O_info_t object;
    (void)info;
    if (H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0 || object.type != H5O_TYPE_DATASET)
        return 0;
    snprintf(path, sizeof path, "%s%s", look->group, name);
    if (!seal_holds(look->reader, path)) {
        look->n++;
        look->broken(look->context, path);
    }
    return 0;
}

size_t seal_check(const struct store_reader *reader, void (*broken)(void *context, const char *path), void *context)
{
    struct look look = {.reader = reader, .group = "", .broken = broken, .context = context};
    H5Literate(reader->rows.file, H5_INDEX_NAME, H5_ITER_INC, NULL, look_at, &look);
    look.group = "kernels/";
    H5Literate_by_name(reader->rows.file, "kernels", H5_INDEX_NAME, H5_ITER_INC, NULL, look_at, &look, H5P_DEFAULT);
    return look.n;
}
