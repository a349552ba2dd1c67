/* What a job costs, by formula: for the order of hand-out, the plan and its limits. */
#include <math.h>

#include "base/error.h"
#include "nn/cost.h"
#include "ntk/plan.h"
#include "predict_kernels.h"
#include "sweep/job.h"
#include "train/engine_cost.h"
#include "train/products.h"

/* Measured on one core of an AVX-512 machine; only ratios matter to the order, and the farm corrects
 * the scale as jobs end. */
static const double GEMM_RATE = 80e9;             /* single precision flops a second, outside the steps */
static const double LARGE_SIDE = 500;             /* rows from which an eigenproblem of a kernel is a large one */
static const double LANCZOS_PRODUCTS = 25;
enum { LIMIT_PRODUCTS = 60 };                     /* kept at most: STABILITY_PRODUCTS of train/trainer.h */

struct sizes {
    struct network_size net;
    double first, rest, all;      /* multiply-adds a row */
    double train, validation, test, batch, steps, outputs, features;
    double updates, most;         /* feature updates; by the gap as for never, and the most there can be */
    bool linearised, caches;      /* activations at theta_s are kept */
};

int job_check_network(const struct job *job, const struct dataset *set, struct error *err)
{
    struct network_size size;
    return network_measure(job->network, image_of(set), set->outputs, &size, err)
           ? error_prefix(err, "data set %s", job->data.set) : 0;
}

static double rows_of(int64_t count, size_t pool)
{
    return count == DATA_ALL ? (double)pool : (double)count;
}

static struct sizes measure(const struct job *job, const struct dataset *set)
{
    const struct training_spec *t = &job->training;
    struct sizes s = {.steps = (double)t->steps, .outputs = (double)set->outputs, .features = (double)set->train.features};
    network_measure(job->network, image_of(set), set->outputs, &s.net, NULL);   /* sets were checked */
    s.first = s.net.first;
    s.rest = s.net.rest;
    s.all = s.first + s.rest;
    s.train = rows_of(job->data.train, set->train.rows);
    s.validation = rows_of(job->data.validation, set->train.rows);
    s.test = rows_of(job->data.test, set->test.rows);
    s.batch = t->batch == BATCH_FULL ? s.train : (double)t->batch;
    s.most = training_most_updates(t);
    s.updates = t->refresh.kind == REFRESH_GAP ? 0 : s.most;
    s.linearised = t->trainer == TRAINER_LINEARISED;
    const struct engine_sizes kept = {.boundary = s.net.boundary, .double_precision = t->precision == PRECISION_DOUBLE};
    s.caches = training_caches(t, (int64_t)s.train) && engine_keeps(&kept, s.train);
    return s;
}

/* Products of a Gauss-Newton step: about 80, 500 and 800 at a ratio of lambda_max to mu of 1e2, 1e4 and 1e6 on a
 * ReLU network and 400 images, N C = 4,000. In single precision half the digits are asked for: 9, 23, 85 and 285 at 1e1 to
 * 1e4 and 500 images. A given mu meets a lambda_max/N that is not known here: 500 there. */
static double solver_products(const struct job *job, const struct sizes *s)
{
    const struct training_spec *t = &job->training;
    double ratio = isnan(t->damping) ? t->refresh_period * (t->lr_of_limit ? 2 * t->lr : 1) / (1 - t->momentum)
                 : 500 * s->train / t->damping;
    double products = fmin(6 * sqrt(fmax(ratio, 1)), fmin(0.25 * s->train * s->outputs, 2000));
    return fmax(2, products * (t->precision == PRECISION_DOUBLE ? 1 : 0.5));
}

static double gap_flops(const struct job *job, const struct sizes *s)
{
    const struct refresh_schedule *refresh = &job->training.refresh;
    return refresh->kind == REFRESH_GAP ? s->steps / (double)refresh->every * s->batch * 2 * s->all : 0;
}

/* method.md section 3: 3 GEMMs a layer in ordinary training, 4 on cached base activations, 5 without;
 * one less for the first layer in each. The cache costs a pass over the training set a segment, and a look
 * at the gap a pass over the batch. */
static double step_flops(const struct job *job, const struct sizes *s)
{
    double row = !s->linearised ? 2 * (2 * s->first + 3 * s->rest)
                 : s->caches ? 2 * (2 * s->first + 4 * s->rest) : 2 * (3 * s->first + 5 * s->rest);
    double refreshes = s->caches ? (s->updates + 1) * s->train * 2 * s->all : 0;
    if (job->training.trainer == TRAINER_GAUSS_NEWTON)   /* a product is a VJP and a JVP */
        row = 2 * s->all + (solver_products(job, s) + 1) * 2 * (2 * s->first + 4 * s->rest);
    return s->steps * s->batch * row + refreshes + gap_flops(job, s);
}

/* Rows of passes: forward, JVP and VJP. */
struct passes { double forwards, jvps, vjps; };

static double pass_flops(const struct sizes *s, const struct passes *p)
{
    return 2 * (p->forwards * s->all + (p->jvps + p->vjps) * (s->first + 2 * s->rest));
}

/* Of these, what is counted but not done. */
static double saved_flops(const struct sizes *s, const struct passes *p)
{
    return 2 * s->net.saved * (p->forwards + 2 * (p->jvps + p->vjps));
}

/* Lanczos at initialisation for a rate of the limit, and at refreshes for the stability ratio. */
static void add_limit(const struct job *job, const struct sizes *s, struct passes *p)
{
    bool cheap = stability_is_cheap(s->steps / (s->updates + 1), s->batch, s->train);
    bool logged = job->stability == STABILITY_ALWAYS || (job->stability == STABILITY_AUTO && cheap);
    double runs = (job->training.lr_of_limit ? 1 : 0) + (logged ? fmin(s->updates, 64) : 0);
    double rows = runs * LANCZOS_PRODUCTS * s->train;
    p->forwards += rows;
    p->jvps += rows;
    p->vjps += rows;
}

static void add_evaluations(const struct job *job, const struct sizes *s, struct passes *p)
{
    double logged = job->training.trainer == TRAINER_STANDARD ? 0 : fmin(s->most, 64);
    double rows = ((double)job_most_evaluations(job) + 1) * (s->train + s->validation + s->test) + logged * s->train;
    p->forwards += rows * (s->linearised ? 2 : 1);
    p->jvps += s->linearised ? rows : 0;
}

/* Of a segment as long as the mean. */
static struct engine_sizes segment_sizes(const struct job *job, const struct sizes *s)
{
    const struct training_spec *t = &job->training;
    return (struct engine_sizes){
        .rows = s->train,
        .outputs = s->outputs,
        .batch = s->batch,
        .steps = s->linearised ? s->steps / (s->updates + 1) : s->steps,
        .parameters = s->net.parameters,
        .forward = 2 * s->all,
        .first = 2 * s->first,
        .boundary = s->net.boundary,
        .saved = 2 * s->net.saved,
        .patches = s->net.patches,
        .transformed = s->net.transformed,
        .inputs = s->features,
        .scratch = s->net.scratch,
        .double_precision = t->precision == PRECISION_DOUBLE,
        .standard = !s->linearised,
        .caches = s->caches,
        .momentum = t->momentum,
        .momentum_kept = t->momentum != 0 && t->momentum_at_refresh == MOMENTUM_KEEP && s->updates > 0,
        .weight_decay = t->weight_decay != 0,
    };
}

/* All segments of a job by one engine. */
static struct engine_cost training_cost(const struct job *job, const struct sizes *s, enum engine engine)
{
    const struct training_spec *t = &job->training;
    double segments = s->updates + 1;
    const struct engine_sizes sizes = segment_sizes(job, s);
    struct engine_cost cost;
    if (engine == ENGINE_KERNEL)
        engine_cost_kernel(&sizes, &cost);
    else if (engine == ENGINE_FILTER)
        engine_cost_filter(&sizes, &cost);
    else
        engine_cost_tangent(&sizes, &cost);
    if (s->linearised) {
        cost.flops *= segments;
        cost.seconds *= segments;
    }
    cost.seconds += gap_flops(job, s) / GEMM_RATE;
    if (engine == ENGINE_AUTO || engine == ENGINE_TANGENT) {
        double stepped = cost.flops;
        cost.flops = step_flops(job, s);
        if (t->trainer == TRAINER_GAUSS_NEWTON)   /* by the rate of the steps of SGD */
            cost.seconds *= cost.flops / stepped;
    }
    return cost;
}

/* A block of evaluation; the probe and a copy of the parameters in double. */
static double other_bytes(const struct job *job, const struct sizes *s, double probe)
{
    double number = job->training.precision == PRECISION_DOUBLE ? 8 : 4;
    double row = number * (s->features + s->net.boundary + s->net.scratch);
    return (double)block_rows(row, READOUT_ROWS, READOUT_BYTES) * row
           + 8 * (probe * (s->features + s->outputs) + s->net.parameters);
}

/* What is held for checkpoints: the products of a solve under way (train/products.h), and the image of the state, these and
 * the vectors of training and the kernels of the last snapshots in it, with the room it grew into. */
static double held_bytes(const struct job *job, const struct sizes *s, double probe)
{
    const struct training_spec *t = &job->training;
    const struct kernel_spec *k = &job->kernels;
    const struct engine_sizes sizes = segment_sizes(job, s);
    double number = sizes.double_precision ? 8 : 4, values = s->train * s->outputs;
    double side = k->snapshots || k->path_points ? (double)gram_side(k->mode, (size_t)probe, (size_t)s->outputs) : 0;
    double products = t->trainer == TRAINER_GAUSS_NEWTON ? solver_products(job, s)
                    : t->engine == ENGINE_FILTER ? filter_products(&sizes) : 0;
    products = fmin(fmax(products, t->lr_of_limit ? LIMIT_PRODUCTS : 0) * number * values, PRODUCTS_BYTES_MOST);
    double state = products + number * s->net.parameters * (1 + (s->linearised ? 2 : 0) + (sizes.momentum > 0))
                 + 8 * side * side * (training_is_exact(t) ? 1 : 2.5) + (t->engine == ENGINE_KERNEL ? 4 * 8 * values : 0);
    return products + 2 * state;
}

void job_predict(const struct job *job, const struct dataset *set, struct job_cost *cost)
{
    if (job->training.trainer == TRAINER_COMMAND) {   /* nobody knows what it does */
        *cost = (struct job_cost){.seconds = job->expected > 0 ? job->expected : 1};
        return;
    }
    struct sizes s = measure(job, set);
    double slower = job->training.precision == PRECISION_DOUBLE ? 2 : 1;
    struct engine_cost training = training_cost(job, &s, job->training.engine);
    const struct engine_sizes moved = segment_sizes(job, &s);
    struct passes passes = {0};
    add_limit(job, &s, &passes);
    add_evaluations(job, &s, &passes);
    double others = pass_flops(&s, &passes), done = others - saved_flops(&s, &passes);
    double probe = fmin((double)job->kernels.probe, s.train) + fmin((double)job->kernels.probe, s.test);
    struct kernel_cost kernels;
    kernel_predict(job, set, probe, &kernels);
    cost->flops = training.flops + others + kernels.flops;
    cost->seconds = training.seconds + (slower * done + 2 * (kernels.flops - kernels.eigen_flops)) / GEMM_RATE
                  + kernels.eigen_flops / engine_eigen_rate(kernels.side >= LARGE_SIDE)
                  + engine_moved_seconds(&moved, passes.forwards, passes.jvps, passes.vjps);
    if (cost->seconds > JOB_SHORT_SECONDS || job->training.threads > 1)
        cost->seconds += JOB_START_SECONDS;   /* short ones follow each other in a child that has all that */
    cost->bytes = training.bytes + other_bytes(job, &s, probe) + kernels.bytes + held_bytes(job, &s, probe);
}

void job_plan_engine(struct job *job, const struct dataset *set)
{
    const struct training_spec *t = &job->training;
    if (t->trainer == TRAINER_COMMAND)
        return;
    struct sizes s = measure(job, set);
    enum engine best = ENGINE_TANGENT;
    for (int i = 0; i < ENGINE_COUNT; i++) {
        enum engine engine = (enum engine)i;
        job->engine_seconds[engine] = NAN;
        if (engine == ENGINE_AUTO || t->trainer == TRAINER_GAUSS_NEWTON || !training_engine_exists(engine)
            || training_engine_refusal(t, engine))
            continue;
        struct engine_cost cost = training_cost(job, &s, engine);
        job->engine_seconds[engine] = cost.seconds;
        if (!training_is_exact(t) && cost.bytes <= ENGINE_BYTES_MOST && cost.seconds < job->engine_seconds[best])
            best = engine;
    }
    if (job->engine == ENGINE_AUTO)
        job_set_engine(job, best);
}
