#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"
#include "ntk/metrics.h"
#include "ntk/probe.h"
#include "sweep/experiment_parts.h"

/* The two models whose kernel is followed: at theta_t and at theta_s. Their variables lie a fixed
 * number of identifiers apart. */
enum { LINEARISED_IDS = VAR_KERNEL_TRACE_LINEARISED - VAR_KERNEL_TRACE };
_Static_assert(VAR_LAYER_TARGET_ALIGNMENT_LINEARISED - VAR_LAYER_TARGET_ALIGNMENT == LINEARISED_IDS,
               "the metrics of both models come in the same order");

struct side {
    double *kernel, *previous, *path_previous;   /* now, at the last snapshot, at the last path point */
    int64_t segment;                             /* whose theta_s `kernel` is of; -1: none */
    bool measured;                               /* `numbers` are of `kernel` */
    struct probe_numbers numbers;
    int64_t previous_step;
    bool on_path;
    double path;
};

struct kernel_series {
    const struct job *job;
    struct result *result;
    const struct experiment_observer *observer;
    struct probe *probe;
    size_t n;               /* rows of a kernel */
    bool twins;             /* the trained model is the network: both read-outs are the same */
    bool broken;            /* a kernel was not finite */
    int64_t *snapshot_steps, n_snapshots;
    int64_t *path_steps, n_path;
    int64_t written;        /* snapshots so far */
    struct side network, linearised;
};

static int side_create(struct side *side, const struct probe *probe, struct error *err)
{
    size_t square = probe_size(probe) * probe_size(probe);
    *side = (struct side){.segment = -1, .previous_step = -1};
    if (!(side->kernel = mem_alloc(square, sizeof(double), err))
        || !(side->previous = mem_alloc(square, sizeof(double), err))
        || !(side->path_previous = mem_alloc(square, sizeof(double), err)))
        return -1;
    return probe_numbers_create(&side->numbers, probe, err);
}

static void side_destroy(struct side *side)
{
    mem_free(side->kernel);
    mem_free(side->previous);
    mem_free(side->path_previous);
    probe_numbers_destroy(&side->numbers);
}

static int draw_times(int64_t steps, int64_t count, int64_t **times, int64_t *n, struct error *err)
{
    if (!(*times = mem_alloc((size_t)count + 1, sizeof **times, err)))
        return -1;
    *n = count > 0 ? training_log_steps(steps, count, *times) : 0;
    return 0;
}

struct kernel_series *kernel_series_create(const struct job *job, const struct split *split,
                                           const double *x, const double *y, struct result *result,
                                           const struct experiment_observer *observer, struct error *err)
{
    const struct dataset *set = split->set;
    const struct training_spec *training = &job->training;
    struct kernel_series *s = mem_alloc(1, sizeof *s, err);
    if (!s)
        return NULL;
    *s = (struct kernel_series){.job = job, .result = result, .observer = observer};
    const struct probe_spec probe = {job->network, image_of(set), set->outputs, split->count[PART_PROBE],
                                     split->probe_train, x, y, set->task == TASK_CLASSIFICATION, job->kernels.mode,
                                     job->kernels.ridge};
    s->twins = training_is_exact(training);
    if (!(s->probe = probe_create(&probe, err))
        || draw_times(training->steps, job->kernels.snapshots, &s->snapshot_steps, &s->n_snapshots, err) != 0
        || draw_times(training->steps, job->kernels.path_points, &s->path_steps, &s->n_path, err) != 0
        || side_create(&s->network, s->probe, err) != 0
        || (!s->twins && side_create(&s->linearised, s->probe, err) != 0)) {
        kernel_series_destroy(s);
        return NULL;
    }
    s->n = probe_size(s->probe);
    return s;
}

void kernel_series_destroy(struct kernel_series *s)
{
    if (!s)
        return;
    side_destroy(&s->network);
    side_destroy(&s->linearised);
    probe_destroy(s->probe);
    mem_free(s->snapshot_steps);
    mem_free(s->path_steps);
    mem_free(s);
}

/* Its place among them, or -1. At most a few dozen times: looking through them all costs nothing beside a step. */
static int64_t place_of(int64_t step, const int64_t *steps, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (steps[i] == step)
            return i;
    return -1;
}

static bool snapshot_due(const struct kernel_series *s, int64_t step)
{
    return place_of(step, s->snapshot_steps, s->n_snapshots) >= 0;
}

static bool path_due(const struct kernel_series *s, int64_t step)
{
    return place_of(step, s->path_steps, s->n_path) >= 0;
}

bool kernel_series_due(const struct kernel_series *s, int64_t step)
{
    return !s->broken && (snapshot_due(s, step) || path_due(s, step));
}

static int64_t first_from(int64_t step, const int64_t *steps, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (steps[i] >= step)
            return steps[i];
    return INT64_MAX;
}

int64_t kernel_series_next(const struct kernel_series *s, int64_t step)
{
    int64_t snapshot = first_from(step, s->snapshot_steps, s->n_snapshots);
    int64_t path = first_from(step, s->path_steps, s->n_path);
    return s->broken ? INT64_MAX : snapshot < path ? snapshot : path;
}

static void write_array(const struct result *result, enum variable_id id, size_t index, size_t stride,
                        size_t n, const double *values)
{
    double *slab = result_f64(result, id);
    if (slab)
        memcpy(slab + index * stride, values, (n < stride ? n : stride) * sizeof *values);
}

/* The numbers of one side into row `index` of its variables. */
static void write_numbers(struct kernel_series *s, const struct side *side, int ids, size_t index,
                          int64_t step, double eta)
{
    const struct result *result = s->result;
    const struct result_layout *layout = &result->layout;
    const struct probe_numbers *numbers = &side->numbers;
    double previous = NAN, velocity = NAN;
    if (side->previous_step >= 0) {
        previous = metric_kernel_distance(s->n, side->kernel, side->previous);
        velocity = previous / (double)(step - side->previous_step);
    }
    const struct { enum variable_id id; double value; } scalars[] = {
        {VAR_KERNEL_TRACE, numbers->trace},
        {VAR_KERNEL_DISTANCE, numbers->distance},
        {VAR_KERNEL_DISTANCE_PREVIOUS, previous},
        {VAR_KERNEL_VELOCITY, velocity},
        {VAR_RELATIVE_CHANGE, numbers->relative_change},
        {VAR_TRACE_RATIO, numbers->trace_ratio},
        {VAR_LAMBDA_MAX, numbers->lambda_max},
        {VAR_STABILITY, eta * numbers->lambda_max / (double)probe_inputs(s->probe)},
        {VAR_CONDITION_NUMBER, numbers->condition_number},
        {VAR_CKA, numbers->cka},
        {VAR_TARGET_ALIGNMENT_TRAIN, numbers->target_alignment_train},
        {VAR_TARGET_ALIGNMENT_TEST, numbers->target_alignment_test},
        {VAR_EFFECTIVE_RANK, numbers->effective_rank},
        {VAR_ENTROPY_RANK, numbers->entropy_rank},
        {VAR_KERNEL_REGRESSION_LOSS, numbers->regression_loss},
        {VAR_KERNEL_REGRESSION_ACCURACY, numbers->regression_accuracy},
    };
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        result_f64(result, scalars[i].id + ids)[index] = scalars[i].value;
    size_t n = s->n, layers = probe_layers(s->probe);
    write_array(result, VAR_EIGENVALUES + ids, index, layout->eigenvalue, n, numbers->eigenvalues);
    write_array(result, VAR_TARGET_ENERGY + ids, index, layout->eigenvalue, n, numbers->target_energy);
    write_array(result, VAR_LAYER_TRACE_SHARE + ids, index, layout->layer, layers, numbers->layer_trace_share);
    write_array(result, VAR_LAYER_KERNEL_DISTANCE + ids, index, layout->layer, layers, numbers->layer_distance);
    write_array(result, VAR_LAYER_TARGET_ALIGNMENT + ids, index, layout->layer, layers,
                numbers->layer_target_alignment);
}

/* A probe smaller than the file's fills the leading corner. */
static void write_kernel(const struct kernel_series *s, size_t index)
{
    size_t stride = s->result->layout.probe;
    float *slab = result_f32(s->result, VAR_KERNEL);
    if (!slab || s->job->kernels.store != KERNEL_STORE_KERNELS)
        return;
    assert(s->n <= stride);
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->n; j++)
            slab[(index * stride + i) * stride + j] = (float)s->network.kernel[i * s->n + j];
}

/* Brings side->kernel, and at a snapshot its numbers, to theta. Answers as probe_measure. */
static int measure(struct kernel_series *s, struct side *side, int64_t step, const double *theta,
                   struct error *err)
{
    side->measured = snapshot_due(s, step);
    return side->measured ? probe_measure(s->probe, theta, side->kernel, &side->numbers, err)
                          : probe_kernel(s->probe, theta, side->kernel);
}

static void extend_path(struct kernel_series *s, struct side *side)
{
    if (side->on_path)
        side->path += metric_kernel_distance(s->n, side->kernel, side->path_previous);
    side->on_path = true;
    memcpy(side->path_previous, side->kernel, s->n * s->n * sizeof *side->kernel);
}

static void remember_snapshot(struct kernel_series *s, struct side *side, int64_t step)
{
    memcpy(side->previous, side->kernel, s->n * s->n * sizeof *side->kernel);
    side->previous_step = step;
}

int kernel_series_network(struct kernel_series *s, int64_t step, double eta, const double *theta,
                          struct error *err)
{
    int answer = measure(s, &s->network, step, theta, err);
    if (answer != 0) {
        s->broken = true;
        return answer < 0 ? -1 : 0;
    }
    if (path_due(s, step))
        extend_path(s, &s->network);
    if (!snapshot_due(s, step))
        return 0;
    size_t index = (size_t)place_of(step, s->snapshot_steps, s->n_snapshots);
    assert(index < s->result->layout.snapshot);
    result_i64(s->result, VAR_SNAPSHOT_STEP)[index] = step;
    write_numbers(s, &s->network, 0, index, step, eta);
    if (s->twins)
        write_numbers(s, &s->network, LINEARISED_IDS, index, step, eta);
    write_kernel(s, index);
    remember_snapshot(s, &s->network, step);
    s->written = (int64_t)index + 1;
    *result_i32(s->result, VAR_N_SNAPSHOTS) = (int32_t)s->written;
    return s->observer->snapshot
         ? s->observer->snapshot(s->observer->context, step, s->network.kernel, s->n) : 0;
}

bool kernel_series_wants_linearised(const struct kernel_series *s, int64_t step, int64_t segment)
{
    if (s->broken || s->twins || step == 0)   /* theta_s is theta_t */
        return false;
    return s->linearised.segment != segment || (snapshot_due(s, step) && !s->linearised.measured);
}

int kernel_series_linearised(struct kernel_series *s, int64_t step, double eta, int64_t segment,
                             const double *theta_s, struct error *err)
{
    struct side *side = &s->linearised;
    if (s->broken || s->twins)
        return 0;
    if (step == 0) {
        memcpy(side->kernel, s->network.kernel, s->n * s->n * sizeof *side->kernel);
        probe_numbers_copy(&side->numbers, &s->network.numbers, s->probe);
        side->measured = s->network.measured;
    } else if (theta_s) {
        int answer = measure(s, side, step, theta_s, err);
        if (answer != 0) {
            s->broken = true;
            return answer < 0 ? -1 : 0;
        }
    }
    side->segment = segment;
    if (path_due(s, step))
        extend_path(s, side);
    if (snapshot_due(s, step)) {
        write_numbers(s, side, LINEARISED_IDS, (size_t)s->written - 1, step, eta);
        remember_snapshot(s, side, step);
    }
    return 0;
}

/* The network's own kernel is measured anew each time: no state. */
static void side_carry(struct kernel_series *s, struct side *side, struct checkpoint *c)
{
    int64_t steps = s->job->training.steps;
    checkpoint_carry_within(c, &side->segment, -1, steps);
    checkpoint_carry_flag(c, &side->measured);
    checkpoint_carry_within(c, &side->previous_step, -1, steps);
    checkpoint_carry_flag(c, &side->on_path);
    checkpoint_carry(c, &side->path, sizeof side->path);
    if (side == &s->linearised)
        checkpoint_carry_square(c, side->kernel, s->n);
    if (side->previous_step >= 0)
        checkpoint_carry_square(c, side->previous, s->n);
    if (side->on_path)
        checkpoint_carry_square(c, side->path_previous, s->n);
    probe_numbers_carry(&side->numbers, s->probe, c);
}

void kernel_series_carry(struct kernel_series *s, struct checkpoint *c)
{
    checkpoint_carry_within(c, &s->written, 0, s->n_snapshots);
    checkpoint_carry_flag(c, &s->broken);
    side_carry(s, &s->network, c);
    if (!s->twins)
        side_carry(s, &s->linearised, c);
}

void kernel_series_restart(struct kernel_series *s, const double *theta_0)
{
    if (s->written > 0 && !s->broken)
        probe_restart(s->probe, theta_0);
}

void kernel_series_finish(struct kernel_series *s)
{
    if (s->broken || s->n_path == 0)
        return;
    *result_f64(s->result, VAR_KERNEL_PATH_LENGTH) = s->network.path;
    *result_f64(s->result, VAR_KERNEL_PATH_LENGTH_LINEARISED) = s->twins ? s->network.path : s->linearised.path;
}
