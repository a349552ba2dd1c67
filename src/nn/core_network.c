#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/network.h"

static void add_tensor(struct network *net, const struct layer *l, const char *what, size_t offset,
                       size_t n_dims, size_t rows, size_t columns)
{
    struct tensor *t = &net->tensors[net->n_tensors++];
    snprintf(t->name, sizeof t->name, "layer%d.%s", l->number, what);
    t->offset = offset;
    t->size = rows * columns;
    t->n_dims = n_dims;
    t->shape[0] = rows;
    t->shape[1] = n_dims > 1 ? columns : 0;
    t->layer = l->number;
}

static void add_dense(struct network *net, const struct network_spec *spec, size_t inputs, size_t outputs)
{
    bool ntk = spec->parameterisation == PARAMETERISATION_NTK;
    bool rectifies = spec->activation == ACTIVATION_RELU || spec->activation == ACTIVATION_GELU;
    double sigma_w = isnan(spec->sigma_w) ? (rectifies ? sqrt(2) : 1) : spec->sigma_w;
    double gain = sigma_w / sqrt((double)inputs);
    struct layer *l = &net->layers[net->n_layers++];
    *l = (struct layer){
        .ops = &layer_dense,
        .inputs = inputs,
        .outputs = outputs,
        .offset = net->n_parameters,
        .n_parameters = outputs * inputs + (spec->bias ? outputs : 0),
        .number = (int)net->n_parameterised++,
        .weight_scale = ntk ? gain : 1,
        .bias_scale = ntk ? spec->sigma_b : 1,
        .init_weight = ntk ? 1 : gain,
        .init_bias = ntk ? 1 : spec->sigma_b,
        .bias = spec->bias,
    };
    add_tensor(net, l, "weight", l->offset, 2, outputs, inputs);
    if (spec->bias)
        add_tensor(net, l, "bias", l->offset + outputs * inputs, 1, outputs, 1);
    net->n_parameters += l->n_parameters;
    if (outputs > net->widest)
        net->widest = outputs;
}

static void add_activation(struct network *net, const struct network_spec *spec, size_t features)
{
    net->layers[net->n_layers++] = (struct layer){
        .ops = &layer_activation,
        .inputs = features,
        .outputs = features,
        .offset = net->n_parameters,
        .number = -1,
        .activation = spec->activation,
    };
}

struct network *network_create(const struct network_spec *spec, struct image input, size_t outputs,
                               struct error *err)
{
    size_t features = image_features(input);
    assert(features > 0 && outputs > 0 && spec->n_widths <= NETWORK_MAX_WIDTHS);
    struct network *net = mem_alloc(1, sizeof *net, err);
    if (!net)
        return NULL;
    net->inputs = net->widest = features;
    net->outputs = outputs;
    net->layers = mem_alloc(2 * spec->n_widths + 1, sizeof *net->layers, err);
    net->tensors = mem_alloc(2 * (spec->n_widths + 1), sizeof *net->tensors, err);
    if (!net->layers || !net->tensors) {
        network_destroy(net);
        return NULL;
    }
    size_t inputs = features;
    for (size_t l = 0; l < spec->n_widths; l++) {
        size_t width = (size_t)spec->widths[l];
        add_dense(net, spec, inputs, width);
        add_activation(net, spec, width);
        inputs = width;
    }
    add_dense(net, spec, inputs, outputs);
    return net;
}

void network_destroy(struct network *net)
{
    if (!net)
        return;
    mem_free(net->layers);
    mem_free(net->tensors);
    mem_free(net);
}

void network_init(const struct network *net, uint64_t seed, real *theta)
{
    for (size_t k = 0; k < net->n_tensors; k++) {
        const struct tensor *t = &net->tensors[k];
        for (size_t i = 0; i < net->n_layers; i++) {
            const struct layer *l = &net->layers[i];
            /* a layer's first tensor starts where its slice does */
            if (l->number == t->layer && l->offset == t->offset && l->ops->init)
                l->ops->init(l, seed, k, theta + l->offset);
        }
    }
}

const real *network_forward(const struct network *net, const real *theta, const real *x, size_t n,
                            struct tape *tape)
{
    assert(n <= tape->capacity && tape->work[0]);
    tape->n = n;
    tape->value[0] = x;
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layers[i];
        l->ops->forward(l, theta + l->offset, tape->value[i], n, tape->storage[i + 1]);
    }
    return tape->value[net->n_layers];
}

/* The buffer of scratch that `busy` does not occupy. */
static real *other_work(const struct tape *tape, const real *busy)
{
    return tape->work[busy == tape->work[0]];
}

/* From the outputs back: gradient (P) unless NULL, visit unless NULL. The derivative by the
 * inputs of the first layer is nobody's wish, so it is not computed. */
static void backward(const struct network *net, const real *theta, struct tape *tape, const real *g,
                     real *gradient, network_visit visit, void *context)
{
    const real *dy = g;
    for (size_t i = net->n_layers; i-- > 0;) {
        const struct layer *l = &net->layers[i];
        real *dx = i > 0 ? other_work(tape, dy) : NULL;
        if (visit && l->number >= 0)
            visit(context, l->number, l, tape->value[i], tape->value[i + 1], dy);
        l->ops->vjp(l, theta + l->offset, tape->value[i], tape->value[i + 1], tape->n, dy, dx,
                    gradient ? gradient + l->offset : NULL);
        dy = dx;
    }
}

void network_vjp(const struct network *net, const real *theta, struct tape *tape, const real *g,
                 real *gradient)
{
    backward(net, theta, tape, g, gradient, NULL, NULL);
}

void network_deltas(const struct network *net, const real *theta, struct tape *tape, const real *g,
                    network_visit visit, void *context)
{
    backward(net, theta, tape, g, NULL, visit, context);
}

void network_jvp(const struct network *net, const real *theta, struct tape *tape, const real *tangent,
                 real *df)
{
    const real *tx = NULL;
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layers[i];
        real *ty = i + 1 == net->n_layers ? df : other_work(tape, tx);
        l->ops->jvp(l, theta + l->offset, tape->value[i], tape->value[i + 1], tape->n, tx,
                    tangent + l->offset, ty);
        tx = ty;
    }
}

void network_flops(const struct network *net, double *forward, double *step)
{
    double first = 0, rest = 0;
    for (size_t k = 0; k < net->n_tensors; k++)
        if (net->tensors[k].n_dims > 1)
            *(net->tensors[k].layer == 0 ? &first : &rest) += (double)net->tensors[k].size;
    *forward = 2 * (first + rest);
    *step = 2 * (2 * first + 3 * rest);
}
