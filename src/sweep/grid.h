/* The grid: which values each axis takes, and every cell of their product. */
#ifndef RELIN_SWEEP_GRID_H
#define RELIN_SWEEP_GRID_H

#include "schema.h"

/* sweep_load ends the text it keeps with one such line an override. */
#define OVERRIDE_MARK "\n# override: "

/* What is the same in every cell. */
struct grid_base {
    struct tree *tree;
    struct draft draft;                    /* of data, training, kernels, limits */
    size_t n_architectures;
    struct network_spec *architectures;
};

struct grid_axis {
    char path[256];                        /* "architecture", or a key's path */
    const struct key *key;                 /* NULL for architecture */
    const struct node *name;               /* where it stands in the file; NULL: all architectures, implied */
    struct node **values;
    size_t n;
};

/* Axes that advance together; one axis most of the time. */
struct grid_dimension {
    size_t first, n_axes;                  /* in axes[] */
    size_t length;
};

struct grid {
    const struct node *node;               /* NULL: no grid, one cell */
    struct grid_axis *axes;
    struct grid_dimension *dimensions;
    size_t n_axes, n_dimensions;
    const struct node *include, *exclude;  /* patterns, or NULL */
};

/* Reads one map of `grid:` (or NULL), checks every name and value. Returns 0, or -1 with mistakes.
 * grid_free also after -1. */
int grid_read(struct grid *grid, const struct grid_base *base, const struct node *map, struct mistakes *mistakes);
void grid_free(struct grid *grid);

/* May a job be a program, which need not have a network, data or steps? What the others miss, each cell says. */
bool grid_may_be_program(const struct grid_base *base);
/* Reads the keys of programs: the trainer beside training, its parameters, what it measures. */
void grid_read_program(struct grid_base *base, struct mistakes *mistakes);

/* Full path of an axis: "seed" is training.seed. */
void grid_axis_path(const char *name, char *path, size_t size);

/* The key under which a path is an axis of `grid:`, in a zip or a joined grid too, or NULL. */
const struct node *grid_find_axis(const struct node *grid, const char *path);

/* How many cells its product has, before patterns: it may be vast. */
double grid_cells(const struct grid *grid);

/* Calls visit for every cell that the patterns leave, last axis fastest, with a finished draft (whose
 * job.text the visitor owns). Returns 0, or -1 with mistakes. */
int grid_expand(const struct grid *grid, const struct grid_base *base,
                void (*visit)(void *context, struct draft *draft), void *context, struct mistakes *mistakes);

#endif
