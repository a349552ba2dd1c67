#include "train/bench.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"
#include "train/trainer.h"

enum { STEPS = 24 };   /* of a round; enough that the trainer stores the activations */

struct samples { size_t n; double *seconds; };

struct bench {
    struct dataset set;
    struct split split;
    struct network *net;
    real *theta_0, *theta, *theta_s;
    real *a, *b, *c;                 /* (side, side) */
    struct samples gemm, standard, tangent;
};

/* A training set of random images. What is in it does not matter to the clock. */
static int fill_images(struct bench *b, struct error *err)
{
    struct random r;
    unsigned char *x = mem_alloc(BENCH_ROWS, BENCH_INPUTS, err);
    int32_t *label = mem_alloc(BENCH_ROWS, sizeof *label, err);
    size_t *row = mem_alloc(BENCH_ROWS, sizeof *row, err);
    b->set = (struct dataset){.train = {.rows = BENCH_ROWS, .features = BENCH_INPUTS, .bytes = true, .x = x, .label = label},
                              .outputs = BENCH_OUTPUTS, .task = TASK_CLASSIFICATION, .n_dims = 1,
                              .shape = {BENCH_INPUTS}};
    b->split = (struct split){.set = &b->set, .count = {[PART_TRAIN] = BENCH_ROWS}, .row = {[PART_TRAIN] = row},
                              .channels = 1, .mean = {0.5}, .scale = {3.4}};
    if (!x || !label || !row)
        return -1;
    random_start(&r, 0, RANDOM_SET, 0);
    for (size_t i = 0; i < (size_t)BENCH_ROWS * BENCH_INPUTS; i++)
        x[i] = (unsigned char)random_u32(&r);
    for (size_t i = 0; i < BENCH_ROWS; i++) {
        label[i] = (int32_t)random_below(&r, BENCH_OUTPUTS);
        row[i] = i;
    }
    return 0;
}

static int bench_create(struct bench *b, int rounds, struct error *err)
{
    const struct network_spec spec = {.name = "bench", .n_widths = 2, .widths = {BENCH_WIDTH, BENCH_WIDTH},
                                      .activation = ACTIVATION_RELU, .sigma_w = NAN, .bias = true};
    size_t side = BENCH_GEMM_SIDE, steps = (size_t)rounds * STEPS;
    if (fill_images(b, err) != 0 || !(b->net = network_create(&spec, image_flat(BENCH_INPUTS), BENCH_OUTPUTS, err))
        || !(b->theta_0 = mem_alloc(b->net->n_parameters, sizeof(real), err))
        || !(b->theta = mem_alloc(b->net->n_parameters, sizeof(real), err))
        || !(b->theta_s = mem_alloc(b->net->n_parameters, sizeof(real), err))
        || !(b->a = mem_alloc(side, side * sizeof(real), err)) || !(b->b = mem_alloc(side, side * sizeof(real), err))
        || !(b->c = mem_alloc(side, side * sizeof(real), err))
        || !(b->gemm.seconds = mem_alloc((size_t)rounds, sizeof(double), err))
        || !(b->standard.seconds = mem_alloc(steps, sizeof(double), err))
        || !(b->tangent.seconds = mem_alloc(steps, sizeof(double), err)))
        return -1;
    network_init(b->net, 0, b->theta_0);
    for (size_t i = 0; i < side * side; i++) {
        b->a[i] = (real)(i % 31) / 31;
        b->b[i] = (real)(i % 29) / 29;
    }
    return 0;
}

static void bench_free(struct bench *b)
{
    mem_free((void *)b->set.train.x);
    mem_free((void *)b->set.train.label);
    mem_free(b->split.row[PART_TRAIN]);
    network_destroy(b->net);
    mem_free(b->theta_0);
    mem_free(b->theta);
    mem_free(b->theta_s);
    mem_free(b->a);
    mem_free(b->b);
    mem_free(b->c);
    mem_free(b->gemm.seconds);
    mem_free(b->standard.seconds);
    mem_free(b->tangent.seconds);
}

struct stopwatch { struct samples *samples; double last; };

/* A step lasts from the end of the one before; the first of a run, which also linearises and
 * touches memory for the first time, is not counted. */
static int time_step(void *context, const struct step_record *record)
{
    struct stopwatch *watch = context;
    double now = clock_seconds();
    if (record->step > 0)
        watch->samples->seconds[watch->samples->n++] = now - watch->last;
    watch->last = clock_seconds();
    return 0;
}

static int time_training(struct bench *b, enum trainer_kind trainer, double momentum, struct samples *samples,
                         struct error *err)
{
    const struct training_spec spec = {.trainer = trainer, .steps = STEPS, .batch = BENCH_BATCH, .lr = 1e-4,
                                       .refresh_period = trainer == TRAINER_STANDARD ? 1 : INFINITY,
                                       .momentum = momentum};
    const struct problem problem = {.net = b->net, .split = &b->split, .spec = &spec, .lr = spec.lr};
    struct stopwatch watch = {.samples = samples};
    const struct trainer_hooks hooks = {.context = &watch, .after_step = time_step};
    struct training_outcome outcome;
    for (size_t i = 0; i < b->net->n_parameters; i++)
        b->theta[i] = b->theta_0[i];
    return trainer_run(&problem, b->theta, b->theta_s, &hooks, &outcome, err);
}

static void time_gemm(struct bench *b)
{
    size_t side = BENCH_GEMM_SIDE;
    double start = clock_seconds();
    blas_gemm(false, false, side, side, side, 1, b->a, side, b->b, side, 0, b->c, side);
    b->gemm.seconds[b->gemm.n++] = clock_seconds() - start;
}

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(struct samples *s)
{
    qsort(s->seconds, s->n, sizeof *s->seconds, by_size);
    return (s->seconds[(s->n - 1) / 2] + s->seconds[s->n / 2]) / 2;
}

int REAL_NAME(bench_training)(int rounds, double momentum, struct bench_training *bench, struct error *err)
{
    struct bench b = {0};
    double forward, step;
    int result = -1;
    if (bench_create(&b, rounds, err) != 0)
        goto done;
    time_gemm(&b);   /* the first one starts the library */
    b.gemm.n = 0;
    for (int round = 0; round < rounds; round++) {
        time_gemm(&b);
        if (time_training(&b, TRAINER_STANDARD, momentum, &b.standard, err) != 0
            || time_training(&b, TRAINER_LINEARISED, momentum, &b.tangent, err) != 0)
            goto done;
    }
    network_flops(b.net, &forward, &step);
    *bench = (struct bench_training){
        .gemm_seconds = median(&b.gemm),
        .standard_seconds = median(&b.standard),
        .tangent_seconds = median(&b.tangent),
        .standard_flops = BENCH_BATCH * step,
        .standard_steps = b.standard.n,
        .tangent_steps = b.tangent.n,
        .products = b.gemm.n,
    };
    result = 0;
done:
    bench_free(&b);
    return result;
}
