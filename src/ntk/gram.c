#include "ntk/gram.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"
#include "ntk/metrics.h"

struct accumulation {
    size_t n;
    double *sum;       /* per parameterised layer (n, n), upper triangle: sum over outputs of Delta Delta^T */
};

static void add_deltas(void *context, int number, const struct layer *layer, const double *input,
                       const double *output, const double *delta)
{
    struct accumulation *into = context;
    size_t n = into->n;
    (void)input;
    (void)output;
    blas_syrk(n, layer->outputs, 1, delta, layer->outputs, 1, into->sum + (size_t)number * n * n, n);
}

/* One back-propagation per output; the deltas of all outputs are never held together. */
static int accumulate_deltas(const struct network *net, const double *theta, struct tape *tape, size_t n,
                             double *sum, struct error *err)
{
    double *g = mem_alloc(n * net->outputs, sizeof *g, err);
    if (!g)
        return -1;
    struct accumulation into = {n, sum};
    memset(sum, 0, net->n_parameterised * n * n * sizeof *sum);
    for (size_t c = 0; c < net->outputs; c++) {
        memset(g, 0, n * net->outputs * sizeof *g);
        for (size_t i = 0; i < n; i++)
            g[i * net->outputs + c] = 1;
        network_deltas(net, theta, tape, g, add_deltas, &into);
    }
    mem_free(g);
    return 0;
}

/* term (n, n): the layer's sum of Delta Delta^T on entry, its kernel on return:
 * (a A A^T + b) o sum / C. square (n, n) is scratch. */
static void finish_term(const struct layer *layer, const double *input, size_t n, size_t outputs,
                        double *square, double *term)
{
    double a = layer->weight_scale * layer->weight_scale / (double)outputs;
    double b = layer->bias ? layer->bias_scale * layer->bias_scale / (double)outputs : 0;
    blas_syrk(n, layer->inputs, a, input, layer->inputs, 0, square, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            term[i * n + j] *= square[i * n + j] + b;
    metric_mirror(n, term);
}

/* The values that leave the block of parameterised layer l: the input of the next one, at last f. */
static size_t boundary_after(const struct network *net, size_t l)
{
    for (size_t i = 0; i < net->n_layers; i++)
        if (net->layers[i].number == (int)l + 1)
            return i;
    return net->n_layers;
}

static void gram_activations(const struct network *net, const struct tape *tape, size_t n, double *activations)
{
    for (size_t l = 0; l < net->n_parameterised; l++) {
        size_t boundary = boundary_after(net, l);
        size_t features = net->layers[boundary - 1].outputs;
        blas_syrk(n, features, 1, tape->value[boundary], features, 0, activations + l * n * n, n);
        metric_mirror(n, activations + l * n * n);
    }
}

static int check_layers(const struct network *net, struct error *err)
{
    for (size_t i = 0; i < net->n_layers; i++)
        if (net->layers[i].n_parameters > 0 && net->layers[i].ops != &layer_dense)
            return error_set(err, ERROR_UNSUPPORTED, "kernels: expected dense layers, got a layer of type %s; "
                             "set kernels.snapshots and kernels.path_points to 0", net->layers[i].ops->name);
    return 0;
}

int gram_ntk(const struct network *net, const double *theta, const double *x, size_t n,
             double *kernel, double *layer_kernels, double *activations, struct error *err)
{
    int result = -1;
    size_t square_size = n * n;
    double *terms = NULL, *square = NULL;
    struct tape *tape = NULL;
    if (check_layers(net, err) != 0)
        return -1;
    if (!layer_kernels && !(terms = mem_alloc(net->n_parameterised * n, n * sizeof *terms, err)))
        goto done;
    if (!(square = mem_alloc(n, n * sizeof *square, err)) || !(tape = tape_create(net, n, false, err)))
        goto done;
    double *term = layer_kernels ? layer_kernels : terms;
    network_forward(net, theta, x, n, tape);
    if (accumulate_deltas(net, theta, tape, n, term, err) != 0)
        goto done;
    memset(kernel, 0, square_size * sizeof *kernel);
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *layer = &net->layers[i];
        if (layer->number < 0)
            continue;
        double *own = term + (size_t)layer->number * square_size;
        finish_term(layer, tape->value[i], n, net->outputs, square, own);
        blas_axpy(square_size, 1, own, kernel);
    }
    if (activations)
        gram_activations(net, tape, n, activations);
    result = 0;
done:
    mem_free(terms);
    mem_free(square);
    tape_destroy(tape);
    return result;
}
