#include "ntk/gram.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "block.h"
#include "math/blas.h"
#include "ntk/metrics.h"
#include "tail.h"

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* The boundary that parameterised layer l leaves: after the layers without parameters that follow it one upon
 * the other (activation, pooling); of the last, f. */
static size_t boundary_after(const struct network *net, size_t l)
{
    size_t boundary = 0;
    while (net->layers[boundary++].number != (int)l)
        continue;
    while (boundary < net->n_layers && net->layers[boundary].number < 0
           && net->layers[boundary].input == boundary)
        boundary++;
    return boundary;
}

/* to (a.n, b.n, row stride `stride`), overwritten = x_a x_b^T; of a block with itself the upper triangle. */
static void multiply(const struct block *a, const struct block *b, size_t features, const double *x_a,
                     const double *x_b, double *to, size_t stride)
{
    if (a == b)
        blas_syrk(a->n, features, 1, x_a, features, 0, to, stride);
    else
        blas_gemm(false, true, a->n, b->n, features, 1, x_a, features, x_b, features, 0, to, stride);
}

static void add_activations(const struct gram *gram, const struct block *a, const struct block *b)
{
    const struct network *net = gram->net;
    for (size_t l = 0; gram->activations && l < net->n_parameterised; l++) {
        size_t boundary = boundary_after(net, l);
        multiply(a, b, net->layers[boundary - 1].outputs, a->tape->value[boundary], b->tape->value[boundary],
                 gram->activations + (l * gram->n + a->first) * gram->n + b->first, gram->n);
    }
}

/* Inner products of a layer's inputs, of a's with b's; where they are activations of a layer before, they
 * are there already. *stride: of their rows. scratch (a.n, b.n). */
static const double *input_products(const struct gram *gram, const struct block *a, const struct block *b,
                                    const struct layer *layer, double *scratch, size_t *stride)
{
    const double *x = a->input[layer->number];
    for (int l = 0; gram->activations && l < layer->number; l++)
        if (a->tape->value[boundary_after(gram->net, (size_t)l)] == x) {
            *stride = gram->n;
            return gram->activations + ((size_t)l * gram->n + a->first) * gram->n + b->first;
        }
    *stride = b->n;
    if (gram->x_products && x == gram->x)
        return gram->x_products;
    multiply(a, b, layer->inputs, x, b->input[layer->number], scratch, b->n);
    return scratch;
}

/* The layer's term of block a times b, from the inner products of its rows that stand there. scratch:
 * (a.n + per, b.n) numbers. */
static void finish_layer(const struct gram *gram, const struct block *a, const struct block *b,
                         const struct layer *layer, double *scratch)
{
    double scale = gram->mode == KERNEL_FULL ? 1 : 1 / (double)gram->net->outputs;
    double *term = gram->terms + (size_t)layer->number * gram->side * gram->side;
    double *expanded = scratch + a->n * b->n;
    size_t per = gram->per, begin = b->first * per, stride = 0;
    const double *inputs = layer->ops->ntk ? input_products(gram, a, b, layer, scratch, &stride) : NULL;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = a == b ? i : 0; inputs && j < b->n; j++)
            for (size_t c = 0; c < per; c++)
                expanded[j * per + c] = inputs[i * stride + j];
        for (size_t row = (a->first + i) * per; row < (a->first + i + 1) * per; row++) {
            size_t from = a == b ? row : begin, count = begin + b->n * per - from;
            double *values = term + row * gram->side + from;
            if (inputs)
                layer->ops->ntk(layer, count, expanded + (from - begin), values, values);
            for (size_t k = 0; k < count && scale != 1; k++)
                values[k] *= scale;
        }
    }
}

static void finish(const struct gram *gram, const struct block *a, const struct block *b, double *scratch)
{
    add_activations(gram, a, b);
    for (size_t i = 0; i < gram->net->n_layers; i++)
        if (gram->net->layers[i].number >= 0)
            finish_layer(gram, a, b, &gram->net->layers[i], scratch);
}

/* --- everything at once: one derivative after the other is taken and forgotten --- */

/* Of derivative number `set`; the first overwrites. */
static void add_rows(struct gram *gram, const struct layer *layer, size_t set, const double *input,
                     const double *output, const double *delta)
{
    size_t width = block_width(layer), square = gram->side * gram->side;
    const double *rows = delta;
    if (!layer->ops->ntk) {
        rows = gram->large.rows;
        block_layer_rows(gram, layer, input, output, delta, gram->n, width, gram->large.rows);
    }
    blas_syrk(gram->n, width, 1, rows, width, set > 0, gram->terms + (size_t)layer->number * square, gram->side);
}

static void add_layer(void *context, int number, const struct layer *layer, const double *input,
                      const double *output, const double *delta)
{
    struct gram *gram = context;
    gram->large.input[number] = input;
    if (layer != gram->tail)
        add_rows(gram, layer, gram->set, input, output, delta);
}

static void compute_at_once(struct gram *gram)
{
    struct block *all = &gram->large;
    const struct layer *tail = gram->tail;
    block_forward(all, gram, 0, gram->n);
    if (tail)
        add_rows(gram, tail, 0, all->tape->value[tail->input], all->tape->value[tail - gram->net->layers + 1],
                 tail_delta(gram->net, gram->theta, all->tape, true));
    for (gram->set = 0; gram->set < gram->sets; gram->set++)
        block_back(all, gram, gram->set, add_layer, gram);
    finish(gram, all, all, gram->scratch);
}

/* --- in blocks: all rows of one against all rows of the others --- */

/* Inner products of a layer's rows of a with those of b, into its term. In full mode every derivative
 * meets every other, else each its own kind, and they are summed. */
static void multiply_rows(const struct gram *gram, const struct block *a, const struct block *b,
                          const struct layer *layer)
{
    size_t width = block_width(layer), column = gram->column[layer->number], per = gram->per;
    size_t stride = per == 1 ? gram->sets * gram->width : gram->width, times = per == 1 ? gram->sets : 1;
    double *to = gram->terms + ((size_t)layer->number * gram->side + a->first * per) * gram->side + b->first * per;
    for (size_t set = 0; set < times; set++) {
        const double *rows_a = a->rows + set * gram->width + column, *rows_b = b->rows + set * gram->width + column;
        if (a == b)
            blas_syrk(a->n * per, width, 1, rows_a, stride, set > 0, to, gram->side);
        else
            blas_gemm(false, true, a->n * per, b->n * per, width, 1, rows_a, stride, rows_b, stride, set > 0, to,
                      gram->side);
    }
}

static void pair(const struct gram *gram, const struct block *a, const struct block *b, double *scratch)
{
    for (size_t i = 0; i < gram->net->n_layers; i++)
        if (gram->net->layers[i].number >= 0 && &gram->net->layers[i] != gram->tail)
            multiply_rows(gram, a, b, &gram->net->layers[i]);
    if (gram->tail)
        tail_pair(gram, a, b);
    finish(gram, a, b, scratch);
}

static void compute_in_blocks(struct gram *gram)
{
    struct block *large = &gram->large, *small = &gram->small;
    if (gram->tail)
        tail_factors(gram);
    for (size_t first = 0; first < gram->n; first += large->n) {
        block_forward(large, gram, first, least(large->capacity, gram->n - first));
        block_fill(large, gram);
        pair(gram, large, large, gram->scratch);
        for (size_t other = first + large->n; other < gram->n; other += small->n) {
            block_forward(small, gram, other, least(small->capacity, gram->n - other));
            block_fill(small, gram);
            pair(gram, large, small, gram->scratch);
        }
    }
}

/* --- all of it --- */

/* Where each layer's numbers begin in a row; returns the widest of a layer without its own op. */
static size_t lay_out(struct gram *gram)
{
    size_t widest = 0;
    for (size_t i = 0; i < gram->net->n_layers; i++) {
        const struct layer *layer = &gram->net->layers[i];
        if (layer->number < 0 || layer == gram->tail)
            continue;
        gram->column[layer->number] = gram->width;
        gram->width += block_width(layer);
        if (!layer->ops->ntk && block_width(layer) > widest)
            widest = block_width(layer);
    }
    return widest;
}

/* kernel = the sum of the terms; all of them, and activations, whole. */
static void sum_terms(const struct gram *gram, double *kernel)
{
    size_t square = gram->side * gram->side;
    memset(kernel, 0, square * sizeof *kernel);
    for (size_t l = 0; l < gram->net->n_parameterised; l++) {
        double *term = gram->terms + l * square;
        for (size_t i = 0; i < gram->side; i++)
            blas_axpy(gram->side - i, 1, term + i * gram->side + i, kernel + i * gram->side + i);
        metric_mirror(gram->side, term);
        if (gram->activations)
            metric_mirror(gram->n, gram->activations + l * gram->n * gram->n);
    }
    metric_mirror(gram->side, kernel);
}

static int open_blocks(struct gram *gram, size_t widest, struct error *err)
{
    size_t large = gram->plan.large, row = gram->sets * gram->width;
    if (!(gram->scratch = mem_alloc(large + gram->per, large * sizeof *gram->scratch, err)))
        return -1;
    if (block_open(&gram->large, gram, large, gram->plan.at_once ? widest : row, err) != 0)
        return -1;
    if (gram->tail && tail_open(gram, err) != 0)
        return -1;
    return gram->plan.small ? block_open(&gram->small, gram, gram->plan.small, row, err) : 0;
}

/* Where the first layer reads the inputs themselves, their products are the same at every theta. */
static int keep_x_products(struct gram *gram, struct error *err)
{
    const struct layer *first = &gram->net->layers[0];
    if (!gram->plan.at_once || !first->ops->ntk)
        return 0;
    if (!(gram->x_products = mem_alloc(gram->n, gram->n * sizeof *gram->x_products, err)))
        return -1;
    blas_syrk(gram->n, first->inputs, 1, gram->x, first->inputs, 0, gram->x_products, gram->n);
    return 0;
}

struct gram *gram_create(const struct network *net, enum kernel_mode mode, size_t budget, const double *x, size_t n,
                         struct error *err)
{
    struct gram *gram = mem_alloc(1, sizeof *gram, err);
    if (!gram)
        return NULL;
    *gram = (struct gram){.net = net, .mode = mode, .x = x, .n = n, .side = gram_side(mode, n, net->outputs),
                          .per = mode == KERNEL_FULL ? net->outputs : 1, .sets = gram_sets(mode, net->outputs)};
    if (!(gram->column = mem_alloc(net->n_parameterised, sizeof *gram->column, err)))
        goto failed;
    if (mode == KERNEL_FULL)
        gram->tail = tail_of_full(net);
    size_t widest = lay_out(gram), once = gram->tail ? gram->tail->n_parameters : 0;
    const struct gram_sizes sizes = {n, net->outputs, block_tape_width(net), gram->width, widest, once};
    gram->plan = gram_plan(mode, budget, &sizes);
    if (open_blocks(gram, widest, err) != 0 || keep_x_products(gram, err) != 0)
        goto failed;
    if (gram->plan.at_once && mode == KERNEL_TRACE)
        gram->tail = tail_find(net);
    return gram;
failed:
    gram_destroy(gram);
    return NULL;
}

void gram_destroy(struct gram *gram)
{
    if (!gram)
        return;
    block_close(&gram->large);
    block_close(&gram->small);
    tail_close(gram);
    mem_free(gram->scratch);
    mem_free(gram->x_products);
    mem_free(gram->column);
    mem_free(gram);
}

void gram_compute(struct gram *gram, const double *theta, double *kernel, double *layer_kernels, double *activations)
{
    gram->theta = theta;
    gram->terms = layer_kernels;
    gram->activations = activations;
    if (gram->plan.at_once)
        compute_at_once(gram);
    else
        compute_in_blocks(gram);
    sum_terms(gram, kernel);
}
