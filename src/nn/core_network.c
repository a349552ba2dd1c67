#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/wide.h"
#include "nn/network.h"

/* --- from the list of layers --- */

static void add_tensor(struct network *net, const struct layer *l, const char *what, size_t n_dims, const size_t *shape)
{
    const struct tensor *before = net->n_tensors ? &net->tensors[net->n_tensors - 1] : NULL;
    struct tensor *t = &net->tensors[net->n_tensors++];
    snprintf(t->name, sizeof t->name, "layer%d.%s", l->number, what);
    t->offset = before ? before->offset + before->size : 0;
    t->size = 1;
    t->n_dims = n_dims;
    for (size_t d = 0; d < n_dims; d++) {
        t->shape[d] = shape[d];
        t->size *= shape[d];
    }
    t->layer = l->number;
}

static const struct layer_ops *ops_of(enum layer_kind kind)
{
    switch (kind) {
    case KIND_LAYER_TRANSPOSE: return &layer_transpose;
    case KIND_LAYER_DENSE: return &layer_dense;
    case KIND_LAYER_CONVOLUTION: return &layer_convolution;
    case KIND_LAYER_POOLING: return &layer_pooling;
    case KIND_LAYER_ACTIVATION: return &layer_activation;
    case KIND_LAYER_NORMALISATION: return &layer_normalisation;
    case KIND_LAYER_SCALE: return &layer_scale;
    }
    return NULL;
}

/* method.md section 4. Scales and shifts of a normalisation are the same in both parameterisations. */
static void set_scales(struct layer *l, const struct network_spec *spec, size_t fan_in)
{
    bool ntk = spec->parameterisation == PARAMETERISATION_NTK;
    double gain = architecture_gain(spec) / sqrt((double)fan_in);
    l->weight_scale = ntk ? gain : 1;
    l->bias_scale = ntk ? spec->sigma_b : 1;
    l->init_weight = ntk ? 1 : gain;
    l->init_bias = ntk ? 1 : spec->sigma_b;
}

static void add_parameters(struct network *net, const struct network_spec *spec, struct layer *l)
{
    size_t out = l->out.channels, weight[TENSOR_MAX_DIMS] = {out, l->window, l->window, l->in.channels};
    l->number = (int)net->n_parameterised++;
    l->offset = net->n_parameters;
    if (l->ops == &layer_normalisation) {
        add_tensor(net, l, "scale", 1, &out);
        add_tensor(net, l, "shift", 1, &out);
    } else {
        bool dense = l->ops == &layer_dense;
        set_scales(l, spec, dense ? l->inputs : l->window * l->window * l->in.channels);
        if (dense)
            weight[1] = l->inputs;
        add_tensor(net, l, "weight", dense ? 2 : 4, weight);
        if (l->bias)
            add_tensor(net, l, "bias", 1, &out);
    }
    const struct tensor *last = &net->tensors[net->n_tensors - 1];
    net->n_parameters = last->offset + last->size;
    l->n_parameters = net->n_parameters - l->offset;
}

static void add_layer(struct network *net, const struct network_spec *spec, const struct layer_spec *from,
                      const struct layer_buffers *buffers)
{
    struct layer *l = &net->layers[net->n_layers++];
    *l = (struct layer){
        .ops = ops_of(from->kind), .inputs = image_features(from->in), .outputs = image_features(from->out),
        .offset = net->n_parameters, .number = -1, .bias = from->bias, .activation = from->activation,
        .pooling = from->pooling, .in = from->in, .out = from->out, .window = from->window, .stride = from->stride,
        .padding = from->padding, .groups = from->groups, .scale = from->scale, .input = from->input,
        .skip = from->skip, .buffers = *buffers,
    };
    if (from->parameters > 0)
        add_parameters(net, spec, l);
    assert((double)l->n_parameters == from->parameters);
    assert(l->skip < 0 || !(l->ops->uses(l) & LAYER_USES_OUTPUT));
    *(buffers->input_varies ? &net->rest : &net->first) += from->multiply_adds;
    net->boundary += l->outputs;
    if (l->outputs > net->widest)
        net->widest = l->outputs;
}

static int build(struct network *net, const struct network_spec *spec, const struct architecture *list,
                 const struct buffers *buffers, struct error *err)
{
    if (!(net->layers = mem_alloc(list->n_layers, sizeof *net->layers, err))
        || !(net->tensors = mem_alloc(2 * list->n_layers, sizeof *net->tensors, err))
        || !(net->slot_features = mem_alloc(buffers->n_slots, sizeof *net->slot_features, err)))
        return -1;
    net->n_slots = buffers->n_slots;
    for (size_t s = 0; s < net->n_slots; s++) {
        net->slot_features[s] = (size_t)buffers->features[s];
        net->scratch += net->slot_features[s];
    }
    for (size_t i = 0; i < list->n_layers; i++)
        add_layer(net, spec, &list->layers[i], &buffers->layers[i]);
    return 0;
}

struct network *network_create(const struct network_spec *spec, struct image input, size_t outputs,
                               struct error *err)
{
    struct network *net = NULL;
    struct buffers *buffers = NULL;
    struct architecture *list = mem_alloc(1, sizeof *list, err);
    assert(image_features(input) > 0 && outputs > 0);
    if (!list || !(buffers = mem_alloc(1, sizeof *buffers, err)) || architecture_expand(spec, input, outputs, list, err)
        || !(net = mem_alloc(1, sizeof *net, err)))
        goto done;
    buffers_assign(list, buffers);
    net->inputs = net->widest = image_features(input);
    net->outputs = outputs;
    if (build(net, spec, list, buffers, err) != 0) {
        network_destroy(net);
        net = NULL;
    }
done:
    mem_free(buffers);
    mem_free(list);
    return net;
}

void network_destroy(struct network *net)
{
    if (!net)
        return;
    mem_free(net->layers);
    mem_free(net->tensors);
    mem_free(net->slot_features);
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

/* --- values and derivatives --- */

WIDE static void add(size_t n, const real *x, real *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

const real *network_forward(const struct network *net, const real *theta, const real *x, size_t n,
                            struct tape *tape)
{
    assert(n <= tape->capacity && tape->work);
    tape->n = n;
    tape->value[0] = x;
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layers[i];
        l->ops->forward(l, theta + l->offset, tape->value[l->input], n, tape->storage[i + 1]);
        if (l->skip >= 0)
            add(n * l->outputs, tape->value[l->skip], tape->storage[i + 1]);
    }
    return tape->value[net->n_layers];
}

/* slot -1: none */
static real *work_of(const struct tape *tape, int slot)
{
    return slot >= 0 ? tape->work[slot] : NULL;
}

/* The gradients of a layer's input and of its skip, into where nn/architecture.h says. */
static void hand_back(const struct layer *l, const struct tape *tape, const real *dy)
{
    const struct layer_buffers *b = &l->buffers;
    if (b->sum >= 0)
        add(tape->n * l->inputs, tape->work[b->input_gradient], tape->work[b->sum]);
    if (b->skip == SKIP_GRADIENT_ADDS)
        add(tape->n * l->outputs, dy, tape->work[b->skip_gradient]);
    else if (b->skip == SKIP_GRADIENT_COPIES)
        memcpy(tape->work[b->skip_gradient], dy, tape->n * l->outputs * sizeof *dy);
}

/* From the outputs back: gradient (P) unless NULL, visit unless NULL. The derivative by what no
 * parameter moves, such as the inputs, is nobody's wish, so it is not computed. */
static void backward(const struct network *net, const real *theta, struct tape *tape, const real *g,
                     real *gradient, network_visit visit, void *context)
{
    for (size_t i = net->n_layers; i-- > 0;) {
        const struct layer *l = &net->layers[i];
        const real *dy = i + 1 == net->n_layers ? g : work_of(tape, l->buffers.gradient);
        const real *x = tape->value[l->input], *y = tape->value[i + 1];
        if (!l->buffers.varies)
            continue;
        if (visit && l->number >= 0)
            visit(context, l->number, l, x, y, dy);
        l->ops->vjp(l, theta + l->offset, x, y, tape->n, dy, work_of(tape, l->buffers.input_gradient),
                    gradient ? gradient + l->offset : NULL);
        hand_back(l, tape, dy);
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

/* The tangent of a boundary; NULL is zero. */
static const real *tangent_of(const struct network *net, const struct tape *tape, size_t boundary)
{
    return boundary > 0 ? work_of(tape, net->layers[boundary - 1].buffers.tangent) : NULL;
}

void network_jvp(const struct network *net, const real *theta, struct tape *tape, const real *tangent,
                 real *df)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layers[i];
        const real *skip = l->skip >= 0 ? tangent_of(net, tape, (size_t)l->skip) : NULL;
        real *ty = i + 1 == net->n_layers ? df : work_of(tape, l->buffers.tangent);
        if (!ty)
            continue;
        l->ops->jvp(l, theta + l->offset, tape->value[l->input], tape->value[i + 1], tape->n,
                    tangent_of(net, tape, l->input), tangent + l->offset, ty);
        if (skip)
            add(tape->n * l->outputs, skip, ty);
    }
}

void network_flops(const struct network *net, double *forward, double *step)
{
    *forward = 2 * (net->first + net->rest);
    *step = 2 * (2 * net->first + 3 * net->rest);
}
