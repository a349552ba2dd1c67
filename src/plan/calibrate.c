#include "plan/calibrate.h"

#include <math.h>

#include "math/blas_setup.h"
#include "nn/cost.h"
#include "nn/architecture.h"
#include "plan/lessons.h"
#include "train/bench.h"
#include "train/engine_cost.h"

/* Processor time, since what else runs now need not run then. Assumed: one network stands for all, one second for the hours of a run. */
static const double SHARED = 0.2;
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
        .forward = 2 * (net.first + net.rest), .first = 2 * net.first, .boundary = net.boundary, .saved = 2 * net.saved,
        .patches = net.patches, .transformed = net.transformed, .inputs = BENCH_INPUTS, .scratch = net.scratch,
        .standard = standard, .caches = !standard,
    };
    engine_cost_tangent(&sizes, &cost);
    *seconds = cost.seconds / STEPS;
    return 0;
}

int calibrate(struct lessons *lessons, struct error *err)
{
    static const enum bench_engine engines[] = {BENCH_STANDARD, BENCH_TANGENT};
    double seconds[2], product = 1;
    blas_set_threads(1);
    if (step_seconds(true, &seconds[0], err) || step_seconds(false, &seconds[1], err))
        return -1;
    struct bench_case *bench = bench_case_create_single(&bench_networks[0], 0, err);
    int status = bench ? 0 : -1;
    for (int i = 0; i < 2 * ROUNDS && !status; i++)
        status = bench_case_round_single(bench, engines[i % 2], err);
    for (int e = 0; e < 2 && !status; e++)
        product *= bench_case_tell_single(bench, engines[e]).time.cpu_seconds / seconds[e];
    bench_case_destroy_single(bench);
    lessons->machine = sqrt(product);
    lessons->common = SHARED;
    lessons_set_farm(lessons);
    return status;
}
