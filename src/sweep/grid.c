#include "grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"

static const char *const short_names[] = {"seed", "refresh_period", "trainer", "refresh", "feature_updates"};

void grid_axis_path(const char *name, char *path, size_t size)
{
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (strcmp(name, short_names[i]) == 0) {
            snprintf(path, size, "training.%s", name);
            return;
        }
    snprintf(path, size, "%.200s", name);
}

const struct node *grid_find_axis(const struct node *grid, const char *path)
{
    const struct node *found = NULL;
    for (size_t i = 0; grid && grid->kind != NODE_SCALAR && i < grid->n && !found; i++) {
        const char *name = grid->kind == NODE_MAP ? grid->key[i]->scalar : "";
        char axis[256];
        grid_axis_path(name, axis, sizeof axis);
        if (grid->kind == NODE_LIST || strcmp(name, "zip") == 0)
            found = grid_find_axis(grid->value[i], path);
        else if (strcmp(axis, path) == 0)
            found = grid->key[i];
    }
    return found;
}

static const struct network_spec *find_architecture(const struct grid_base *base, const char *name, size_t length)
{
    for (size_t i = 0; i < base->n_architectures; i++)
        if (strlen(base->architectures[i].name) == length && strncmp(base->architectures[i].name, name, length) == 0)
            return &base->architectures[i];
    return NULL;
}

static int unknown_axis(const struct node *name, struct mistakes *mistakes)
{
    const char *nearest = NULL;
    size_t least = 3;
    if (strncmp(name->scalar, "limits.", 7) == 0) {
        mistakes_add(mistakes, name->line, name->column, "grid.%s: expected a key of data, architectures, training or "
                     "kernels, got one of limits, which are the whole sweep's", name->scalar);
        return -1;
    }
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (text_distance(name->scalar, short_names[i]) <= least) {
            nearest = short_names[i];
            least = text_distance(name->scalar, nearest) - 1;
        }
    if (text_distance(name->scalar, "architecture") <= 3)
        nearest = "architecture";
    if (!nearest)
        nearest = key_nearest(name->scalar);
    mistakes_add(mistakes, name->line, name->column, "grid.%s: expected architecture, %s, or the dotted path of a key, "
                 "got '%s'%s%s%s", name->scalar, "seed, refresh_period, refresh, feature_updates, trainer", name->scalar,
                 nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    return -1;
}

static int check_values(const struct grid_axis *axis, const struct grid_base *base, struct mistakes *mistakes)
{
    struct draft scratch = base->draft;
    int status = 0;
    for (size_t i = 0; i < axis->n; i++) {
        const struct node *v = axis->values[i];
        if (axis->key) {
            status |= key_parse(axis->key, axis->path, v, &scratch, mistakes);
        } else if (v->kind != NODE_SCALAR || !find_architecture(base, v->scalar, strlen(v->scalar))) {
            char got[80];
            struct text known = {0};
            node_print(v, got, sizeof got);
            for (size_t k = 0; k < base->n_architectures && k < 12; k++)
                text_add(&known, "%s%s", k ? ", " : "", base->architectures[k].name);
            mistakes_add(mistakes, v->line, v->column, "architecture: expected one of architectures (%s), got %s",
                         known.chars ? known.chars : "there are none", got);
            text_free(&known);
            status = -1;
        }
    }
    return status;
}

/* Reads one axis into the next free place of grid->axes. */
static int read_axis(struct grid *grid, const struct grid_base *base, const struct node *name, struct node *value,
                     struct mistakes *mistakes)
{
    struct grid_axis *axis = &grid->axes[grid->n_axes];
    *axis = (struct grid_axis){.name = name};
    grid_axis_path(name->scalar, axis->path, sizeof axis->path);
    axis->key = key_find(axis->path);
    if (strncmp(axis->path, "architectures.", 14) == 0 && axis->key) {
        const char *own = axis->path + 14;
        if (!find_architecture(base, own, (size_t)(strrchr(own, '.') - own)))
            return unknown_axis(name, mistakes);
    }
    if ((!axis->key && strcmp(axis->path, "architecture") != 0) || strncmp(axis->path, "limits.", 7) == 0)
        return unknown_axis(name, mistakes);
    for (size_t i = 0; i < grid->n_axes; i++)
        if (strcmp(grid->axes[i].path, axis->path) == 0) {
            mistakes_add(mistakes, name->line, name->column, "grid.%s: this axis is there twice: remove one", name->scalar);
            return -1;
        }
    grid->n_axes++;
    /* a list of widths is one value; its axis is a list of lists */
    struct node *list = value;
    if (axis->key && value->kind == NODE_LIST && (axis->key->kind == KIND_WIDTHS || axis->key->kind == KIND_CHANNELS
                                                  || axis->key->kind == KIND_LAYERS)
        && (value->n == 0 || value->value[0]->kind != NODE_LIST)) {
        char text[200];
        snprintf(text, sizeof text, "grid.%.100s: expected a list of lists, such as %s", name->scalar,
                 axis->key->kind == KIND_LAYERS ? "[[dense: 8], [dense: 9, activation]]" : "[[512], [512, 512]]");
        node_refuse(value, text, mistakes);
        return -1;
    }
    if (range_expand(base->tree, name->scalar, list, &axis->values, &axis->n, mistakes))
        return -1;
    return check_values(axis, base, mistakes);
}

static int read_zip(struct grid *grid, const struct grid_base *base, const struct node *zip, struct mistakes *mistakes)
{
    int status = 0;
    if (zip->kind == NODE_LIST) {
        for (size_t i = 0; i < zip->n; i++)
            status |= read_zip(grid, base, zip->value[i], mistakes);
        return status;
    }
    if (zip->kind != NODE_MAP || zip->n == 0) {
        node_refuse(zip, "grid.zip: expected a map of axes that advance together", mistakes);
        return -1;
    }
    struct grid_dimension *dimension = &grid->dimensions[grid->n_dimensions++];
    *dimension = (struct grid_dimension){.first = grid->n_axes};
    for (size_t i = 0; i < zip->n; i++) {
        if (read_axis(grid, base, zip->key[i], zip->value[i], mistakes)) {
            status = -1;
            continue;
        }
        const struct grid_axis *axis = &grid->axes[grid->n_axes - 1];
        if (dimension->n_axes++ == 0)
            dimension->length = axis->n;
        if (axis->n != dimension->length) {
            mistakes_add(mistakes, zip->value[i]->line, zip->value[i]->column, "grid.zip.%s: expected %zu values as in "
                         "the first list of this zip, got %zu", zip->key[i]->scalar, dimension->length, axis->n);
            status = -1;
        }
    }
    return status;
}

/* Patterns: a map of axis: value or list of values, or a list of such maps. Ranges become lists of their
 * values, once for all cells. */
static int read_patterns(const struct grid *grid, const struct grid_base *base, const char *what, struct node *node,
                         struct mistakes *mistakes)
{
    int status = 0;
    if (node->kind == NODE_LIST) {
        for (size_t i = 0; i < node->n; i++)
            status |= read_patterns(grid, base, what, node->value[i], mistakes);
        return status;
    }
    if (node->kind != NODE_MAP) {
        char text[100];
        snprintf(text, sizeof text, "grid.%s: expected a map of axis: value, or a list of such maps", what);
        node_refuse(node, text, mistakes);
        return -1;
    }
    for (size_t i = 0; i < node->n; i++) {
        char path[256];
        bool found = false;
        struct node **list = NULL;
        size_t n = 0;
        snprintf(path, sizeof path, "grid.%s.%.200s", what, node->key[i]->scalar);
        if (range_expand(base->tree, path, node->value[i], &list, &n, mistakes)) {
            free(list);
            status = -1;
        } else {
            node->value[i] = tree_list(base->tree, list, n, node->value[i]);
        }
        grid_axis_path(node->key[i]->scalar, path, sizeof path);
        for (size_t a = 0; a < grid->n_axes; a++)
            found |= strcmp(grid->axes[a].path, path) == 0;
        if (!found) {
            mistakes_add(mistakes, node->key[i]->line, node->key[i]->column, "grid.%s.%s: expected an axis of this grid, "
                         "got '%s'", what, node->key[i]->scalar, node->key[i]->scalar);
            status = -1;
        }
    }
    return status;
}

/* Without an axis `architecture` every architecture is run, slowest. */
static void imply_architectures(struct grid *grid, const struct grid_base *base)
{
    struct grid_axis *axis = &grid->axes[grid->n_axes];
    *axis = (struct grid_axis){.n = base->n_architectures};
    snprintf(axis->path, sizeof axis->path, "architecture");
    axis->values = calloc(axis->n + 1, sizeof *axis->values);
    for (size_t i = 0; axis->values && i < axis->n; i++)
        axis->values[i] = tree_scalar(base->tree, base->architectures[i].name, 1, 1);
    grid->dimensions[grid->n_dimensions++] = (struct grid_dimension){grid->n_axes++, 1, axis->n};
}

/* Does a map of the grid, or a zip in it, name the architecture? */
static bool has_architecture(const struct node *map)
{
    if (!map || map->kind == NODE_SCALAR)
        return false;
    if (map->kind == NODE_MAP)
        return node_get(map, "architecture") || has_architecture(node_get(map, "zip"));
    for (size_t i = 0; i < map->n; i++)   /* several zips */
        if (has_architecture(map->value[i]))
            return true;
    return false;
}

/* How many axes a map can hold, zips counted. */
static size_t count_axes(const struct node *map)
{
    size_t n = 2;
    if (map && map->kind != NODE_SCALAR)
        for (size_t i = 0; i < map->n; i++)
            n += count_axes(map->value[i]);
    return n;
}

int grid_read(struct grid *grid, const struct grid_base *base, const struct node *map, struct mistakes *mistakes)
{
    int status = 0;
    struct node *include = NULL, *exclude = NULL;
    size_t room = count_axes(map);
    *grid = (struct grid){.node = map};
    grid->axes = calloc(room, sizeof *grid->axes);
    grid->dimensions = calloc(room, sizeof *grid->dimensions);
    if (!grid->axes || !grid->dimensions)
        abort();
    if (map && map->kind != NODE_MAP) {
        node_refuse(map, "grid: expected a map of axes, or a list of such maps", mistakes);
        return -1;
    }
    if (!has_architecture(map) && base->n_architectures)
        imply_architectures(grid, base);
    for (size_t i = 0; map && i < map->n; i++) {
        const char *name = map->key[i]->scalar;
        if (strcmp(name, "zip") == 0) {
            status |= read_zip(grid, base, map->value[i], mistakes);
        } else if (strcmp(name, "include") == 0) {
            include = map->value[i];
        } else if (strcmp(name, "exclude") == 0) {
            exclude = map->value[i];
        } else if (read_axis(grid, base, map->key[i], map->value[i], mistakes)) {
            status = -1;
        } else {
            grid->dimensions[grid->n_dimensions++] =
                (struct grid_dimension){grid->n_axes - 1, 1, grid->axes[grid->n_axes - 1].n};
        }
    }
    if (include)
        status |= read_patterns(grid, base, "include", include, mistakes);
    if (exclude)
        status |= read_patterns(grid, base, "exclude", exclude, mistakes);
    grid->include = include;
    grid->exclude = exclude;
    return status ? -1 : 0;
}

void grid_free(struct grid *grid)
{
    for (size_t i = 0; i < grid->n_axes; i++)
        free(grid->axes[i].values);
    free(grid->axes);
    free(grid->dimensions);
    *grid = (struct grid){0};
}
