/* `--where AXIS=VALUE[,VALUE...]`: choosing jobs by their place in the grid. The syntax of relin summary
 * and relin measure; the axes and their values are the caller's. */
#ifndef RELIN_SWEEP_WHERE_H
#define RELIN_SWEEP_WHERE_H

#include <stdbool.h>
#include <stddef.h>

struct error;

struct where {
    char *axis;
    char **value;
    size_t n;
};

/* Returns 0, or -1 with *err filled. The caller frees with where_free (also after -1). */
int where_parse(struct where *where, const char *condition, struct error *err);
void where_free(struct where *where);

/* Is this the name of an axis? training.momentum and training_momentum are the same. */
bool where_names(const char *name, const char *axis);
/* Is this value the label's, or its number ("1e3" is 1000)? number: NaN where the label is none. */
bool where_fits(const char *value, const char *label, double number);
/* The axis, or the value, is none of those known ("a, b"). Fills *err; returns -1. */
int where_no_axis(const struct where *where, const char *known, struct error *err);
int where_no_value(const struct where *where, const char *value, const char *known, struct error *err);

#endif
