/* Axis lengths of the result file of a sweep. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/cost.h"
#include "sweep/program.h"
#include "sweep/sweep.h"

enum { MOST_REFRESHES = 64 };

static uint64_t larger(uint64_t a, double b)
{
    return b > (double)a ? (uint64_t)b : a;
}

static uint64_t moments(int64_t steps, int64_t count)
{
    int64_t *list = calloc((size_t)count + 2, sizeof *list);
    uint64_t n = list ? (uint64_t)training_log_steps(steps, count, list) : (uint64_t)count;
    free(list);
    return n;
}

static double rows(int64_t count, size_t pool)
{
    return count == DATA_ALL || count > (int64_t)pool ? (double)pool : (double)count;
}

size_t job_most_evaluations(const struct job *job)
{
    return (size_t)(job->training.evaluations + job->measured.evaluations);
}

int64_t job_evaluation_steps(const struct job *job, int64_t *steps, struct error *err)
{
    const struct training_spec *t = &job->training;
    int64_t own = training_log_steps(t->steps, t->evaluations, steps), n = own;
    if (job->measured.evaluations == 0)
        return own;
    int64_t *more = mem_alloc((size_t)job->measured.evaluations + 1, sizeof *more, err);
    if (!more)
        return -1;
    int64_t n_more = training_log_steps(t->steps, job->measured.evaluations, more);
    for (int64_t i = 0; i < n_more; i++) {   /* insertion: both are sorted, and short */
        int64_t at = n;
        while (at > 0 && steps[at - 1] > more[i])
            at--;
        if (at > 0 && steps[at - 1] == more[i])
            continue;
        memmove(steps + at + 1, steps + at, (size_t)(n - at) * sizeof *steps);
        steps[at] = more[i];
        n++;
    }
    mem_free(more);
    return n;
}

static uint64_t evaluations(const struct job *job)
{
    int64_t *list = calloc(job_most_evaluations(job) + 2, sizeof *list);
    int64_t n = list ? job_evaluation_steps(job, list, NULL) : -1;
    free(list);
    return n < 0 ? job_most_evaluations(job) : (uint64_t)n;
}

void layout_extend(struct result_layout *layout, const struct job *job, const struct dataset *set)
{
    const struct training_spec *t = &job->training;
    struct network_size size;
    if (t->trainer == TRAINER_COMMAND) {   /* its points come as they come: evaluations is how many are kept */
        char names[METRICS_MOST][OWN_NAME_SIZE];
        layout->eval = larger(layout->eval, (double)t->evaluations);
        layout->metric = larger(layout->metric, (double)program_metrics(job, names));
        return;
    }
    network_measure(job->network, image_of(set), set->outputs, &size, NULL);   /* sets were checked */
    layout->eval = larger(layout->eval, (double)evaluations(job));
    double refreshes = t->trainer == TRAINER_STANDARD ? 0 : training_most_updates(t);
    layout->refresh = larger(layout->refresh, refreshes < MOST_REFRESHES ? refreshes : MOST_REFRESHES);
    if (job->kernels.parameters == PARAMETERS_FINAL)
        layout->parameter = larger(layout->parameter, size.parameters);
    double train = rows(job->data.train, set->train.rows), test = rows(job->data.test, set->test.rows);
    double probe = (double)job->kernels.probe;
    double n = (probe < train ? probe : train) + (probe < test ? probe : test);
    if (job->kernels.snapshots == 0 || n == 0)
        return;
    layout->snapshot = larger(layout->snapshot, (double)moments(t->steps, job->kernels.snapshots));
    layout->layer = larger(layout->layer, size.parameterised_layers);
    layout->probe = larger(layout->probe, job->kernels.mode == KERNEL_FULL ? n * (double)set->outputs : n);
    layout->kernel |= job->kernels.store == KERNEL_STORE_KERNELS;
    layout->eigenvalue = layout->probe;
}

void sweep_layout(const struct sweep *sweep, const struct dataset *const *sets, struct result_layout *layout)
{
    *layout = (struct result_layout){.eval = 1, .refresh = 1};
    for (size_t i = 0; i < sweep->n_jobs; i++)
        layout_extend(layout, &sweep->jobs[i], sets[i]);
}

int layout_check(const struct result_layout *layout, const struct job *job, const struct dataset *set, struct error *err)
{
    struct result_layout needed = {.eval = 1, .refresh = 1};
    layout_extend(&needed, job, set);
    const struct { const char *name; uint64_t has, needs; } axes[] = {
        {"eval", layout->eval, needed.eval}, {"refresh", layout->refresh, needed.refresh},
        {"snapshot", layout->snapshot, needed.snapshot}, {"layer", layout->layer, needed.layer},
        {"probe", layout->probe, needed.probe}, {"eigenvalue", layout->eigenvalue, needed.eigenvalue},
        {"parameter", layout->parameter, needed.parameter}, {"metric", layout->metric, needed.metric},
    };
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        if (axes[i].has < axes[i].needs)
            return error_set(err, ERROR_FORMAT, "expected %llu places or more along the axis %s, which the job fills, got %llu: the "
                             "file is damaged", (unsigned long long)axes[i].needs, axes[i].name, (unsigned long long)axes[i].has);
    return 0;
}
