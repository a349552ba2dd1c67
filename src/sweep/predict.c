/* What a job costs, by formula: for the order of hand-out, the plan and its limits. */
#include <math.h>

#include "base/error.h"
#include "nn/cost.h"
#include "predict_kernels.h"
#include "sweep/job.h"

/* Measured on one core of an AVX-512 machine; only ratios matter to the order, and the farm corrects
 * the scale as jobs end. */
static const double GEMM_RATE = 80e9;             /* single precision flops a second */
static const double STEP_SECONDS = 40e-6;         /* of a step apart from its flops */
static const double PARAMETER_SECONDS = 0.6e-9;   /* of a step, per parameter */
static const double LANCZOS_PRODUCTS = 25;

struct sizes {
    struct network_size net;
    double first, rest, all;      /* multiply-adds a row */
    double train, validation, test, batch, steps, updates, outputs, features;
    bool linearised;
};

int job_check_network(const struct job *job, const struct dataset *set, struct error *err)
{
    struct network_size size;
    return network_measure(&job->network, image_of(set), set->outputs, &size, err)
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
    network_measure(&job->network, image_of(set), set->outputs, &s.net, NULL);   /* sets were checked */
    s.first = s.net.first;
    s.rest = s.net.rest;
    s.all = s.first + s.rest;
    s.train = rows_of(job->data.train, set->train.rows);
    s.validation = rows_of(job->data.validation, set->train.rows);
    s.test = rows_of(job->data.test, set->test.rows);
    s.batch = t->batch == BATCH_FULL ? s.train : (double)t->batch;
    s.updates = training_feature_updates(t);
    s.linearised = t->trainer == TRAINER_LINEARISED;
    return s;
}

/* Products of a Gauss-Newton step: about 80, 500 and 800 at a ratio of lambda_max to mu of 1e2, 1e4 and 1e6 on a
 * ReLU network and 400 images, N C = 4,000; in single precision half the digits are asked for. A given mu meets a
 * lambda_max/N that is not known here: 500 there. */
static double solver_products(const struct job *job, const struct sizes *s)
{
    const struct training_spec *t = &job->training;
    double ratio = isnan(t->damping) ? t->refresh_period * (t->lr_of_limit ? 2 * t->lr : 1) / (1 - t->momentum)
                 : 500 * s->train / t->damping;
    double products = fmin(13 * pow(fmax(ratio, 1), 0.4), fmin(0.25 * s->train * s->outputs, 2000));
    return fmax(2, products * (t->precision == PRECISION_DOUBLE ? 1 : 0.5));
}

/* method.md section 3: 3 GEMMs a layer in ordinary training, 4 on cached base activations, 5 without;
 * one less for the first layer in each. The cache costs a pass over the training set a segment. */
static double training_flops(const struct job *job, const struct sizes *s)
{
    bool caches = training_caches(&job->training, (int64_t)s->train);
    double row = !s->linearised ? 2 * (2 * s->first + 3 * s->rest)
                 : caches ? 2 * (2 * s->first + 4 * s->rest) : 2 * (3 * s->first + 5 * s->rest);
    double refreshes = caches ? (s->updates + 1) * s->train * 2 * s->all : 0;
    double limit = job->training.lr_of_limit ? LANCZOS_PRODUCTS * s->train * 2 * (3 * s->first + 5 * s->rest) : 0;
    if (job->training.trainer == TRAINER_GAUSS_NEWTON)   /* a product is a VJP and a JVP */
        row = 2 * s->all + (solver_products(job, s) + 1) * 2 * (2 * s->first + 4 * s->rest);
    return s->steps * s->batch * row + refreshes + limit;
}

static double evaluation_flops(const struct job *job, const struct sizes *s)
{
    double row = s->linearised ? 2 * (3 * s->first + 4 * s->rest) : 2 * s->all;
    double logged = job->training.trainer == TRAINER_STANDARD ? 0 : fmin(s->updates, 64);
    return ((double)job->training.evaluations + 1) * (s->train + s->validation + s->test) * row + logged * s->train * row;
}

/* Parameters, gradient, velocity, delta, theta_s; boundary values of the training set or a batch, their
 * tangents; a block of evaluation; the probe and a copy of the parameters in double. */
static double bytes(const struct job *job, const struct sizes *s, double probe)
{
    double number = job->training.precision == PRECISION_DOUBLE ? 8 : 4;
    double vectors = s->linearised ? 5 : 3;
    double cached = training_caches(&job->training, (int64_t)s->train) ? s->train : 0;
    return number * (vectors * s->net.parameters + (s->batch + cached + 500) * (s->features + s->net.boundary)
                     + (s->batch + 500) * s->net.scratch)
           + 8 * (probe * (s->features + s->outputs) + s->net.parameters);
}

void job_predict(const struct job *job, const struct dataset *set, struct job_cost *cost)
{
    struct sizes s = measure(job, set);
    double slower = job->training.precision == PRECISION_DOUBLE ? 2 : 1;
    double training = training_flops(job, &s) + evaluation_flops(job, &s);
    double probe = fmin((double)job->kernels.probe, s.train) + fmin((double)job->kernels.probe, s.test);
    struct kernel_cost kernels;
    kernel_predict(job, set, probe, &kernels);
    cost->flops = training + kernels.flops;
    cost->seconds = (slower * training + 2 * kernels.flops) / GEMM_RATE
                    + s.steps * (STEP_SECONDS + slower * PARAMETER_SECONDS * s.net.parameters);
    cost->bytes = bytes(job, &s, probe) + kernels.bytes;
}
