#include "damping.h"

#include <math.h>
#include <stdlib.h>

#include "store/store.h"
#include "sweep/job.h"

/* The axis's number of this job where there is such an axis, else what the jobs have in common. */
static double number_of(const struct observations *o, size_t axis, const struct observation *x, double common)
{
    double number = axis == SIZE_MAX ? NAN : o->axes[axis].levels[x->level[axis]].number;
    return isnan(number) ? common : number;
}

int damping_read(const struct observations *o, const struct store_reader *reader, struct observation *new, size_t n,
                 struct error *err)
{
    struct job job = {0};
    if (n == 0)
        return 0;
    char *text = store_read_job_text(reader, 0, err);
    int result = text ? job_parse(&job, text, err) : -1;
    size_t train = observe_find_axis(o, "data.train"), momentum = observe_find_axis(o, "training.momentum");
    size_t k = observe_find_axis(o, "refresh_period"), schedule = observe_find_axis(o, "training.schedule");
    const struct training_spec *t = &job.training;
    bool constant = schedule == SIZE_MAX && t->schedule.kind == SCHEDULE_CONSTANT && t->schedule.warmup == 0;
    for (size_t i = 0; i < n && result == 0; i++) {
        double rows = number_of(o, train, &new[i], job.data.train > 0 ? (double)job.data.train : NAN);
        double period = k == SIZE_MAX ? NAN : o->axes[k].levels[new[i].level[k]].number;
        double eta_period = new[i].learning_rate * period;
        new[i].damping = constant ? rows * (1 - number_of(o, momentum, &new[i], t->momentum)) / eta_period : NAN;
    }
    if (text && result == 0)
        job_free(&job);
    free(text);
    return result;
}
