/* A small job on a procedural set, and an observer that keeps what it saw: the frame of the
 * experiment's tests. */
#ifndef RELIN_TESTS_EXPERIMENT_FRAME_H
#define RELIN_TESTS_EXPERIMENT_FRAME_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "sweep/experiment.h"
#include "unit.h"

enum { TRAIN = 40, TEST = 30, PROBE = 8, OUTPUTS = 3, EVAL = 64, REFRESH = 64, SNAPSHOT = 8, LAYER = 4,
       EIGENVALUE = 20, PROBE_ROOM = 18, PARAMETER = 200 };

static struct dataset set;
static struct error err;

static const struct network_spec tanh_network = {.name = "mlp-2x8", .type = NETWORK_MLP, .n_widths = 2, .widths = {8, 8},
                                                 .activation = ACTIVATION_TANH, .sigma_w = NAN, .bias = true};
__attribute__((unused))
static const struct network_spec relu_network = {.name = "mlp-2x8", .type = NETWORK_MLP, .n_widths = 2, .widths = {8, 8},
                                                 .activation = ACTIVATION_RELU, .sigma_w = NAN, .bias = true};

static struct job make_job(double refresh_period, int64_t steps)
{
    struct job job = {
        .data = {.set = "teacher", .train = TRAIN, .validation = 20, .test = TEST, .pool = 200, .set_seed = 3,
                 .task = TASK_CLASSIFICATION, .teacher = TEACHER_MULTI_INDEX, .inputs = 5, .outputs = OUTPUTS,
                 .indices = 2},
        .network = &tanh_network,
        .training = {.trainer = refresh_period == 1 ? TRAINER_STANDARD : TRAINER_LINEARISED,
                     .refresh_period = refresh_period, .steps = steps, .batch = BATCH_FULL, .lr = 0.5,
                     .evaluations = EVAL, .precision = PRECISION_DOUBLE, .threads = 1},
        .kernels = {.probe = PROBE, .snapshots = 4, .path_points = 6, .parameters = PARAMETERS_FINAL},
        .id = "0123456789abcdef",
    };
    return job;
}

static void load(void)
{
    struct job job = make_job(1, 1);
    ck_assert_msg(dataset_load(&set, &job.data, NULL, &err) == 0, "%s", err.text);
}

static void unload(void)
{
    dataset_close(&set);
}

static struct result make_result(void)
{
    struct result_layout layout = {.eval = EVAL, .refresh = REFRESH, .snapshot = SNAPSHOT, .layer = LAYER,
                                   .eigenvalue = EIGENVALUE, .probe = PROBE_ROOM, .parameter = PARAMETER,
                                   .kernel = 1};
    struct result result;
    result_bind(&result, &layout, mem_alloc(result_size(&layout), 1, NULL));
    result_clear(&result);
    return result;
}

static struct result run(const struct job *job, const struct experiment_observer *observer)
{
    struct result result = make_result();
    memset(&err, 0, sizeof err);
    ck_assert_msg(experiment_run(job, &set, &result, observer, &err) == 0, "%s", err.text);
    return result;
}

static double number(const struct result *result, enum variable_id id, size_t i)
{
    return result_f64(result, id)[i];
}

/* --- an observer that keeps what it saw --- */

enum { MOST_PARAMETERS = 400, MOST_OUTPUTS = TRAIN * OUTPUTS };

struct seen {
    int64_t steps, snapshots, layers, refreshes, stop_at;
    int stop_with;
    bool started, finished;
    size_t parameters, boundaries, rows[TRAIN];
    double theta_0[MOST_PARAMETERS], theta_at[MOST_PARAMETERS], theta[MOST_PARAMETERS];
    double f[MOST_OUTPUTS], f_lin[MOST_OUTPUTS], loss[256];
    double first_kernel[4 * PROBE * PROBE], last_kernel[4 * PROBE * PROBE];
};

static int on_start(void *context, const struct network_spec *spec, const struct tensor *tensors, size_t n_tensors,
                    const struct split *split, const double *theta_0, size_t n_parameters)
{
    struct seen *seen = context;
    ck_assert_str_eq(spec->name, "mlp-2x8");
    ck_assert_uint_eq(n_tensors, 6);
    ck_assert_uint_eq(tensors[5].offset + tensors[5].size, n_parameters);
    ck_assert_uint_eq(split->count[PART_TRAIN], TRAIN);
    seen->started = true;
    seen->parameters = n_parameters;
    memcpy(seen->rows, split->row[PART_TRAIN], sizeof seen->rows);
    memcpy(seen->theta_0, theta_0, n_parameters * sizeof *theta_0);
    return 0;
}

static int on_step(void *context, int64_t step, const size_t *batch, size_t batch_size, double lr, bool refresh,
                   double loss)
{
    struct seen *seen = context;
    ck_assert(seen->started && !seen->finished);
    ck_assert_int_eq(step, seen->steps);
    ck_assert(batch ? batch_size < TRAIN : batch_size == TRAIN);
    ck_assert_double_gt(lr, 0);
    seen->loss[step] = loss;
    seen->refreshes += refresh;
    seen->steps++;
    return step == seen->stop_at ? seen->stop_with : 0;
}

static int on_layers(void *context, const double *theta, size_t n_boundaries, const size_t *features,
                     const double *const *values, size_t probe)
{
    struct seen *seen = context;
    seen->layers++;
    seen->boundaries = n_boundaries;
    ck_assert_uint_eq(probe, 2 * PROBE);
    ck_assert_uint_eq(features[0], 5);
    ck_assert_uint_eq(features[n_boundaries - 1], OUTPUTS);
    for (size_t i = 0; i < probe * features[2]; i++)
        ck_assert_double_eq_tol(values[2][i], tanh(values[1][i]), 1e-14);
    memcpy(seen->theta_at, theta, seen->parameters * sizeof *theta);
    return 0;
}

static int on_snapshot(void *context, int64_t step, const double *kernel, size_t probe)
{
    struct seen *seen = context;
    ck_assert_int_eq(step, seen->steps);
    memcpy(seen->snapshots++ == 0 ? seen->first_kernel : seen->last_kernel, kernel, probe * probe * sizeof *kernel);
    return 0;
}

static int on_finish(void *context, const double *theta, size_t n_parameters, const double *train_f,
                     const double *train_f_lin, const double *test_f, const double *test_f_lin)
{
    struct seen *seen = context;
    seen->finished = true;
    memcpy(seen->theta, theta, n_parameters * sizeof *theta);
    memcpy(seen->f, train_f, sizeof seen->f);
    memcpy(seen->f_lin, train_f_lin, sizeof seen->f_lin);
    ck_assert(isfinite(test_f[TEST * OUTPUTS - 1]) && isfinite(test_f_lin[TEST * OUTPUTS - 1]));
    return 0;
}

static inline struct seen watch(const struct job *job, int64_t at_step)
{
    struct seen seen = {.stop_at = -1};
    struct experiment_observer observer = {.context = &seen, .start = on_start, .step = on_step,
                                           .at_step = at_step, .layers = on_layers, .snapshot = on_snapshot,
                                           .finish = on_finish};
    struct result result = run(job, &observer);
    mem_free(result.block);
    return seen;
}

static inline double distance(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - (y ? y[i] : 0)) * (x[i] - (y ? y[i] : 0));
    return sqrt(sum);
}

#endif
