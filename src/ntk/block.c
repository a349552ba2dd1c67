#include "block.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tail.h"

size_t block_width(const struct layer *layer)
{
    return layer->ops->ntk ? layer->outputs : layer->n_parameters;
}

size_t block_tape_width(const struct network *net)
{
    size_t numbers = net->outputs;
    for (size_t s = 0; s < net->n_slots; s++)
        numbers += net->slot_features[s];
    for (size_t i = 0; i < net->n_layers; i++)
        numbers += net->layers[i].outputs;
    return numbers;
}

int block_open(struct block *b, const struct gram *gram, size_t capacity, size_t row_numbers,
               struct error *err)
{
    *b = (struct block){.capacity = capacity};
    return (b->tape = tape_create(gram->net, capacity, false, err))
        && (b->input = mem_alloc(gram->net->n_parameterised, sizeof *b->input, err))
        && (b->g = mem_alloc(capacity * gram->net->outputs, sizeof *b->g, err))
        && (b->rows = mem_alloc(capacity, row_numbers * sizeof *b->rows, err))
        && (!gram->tail || (b->tail = mem_alloc(capacity, gram->tail->n_parameters * sizeof *b->tail, err))) ? 0 : -1;
}

void block_close(struct block *b)
{
    tape_destroy(b->tape);
    mem_free(b->input);
    mem_free(b->g);
    mem_free(b->rows);
    mem_free(b->tail);
    *b = (struct block){0};
}

void block_forward(struct block *b, const struct gram *gram, size_t first, size_t n)
{
    assert(n <= b->capacity && first + n <= gram->n);
    b->first = first;
    b->n = n;
    network_forward(gram->net, gram->theta, gram->x + first * gram->net->inputs, n, b->tape);
}

void block_back(struct block *b, const struct gram *gram, size_t set, network_visit visit, void *context)
{
    size_t outputs = gram->net->outputs;
    for (size_t i = 0; i < b->n; i++)
        for (size_t c = 0; c < outputs; c++)
            b->g[i * outputs + c] = gram->mode == KERNEL_SUM_OF_LOGITS || c == set;
    network_deltas(gram->net, gram->theta, b->tape, b->g, visit, context);
}

void block_layer_rows(const struct gram *gram, const struct layer *layer, const double *input,
                      const double *output, const double *delta, size_t n, size_t stride, double *rows)
{
    size_t outputs = layer->outputs;
    for (size_t i = 0; i < n; i++) {
        double *row = rows + i * stride;
        if (layer->ops->ntk)
            memcpy(row, delta + i * outputs, outputs * sizeof *row);
        else
            layer->ops->vjp(layer, gram->theta + layer->offset, input + i * layer->inputs, output + i * outputs,
                            1, delta + i * outputs, NULL, row);
    }
}

struct filling {
    struct block *block;
    const struct gram *gram;
    size_t set;
};

static void fill_layer(void *context, int number, const struct layer *layer, const double *input,
                       const double *output, const double *delta)
{
    const struct filling *f = context;
    const struct gram *gram = f->gram;
    f->block->input[number] = input;
    if (layer == gram->tail)
        return;
    block_layer_rows(gram, layer, input, output, delta, f->block->n, gram->sets * gram->width,
                     f->block->rows + f->set * gram->width + gram->column[number]);
}

void block_fill(struct block *b, const struct gram *gram)
{
    const struct layer *tail = gram->tail;
    if (tail)
        block_layer_rows(gram, tail, b->tape->value[tail->input], b->tape->value[tail - gram->net->layers + 1],
                         tail_delta(gram->net, gram->theta, b->tape, false), b->n, tail->n_parameters, b->tail);
    for (size_t set = 0; set < gram->sets; set++) {
        struct filling filling = {b, gram, set};
        block_back(b, gram, set, fill_layer, &filling);
    }
}
