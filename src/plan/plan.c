#include "plan/plan.h"

#include "base/error.h"
#include "base/memory.h"
#include "plan/calibrate.h"
#include "plan/until.h"

static int learn(struct plan *plan, const struct plan_source *source, const char *data_root, struct error *err)
{
    for (size_t i = 0; i < source->n_from; i++)
        if (lessons_add_file(&plan->lessons, source->from[i], data_root, err))
            return -1;
    plan->learned = source->n_from > 0 || source->calibrate;
    if (source->n_from)
        return lessons_end(&plan->lessons, err) ? error_prefix(err, "--from %s", source->from[0]) : 0;
    return source->calibrate ? calibrate(&plan->lessons, err) : 0;
}

int plan_make(struct plan *plan, const struct plan_source *source, const char *data_root, struct error *err)
{
    *plan = (struct plan){0};
    if (sweep_load(&plan->sweep, source->sweep, source->overrides, source->n_overrides, err))
        return -1;
    if (source->until && until_load(&plan->sweep, source->until, source->sweep, source->overrides, source->n_overrides, err))
        return error_prefix(err, "--until");
    plan->cost = mem_alloc(plan->sweep.n_jobs, sizeof *plan->cost, err);
    if (!plan->cost || predict_sweep(&plan->sweep, data_root, plan->cost, &plan->all, err)
        || learn(plan, source, data_root, err))
        return -1;
    return forecast_make(&plan->forecast, &plan->sweep, plan->cost, plan->all.data_bytes,
                         plan->learned ? &plan->lessons : NULL, err);
}

void plan_free(struct plan *plan)
{
    forecast_free(&plan->forecast);
    lessons_free(&plan->lessons);
    mem_free(plan->cost);
    mem_free(plan->all.seconds);
    sweep_free(&plan->sweep);
}
