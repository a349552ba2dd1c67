/* From the axes of a grid to its cells. */
#include <fnmatch.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "grid.h"
#include "sweep/sweep.h"
#include "values.h"

size_t sweep_most_cells = 1000000;

/* A grid whose cells all make the same mistake need not be gone through to its end. */
enum { MOST_MADE = 10000 };

/* One cell: the value of every axis. */
struct cell {
    const struct grid *grid;
    size_t position[64];      /* by dimension */
};

static const struct node *cell_value(const struct cell *cell, const char *path)
{
    for (size_t d = 0; d < cell->grid->n_dimensions; d++) {
        const struct grid_dimension *dimension = &cell->grid->dimensions[d];
        for (size_t a = dimension->first; a < dimension->first + dimension->n_axes; a++)
            if (strcmp(cell->grid->axes[a].path, path) == 0)
                return cell->grid->axes[a].values[cell->position[d]];
    }
    return NULL;
}

/* Texts by shell patterns, numbers by value, anything else as it is written. */
static bool same_value(const struct node *pattern, const struct node *value)
{
    double x, y;
    char a[200], b[200];
    if (value_number(pattern, &x) && value_number(value, &y))
        return x == y;
    node_print(pattern, a, sizeof a);
    node_print(value, b, sizeof b);
    return pattern->kind == NODE_SCALAR && value->kind == NODE_SCALAR
           ? fnmatch(pattern->scalar, value->scalar, 0) == 0 : strcmp(a, b) == 0;
}

/* wanted: a list of values (grid_read). */
static bool wants(const struct node *wanted, const struct node *value)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (same_value(wanted->value[i], value))
            return true;
    return false;
}

static bool pattern_matches(const struct node *pattern, const struct cell *cell)
{
    if (pattern->kind == NODE_LIST) {
        for (size_t i = 0; i < pattern->n; i++)
            if (pattern_matches(pattern->value[i], cell))
                return true;
        return false;
    }
    for (size_t i = 0; i < pattern->n; i++) {
        char path[256];
        grid_axis_path(pattern->key[i]->scalar, path, sizeof path);
        const struct node *value = cell_value(cell, path);
        if (!value || !wants(pattern->value[i], value))
            return false;
    }
    return true;
}

static void apply_architecture(const struct grid_base *base, const char *name, struct draft *draft)
{
    for (size_t i = 0; i < base->n_architectures; i++)
        if (strcmp(base->architectures[i].name, name) == 0)
            draft->network = base->architectures[i];
}

/* Does an axis architectures.NAME.key speak of this draft's network? */
static bool concerns(const struct grid_axis *axis, const struct draft *draft)
{
    if (strncmp(axis->path, "architectures.", 14) != 0)
        return true;
    const char *own = axis->path + 14;
    size_t length = (size_t)(strrchr(own, '.') - own);
    return strlen(draft->network.name) == length && strncmp(draft->network.name, own, length) == 0;
}

static void build(const struct grid_base *base, const struct cell *cell, struct draft *draft, struct mistakes *mistakes)
{
    *draft = base->draft;
    const struct node *architecture = cell_value(cell, "architecture");
    if (architecture)
        apply_architecture(base, architecture->scalar, draft);
    for (size_t d = 0; d < cell->grid->n_dimensions; d++) {
        const struct grid_dimension *dimension = &cell->grid->dimensions[d];
        for (size_t a = dimension->first; a < dimension->first + dimension->n_axes; a++) {
            const struct grid_axis *axis = &cell->grid->axes[a];
            if (axis->key && concerns(axis, draft))
                key_parse(axis->key, axis->path, axis->values[cell->position[d]], draft, mistakes);
        }
    }
}

static bool next_cell(struct cell *cell)
{
    for (size_t d = cell->grid->n_dimensions; d-- > 0;) {
        if (++cell->position[d] < cell->grid->dimensions[d].length)
            return true;
        cell->position[d] = 0;
    }
    return false;
}

double grid_cells(const struct grid *grid)
{
    double cells = 1;
    for (size_t d = 0; d < grid->n_dimensions; d++)
        cells *= (double)grid->dimensions[d].length;
    return cells;
}

int grid_expand(const struct grid *grid, const struct grid_base *base,
                void (*visit)(void *context, struct draft *draft), void *context, struct mistakes *mistakes)
{
    struct cell cell = {.grid = grid};
    struct draft draft;
    double cells = grid_cells(grid);
    size_t before = mistakes->made, told = mistakes->n;
    const struct node *where = grid->node ? grid->node : base->tree->root;
    if (cells > (double)sweep_most_cells || grid->n_dimensions > sizeof cell.position / sizeof *cell.position) {
        mistakes_add(mistakes, where->line, where->column, "grid: expected at most %zu cells in %zu dimensions, got %.0f in %zu",
                     sweep_most_cells, sizeof cell.position / sizeof *cell.position, cells, grid->n_dimensions);
        return -1;
    }
    if (cells == 0)
        return 0;
    do {
        if ((grid->include && !pattern_matches(grid->include, &cell))
            || (grid->exclude && pattern_matches(grid->exclude, &cell)))
            continue;
        build(base, &cell, &draft, mistakes);
        if ((draft_is_program(&draft) || draft_check_set(&draft, where, mistakes) == 0) && draft_finish(&draft, where, mistakes) == 0)
            visit(context, &draft);
    } while (next_cell(&cell) && mistakes->n < told + 20 && mistakes->made < before + MOST_MADE);
    return mistakes->made > before ? -1 : 0;
}
