#include "ntk/bench.h"

#include <math.h>

#include "base/memory.h"
#include "data/gather.h"
#include "ntk/gram.h"
#include "ntk/metrics.h"

enum { MODES = KERNEL_SUM_OF_LOGITS + 1 };

struct bench_kernel {
    struct network *net;
    struct bench_set data;
    size_t inputs, side;          /* side: rows of the last kernel */
    double *x, *theta, *kernel, *layers;
    struct bench_samples samples[MODES];
};

struct bench_kernel *bench_kernel_create(const struct bench_network *network, size_t inputs, bool by_hash, struct error *err)
{
    struct bench_kernel *k = mem_alloc(1, sizeof *k, err);
    if (!k)
        return NULL;
    *k = (struct bench_kernel){.inputs = inputs};
    size_t most = gram_side(KERNEL_FULL, inputs, BENCH_OUTPUTS);
    if (bench_set_create(&k->data, network->input, inputs, err) != 0
        || !(k->net = network_create(&network->spec, network->input, BENCH_OUTPUTS, err))
        || !(k->x = mem_alloc(inputs, k->net->inputs * sizeof *k->x, err))
        || !(k->theta = mem_alloc(k->net->n_parameters, sizeof *k->theta, err))
        || !(k->kernel = mem_alloc(most, most * sizeof *k->kernel, err))
        || !(k->layers = mem_alloc(k->net->n_parameterised, most * most * sizeof *k->layers, err))) {
        bench_kernel_destroy(k);
        return NULL;
    }
    gather_inputs(&k->data.split, PART_TRAIN, NULL, 0, inputs, k->x);
    network_init(k->net, 0, k->theta);
    if (by_hash)
        bench_parameters_double(k->net, k->theta);
    return k;
}

int bench_kernel_round(struct bench_kernel *k, enum kernel_mode mode, struct error *err)
{
    struct bench_time start;
    bench_time_start(&start);
    struct gram *gram = gram_create(k->net, mode, 0, k->x, k->inputs, err);
    if (!gram)
        return -1;
    gram_compute(gram, k->theta, k->kernel, k->layers, NULL);
    gram_destroy(gram);
    bench_samples_add(&k->samples[mode], &start);
    k->side = gram_side(mode, k->inputs, BENCH_OUTPUTS);
    return 0;
}

struct bench_told bench_kernel_tell(struct bench_kernel *k, enum kernel_mode mode)
{
    return (struct bench_told){.samples = k->samples[mode].n, .time = bench_median(&k->samples[mode]), .begin = {NAN, NAN}};
}

void bench_kernel_numbers(const struct bench_kernel *k, double *trace, double *norm)
{
    double sum = 0;
    for (size_t i = 0; i < k->side * k->side; i++)
        sum += k->kernel[i] * k->kernel[i];
    *trace = metric_trace(k->side, k->kernel);
    *norm = sqrt(sum);
}

void bench_kernel_destroy(struct bench_kernel *k)
{
    if (!k)
        return;
    bench_set_free(&k->data);
    network_destroy(k->net);
    for (int mode = 0; mode < MODES; mode++)
        bench_samples_free(&k->samples[mode]);
    void *const blocks[] = {k->x, k->theta, k->kernel, k->layers, k};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
}
