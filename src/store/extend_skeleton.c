/* Longer axes and further variables for an existing file: a copy that nobody has open yet, so that its
 * structure may change. */
#include <hdf5_hl.h>
#include <stdlib.h>

#include "skeleton.h"

static bool axis_changes(const struct result_layout *from, const struct result_layout *to, enum store_axis axis)
{
    return axis_length(from, 1, axis) != axis_length(to, 1, axis);
}

static bool is_along_change(const struct result_layout *from, const struct result_layout *to, enum variable_id id)
{
    enum store_axis axes[4];
    int rank = axis_of(variables[id].dims, axes);
    for (int i = 1; i < rank; i++)
        if (axis_changes(from, to, axes[i]))
            return true;
    return false;
}

/* A dataset goes only after its scales have forgotten it. */
static int remove_variable(struct skeleton *s, enum variable_id id)
{
    const struct variable *v = &variables[id];
    enum store_axis axes[4];
    int rank = axis_of(v->dims, axes), status = 0;
    hid_t dataset = H5Dopen2(s->group[v->group], v->name, H5P_DEFAULT);
    for (int i = 0; i < rank && !status; i++)
        status = H5DSdetach_scale(dataset, s->scale[v->group][axes[i]], (unsigned)i) < 0;
    if (dataset >= 0)
        H5Dclose(dataset);
    if (status || H5Ldelete(s->group[v->group], v->name, H5P_DEFAULT) < 0)
        return hdf_error(s->err, ERROR_FILE, "%s cannot be made anew", v->name);
    return 0;
}

static int open_scales(struct skeleton *s, const struct result_layout *from)
{
    for (int group = 0; group < 2; group++)
        for (int axis = 0; axis < AXIS_COUNT; axis++) {
            bool here = group == GROUP_ROOT ? axis_texts[axis].root : axis_texts[axis].kernels;
            if (!here || !axis_length(from, s->jobs, (enum store_axis)axis))
                continue;
            s->scale[group][axis] = H5Dopen2(s->group[group], axis_names[axis], H5P_DEFAULT);
            if (s->scale[group][axis] < 0)
                return hdf_error(s->err, ERROR_FORMAT, "scale %s is missing", axis_names[axis]);
        }
    return 0;
}

static int remake_scales(struct skeleton *s, const struct result_layout *from)
{
    for (int group = 0; group < 2; group++)
        for (int axis = 0; axis < AXIS_COUNT; axis++) {
            hid_t *scale = &s->scale[group][axis];
            if (!axis_changes(from, s->layout, (enum store_axis)axis))
                continue;
            if (*scale >= 0) {
                H5Dclose(*scale);
                *scale = -1;
                if (H5Ldelete(s->group[group], axis_names[axis], H5P_DEFAULT) < 0)
                    return hdf_error(s->err, ERROR_FILE, "scale %s cannot be made anew", axis_names[axis]);
            }
            if (skeleton_scale(s, (enum variable_group)group, (enum store_axis)axis))
                return -1;
        }
    return 0;
}

static int remake_variables(struct skeleton *s, const struct result_layout *from)
{
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        if (result_count(from, id) > 0 && is_along_change(from, s->layout, id) && remove_variable(s, id))
            return -1;
    }
    if (remake_scales(s, from))
        return -1;
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        bool stays = result_count(from, id) > 0 && !is_along_change(from, s->layout, id);
        if (result_count(s->layout, id) > 0 && !stays && skeleton_variable(s, id))
            return -1;
    }
    return 0;
}

int skeleton_mark_added(hid_t file, const struct result_layout *before, const struct result_layout *now, struct error *err)
{
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        char path[128];
        if (!result_absent(before, id) || result_count(now, id) == 0)
            continue;
        variable_path(id, path, sizeof path);
        hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
        int status = hdf_attribute_text(dataset, ADDED_ATTRIBUTE,
                                        "later than the file: a row without a number may not have been measured", err);
        H5Dclose(dataset);
        if (status)
            return -1;
    }
    return 0;
}

int skeleton_extend(hid_t file, size_t jobs, const struct result_layout *from, const struct result_layout *to,
                    struct error *err)
{
    struct skeleton s = {.file = file, .group = {file, -1}, .jobs = jobs, .layout = to, .err = err};
    for (int i = 0; i < AXIS_COUNT; i++)
        s.scale[0][i] = s.scale[1][i] = -1;
    int status = -1;
    hid_t any = H5Dopen2(file, variables[VAR_CRC].name, H5P_DEFAULT);
    char *coordinates = any < 0 ? NULL : hdf_read_attribute_text(any, "coordinates", err);
    if (any >= 0)
        H5Dclose(any);
    s.group[GROUP_KERNELS] = H5Gopen2(file, "kernels", H5P_DEFAULT);
    if (!coordinates || s.group[GROUP_KERNELS] < 0)
        goto done;
    text_add(&s.coordinates, "%s", coordinates);
    status = open_scales(&s, from) || remake_variables(&s, from) || skeleton_mark_added(file, from, to, err) ? -1 : 0;
done:
    skeleton_close(&s);
    text_free(&s.coordinates);
    free(coordinates);
    return status;
}
