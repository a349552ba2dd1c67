/* What the file says of the run that made it: the attributes of /provenance, in the order of their names. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "read.h"
#include "store/store.h"

struct told {
    store_about_function *tell;
    void *context;
};

/* One attribute: a text, or a number; what is neither is passed over. */
static herr_t tell_attribute(hid_t group, const char *name, const H5A_info_t *info, void *context)
{
    (void)info;
    const struct told *told = context;
    hid_t attribute = H5Aopen(group, name, H5P_DEFAULT);
    if (attribute < 0)
        return 0;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    H5T_class_t class = H5Tget_class(type);
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space);
    H5Tclose(type);
    double number;
    struct text value = {0};
    if (class == H5T_INTEGER && one && H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) >= 0) {
        text_add_number(&value, number);
    } else if (class == H5T_STRING) {
        char *text = hdf_read_attribute_text(group, name, NULL);
        if (text)
            text_add(&value, "%s", text);
        free(text);
    }
    H5Aclose(attribute);
    if (value.chars)
        told->tell(name, value.chars, told->context);
    text_free(&value);
    return 0;
}

int store_read_about(const struct store_reader *reader, store_about_function *tell, void *context, struct error *err)
{
    struct told told = {tell, context};
    hid_t group = H5Gopen2(reader->rows.file, "provenance", H5P_DEFAULT);
    hsize_t at = 0;
    if (group < 0)
        return hdf_error(err, ERROR_FORMAT, "the group provenance cannot be read");
    herr_t walked = H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, &at, tell_attribute, &told);
    H5Gclose(group);
    return walked < 0 ? hdf_error(err, ERROR_FORMAT, "the attributes of the group provenance cannot be read") : 0;
}
