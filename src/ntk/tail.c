#include "tail.h"

#include <math.h>
#include <string.h>

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

const double *tail_delta(const struct network *net, const double *theta, struct tape *tape)
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
        dy[k] = sqrt(sum);
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
