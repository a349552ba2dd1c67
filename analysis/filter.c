/* Choosing among observations (--where). */
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "must.h"
#include "observe.h"
#include "sweep/where.h"

/* The level a text names. SIZE_MAX: none. */
static size_t find_level(const struct axis *axis, const char *text)
{
    for (size_t l = 0; l < axis->n_levels; l++)
        if (where_fits(text, axis->levels[l].label, axis->levels[l].number))
            return l;
    return SIZE_MAX;
}

static int no_such_axis(const struct observations *o, const struct where *where, struct error *err)
{
    struct text known = {0};
    observe_name_axes(o, &known);
    where_no_axis(where, known.chars, err);
    text_free(&known);
    return -1;
}

static int no_such_level(const struct axis *axis, const struct where *where, const char *value, struct error *err)
{
    struct text known = {0};
    for (size_t l = 0; l < axis->n_levels; l++)
        text_add(&known, "%s%s", l ? ", " : "", axis->levels[l].label);
    where_no_value(where, value, known.chars ? known.chars : "nothing", err);
    text_free(&known);
    return -1;
}

static void keep(struct observations *o, size_t axis, const bool *kept)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (kept[o->at[i].level[axis]])
            o->at[n++] = o->at[i];
        else
            free(o->at[i].id);
    }
    o->n = n;
}

int observe_filter(struct observations *o, const char *condition, struct error *err)
{
    struct where where;
    bool *kept = NULL;
    int result = where_parse(&where, condition, err);
    if (result)
        goto done;
    size_t a = observe_find_axis(o, where.axis);
    if (a == SIZE_MAX) {
        result = no_such_axis(o, &where, err);
        goto done;
    }
    kept = must(calloc(o->axes[a].n_levels + 1, sizeof *kept));
    for (size_t i = 0; i < where.n; i++) {
        size_t level = find_level(&o->axes[a], where.value[i]);
        if (level == SIZE_MAX) {
            result = no_such_level(&o->axes[a], &where, where.value[i], err);
            goto done;
        }
        kept[level] = true;
    }
    keep(o, a, kept);
done:
    free(kept);
    where_free(&where);
    return result;
}
