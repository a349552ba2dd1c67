#include "tail.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/blas.h"

const struct layer *tail_find(const struct network *net)
{
    const struct layer *last = &net->layers[net->n_layers - 1];
    if (last->ops != &layer_dense)
        return NULL;
    for (size_t i = net->n_layers - 1; i > 0; i--) {
        const struct layer *before = &net->layers[i - 1];
        if (net->layers[i].input != i || net->layers[i].skip >= 0)
            return NULL;
        if (before->ops == &layer_dense)
            return before->outputs == last->inputs ? before : NULL;
        if (before->ops == &layer_convolution)
            return before->out.channels == last->inputs ? before : NULL;
        if (before->ops != &layer_activation && before->ops != &layer_pooling)
            return NULL;
    }
    return NULL;
}

const struct layer *tail_of_full(const struct network *net)
{
    const struct layer *tail = net->outputs > 1 ? tail_find(net) : NULL;
    return tail && tail->ops == &layer_convolution ? tail : NULL;
}

const double *tail_delta(const struct network *net, const double *theta, struct tape *tape, bool summed)
{
    size_t i = net->n_layers - 1;
    const struct layer *last = &net->layers[i], *p = tail_find(net);
    double *dy = tape->work[last->buffers.input_gradient];
    for (size_t k = 0; k < last->inputs; k++) {
        double sum = 0;
        for (size_t c = 0; c < last->outputs; c++) {
            double u = last->weight_scale * theta[last->offset + c * last->inputs + k];
            sum += u * u;
        }
        dy[k] = summed ? sqrt(sum) : 1;
    }
    for (size_t row = 1; row < tape->n; row++)
        memcpy(dy + row * last->inputs, dy, last->inputs * sizeof *dy);
    while (&net->layers[--i] != p) {
        const struct layer *l = &net->layers[i];
        double *dx = tape->work[l->buffers.input_gradient];
        l->ops->vjp(l, theta + l->offset, tape->value[l->input], tape->value[i + 1], tape->n, dy, dx, NULL);
        dy = dx;
    }
    return dy;
}

/* --- full mode --- */

int tail_open(struct gram *gram, struct error *err)
{
    struct tail_room *room = &gram->tail_room;
    size_t channels = gram->tail->out.channels, pairs = gram->per * gram->per, large = gram->plan.large;
    return (room->factors = mem_alloc(channels, pairs * sizeof *room->factors, err))
        && (room->products = mem_alloc(channels * TAIL_STRIP, large * sizeof *room->products, err))
        && (room->term = mem_alloc(large, pairs * sizeof *room->term, err)) ? 0 : -1;
}

void tail_close(struct gram *gram)
{
    mem_free(gram->tail_room.factors);
    mem_free(gram->tail_room.products);
    mem_free(gram->tail_room.term);
}

void tail_factors(struct gram *gram)
{
    const struct layer *last = &gram->net->layers[gram->net->n_layers - 1];
    const double *weight = gram->theta + last->offset;
    double *to = gram->tail_room.factors, scale = last->weight_scale * last->weight_scale;
    for (size_t o = 0; o < last->inputs; o++)
        for (size_t c = 0; c < gram->per; c++)
            for (size_t d = 0; d < gram->per; d++)
                *to++ = scale * weight[c * last->inputs + o] * weight[d * last->inputs + o];
}

/* Inner products a channel (channels, n, others) of inputs i .. i+n-1 of a with those from j on of b. */
static void multiply_channels(const struct gram *gram, const struct block *a, const struct block *b, size_t i,
                              size_t n, size_t j)
{
    const struct layer *l = gram->tail;
    size_t row = l->n_parameters, channels = l->out.channels, patch = row / channels - (l->bias ? 1 : 0);
    size_t others = b->n - j;
    const double *g_a = a->tail + i * row, *g_b = b->tail + j * row;
    double *to = gram->tail_room.products;
    for (size_t o = 0; o < channels; o++, to += n * others) {
        size_t bias = channels * patch + o;
        blas_gemm(false, true, n, others, patch, 1, g_a + o * patch, row, g_b + o * patch, row, 0, to, others);
        if (l->bias)
            blas_gemm(false, true, n, others, 1, 1, g_a + bias, row, g_b + bias, row, 1, to, others);
    }
}

void tail_pair(const struct gram *gram, const struct block *a, const struct block *b)
{
    const struct tail_room *room = &gram->tail_room;
    size_t C = gram->per, channels = gram->tail->out.channels, side = gram->side;
    double *term = gram->terms + (size_t)gram->tail->number * side * side;
    for (size_t first = 0, n; first < a->n; first += n) {
        size_t j = a == b ? first : 0, others = b->n - j;
        n = a->n - first < TAIL_STRIP ? a->n - first : TAIL_STRIP;
        multiply_channels(gram, a, b, first, n, j);
        for (size_t i = 0; i < n; i++) {
            blas_gemm(true, false, others, C * C, channels, 1, room->products + i * others, n * others,
                      room->factors, C * C, 0, room->term, C * C);
            double *to = term + (a->first + first + i) * C * side + (b->first + j) * C;
            for (size_t k = 0; k < others; k++)
                for (size_t c = 0; c < C; c++)
                    memcpy(to + c * side + k * C, room->term + (k * C + c) * C, C * sizeof *to);
        }
    }
}
