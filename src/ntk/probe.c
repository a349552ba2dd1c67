#include "ntk/probe.h"

#include <math.h>
#include <string.h>

#include "base/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"
#include "math/eigen.h"
#include "ntk/gram.h"
#include "ntk/metrics.h"
#include "ntk/regression.h"

enum { MOST_ROWS = 32766 };   /* LAPACK counts 2 m^2 + 6 m + 1 numbers of scratch in an int */

struct probe {
    struct network *net;
    struct gram *kernels;
    struct probe_spec spec;                   /* network is not kept */
    size_t size, per, columns;                /* m; rows an input has; columns of y as the mode sees it */
    size_t layers;
    double *targets;                          /* (columns, m), centred over the probe */
    double *gram_train, *gram_test;           /* y y^T of each half, centred within it */
    double *gram_inputs;                      /* (n, n): of the targets of inputs, for activations */
    bool started;                             /* the next three hold the first measurement */
    double *initial, *initial_centred, *initial_layers;
    double *layer_kernels;                    /* scratch of a measurement: (layers, m, m) */
    double *activations;                      /* scratch: (layers, n, n) */
    double *square, *vectors, *values;        /* scratch: (m, m), (m, m), (m) */
};

/* Gram matrix of the targets (count, columns), centred within them. */
static double *target_gram(size_t count, size_t columns, const double *y, struct error *err)
{
    double *centred = mem_alloc(count * columns, sizeof *centred, err);
    double *gram = mem_alloc(count, count * sizeof *gram, err);
    if (centred && gram) {
        metric_centre_targets(count, columns, y, centred);
        metric_target_gram(count, columns, centred, gram);
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
    size_t row = p->size * sizeof(double), n = p->spec.n;
    return (p->targets = mem_alloc(p->columns, row, err))
        && (p->initial = mem_alloc(p->size, row, err))
        && (p->initial_centred = mem_alloc(p->size, row, err))
        && (p->initial_layers = mem_alloc(p->layers * p->size, row, err))
        && (p->layer_kernels = mem_alloc(p->layers * p->size, row, err))
        && (p->activations = mem_alloc(p->layers * n, n * sizeof(double), err))
        && (p->square = mem_alloc(p->size, row, err))
        && (p->vectors = mem_alloc(p->size, row, err))
        && (p->values = mem_alloc(1, row, err)) ? 0 : -1;
}

struct probe *probe_create(const struct probe_spec *spec, struct error *err)
{
    struct probe *p = mem_alloc(1, sizeof *p, err);
    if (!p)
        return NULL;
    bool full = spec->mode == KERNEL_FULL;
    size_t side = gram_side(spec->mode, spec->n, spec->outputs);
    if (side > MOST_ROWS) {
        error_set(err, ERROR_UNSUPPORTED, "kernels: expected a kernel of at most %d rows, got %zu (%zu probe inputs%s); "
                  "set kernels.probe lower%s", MOST_ROWS, side, spec->n, full ? " times their outputs" : "",
                  full ? ", or kernels.mode to trace" : "");
        goto failed;
    }
    const double *y = spec->y;
    *p = (struct probe){.spec = *spec, .size = side,
                        .per = full ? spec->outputs : 1, .columns = full ? 1 : spec->outputs};
    if (!(p->net = network_create(spec->network, spec->input, spec->outputs, err)))
        goto failed;
    p->layers = p->net->n_parameterised;
    if (!(p->kernels = gram_create(p->net, spec->mode, 0, spec->x, spec->n, err)) || allocate(p, err) != 0
        || !(p->gram_inputs = target_gram(spec->n, spec->outputs, y, err))
        || !(p->gram_train = target_gram(spec->n_train * p->per, p->columns, y, err))
        || !(p->gram_test = target_gram((spec->n - spec->n_train) * p->per, p->columns,
                                         y + spec->n_train * spec->outputs, err)))
        goto failed;
    metric_centre_targets(p->size, p->columns, y, p->targets);
    return p;
failed:
    probe_destroy(p);
    return NULL;
}

void probe_destroy(struct probe *p)
{
    if (!p)
        return;
    gram_destroy(p->kernels);
    network_destroy(p->net);
    double *blocks[] = {p->targets, p->gram_inputs, p->gram_train, p->gram_test, p->initial, p->initial_centred,
                        p->initial_layers, p->layer_kernels, p->activations, p->square, p->vectors, p->values};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
    mem_free(p);
}

size_t probe_size(const struct probe *probe)
{
    return probe->size;
}

size_t probe_inputs(const struct probe *probe)
{
    return probe->spec.n;
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
    double *block = mem_alloc(2 * probe->size + 3 * probe->layers, sizeof *block, err);
    if (!block)
        return -1;
    numbers->eigenvalues = block;
    numbers->target_energy = block + probe->size;
    numbers->layer_trace_share = block + 2 * probe->size;
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
    memcpy(to->eigenvalues, from->eigenvalues, (2 * probe->size + 3 * probe->layers) * sizeof(double));
}

void probe_numbers_carry(struct probe_numbers *numbers, const struct probe *probe, struct checkpoint *c)
{
    struct probe_numbers arrays = *numbers;
    checkpoint_carry(c, numbers, sizeof *numbers);
    numbers->eigenvalues = arrays.eigenvalues;   /* addresses are not state */
    numbers->target_energy = arrays.target_energy;
    numbers->layer_trace_share = arrays.layer_trace_share;
    numbers->layer_distance = arrays.layer_distance;
    numbers->layer_target_alignment = arrays.layer_target_alignment;
    checkpoint_carry(c, numbers->eigenvalues, (2 * probe->size + 3 * probe->layers) * sizeof(double));
}

/* The kernel of theta; layers: its layers' terms and activations into the probe's scratch. 1: not finite. */
static int compute(struct probe *p, const double *theta, bool layers, double *kernel)
{
    gram_compute(p->kernels, theta, kernel, p->layer_kernels, layers ? p->activations : NULL);
    return isfinite(blas_norm(p->size * p->size, kernel)) ? 0 : 1;
}

int probe_kernel(struct probe *p, const double *theta, double *kernel)
{
    return compute(p, theta, false, kernel);
}

/* The first measurement: kernel, and the layers' terms as they are in the scratch. */
static void start(struct probe *p, const double *kernel)
{
    size_t square = p->size * p->size;
    if (kernel != p->initial)
        memcpy(p->initial, kernel, square * sizeof *kernel);
    memcpy(p->initial_layers, p->layer_kernels, p->layers * square * sizeof *kernel);
    metric_centre(p->size, kernel, p->size, p->initial_centred);
    p->started = true;
}

void probe_restart(struct probe *p, const double *theta)
{
    compute(p, theta, true, p->initial);
    start(p, p->initial);
}

static void measure_layers(struct probe *p, double trace, struct probe_numbers *numbers)
{
    size_t square = p->size * p->size, n = p->spec.n;
    for (size_t l = 0; l < p->layers; l++) {
        const double *own = p->layer_kernels + l * square;
        numbers->layer_trace_share[l] = metric_trace(p->size, own) / trace;
        numbers->layer_distance[l] = metric_kernel_distance(p->size, own, p->initial_layers + l * square);
        metric_centre(n, p->activations + l * n * n, n, p->square);
        numbers->layer_target_alignment[l] = metric_cosine(n, p->square, p->gram_inputs);
    }
}

static int measure_spectrum(struct probe *p, const double *kernel, struct probe_numbers *numbers,
                            struct error *err)
{
    memcpy(p->square, kernel, p->size * p->size * sizeof *kernel);
    if (eigen_symmetric(p->size, p->square, p->values, p->vectors, err) != 0)
        return error_prefix(err, "kernel snapshot");
    for (size_t i = 0; i < p->size; i++)
        numbers->eigenvalues[i] = p->values[p->size - 1 - i];
    numbers->lambda_max = p->size ? numbers->eigenvalues[0] : NAN;
    numbers->condition_number = metric_condition_number(p->size, numbers->eigenvalues);
    numbers->entropy_rank = metric_entropy_rank(p->size, numbers->eigenvalues);
    metric_target_energy(p->size, p->vectors, p->columns, p->targets, numbers->target_energy);
    return 0;
}

static double half_alignment(struct probe *p, const double *kernel, size_t first, size_t count,
                             const double *gram)
{
    metric_centre(count, kernel + first * p->size + first, p->size, p->square);
    return metric_cosine(count, p->square, gram);
}

int probe_measure(struct probe *p, const double *theta, double *kernel, struct probe_numbers *numbers,
                  struct error *err)
{
    size_t m = p->size, train = p->spec.n_train * p->per;
    int answer = compute(p, theta, true, kernel);
    if (answer != 0)
        return answer;
    if (!p->started)
        start(p, kernel);
    numbers->trace = metric_trace(m, kernel);
    numbers->distance = metric_kernel_distance(m, kernel, p->initial);
    numbers->relative_change = metric_relative_change(m, kernel, p->initial);
    numbers->trace_ratio = numbers->trace / metric_trace(m, p->initial);
    numbers->effective_rank = metric_effective_rank(m, kernel);
    metric_centre(m, kernel, m, p->square);
    numbers->cka = metric_cosine(m, p->square, p->initial_centred);
    numbers->target_alignment_train = half_alignment(p, kernel, 0, train, p->gram_train);
    numbers->target_alignment_test = half_alignment(p, kernel, train, m - train, p->gram_test);
    measure_layers(p, numbers->trace, numbers);
    const struct regression regression = {p->spec.n_train, p->spec.n - p->spec.n_train, p->spec.outputs,
                                          p->spec.mode == KERNEL_FULL, p->spec.classes, p->spec.ridge, p->spec.y};
    if (regression_score(&regression, kernel, p->square, &numbers->regression_loss, &numbers->regression_accuracy,
                         err) != 0)
        return error_prefix(err, "kernel regression");
    return measure_spectrum(p, kernel, numbers, err);
}
