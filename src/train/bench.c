/* What the benchmarks of both precisions share: networks, data, samples, and the memory's speed. */
#include "train/bench.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "train/spec.h"

#define COMMON .activation = ACTIVATION_RELU, .sigma_w = NAN, .bias = true, .width_multiplier = 1, .groups = 4, \
               .window = 3, .convolutions = 1, .pool = 2, .pooled = -1
#define IMAGES .input = {32, 32, 3}, .rows = 256, .solve_rows = 32, .segment = 100, .inputs = 32

#define CONV(channels) {.kind = ITEM_CONVOLUTION, .window = 3, .stride = 1, .padding = ITEM_PADDING_SAME, .size = channels}
#define RELU {.kind = ITEM_ACTIVATION, .choice = ITEM_ACTIVATION_OWN}
#define POOL {.kind = ITEM_POOL, .choice = POOLING_AVERAGE, .window = 2, .stride = 2}
#define BLOCK {.kind = ITEM_RESIDUAL, .choice = SHORTCUT_IDENTITY, .scale = 0.5}
#define END {.kind = ITEM_END}

const struct bench_network bench_networks[BENCH_NETWORKS] = {
    {.spec = {.name = "mlp", .type = NETWORK_MLP, .n_widths = 2, .widths = {BENCH_WIDTH, BENCH_WIDTH}, COMMON},
     .input = {1, 1, BENCH_INPUTS}, .rows = BENCH_ROWS, .steps = 24, .solve_rows = 512, .segment = 1000, .inputs = 256},
    {.spec = {.name = "cnn", .type = NETWORK_CNN, .n_channels = 3, .channels = {32, 64, 64}, .pooling = POOLING_AUTO,
              .head = HEAD_GLOBAL, COMMON}, .input = {32, 32, 3}, .rows = 256, .steps = 10, .solve_rows = 32, .segment = 100,
     .inputs = 256},
    {.spec = {.name = "lenet", .type = NETWORK_LENET, .pooling = POOLING_AUTO, COMMON}, .input = {28, 28, 1}, .rows = 1024,
     .steps = 24, .solve_rows = 128, .segment = 100, .inputs = 64},
    {.spec = {.name = "myrtle", .type = NETWORK_MYRTLE, .depth = 5, COMMON}, IMAGES, .steps = 4},
    {.spec = {.name = "resnet", .type = NETWORK_RESNET, .depth = 20, COMMON}, IMAGES, .steps = 4},
    {.spec = {.name = "layers", .type = NETWORK_LAYERS, COMMON, .n_items = 11,
              .items = {CONV(32), RELU, POOL, BLOCK, CONV(32), RELU, CONV(32), END, RELU, POOL, {.kind = ITEM_GLOBAL_POOL}}},
     IMAGES, .steps = 10},
};

const char *bench_engine_name(enum bench_engine engine)
{
    static const char *const names[BENCH_ENGINES] = {"standard", "tangent", "kernel", "filter", "gauss-newton"};
    return names[engine];
}

uint32_t bench_hash(uint32_t place)
{
    place ^= place >> 16;
    place *= 0x85ebca6bu;
    place ^= place >> 13;
    place *= 0xc2b2ae35u;
    return place ^ place >> 16;
}

double bench_parameter(size_t place, size_t fan_in)
{
    double uniform = bench_hash(0x10000000u + (uint32_t)place) / 2147483648.0 - 1;
    return uniform * (fan_in ? sqrt(6 / (double)fan_in) : 0.1);
}

int bench_set_create(struct bench_set *b, struct image input, size_t rows, struct error *err)
{
    size_t features = image_features(input);
    bool image = input.height * input.width > 1;
    unsigned char *x = mem_alloc(rows, features, err);
    int32_t *label = mem_alloc(rows, sizeof *label, err);
    size_t *row = mem_alloc(rows, sizeof *row, err);
    b->set = (struct dataset){.train = {.rows = rows, .features = features, .bytes = true, .x = x, .label = label},
                              .outputs = BENCH_OUTPUTS, .task = TASK_CLASSIFICATION, .n_dims = image ? 3 : 1,
                              .shape = {image ? input.channels : features, input.height, input.width}};
    b->split = (struct split){.set = &b->set, .count = {[PART_TRAIN] = rows}, .row = {[PART_TRAIN] = row},
                              .channels = image ? input.channels : 1};
    for (size_t c = 0; c < b->split.channels; c++) {
        b->split.mean[c] = 0.5;
        b->split.scale[c] = 3.4;
    }
    if (!x || !label || !row)
        return -1;
    for (size_t i = 0; i < rows * features; i++)
        x[i] = (unsigned char)(bench_hash((uint32_t)i) >> 24);
    for (size_t i = 0; i < rows; i++) {
        label[i] = (int32_t)(i % BENCH_OUTPUTS);
        row[i] = i;
    }
    return 0;
}

void bench_set_free(struct bench_set *b)
{
    mem_free((void *)b->set.train.x);
    mem_free((void *)b->set.train.label);
    mem_free(b->split.row[PART_TRAIN]);
}

void bench_time_start(struct bench_time *time)
{
    *time = (struct bench_time){clock_seconds(), clock_cpu_seconds()};
}

void bench_samples_add(struct bench_samples *s, const struct bench_time *from)
{
    double seconds = clock_seconds() - from->seconds, cpu_seconds = clock_cpu_seconds() - from->cpu_seconds;
    if (s->n == s->room) {
        size_t room = 2 * s->room + 64;
        double *wider = realloc(s->seconds, room * sizeof *wider);
        if (!wider)
            return;
        s->seconds = wider;
        if (!(wider = realloc(s->cpu_seconds, room * sizeof *wider)))
            return;
        s->cpu_seconds = wider;
        s->room = room;
    }
    s->seconds[s->n] = seconds;
    s->cpu_seconds[s->n++] = cpu_seconds;
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

double bench_median_of(double *x, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(x, n, sizeof *x, by_size);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

struct bench_time bench_median(struct bench_samples *s)
{
    return (struct bench_time){bench_median_of(s->seconds, s->n), bench_median_of(s->cpu_seconds, s->n)};
}

void bench_samples_free(struct bench_samples *s)
{
    free(s->seconds);
    free(s->cpu_seconds);
    *s = (struct bench_samples){0};
}

double bench_triad(bool by_cpu)
{
    enum { NUMBERS = BENCH_MEMORY_BYTES / sizeof(double), TIMES = 3 };
    struct bench_samples samples = {0};
    double *a = malloc(NUMBERS * sizeof *a), *b = malloc(NUMBERS * sizeof *b), *c = malloc(NUMBERS * sizeof *c);
    for (size_t i = 0; a && b && c && i < NUMBERS; i++) {
        a[i] = 0;
        b[i] = (double)(i % 7);
        c[i] = (double)(i % 5);
    }
    for (int k = 0; a && b && c && k < TIMES; k++) {
        struct bench_time start;
        bench_time_start(&start);
        for (size_t i = 0; i < NUMBERS; i++)
            a[i] = b[i] + 3 * c[i];
        bench_samples_add(&samples, &start);
    }
    free(a);
    free(b);
    free(c);
    return bench_rate(&samples, by_cpu, 3.0 * BENCH_MEMORY_BYTES);
}

double bench_rate(struct bench_samples *s, bool by_cpu, double amount)
{
    struct bench_time time = bench_median(s);
    bench_samples_free(s);
    double seconds = by_cpu ? time.cpu_seconds : time.seconds;
    return seconds > 0 ? amount / seconds : 0;
}
