#include "ntk/probe.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"
#include "math/eigen.h"
#include "ntk/gram.h"
#include "ntk/metrics.h"

struct probe {
    struct network *net;
    size_t n, n_train, outputs, layers;
    const double *x;
    double *targets;                          /* (outputs, n), centred over the probe */
    double *gram, *gram_train, *gram_test;    /* y y^T of the whole and of each half, centred within it */
    bool started;                             /* the next three hold the first measurement */
    double *initial, *initial_centred, *initial_layers;
    double *layer_kernels, *activations;      /* scratch of a measurement: (layers, n, n) */
    double *square, *vectors, *values;        /* scratch: (n, n), (n, n), (n) */
};

/* Gram matrix of the targets of rows first..first+count-1, centred within them. */
static double *target_gram(size_t count, size_t outputs, const double *y, struct error *err)
{
    double *centred = mem_alloc(count * outputs, sizeof *centred, err);
    double *gram = mem_alloc(count * count, sizeof *gram, err);
    if (centred && gram) {
        metric_centre_targets(count, outputs, y, centred);
        metric_target_gram(count, outputs, centred, gram);
    }
    if (!centred) {
        mem_free(gram);
        gram = NULL;
    }
    mem_free(centred);
    return gram;
}

static int allocate(struct probe *p, struct error *err)
{
    size_t square = p->n * p->n;
    return (p->targets = mem_alloc(p->n * p->outputs, sizeof(double), err))
        && (p->initial = mem_alloc(square, sizeof(double), err))
        && (p->initial_centred = mem_alloc(square, sizeof(double), err))
        && (p->initial_layers = mem_alloc(p->layers * square, sizeof(double), err))
        && (p->layer_kernels = mem_alloc(p->layers * square, sizeof(double), err))
        && (p->activations = mem_alloc(p->layers * square, sizeof(double), err))
        && (p->square = mem_alloc(square, sizeof(double), err))
        && (p->vectors = mem_alloc(square, sizeof(double), err))
        && (p->values = mem_alloc(p->n, sizeof(double), err)) ? 0 : -1;
}

struct probe *probe_create(const struct network_spec *spec, struct image input, size_t outputs, size_t n,
                           size_t n_train, const double *x, const double *y, struct error *err)
{
    struct probe *p = mem_alloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    *p = (struct probe){.n = n, .n_train = n_train, .outputs = outputs, .x = x};
    if (!(p->net = network_create(spec, input, outputs, err)))
        goto failed;
    p->layers = p->net->n_parameterised;
    if (allocate(p, err) != 0
        || !(p->gram = target_gram(n, outputs, y, err))
        || !(p->gram_train = target_gram(n_train, outputs, y, err))
        || !(p->gram_test = target_gram(n - n_train, outputs, y + n_train * outputs, err)))
        goto failed;
    metric_centre_targets(n, outputs, y, p->targets);
    return p;
failed:
    probe_destroy(p);
    return NULL;
}

void probe_destroy(struct probe *p)
{
    if (!p)
        return;
    network_destroy(p->net);
    double *blocks[] = {p->targets, p->gram, p->gram_train, p->gram_test, p->initial, p->initial_centred,
                        p->initial_layers, p->layer_kernels, p->activations, p->square, p->vectors, p->values};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
    mem_free(p);
}

size_t probe_size(const struct probe *probe)
{
    return probe->n;
}

size_t probe_layers(const struct probe *probe)
{
    return probe->layers;
}

size_t probe_parameters(const struct probe *probe)
{
    return probe->net->n_parameters;
}

int probe_numbers_create(struct probe_numbers *numbers, const struct probe *probe, struct error *err)
{
    memset(numbers, 0, sizeof *numbers);
    double *block = mem_alloc(2 * probe->n + 3 * probe->layers, sizeof *block, err);
    if (!block)
        return -1;
    numbers->eigenvalues = block;
    numbers->target_energy = block + probe->n;
    numbers->layer_trace_share = block + 2 * probe->n;
    numbers->layer_distance = numbers->layer_trace_share + probe->layers;
    numbers->layer_target_alignment = numbers->layer_distance + probe->layers;
    return 0;
}

void probe_numbers_destroy(struct probe_numbers *numbers)
{
    mem_free(numbers->eigenvalues);   /* the arrays are one block */
    memset(numbers, 0, sizeof *numbers);
}

void probe_numbers_copy(struct probe_numbers *to, const struct probe_numbers *from, const struct probe *probe)
{
    struct probe_numbers arrays = *to;
    *to = *from;
    to->eigenvalues = arrays.eigenvalues;
    to->target_energy = arrays.target_energy;
    to->layer_trace_share = arrays.layer_trace_share;
    to->layer_distance = arrays.layer_distance;
    to->layer_target_alignment = arrays.layer_target_alignment;
    memcpy(to->eigenvalues, from->eigenvalues, (2 * probe->n + 3 * probe->layers) * sizeof(double));
}

int probe_kernel(struct probe *p, const double *theta, double *kernel, struct error *err)
{
    if (gram_ntk(p->net, KERNEL_TRACE, 0, theta, p->x, p->n, kernel, NULL, NULL, err) != 0)
        return -1;
    return isfinite(blas_norm(p->n * p->n, kernel)) ? 0 : 1;
}

static void measure_layers(struct probe *p, double trace, struct probe_numbers *numbers)
{
    size_t square = p->n * p->n;
    for (size_t l = 0; l < p->layers; l++) {
        const double *own = p->layer_kernels + l * square;
        numbers->layer_trace_share[l] = metric_trace(p->n, own) / trace;
        numbers->layer_distance[l] = metric_kernel_distance(p->n, own, p->initial_layers + l * square);
        metric_centre(p->n, p->activations + l * square, p->n, p->square);
        numbers->layer_target_alignment[l] = metric_cosine(p->n, p->square, p->gram);
    }
}

static int measure_spectrum(struct probe *p, const double *kernel, struct probe_numbers *numbers,
                            struct error *err)
{
    memcpy(p->square, kernel, p->n * p->n * sizeof *kernel);
    if (eigen_symmetric(p->n, p->square, p->values, p->vectors, err) != 0)
        return error_prefix(err, "kernel snapshot");
    for (size_t i = 0; i < p->n; i++)
        numbers->eigenvalues[i] = p->values[p->n - 1 - i];
    numbers->lambda_max = p->n ? numbers->eigenvalues[0] : NAN;
    numbers->condition_number = metric_condition_number(p->n, numbers->eigenvalues);
    numbers->entropy_rank = metric_entropy_rank(p->n, numbers->eigenvalues);
    metric_target_energy(p->n, p->vectors, p->outputs, p->targets, numbers->target_energy);
    return 0;
}

static double half_alignment(struct probe *p, const double *kernel, size_t first, size_t count,
                             const double *gram)
{
    metric_centre(count, kernel + first * p->n + first, p->n, p->square);
    return metric_cosine(count, p->square, gram);
}

int probe_measure(struct probe *p, const double *theta, double *kernel, struct probe_numbers *numbers,
                  struct error *err)
{
    size_t n = p->n, square = n * n;
    if (gram_ntk(p->net, KERNEL_TRACE, 0, theta, p->x, n, kernel, p->layer_kernels, p->activations, err) != 0)
        return -1;
    if (!isfinite(blas_norm(square, kernel)))
        return 1;
    if (!p->started) {
        memcpy(p->initial, kernel, square * sizeof *kernel);
        memcpy(p->initial_layers, p->layer_kernels, p->layers * square * sizeof *kernel);
        metric_centre(n, kernel, n, p->initial_centred);
        p->started = true;
    }
    numbers->trace = metric_trace(n, kernel);
    numbers->distance = metric_kernel_distance(n, kernel, p->initial);
    numbers->relative_change = metric_relative_change(n, kernel, p->initial);
    numbers->trace_ratio = numbers->trace / metric_trace(n, p->initial);
    numbers->effective_rank = metric_effective_rank(n, kernel);
    metric_centre(n, kernel, n, p->square);
    numbers->cka = metric_cosine(n, p->square, p->initial_centred);
    numbers->target_alignment_train = half_alignment(p, kernel, 0, p->n_train, p->gram_train);
    numbers->target_alignment_test = half_alignment(p, kernel, p->n_train, n - p->n_train, p->gram_test);
    measure_layers(p, numbers->trace, numbers);
    return measure_spectrum(p, kernel, numbers, err);
}
