/* Choosing among observations (--where). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "must.h"
#include "observe.h"

/* The level a text names: by label, or by number ("1e3" is 1000). SIZE_MAX: none. */
static size_t find_level(const struct axis *axis, const char *text)
{
    for (size_t l = 0; l < axis->n_levels; l++)
        if (strcmp(axis->levels[l].label, text) == 0)
            return l;
    char *end;
    double number = strtod(text, &end);
    for (size_t l = 0; *text && !*end && l < axis->n_levels; l++)
        if (axis->levels[l].number == number)
            return l;
    return SIZE_MAX;
}

static int no_such_level(const struct axis *axis, const char *text, struct error *err)
{
    struct text known = {0};
    for (size_t l = 0; l < axis->n_levels; l++)
        text_add(&known, "%s%s", l ? ", " : "", axis->levels[l].label);
    error_set(err, ERROR_USAGE, "--where %s: expected one of %s, got '%s'", axis->name,
              known.chars ? known.chars : "nothing", text);
    text_free(&known);
    return -1;
}

int observe_filter(struct observations *o, const char *condition, struct error *err)
{
    char *name = must(strdup(condition)), *values = strchr(name, '=');
    if (!values) {
        error_set(err, ERROR_USAGE, "--where: expected axis=value, got '%s'", condition);
        free(name);
        return -1;
    }
    *values++ = 0;
    size_t a = observe_find_axis(o, name);
    if (a == SIZE_MAX) {
        struct text known = {0};
        observe_name_axes(o, &known);
        error_set(err, ERROR_USAGE, "--where: expected an axis (%s), got '%s'", known.chars, name);
        text_free(&known);
        free(name);
        return -1;
    }
    bool *kept = must(calloc(o->axes[a].n_levels + 1, sizeof *kept));
    int result = 0;
    for (char *rest, *value = strtok_r(values, ",", &rest); value; value = strtok_r(NULL, ",", &rest)) {
        size_t level = find_level(&o->axes[a], value);
        if (level == SIZE_MAX) {
            result = no_such_level(&o->axes[a], value, err);
            goto done;
        }
        kept[level] = true;
    }
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (kept[o->at[i].level[a]])
            o->at[n++] = o->at[i];
        else
            free(o->at[i].id);
    }
    o->n = n;
done:
    free(kept);
    free(name);
    return result;
}
