#include "sweep/where.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

int where_parse(struct where *where, const char *condition, struct error *err)
{
    const char *values = strchr(condition, '=');
    *where = (struct where){0};
    if (!values)
        return error_set(err, ERROR_USAGE, "--where: expected axis=value, got '%s'", condition);
    where->axis = strdup(condition);   /* the name, and behind it the values */
    where->value = mem_alloc(strlen(values), sizeof *where->value, err);
    if (!where->axis || !where->value)
        return -1;
    char *rest = where->axis + (values - condition);
    *rest++ = 0;
    for (char *save, *value = strtok_r(rest, ",", &save); value; value = strtok_r(NULL, ",", &save))
        where->value[where->n++] = value;
    return 0;
}

void where_free(struct where *where)
{
    free(where->axis);
    mem_free(where->value);
    *where = (struct where){0};
}

bool where_names(const char *name, const char *axis)
{
    for (; *name && *axis; name++, axis++)
        if ((*name == '.' ? '_' : *name) != (*axis == '.' ? '_' : *axis))
            return false;
    return *name == *axis;
}

bool where_fits(const char *value, const char *label, double number)
{
    char *end;
    if (strcmp(value, label) == 0)
        return true;
    double wanted = strtod(value, &end);
    return *value && !*end && wanted == number;
}

int where_no_axis(const struct where *where, const char *known, struct error *err)
{
    return error_set(err, ERROR_USAGE, "--where: expected an axis (%s), got '%s'", known, where->axis);
}

int where_no_value(const struct where *where, const char *value, const char *known, struct error *err)
{
    return error_set(err, ERROR_USAGE, "--where %s: expected one of %s, got '%s'", where->axis, known, value);
}
