/* Times the trainer itself, one network at a time. */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"
#include "train/bench.h"
#include "train/trainer.h"

struct bench_case {
    const struct bench_network *network;
    double momentum;
    struct bench_set data;
    struct network *net;
    real *theta_0, *theta, *theta_s;
    struct bench_samples step[BENCH_ENGINES], begin[BENCH_ENGINES];
    double products[BENCH_ENGINES];
    bool diverged[BENCH_ENGINES];
};

#define case_create REAL_NAME(bench_case_create)
#define case_round REAL_NAME(bench_case_round)
#define case_tell REAL_NAME(bench_case_tell)
#define case_destroy REAL_NAME(bench_case_destroy)
#define case_check REAL_NAME(bench_case_check)
#define bench_gemm REAL_NAME(bench_gemm)

struct bench_case *case_create(const struct bench_network *network, double momentum, struct error *err)
{
    struct bench_case *c = mem_alloc(1, sizeof *c, err);
    if (!c)
        return NULL;
    *c = (struct bench_case){.network = network, .momentum = momentum};
    size_t rows = network->rows > network->solve_rows ? network->rows : network->solve_rows;
    if (bench_set_create(&c->data, network->input, rows < BENCH_BATCH ? BENCH_BATCH : rows, err) != 0
        || !(c->net = network_create(&network->spec, network->input, BENCH_OUTPUTS, err))
        || !(c->theta_0 = mem_alloc(c->net->n_parameters, sizeof(real), err))
        || !(c->theta = mem_alloc(c->net->n_parameters, sizeof(real), err))
        || !(c->theta_s = mem_alloc(c->net->n_parameters, sizeof(real), err))) {
        case_destroy(c);
        return NULL;
    }
    network_init(c->net, 0, c->theta_0);
    return c;
}

void case_destroy(struct bench_case *c)
{
    if (!c)
        return;
    bench_set_free(&c->data);
    network_destroy(c->net);
    for (int e = 0; e < BENCH_ENGINES; e++) {
        bench_samples_free(&c->step[e]);
        bench_samples_free(&c->begin[e]);
    }
    void *const blocks[] = {c->theta_0, c->theta, c->theta_s, c};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
}

/* What of a run is watched. */
struct watch {
    struct bench_samples *begin, *step;
    struct bench_time last;
    double asked;         /* how often a state could have been written */
    double *losses;
};

/* A step lasts from the end of the one before; the first of a run, which also linearises and touches memory for the first
 * time, is kept apart. */
static int time_step(void *context, const struct step_record *record)
{
    struct watch *w = context;
    bench_samples_add(record->step > 0 ? w->step : w->begin, &w->last);
    bench_time_start(&w->last);
    return 0;
}

static int keep_loss(void *context, const struct step_record *record)
{
    struct watch *w = context;
    w->losses[record->step] = record->loss;
    return 0;
}

static int count(void *context, const struct trainer_state *state)
{
    struct watch *w = context;
    (void)state;
    w->asked++;
    return 0;
}

/* The training of a round. Gauss-Newton's mu is a share of lambda_max that asks for some tens of products. */
static struct training_spec round_spec(const struct bench_case *c, enum bench_engine engine)
{
    const struct bench_network *n = c->network;
    bool batches = engine == BENCH_STANDARD || engine == BENCH_TANGENT;
    struct training_spec spec = {.trainer = TRAINER_LINEARISED, .steps = n->steps, .batch = batches ? BENCH_BATCH : BATCH_FULL,
                                 .lr = n->input.height > 1 ? 1e-5 : 1e-4, .refresh_period = INFINITY,
                                 .momentum = c->momentum, .engine = ENGINE_TANGENT};
    switch (engine) {
    case BENCH_STANDARD:
        spec.trainer = TRAINER_STANDARD;
        spec.refresh_period = 1;
        break;
    case BENCH_TANGENT: break;
    case BENCH_KERNEL:
        spec.engine = ENGINE_KERNEL;
        spec.steps = 20;
        break;
    case BENCH_FILTER:
        spec.engine = ENGINE_FILTER;
        spec.steps = n->segment;
        break;
    case BENCH_GAUSS_NEWTON:
        spec.trainer = TRAINER_GAUSS_NEWTON;
        spec.refresh_period = 1;
        spec.steps = 1;
        spec.lr = 1;
        spec.momentum = 0;
        spec.damping = 100 * (double)n->solve_rows;
        break;
    }
    return spec;
}

static int train(struct bench_case *c, const struct training_spec *spec, size_t rows, const struct trainer_hooks *hooks,
                 struct training_outcome *outcome, struct error *err)
{
    struct split split = c->data.split;
    const struct problem problem = {.net = c->net, .split = &split, .spec = spec, .lr = spec->lr,
                                    .filter_by = FILTER_BY_PRODUCTS};
    split.count[PART_TRAIN] = rows;
    return trainer_run(&problem, c->theta, c->theta_s, hooks, outcome, err);
}

int case_round(struct bench_case *c, enum bench_engine engine, struct error *err)
{
    const struct training_spec spec = round_spec(c, engine);
    bool solves = engine == BENCH_FILTER || engine == BENCH_GAUSS_NEWTON;
    struct watch watch = {.begin = &c->begin[engine], .step = &c->step[engine]};
    const struct trainer_hooks hooks = {.context = &watch, .after_step = solves ? NULL : time_step,
                                        .between_steps = solves ? count : NULL};
    struct training_outcome outcome;
    for (size_t i = 0; i < c->net->n_parameters; i++)
        c->theta[i] = c->theta_0[i];
    bench_time_start(&watch.last);
    if (train(c, &spec, spec.batch == BATCH_FULL ? c->network->solve_rows : c->network->rows, &hooks, &outcome, err) != 0)
        return -1;
    if (solves)
        bench_samples_add(&c->step[engine], &watch.last);
    c->products[engine] = watch.asked - 1;   /* before each product, and at the end */
    c->diverged[engine] = outcome.end == TRAINING_DIVERGED;
    return 0;
}

struct bench_told case_tell(struct bench_case *c, enum bench_engine engine)
{
    double forward, step, rows = (double)c->network->solve_rows, side = rows * BENCH_OUTPUTS;
    network_flops(c->net, &forward, &step);
    double derivative = step - forward;   /* of a JVP, or a VJP, of a row */
    struct bench_told told = {.samples = c->step[engine].n, .time = bench_median(&c->step[engine]),
                              .begin = {NAN, NAN}, .diverged = c->diverged[engine]};
    switch (engine) {
    case BENCH_STANDARD: told.flops = BENCH_BATCH * step; break;
    case BENCH_TANGENT: told.flops = BENCH_BATCH * 2 * derivative; break;
    case BENCH_KERNEL:
        told.begin = bench_median(&c->begin[engine]);
        told.flops = 2 * side * side;
        told.bytes = sizeof(real) * side * side > BENCH_MEMORY_BYTES   /* of a smaller Theta the caches have the most */
                   ? sizeof(real) * side * (side + 1) / 2 : 0;
        break;
    case BENCH_FILTER:
    case BENCH_GAUSS_NEWTON:
        told.products = c->products[engine];
        told.flops = rows * (forward + (2 * told.products + 1) * derivative);
        break;
    }
    return told;
}

void REAL_NAME(bench_parameters)(const struct network *net, real *theta)
{
    for (size_t t = 0; t < net->n_tensors; t++) {
        const struct tensor *tensor = &net->tensors[t];
        size_t fan_in = tensor->n_dims > 1 ? tensor->size / tensor->shape[0] : 0;
        for (size_t i = tensor->offset; i < tensor->offset + tensor->size; i++)
            theta[i] = (real)bench_parameter(i, fan_in);
    }
}

int case_check(struct bench_case *c, enum bench_engine engine, double *losses, struct error *err)
{
    struct training_spec spec = round_spec(c, engine);
    struct watch watch = {.losses = losses};
    const struct trainer_hooks hooks = {.context = &watch, .after_step = keep_loss};
    struct training_outcome outcome;
    spec.steps = BENCH_CHECK_STEPS;
    spec.batch = BATCH_FULL;
    spec.lr = 1e-4;
    spec.momentum = 0;
    REAL_NAME(bench_parameters)(c->net, c->theta);
    for (int i = 0; i < BENCH_CHECK_STEPS; i++)
        losses[i] = NAN;
    return train(c, &spec, BENCH_BATCH, &hooks, &outcome, err);
}

struct bench_time bench_gemm(void)
{
    size_t side = BENCH_GEMM_SIDE, n = side * side;
    struct bench_samples samples = {0};
    real *a = mem_alloc(n, sizeof *a, NULL), *b = mem_alloc(n, sizeof *b, NULL), *to = mem_alloc(n, sizeof *to, NULL);
    if (a && b && to) {
        for (size_t i = 0; i < n; i++) {
            a[i] = (real)(i % 31) / 31;
            b[i] = (real)(i % 29) / 29;
            to[i] = 0;
        }
        struct bench_time start;
        bench_time_start(&start);
        blas_gemm(false, false, side, side, side, 1, a, side, b, side, 0, to, side);
        bench_samples_add(&samples, &start);
    }
    struct bench_time time = bench_median(&samples);
    bench_samples_free(&samples);
    mem_free(a);
    mem_free(b);
    mem_free(to);
    return time;
}

double REAL_NAME(bench_read)(bool by_cpu)
{
    enum { NUMBERS = BENCH_MEMORY_BYTES / sizeof(real), TIMES = 3 };
    struct bench_samples samples = {0};
    real *a = mem_alloc(NUMBERS, sizeof *a, NULL), *b = mem_alloc(NUMBERS, sizeof *b, NULL), sum = 0;
    for (size_t i = 0; a && b && i < NUMBERS; i++) {
        a[i] = (real)(i % 7) / 7;
        b[i] = (real)(i % 5) / 5;
    }
    for (int k = 0; a && b && k < TIMES; k++) {
        struct bench_time start;
        bench_time_start(&start);
        sum += blas_dot(NUMBERS, a, b);
        bench_samples_add(&samples, &start);
    }
    mem_free(a);
    mem_free(b);
    return sum >= 0 ? bench_rate(&samples, by_cpu, 2.0 * BENCH_MEMORY_BYTES) : 0;
}

int REAL_NAME(bench_training)(int rounds, double momentum, struct bench_training *bench, struct error *err)
{
    struct bench_case *c = case_create(&bench_networks[0], momentum, err);
    double *products = mem_alloc((size_t)rounds, sizeof *products, err);
    int result = -1;
    if (!c || !products)
        goto done;
    bench_gemm();   /* the first one starts the library */
    for (int round = 0; round < rounds; round++) {
        products[round] = bench_gemm().seconds;
        if (case_round(c, BENCH_STANDARD, err) != 0 || case_round(c, BENCH_TANGENT, err) != 0)
            goto done;
    }
    struct bench_told standard = case_tell(c, BENCH_STANDARD), tangent = case_tell(c, BENCH_TANGENT);
    *bench = (struct bench_training){
        .gemm_seconds = bench_median_of(products, (size_t)rounds),
        .standard_seconds = standard.time.seconds,
        .tangent_seconds = tangent.time.seconds,
        .standard_flops = standard.flops,
        .standard_steps = standard.samples,
        .tangent_steps = tangent.samples,
        .products = (size_t)rounds,
    };
    result = 0;
done:
    mem_free(products);
    case_destroy(c);
    return result;
}
