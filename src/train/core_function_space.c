#include "train/function_space.h"

#include <string.h>

#include "base/memory.h"
#include "data/gather.h"
#include "math/blas.h"

struct function_space {
    const struct problem *problem;
    const struct network *net;
    const real *theta;
    size_t rows;
    struct tape *tape;
    size_t recorded;          /* first row of the block on the tape, SIZE_MAX for none */
    real *block_gradient;     /* (P), where there are several blocks */
};

struct function_space *function_space_create(const struct problem *problem, struct error *err)
{
    struct function_space *space = mem_alloc(1, sizeof *space, err);
    size_t rows = problem->split->count[PART_TRAIN];
    size_t bytes = problem->tape_budget ? problem->tape_budget : TRAINING_BLOCK_BYTES;
    size_t block = network_block_rows(problem->net, rows, bytes);
    if (!space)
        return NULL;
    *space = (struct function_space){.problem = problem, .net = problem->net, .rows = rows, .recorded = SIZE_MAX};
    if (!(space->tape = tape_create(problem->net, block, true, err))
        || (block < rows && !(space->block_gradient = mem_alloc(problem->net->n_parameters, sizeof(real), err)))) {
        function_space_destroy(space);
        return NULL;
    }
    return space;
}

void function_space_destroy(struct function_space *space)
{
    if (!space)
        return;
    tape_destroy(space->tape);
    mem_free(space->block_gradient);
    mem_free(space);
}

size_t function_space_size(const struct function_space *space)
{
    return space->rows * space->net->outputs;
}

void function_space_move(struct function_space *space, const real *theta)
{
    space->theta = theta;
    space->recorded = SIZE_MAX;
}

/* Brings the block that starts at row first onto the tape, unless it is there; returns its rows. */
static size_t record_block(struct function_space *space, size_t first)
{
    size_t left = space->rows - first, n = left < space->tape->capacity ? left : space->tape->capacity;
    if (space->recorded != first) {
        gather_inputs(space->problem->split, PART_TRAIN, NULL, first, n, space->tape->input);
        network_forward(space->net, space->theta, space->tape->input, n, space->tape);
        space->recorded = first;
    }
    return n;
}

void function_space_outputs(struct function_space *space, real *f)
{
    size_t outputs = space->net->outputs, n;
    for (size_t first = 0; first < space->rows; first += n) {
        n = record_block(space, first);
        memcpy(f + first * outputs, space->tape->value[space->net->n_layers], n * outputs * sizeof *f);
    }
}

void function_space_vjp(struct function_space *space, const real *u, real *gradient)
{
    size_t outputs = space->net->outputs, n = record_block(space, 0);
    network_vjp(space->net, space->theta, space->tape, u, gradient);
    for (size_t first = n; first < space->rows; first += n) {
        n = record_block(space, first);
        network_vjp(space->net, space->theta, space->tape, u + first * outputs, space->block_gradient);
        blas_axpy(space->net->n_parameters, 1, space->block_gradient, gradient);
    }
}

void function_space_jvp(struct function_space *space, const real *tangent, real *df)
{
    size_t n;
    for (size_t first = 0; first < space->rows; first += n) {
        n = record_block(space, first);
        network_jvp(space->net, space->theta, space->tape, tangent, df + first * space->net->outputs);
    }
}
