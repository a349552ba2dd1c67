/* Axis lengths of the result file of a sweep. */
#include <stdlib.h>

#include "nn/cost.h"
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

void sweep_layout(const struct sweep *sweep, const struct dataset *const *sets, struct result_layout *layout)
{
    *layout = (struct result_layout){.eval = 1, .refresh = 1};
    for (size_t i = 0; i < sweep->n_jobs; i++) {
        const struct job *job = &sweep->jobs[i];
        const struct training_spec *t = &job->training;
        struct network_size size;
        network_measure(&job->network, image_of(sets[i]), sets[i]->outputs, &size, NULL);   /* sets were checked */
        layout->eval = larger(layout->eval, (double)moments(t->steps, t->evaluations));
        double refreshes = t->trainer == TRAINER_STANDARD ? 0 : training_feature_updates(t);
        layout->refresh = larger(layout->refresh, refreshes < MOST_REFRESHES ? refreshes : MOST_REFRESHES);
        if (job->kernels.parameters == PARAMETERS_FINAL)
            layout->parameter = larger(layout->parameter, size.parameters);
        double train = rows(job->data.train, sets[i]->train.rows), test = rows(job->data.test, sets[i]->test.rows);
        double probe = (double)job->kernels.probe;
        double n = (probe < train ? probe : train) + (probe < test ? probe : test);
        if (job->kernels.snapshots == 0 || n == 0)
            continue;
        layout->snapshot = larger(layout->snapshot, (double)moments(t->steps, job->kernels.snapshots));
        layout->layer = larger(layout->layer, size.parameterised_layers);
        layout->probe = larger(layout->probe, n);
        layout->kernel |= job->kernels.store == KERNEL_STORE_KERNELS;
    }
    layout->eigenvalue = layout->probe;
}
