#include "sweep/experiment.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/gather.h"
#include "math/blas_setup.h"
#include "sweep/experiment_parts.h"

/* Kernels are always in double, whatever the training is in: the probe is gathered a second time. */
static int create_kernels(struct experiment *e, double **x, double **y, struct error *err)
{
    const struct split *split = e->split;
    const struct kernel_spec *spec = &e->job->kernels;
    size_t n = split->count[PART_PROBE];
    *result_i32(e->result, VAR_N_SNAPSHOTS) = 0;
    if (n == 0 || (spec->snapshots == 0 && spec->path_points == 0))
        return 0;
    if (!(*x = mem_alloc(n * split->set->train.features, sizeof **x, err))
        || !(*y = mem_alloc(n * split->set->outputs, sizeof **y, err)))
        return -1;
    gather_inputs(split, PART_PROBE, NULL, 0, n, *x);
    gather_targets(split, PART_PROBE, NULL, 0, n, *y);
    e->kernels = kernel_series_create(e->job, split, *x, *y, e->result, e->observer, err);
    return e->kernels ? 0 : -1;
}

/* What the record says of the run itself rather than of its numbers. */
static void describe_run(struct experiment *e)
{
    const struct training_spec *training = &e->job->training;
    struct job_cost cost;
    job_predict(e->job, e->split->set, &cost);
    *result_f64(e->result, VAR_FLOPS) = cost.flops;
    *result_f64(e->result, VAR_MAX_RSS_BYTES) = (double)mem_peak();
    *result_i32(e->result, VAR_THREADS) = (int32_t)training->threads;
    result_set_text(e->result, VAR_BLAS_CORE, blas_core_type());
    result_set_text(e->result, VAR_ENGINE, job_engine_name(e->job));
}

int experiment_run(const struct job *job, const struct dataset *set, struct result *result,
                   const struct experiment_observer *observer, struct error *err)
{
    static const struct experiment_observer nobody;
    int answer = -1;
    double *x = NULL, *y = NULL;
    struct split split = {0};
    struct experiment e = {.job = job, .split = &split, .result = result, .observer = observer ? observer : &nobody};
    mem_reset_peak();
    mem_keep_freed();
    blas_set_threads((int)job->training.threads);
    if (split_draw(&split, set, &job->data, job->training.seed_data, (size_t)job_drawn_probe(job), err) != 0
        || (job->measured.any && split_take_probe(&split, (size_t)job->kernels.probe, err) != 0)
        || create_kernels(&e, &x, &y, err) != 0)
        goto done;
    keeper_start(&e.keeper, &e);
    answer = job->training.precision == PRECISION_DOUBLE ? experiment_train_double(&e, err)
                                                         : experiment_train_single(&e, err);
    if (answer == 0)
        describe_run(&e);
done:
    keeper_end(&e.keeper, answer != 0 && err ? err->code : ERROR_NONE);
    kernel_series_destroy(e.kernels);
    mem_free(x);
    mem_free(y);
    split_free(&split);
    return answer;
}
