/* A skeleton on its way, for the files that write or extend one. Private to the store.
 *
 * Functions return 0, or -1 with *s->err filled. */
#ifndef RELIN_STORE_SKELETON_H
#define RELIN_STORE_SKELETON_H

#include "base/text.h"
#include "hdf.h"

struct skeleton {
    hid_t file, group[2];                 /* by enum variable_group */
    hid_t scale[2][AXIS_COUNT];           /* -1 where the axis has no length or no place there */
    const struct sweep *sweep;            /* NULL where an existing file is extended */
    size_t jobs;
    const struct result_layout *layout;
    struct text coordinates;              /* names, separated by spaces */
    struct error *err;
};

/* What is said of an axis, and in which groups it is. */
struct axis_text {
    const char *units, *long_name;
    bool root, kernels;
};
extern const struct axis_text axis_texts[AXIS_COUNT];

/* The scale of an axis in a group, if it has a length and a place there. */
int skeleton_scale(struct skeleton *s, enum variable_group group, enum store_axis axis);
/* One variable of the table, filled. */
int skeleton_variable(struct skeleton *s, enum variable_id id);
/* Scales and the group of kernels; not the file. */
void skeleton_close(struct skeleton *s);

#endif
