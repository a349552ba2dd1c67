/* Metrics of stored kernels (method.md section 5). In double, of kernels in single precision. */
#include "sweep/from_kernel.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/gather.h"
#include "math/eigen.h"
#include "ntk/metrics.h"

enum { LINEARISED_IDS = VAR_KERNEL_TRACE_LINEARISED - VAR_KERNEL_TRACE };

/* The variable at theta_t that goes with one at theta_s, or itself. */
static enum variable_id at_theta(enum variable_id id)
{
    if (id >= VAR_KERNEL_TRACE_LINEARISED && id <= VAR_LAYER_TARGET_ALIGNMENT_LINEARISED)
        return id - LINEARISED_IDS;
    return id == VAR_KERNEL_PATH_LENGTH_LINEARISED ? VAR_KERNEL_PATH_LENGTH : id;
}

static bool is_function_of_kernel(enum variable_id id)
{
    switch (id) {
    case VAR_KERNEL_TRACE: case VAR_KERNEL_DISTANCE: case VAR_KERNEL_DISTANCE_PREVIOUS: case VAR_KERNEL_VELOCITY:
    case VAR_RELATIVE_CHANGE: case VAR_TRACE_RATIO: case VAR_LAMBDA_MAX: case VAR_STABILITY: case VAR_CKA:
    case VAR_EFFECTIVE_RANK: case VAR_ENTROPY_RANK: case VAR_EIGENVALUES: case VAR_KERNEL_PATH_LENGTH:
    case VAR_TARGET_ALIGNMENT_TRAIN: case VAR_TARGET_ALIGNMENT_TEST: case VAR_TARGET_ENERGY:
        return true;
    default:
        return false;
    }
}

bool from_kernel_needs_data(enum variable_id id)
{
    id = at_theta(id);
    return id == VAR_TARGET_ALIGNMENT_TRAIN || id == VAR_TARGET_ALIGNMENT_TEST || id == VAR_TARGET_ENERGY;
}

static size_t n_stored(const struct result *stored)
{
    int32_t n = result_slab(stored, VAR_N_SNAPSHOTS) ? *result_i32(stored, VAR_N_SNAPSHOTS) : 0;
    return n > 0 ? (size_t)n : 0;
}

/* Index of the snapshot at a step, or n_stored. */
static size_t snapshot_at(const struct result *stored, int64_t step)
{
    size_t i = 0;
    while (i < n_stored(stored) && result_i64(stored, VAR_SNAPSHOT_STEP)[i] != step)
        i++;
    return i;
}

/* Times of the path length; NULL without memory. */
static int64_t *path_steps(const struct job *job, int64_t *n, struct error *err)
{
    int64_t *steps = mem_alloc((size_t)job->kernels.path_points + 1, sizeof *steps, err);
    if (steps)
        *n = training_log_steps(job->training.steps, job->kernels.path_points, steps);
    return steps;
}

static bool snapshots_have_path(const struct job *job, const struct result *stored)
{
    int64_t n = 0, *steps = path_steps(job, &n, NULL);
    bool all = n > 0 && strcmp(result_text(stored, VAR_OUTCOME), "completed") == 0;
    for (int64_t i = 0; i < n; i++)
        all = all && snapshot_at(stored, steps[i]) < n_stored(stored);
    mem_free(steps);
    return all;
}

bool from_kernel_can(const struct job *job, const struct result *stored, enum variable_id id)
{
    bool twins = training_is_exact(&job->training);   /* the trained model is the network */
    enum variable_id own = at_theta(id);
    if (!is_function_of_kernel(own) || (own != id && !twins))
        return false;
    if (!result_slab(stored, VAR_KERNEL) || job->kernels.store != KERNEL_STORE_KERNELS
        || job->kernels.mode != KERNEL_TRACE || n_stored(stored) == 0)
        return false;
    return own != VAR_KERNEL_PATH_LENGTH || snapshots_have_path(job, stored);
}

/* --- computing ---------------------------------------------------------------------- */

struct work {
    const struct job *job;
    const struct result *stored;
    size_t n, n_train, outputs;                 /* probe rows, of them in the training half; targets */
    double *kernel, *initial, *previous, *centred, *initial_centred, *vectors;   /* (n, n) */
    double *values, *eigenvalues;               /* (n) ascending, descending */
    double *y;                                  /* (n, outputs), or NULL */
};

/* A probe smaller than the file's fills the leading corner of its block. */
static size_t probe_size(const struct result *stored)
{
    size_t n = 0, stride = stored->layout.probe;
    while (n < stride && !isnan(result_f32(stored, VAR_KERNEL)[n * stride + n]))
        n++;
    return n;
}

static void load(const struct work *w, size_t snapshot, double *kernel)
{
    size_t stride = w->stored->layout.probe;
    const float *block = result_f32(w->stored, VAR_KERNEL) + snapshot * stride * stride;
    for (size_t i = 0; i < w->n; i++)
        for (size_t j = 0; j < w->n; j++)
            kernel[i * w->n + j] = (double)block[i * stride + j];
}

static int gather(struct work *w, const struct dataset *set, struct error *err)
{
    struct split split = {0};
    int status = -1;
    if (split_draw(&split, set, &w->job->data, w->job->training.seed_data, (size_t)job_drawn_probe(w->job), err)
        || split_take_probe(&split, (size_t)w->job->kernels.probe, err))
        goto done;
    if (split.count[PART_PROBE] != w->n) {
        error_set(err, ERROR_FORMAT, "the stored kernels are of %zu inputs, the job's probe has %zu", w->n,
                  split.count[PART_PROBE]);
        goto done;
    }
    w->outputs = set->outputs;
    w->n_train = split.probe_train;
    w->y = mem_alloc(w->n * w->outputs, sizeof *w->y, err);
    if (!w->y)
        goto done;
    gather_targets(&split, PART_PROBE, NULL, 0, w->n, w->y);
    status = 0;
done:
    split_free(&split);
    return status;
}

static int alignment(const struct work *w, size_t first, size_t count, double *value, struct error *err)
{
    double *targets = mem_alloc(count * w->outputs, sizeof *targets, err);
    double *gram = mem_alloc(count * count, sizeof *gram, err), *centred = mem_alloc(count * count, sizeof *centred, err);
    int status = targets && gram && centred ? 0 : -1;
    if (!status) {
        metric_centre_targets(count, w->outputs, w->y + first * w->outputs, targets);
        metric_target_gram(count, w->outputs, targets, gram);
        metric_centre(count, w->kernel + first * w->n + first, w->n, centred);
        *value = metric_cosine(count, centred, gram);
    }
    mem_free(targets);
    mem_free(gram);
    mem_free(centred);
    return status;
}

static int energy(const struct work *w, double *values, struct error *err)
{
    double *targets = mem_alloc(w->n * w->outputs, sizeof *targets, err);
    if (!targets)
        return -1;
    metric_centre_targets(w->n, w->outputs, w->y, targets);
    metric_target_energy(w->n, w->vectors, w->outputs, targets, values);
    mem_free(targets);
    return 0;
}

static double eta(const struct work *w, int64_t step)
{
    const struct training_spec *spec = &w->job->training;
    int64_t last = spec->steps - 1;
    return training_lr(spec, *result_f64(w->stored, VAR_LEARNING_RATE), step > last && last >= 0 ? last : step);
}

/* One variable of one snapshot, whose kernel is loaded. values: its row. */
static int compute(const struct work *w, enum variable_id id, size_t snapshot, double *values, struct error *err)
{
    const int64_t *step = result_i64(w->stored, VAR_SNAPSHOT_STEP);
    size_t n = w->n;
    double previous = snapshot > 0 ? metric_kernel_distance(n, w->kernel, w->previous) : NAN;
    switch (id) {
    case VAR_KERNEL_TRACE: *values = metric_trace(n, w->kernel); return 0;
    case VAR_KERNEL_DISTANCE: *values = metric_kernel_distance(n, w->kernel, w->initial); return 0;
    case VAR_KERNEL_DISTANCE_PREVIOUS: *values = previous; return 0;
    case VAR_KERNEL_VELOCITY:
        *values = snapshot > 0 ? previous / (double)(step[snapshot] - step[snapshot - 1]) : NAN;
        return 0;
    case VAR_RELATIVE_CHANGE: *values = metric_relative_change(n, w->kernel, w->initial); return 0;
    case VAR_TRACE_RATIO: *values = metric_trace(n, w->kernel) / metric_trace(n, w->initial); return 0;
    case VAR_LAMBDA_MAX: *values = w->eigenvalues[0]; return 0;
    case VAR_STABILITY: *values = eta(w, step[snapshot]) * w->eigenvalues[0] / (double)n; return 0;
    case VAR_CKA: *values = metric_cosine(n, w->centred, w->initial_centred); return 0;
    case VAR_EFFECTIVE_RANK: *values = metric_effective_rank(n, w->kernel); return 0;
    case VAR_ENTROPY_RANK: *values = metric_entropy_rank(n, w->eigenvalues); return 0;
    case VAR_EIGENVALUES: memcpy(values, w->eigenvalues, n * sizeof *values); return 0;
    case VAR_TARGET_ENERGY: return energy(w, values, err);
    case VAR_TARGET_ALIGNMENT_TRAIN: return alignment(w, 0, w->n_train, values, err);
    default: return alignment(w, w->n_train, n - w->n_train, values, err);
    }
}

static int compute_snapshot(struct work *w, size_t snapshot, const unsigned char *wanted, struct result *result,
                            struct error *err)
{
    load(w, snapshot, w->kernel);
    metric_centre(w->n, w->kernel, w->n, w->centred);
    if (snapshot == 0) {
        memcpy(w->initial, w->kernel, w->n * w->n * sizeof *w->kernel);
        memcpy(w->initial_centred, w->centred, w->n * w->n * sizeof *w->kernel);
    }
    double *scratch = w->vectors + w->n * w->n;   /* the eigensolver destroys its matrix */
    memcpy(scratch, w->kernel, w->n * w->n * sizeof *scratch);
    if (eigen_symmetric(w->n, scratch, w->values, w->vectors, err))
        return -1;
    for (size_t i = 0; i < w->n; i++)
        w->eigenvalues[i] = w->values[w->n - 1 - i];
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        size_t width = variables[id].dims == DIMS_EIGENVALUE ? result->layout.eigenvalue : 1;
        if (wanted[i] && variables[id].dims != DIMS_JOB
            && compute(w, at_theta(id), snapshot, result_f64(result, id) + snapshot * width, err))
            return -1;
    }
    memcpy(w->previous, w->kernel, w->n * w->n * sizeof *w->kernel);
    return 0;
}

static int compute_path(struct work *w, const unsigned char *wanted, struct result *result, struct error *err)
{
    int64_t n = 0, *steps = path_steps(w->job, &n, err);
    double path = 0;
    if (!steps)
        return -1;
    for (int64_t i = 0; i < n; i++) {
        load(w, snapshot_at(w->stored, steps[i]), w->kernel);
        if (i > 0)
            path += metric_kernel_distance(w->n, w->kernel, w->previous);
        memcpy(w->previous, w->kernel, w->n * w->n * sizeof *w->kernel);
    }
    mem_free(steps);
    for (int id = 0; id < VAR_COUNT; id++)
        if (wanted[id] && variables[id].dims == DIMS_JOB)
            *result_f64(result, (enum variable_id)id) = path;
    return 0;
}

static bool any_of(const unsigned char *wanted, bool paths)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (wanted[id] && (variables[id].dims == DIMS_JOB) == paths)
            return true;
    return false;
}

int from_kernel_compute(const struct job *job, const struct dataset *set, const struct result *stored,
                        const unsigned char *wanted, struct result *result, struct error *err)
{
    struct work w = {.job = job, .stored = stored, .n = probe_size(stored)};
    size_t square = w.n * w.n;
    double *block = mem_alloc(7 * square + 2 * w.n, sizeof *block, err);
    int status = block ? 0 : -1;
    if (!status) {
        w.kernel = block, w.initial = block + square, w.previous = block + 2 * square;
        w.centred = block + 3 * square, w.initial_centred = block + 4 * square, w.vectors = block + 5 * square;
        w.values = block + 7 * square, w.eigenvalues = w.values + w.n;
    }
    if (!status && set)
        status = gather(&w, set, err);
    for (size_t i = 0; !status && any_of(wanted, false) && i < n_stored(stored); i++)
        status = compute_snapshot(&w, i, wanted, result, err);
    if (!status && any_of(wanted, true))
        status = compute_path(&w, wanted, result, err);
    mem_free(w.y);
    mem_free(block);
    return status;
}
