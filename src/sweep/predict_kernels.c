#include "predict_kernels.h"

#include <math.h>

#include "nn/cost.h"
#include "ntk/plan.h"

/* A network as the kernel sees it. */
struct parts {
    double forward, backward;      /* multiply-adds of an input, and of a derivative back through all layers */
    double gradients;              /* of a derivative: gradients of the layers without an op `ntk` */
    double row, widest, once;      /* ntk/plan.h; once: were the mode full */
    double once_channels, once_gradients;
    double products;               /* features of the inputs of layers with the op, and of activations */
    double tape, layers;
};

/* The convolution that ntk/tail.h has in full mode: its number in the list, or that of no layer. */
static size_t find_tail(const struct architecture *list, size_t outputs)
{
    size_t i = list->n_layers - 1;
    double channels = (double)image_features(list->layers[i].in);
    for (; outputs > 1 && i > 0 && list->layers[i].input == i && list->layers[i].skip < 0; i--) {
        const struct layer_spec *before = &list->layers[i - 1];
        if (before->kind == KIND_LAYER_CONVOLUTION)
            return (double)before->out.channels == channels ? i - 1 : list->n_layers;
        if (before->kind != KIND_LAYER_ACTIVATION && before->kind != KIND_LAYER_POOLING)
            break;
    }
    return list->n_layers;
}

static void measure(const struct job *job, const struct dataset *set, struct parts *p)
{
    struct architecture list;
    struct network_size size;
    *p = (struct parts){0};
    if (network_measure(job->network, image_of(set), set->outputs, &size, NULL)
        || architecture_expand(job->network, image_of(set), set->outputs, &list, NULL))
        return;
    p->forward = size.first + size.rest;
    p->backward = size.rest;
    p->tape = size.boundary + size.scratch + (double)set->outputs;
    p->layers = size.parameterised_layers;
    size_t tail = job->kernels.mode == KERNEL_FULL ? find_tail(&list, set->outputs) : list.n_layers;
    for (size_t i = 0; i < list.n_layers; i++) {
        const struct layer_spec *l = &list.layers[i];
        double out = (double)image_features(l->out);
        if (l->parameters <= 0)
            continue;
        bool dense = l->kind == KIND_LAYER_DENSE;
        if (i == tail) {
            p->once = l->parameters;
            p->once_channels = (double)l->out.channels;
            p->once_gradients = l->multiply_adds;
            p->products += out;
            continue;
        }
        p->row += dense ? out : l->parameters;
        p->products += out + (dense ? (double)image_features(l->in) : 0);
        p->gradients += dense ? 0 : l->multiply_adds;
        if (!dense)
            p->widest = fmax(p->widest, l->parameters);
    }
}

/* Half of a symmetric matrix is computed: n^2 flops for every number of a row. */
static double flops(enum kernel_mode mode, const struct parts *p, const struct gram_plan *plan, double n,
                    double outputs)
{
    double side = (double)gram_side(mode, (size_t)n, (size_t)outputs), sets = (double)gram_sets(mode, (size_t)outputs);
    double blocks = ceil(n / fmax((double)plan->large, 1)), times = (blocks + 1) / 2;
    double rows = 2 * n * (p->forward + sets * (p->backward + p->gradients) + p->once_gradients) * times;
    double pairs = mode == KERNEL_FULL ? side * side * p->row + n * n * p->once + side * side * p->once_channels
                                       : n * n * sets * p->row;
    return rows + pairs + n * n * p->products;
}

/* Of the probe, its eigenproblem, and the kernels kept of each model; then the working memory. */
static double bytes(const struct job *job, const struct parts *p, const struct gram_plan *plan, double n,
                    double outputs)
{
    double side = (double)gram_side(job->kernels.mode, (size_t)n, (size_t)outputs);
    double sets = (double)gram_sets(job->kernels.mode, (size_t)outputs);
    double models = training_is_exact(&job->training) ? 1 : 2;
    double matrices = side * side * (6.5 + 3 * models + 2 * p->layers) + n * n * (p->layers + 2);
    double large = (double)plan->large, blocks = large + (double)plan->small;
    double working = blocks * (p->tape + (plan->at_once ? p->widest : sets * p->row + p->once)) + large * large;
    return 8 * (matrices + working);
}

void kernel_predict(const struct job *job, const struct dataset *set, double inputs, struct kernel_cost *cost)
{
    const struct kernel_spec *k = &job->kernels;
    double outputs = (double)set->outputs;
    *cost = (struct kernel_cost){0};
    if (inputs <= 0 || (k->snapshots == 0 && k->path_points == 0))
        return;
    struct parts parts;
    measure(job, set, &parts);
    if (parts.row <= 0)            /* a specification that does not fit: said elsewhere */
        return;
    const struct gram_sizes sizes = {(size_t)inputs, set->outputs, (size_t)parts.tape, (size_t)parts.row, (size_t)parts.widest,
                                      (size_t)parts.once};
    const struct gram_plan plan = gram_plan(k->mode, 0, &sizes);
    double side = (double)gram_side(k->mode, (size_t)inputs, set->outputs);
    double times = fmax((double)k->path_points, (double)k->snapshots);
    double points = job->training.trainer == TRAINER_LINEARISED && training_most_updates(&job->training) > 0 ? 2 : 1;
    /* eigenvalues and vectors, and a factor of the training half */
    double spectrum = (9 + 1.0 / 24) * side * side * side * (double)k->snapshots;
    cost->side = side;
    cost->eigen_flops = points * spectrum;
    cost->flops = points * (times * flops(k->mode, &parts, &plan, inputs, outputs) + spectrum);
    cost->bytes = bytes(job, &parts, &plan, inputs, outputs);
}
