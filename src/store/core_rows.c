/* Rows of a data set as a network of either precision sees them, as double. */
#include "core_rows.h"

#include "base/memory.h"
#include "data/gather.h"

static int gather(const struct split *split, enum data_part part, bool targets, size_t first, size_t n,
                  double *values, struct error *err)
{
    size_t width = targets ? split->set->outputs : split->set->train.features;
    real *rows = mem_alloc(n * width, sizeof *rows, err);
    if (!rows)
        return -1;
    if (targets)
        gather_targets(split, part, NULL, first, n, rows);
    else
        gather_inputs(split, part, NULL, first, n, rows);
    for (size_t i = 0; i < n * width; i++)
        values[i] = (double)rows[i];
    mem_free(rows);
    return 0;
}

int REAL_NAME(trace_inputs)(const struct split *split, enum data_part part, size_t first, size_t n, double *x,
                            struct error *err)
{
    return gather(split, part, false, first, n, x, err);
}

int REAL_NAME(trace_targets)(const struct split *split, enum data_part part, size_t first, size_t n, double *y,
                             struct error *err)
{
    return gather(split, part, true, first, n, y, err);
}
