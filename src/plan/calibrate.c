#include "plan/calibrate.h"

#include <math.h>

#include "math/blas_setup.h"
#include "nn/cost.h"
#include "nn/architecture.h"
#include "plan/lessons.h"
#include "train/bench.h"
#include "train/engine_cost.h"

/* Assumed: one network stands for all, one second for the hours of a run. */
static const double SHARED = 0.15;
enum { ROUNDS = 5, STEPS = 1000 };

/* Seconds of a step of the bench's network, by formula. */
static int step_seconds(bool standard, double *seconds, struct error *err)
{
    const struct network_spec spec = {.name = "bench", .n_widths = 2, .widths = {BENCH_WIDTH, BENCH_WIDTH},
                                      .activation = ACTIVATION_RELU, .sigma_w = NAN, .bias = true};
    struct network_size net;
    struct engine_cost cost;
    if (network_measure(&spec, image_flat(BENCH_INPUTS), BENCH_OUTPUTS, &net, err))
        return -1;
    const struct engine_sizes sizes = {
        .rows = BENCH_ROWS, .outputs = BENCH_OUTPUTS, .batch = BENCH_BATCH, .steps = STEPS, .parameters = net.parameters,
        .forward = 2 * (net.first + net.rest), .first = 2 * net.first, .boundary = net.boundary, .patches = net.patches,
        .inputs = BENCH_INPUTS, .scratch = net.scratch, .standard = standard, .caches = !standard,
    };
    engine_cost_tangent(&sizes, &cost);
    *seconds = cost.seconds / STEPS;
    return 0;
}

int calibrate(struct lessons *lessons, struct error *err)
{
    struct bench_training bench;
    double standard, tangent;
    blas_set_threads(1);
    if (step_seconds(true, &standard, err) || step_seconds(false, &tangent, err)
        || bench_training_single(ROUNDS, 0, &bench, err))
        return -1;
    lessons->machine = sqrt(bench.standard_seconds / standard * bench.tangent_seconds / tangent);
    lessons->common = SHARED;
    lessons_set_farm(lessons);
    return 0;
}
