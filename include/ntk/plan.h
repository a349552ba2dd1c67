/* In how many pieces a kernel is computed (ntk/gram.h), from sizes alone: for the computation and the planner. */
#ifndef RELIN_NTK_PLAN_H
#define RELIN_NTK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "ntk/spec.h"

/* Working memory of a kernel beside its matrices: activations and rows of a block. Where not everything fits,
 * rows are computed again for every large block; it is exceeded only where one input needs more. */
enum { GRAM_BUDGET = 512 * 1024 * 1024 };

struct gram_sizes {
    size_t inputs, outputs;      /* n, C */
    size_t tape;                 /* numbers of an input in a tape with its scratch */
    size_t row;                  /* numbers of a derivative's row: of each layer with an op `ntk` its outputs, of
                                    each other its parameters */
    size_t widest;               /* the widest of the others */
    size_t once;                 /* full mode: numbers of an input of which all derivatives have a part (ntk/tail.h),
                                    not in row */
};

struct gram_plan {
    bool at_once;                /* all inputs are one block, and rows are forgotten after each derivative */
    size_t large, small;         /* inputs of a large block, and of the small ones that come against it; small is
                                    0 where one large block is all */
};

/* Rows of the kernel: n, or n*outputs in full mode. */
size_t gram_side(enum kernel_mode mode, size_t n, size_t outputs);
/* Derivatives taken of an input: of each output, or of their sum. */
size_t gram_sets(enum kernel_mode mode, size_t outputs);
/* budget: bytes, 0 for GRAM_BUDGET. */
struct gram_plan gram_plan(enum kernel_mode mode, size_t budget, const struct gram_sizes *sizes);

#endif
