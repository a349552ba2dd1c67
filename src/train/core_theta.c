#include "core_theta.h"

#include <string.h>

#include "base/memory.h"
#include "data/gather.h"
#include "math/blas.h"

/* Bytes of the blocks' rows and activations, exceeded only where one input needs more; inputs of a tile of
 * Theta; side of a square that is mirrored at once. */
enum { BLOCK_BYTES = 256 << 20, STRIP = 32, SQUARE = 64 };

/* Inputs first .. first+n-1. */
struct block {
    size_t first, n, capacity;
    struct tape *tape;
    const real **input;    /* (layers) a layer's input activations, in the tape */
    real *g;               /* (capacity, C) */
    real *rows;            /* a layer after the other: (capacity C, its width) */
};

struct forming {
    const struct problem *problem;
    const struct network *net;
    const real *theta;
    size_t rows, outputs, side;   /* N, C, NC */
    size_t width, *column;        /* numbers of a row over all layers; (layers) those before a layer's own */
    real *kernel, *f;
    real *tile, *inner, *spread;  /* (STRIP C, NC), (STRIP, N), (NC) */
};

/* Numbers of a layer's row: its delta where it has an op `ntk`, else its gradient. */
static size_t layer_width(const struct layer *layer)
{
    return layer->ops->ntk ? layer->outputs : layer->n_parameters;
}

/* Bytes of an input in a block. */
static size_t input_bytes(const struct network *net)
{
    size_t numbers = net->inputs + 2 * net->widest + net->outputs;
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *layer = &net->layers[i];
        numbers += layer->outputs + (layer->number >= 0 ? net->outputs * layer_width(layer) : 0);
    }
    return numbers * sizeof(real);
}

static void block_free(struct block *b)
{
    tape_destroy(b->tape);
    mem_free(b->input);
    mem_free(b->g);
    mem_free(b->rows);
}

static int block_create(const struct forming *form, size_t capacity, struct block *b, struct error *err)
{
    b->capacity = capacity;
    return (b->tape = tape_create(form->net, capacity, true, err))
        && (b->input = mem_alloc(form->net->n_parameterised, sizeof *b->input, err))
        && (b->g = mem_alloc(capacity * form->outputs, sizeof *b->g, err))
        && (b->rows = mem_alloc(capacity * form->outputs, form->width * sizeof *b->rows, err)) ? 0 : -1;
}

/* A layer's rows in a block. */
static real *layer_rows(const struct forming *form, const struct block *b, const struct layer *layer)
{
    return b->rows + b->capacity * form->outputs * form->column[layer->number];
}

struct filling {
    const struct forming *form;
    struct block *block;
    size_t output;
};

static void fill_layer(void *context, int number, const struct layer *layer, const real *input,
                       const real *output, const real *delta)
{
    const struct filling *filling = context;
    const struct forming *form = filling->form;
    size_t width = layer_width(layer);
    real *row = layer_rows(form, filling->block, layer) + filling->output * width;
    filling->block->input[number] = input;
    for (size_t i = 0; i < filling->block->n; i++, row += form->outputs * width) {
        if (layer->ops->ntk)
            memcpy(row, delta + i * width, width * sizeof *row);
        else
            layer->ops->vjp(layer, form->theta + layer->offset, input + i * layer->inputs,
                            output + i * layer->outputs, 1, delta + i * layer->outputs, NULL, row);
    }
}

/* Records a block and fills its rows: one back-propagation an output. */
static void block_fill(const struct forming *form, size_t first, struct block *b)
{
    size_t outputs = form->outputs;
    b->first = first;
    b->n = form->rows - first < b->capacity ? form->rows - first : b->capacity;
    gather_inputs(form->problem->split, PART_TRAIN, NULL, first, b->n, b->tape->input);
    const real *f = network_forward(form->net, form->theta, b->tape->input, b->n, b->tape);
    memcpy(form->f + first * outputs, f, b->n * outputs * sizeof *f);
    for (size_t c = 0; c < outputs; c++) {
        struct filling filling = {form, b, c};
        memset(b->g, 0, b->n * outputs * sizeof *b->g);
        for (size_t i = 0; i < b->n; i++)
            b->g[i * outputs + c] = 1;
        network_deltas(form->net, form->theta, b->tape, b->g, fill_layer, &filling);
    }
}

/* Adds a layer's term for inputs i .. i+n-1 of a against those from j on of b. */
static void add_strip(const struct forming *form, const struct block *a, const struct block *b,
                      const struct layer *layer, size_t i, size_t n, size_t j)
{
    size_t outputs = form->outputs, width = layer_width(layer), others = b->n - j, columns = others * outputs;
    const real *rows_a = layer_rows(form, a, layer) + i * outputs * width;
    const real *rows_b = layer_rows(form, b, layer) + j * outputs * width;
    real *to = form->kernel + (a->first + i) * outputs * form->side + (b->first + j) * outputs;
    if (!layer->ops->ntk) {
        blas_gemm(false, true, n * outputs, columns, width, 1, rows_a, width, rows_b, width, 1, to, form->side);
        return;
    }
    blas_gemm(false, true, n * outputs, columns, width, 1, rows_a, width, rows_b, width, 0, form->tile, columns);
    blas_gemm(false, true, n, others, layer->inputs, 1, a->input[layer->number] + i * layer->inputs, layer->inputs,
              b->input[layer->number] + j * layer->inputs, layer->inputs, 0, form->inner, others);
    for (size_t row = 0; row < n * outputs; row++, to += form->side) {
        const real *inner = form->inner + row / outputs * others;
        real *term = form->tile + row * columns;
        for (size_t k = 0; row % outputs == 0 && k < columns; k++)
            form->spread[k] = inner[k / outputs];
        layer->ops->ntk(layer, columns, form->spread, term, term);
        blas_axpy(columns, 1, term, to);
    }
}

/* All terms of block a against block b; of a block with itself the upper triangle at least. */
static void pair(const struct forming *form, const struct block *a, const struct block *b)
{
    for (size_t l = 0; l < form->net->n_layers; l++) {
        const struct layer *layer = &form->net->layers[l];
        for (size_t i = 0; layer->number >= 0 && i < a->n; i += STRIP)
            add_strip(form, a, b, layer, i, a->n - i < STRIP ? a->n - i : STRIP, a == b ? i : 0);
    }
}

static void mirror(size_t side, real *kernel)
{
    for (size_t i = 0; i < side; i += SQUARE)
        for (size_t j = i; j < side; j += SQUARE)
            for (size_t k = i; k < side && k < i + SQUARE; k++)
                for (size_t l = j > k ? j : k + 1; l < side && l < j + SQUARE; l++)
                    kernel[l * side + k] = kernel[k * side + l];
}

/* Most of the budget holds a large block, against which the others come in small ones. */
static int compute(const struct forming *form, size_t budget, struct error *err)
{
    struct block large = {0}, small = {0};
    int result = -1;
    size_t fit = budget / input_bytes(form->net), few = fit / 8 > 0 ? fit / 8 : 1;
    size_t many = fit > few ? fit - few : 1;
    if (block_create(form, many < form->rows ? many : form->rows, &large, err) != 0
        || (many < form->rows && block_create(form, few, &small, err) != 0))
        goto done;
    for (size_t first = 0; first < form->rows; first += large.n) {
        block_fill(form, first, &large);
        pair(form, &large, &large);
        for (size_t other = first + large.n; other < form->rows; other += small.n) {
            block_fill(form, other, &small);
            pair(form, &large, &small);
        }
    }
    mirror(form->side, form->kernel);
    result = 0;
done:
    block_free(&large);
    block_free(&small);
    return result;
}

int theta_form(const struct problem *problem, const real *theta, size_t budget, real *kernel, real *f,
               struct error *err)
{
    const struct network *net = problem->net;
    size_t rows = problem->split->count[PART_TRAIN], side = rows * net->outputs;
    struct forming form = {.problem = problem, .net = net, .theta = theta, .rows = rows, .outputs = net->outputs,
                           .side = side, .kernel = kernel, .f = f};
    int result = -1;
    if (!(form.column = mem_alloc(net->n_parameterised, sizeof *form.column, err))
        || !(form.tile = mem_alloc(STRIP * net->outputs, side * sizeof *form.tile, err))
        || !(form.inner = mem_alloc(STRIP, rows * sizeof *form.inner, err))
        || !(form.spread = mem_alloc(side, sizeof *form.spread, err)))
        goto done;
    for (size_t i = 0; i < net->n_layers; i++)
        if (net->layers[i].number >= 0) {
            form.column[net->layers[i].number] = form.width;
            form.width += layer_width(&net->layers[i]);
        }
    memset(kernel, 0, side * side * sizeof *kernel);
    result = compute(&form, budget ? budget : BLOCK_BYTES, err);
done:
    mem_free(form.column);
    mem_free(form.tile);
    mem_free(form.inner);
    mem_free(form.spread);
    return result;
}

double theta_bytes(const struct problem *problem)
{
    double rows = (double)problem->split->count[PART_TRAIN], side = rows * (double)problem->net->outputs;
    double one = (double)input_bytes(problem->net), blocks = rows * one;
    if (blocks > BLOCK_BYTES)
        blocks = BLOCK_BYTES > 2 * one ? BLOCK_BYTES : 2 * one;
    return blocks + sizeof(real) * (side * side + STRIP * ((double)problem->net->outputs * side + rows) + side);
}
