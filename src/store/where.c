/* Choosing the rows of one file (--where). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/store.h"
#include "sweep/where.h"

/* What each job has on one axis: the label, and its number or NaN. */
struct column {
    size_t n;
    char **label;
    double *number;
};

static int read_column(const struct store_reader *reader, const char *name, struct column *column, struct error *err)
{
    struct error not_numbers = {0};
    size_t width, n = column->n = store_read_jobs(reader);
    if (store_read_numbers(reader, name, &column->number, &width, &not_numbers)) {
        column->number = mem_alloc(n, sizeof *column->number, err);
        for (size_t i = 0; column->number && i < n; i++)
            column->number[i] = NAN;
        return !column->number || store_read_texts(reader, name, &column->label, err) ? -1 : 0;
    }
    column->label = calloc(n, sizeof *column->label);
    for (size_t i = 0; column->label && i < n; i++) {
        struct text label = {0};
        text_add_number(&label, column->number[i]);
        column->label[i] = label.chars;
    }
    return column->label ? 0 : error_set(err, ERROR_MEMORY, "out of memory");
}

/* The name of the axis as the file has it; NULL with *err filled. */
static const char *find_axis(const struct store_reader *reader, const struct where *where, struct error *err)
{
    static const char *const implied[] = {"trainer", "schedule"};
    const char *const *names;
    size_t n = store_read_axes(reader, &names);
    struct text known = {0};
    const char *found = NULL;
    for (size_t i = 0; i < n + 2; i++) {
        const char *name = i < n ? names[i] : implied[i - n];
        if (where_names(where->axis, name))
            found = name;
        if (!strstr(known.chars ? known.chars : "", name))
            text_add(&known, "%s%s", i ? ", " : "", name);
    }
    if (!found)
        where_no_axis(where, known.chars, err);
    text_free(&known);
    return found;
}

static int no_value(const struct where *where, const char *value, const struct column *column, struct error *err)
{
    struct text known = {0};
    for (size_t i = 0; i < column->n; i++) {
        size_t first = 0;
        while (strcmp(column->label[first], column->label[i]) != 0)
            first++;
        if (first == i)
            text_add(&known, "%s%s", i ? ", " : "", column->label[i]);
    }
    where_no_value(where, value, known.chars ? known.chars : "nothing", err);
    text_free(&known);
    return -1;
}

int store_read_where(const struct store_reader *reader, const char *condition, bool *selected, struct error *err)
{
    struct where where;
    struct column column = {0};
    bool *fits = NULL;
    const char *axis;
    int status = -1;
    if (where_parse(&where, condition, err) || !(axis = find_axis(reader, &where, err))
        || read_column(reader, axis, &column, err) || !(fits = mem_alloc(column.n, sizeof *fits, err)))
        goto done;
    for (size_t v = 0; v < where.n; v++) {
        bool any = false;
        for (size_t i = 0; i < column.n; i++)
            if (where_fits(where.value[v], column.label[i], column.number[i]))
                any = fits[i] = true;
        if (!any) {
            no_value(&where, where.value[v], &column, err);
            goto done;
        }
    }
    for (size_t i = 0; i < column.n; i++)
        selected[i] = selected[i] && fits[i];
    status = 0;
done:
    mem_free(fits);
    mem_free(column.number);
    store_free_texts(column.label, column.n);
    where_free(&where);
    return status;
}
