/* relin plan --check: simulated and predicted against measured. */
#include <math.h>

#include "base/clock.h"
#include "base/error.h"
#include "plan.h"
#include "plan/record.h"

/* Jobs that have a core each take hardly longer than the processor's time. */
static const double BUSY = 1.2;

/* One file: its makespan, pauses left out, in seconds. */
struct verdict {
    size_t jobs, phases, workers;
    double measured, simulated;      /* simulated: from the measured seconds of each job */
    double predicted, p95;           /* of this sweep by the plan; NaN: the file has other jobs, or not all */
    double wall_over_cpu;            /* of this run, */
    double busier;                   /* and that over the same of the files learned from, which for the formula is 1 */
};

static int judge(const struct plan *plan, const char *path, struct verdict *v, struct error *err)
{
    struct record record;
    *v = (struct verdict){.predicted = NAN, .p95 = NAN};
    int status = record_read(&record, path, dataset_root(), err)
                 || record_check(&record, &plan->forecast.farm, &v->measured, &v->simulated, err) ? -1 : 0;
    v->jobs = record.n;
    v->phases = record.n_phases;
    double wall = 0, cpu = 0;
    for (size_t p = 0; p < record.n_phases; p++)
        v->workers = record.phases[p].workers > v->workers ? record.phases[p].workers : v->workers;
    for (size_t i = 0; i < record.n; i++) {
        wall += record.jobs[i].seconds;
        cpu += record.jobs[i].cpu_seconds / (double)record.jobs[i].job.training.threads;
    }
    const struct lessons *l = &plan->lessons;
    v->wall_over_cpu = cpu > 0 ? wall / cpu : NAN;
    v->busier = l->files && l->cpu_seconds > 0 ? v->wall_over_cpu / (l->wall_seconds / l->cpu_seconds) : v->wall_over_cpu;
    if (!status && record.n == plan->forecast.n) {
        struct allocation a = {.workers = v->workers};
        status = forecast_allocations(&plan->forecast, &a, 1, err);
        v->predicted = a.makespan;
        v->p95 = a.makespan_p95;
    }
    record_free(&record);
    return status;
}

static void print_line(const struct verdict *v, const char *path, struct text *out)
{
    char measured[64], simulated[64], predicted[64], p95[64];
    clock_duration(v->measured, measured, sizeof measured);
    clock_duration(v->simulated, simulated, sizeof simulated);
    text_add(out, "%s: %zu jobs on %zu worker%s", path, v->jobs, v->workers, v->workers == 1 ? "" : "s");
    if (v->phases > 1)
        text_add(out, ", in %zu parts with pauses between them, which are left out", v->phases);
    text_add(out, "\n  measured   %s\n  simulated  %s from the measured seconds of each job: %+.1f %%\n", measured, simulated,
             100 * (v->simulated / v->measured - 1));
    if (isnan(v->predicted)) {
        text_add(out, "  predicted  not: the file has %zu jobs, not all of this sweep\n", v->jobs);
    } else {
        clock_duration(v->predicted, predicted, sizeof predicted);
        clock_duration(v->p95, p95, sizeof p95);
        text_add(out, "  predicted  %s by this plan: %+.1f %%; 95th percentile %s\n", predicted,
                 100 * (v->predicted / v->measured - 1), p95);
        if (fabs(log(v->busier)) > log(BUSY))
            text_add(out, "             %+.1f %% on a machine as busy: jobs waited %.1f times as long for the processor as those "
                     "learned from\n", 100 * (v->busier * v->predicted / v->measured - 1), v->busier);
    }
    if (v->wall_over_cpu > BUSY)
        text_add(out, "  the machine was busy: jobs took %.1f times their processor time\n", v->wall_over_cpu);
}

static void print_json(const struct verdict *v, const char *path, struct text *out)
{
    text_add(out, "{\"file\": ");
    text_add_json_string(out, path);
    text_add(out, ", \"jobs\": %zu, \"workers\": %zu, \"parts\": %zu, \"measured_seconds\": %.6g, \"simulated_seconds\": %.6g, "
             "\"simulated_over_measured\": %.6g, \"wall_over_cpu\": %.4g", v->jobs, v->workers, v->phases, v->measured,
             v->simulated, v->simulated / v->measured, v->wall_over_cpu);
    if (!isnan(v->predicted))
        text_add(out, ", \"predicted_seconds\": %.6g, \"predicted_p95_seconds\": %.6g, \"predicted_over_measured\": %.6g, "
                 "\"predicted_as_busy_over_measured\": %.6g", v->predicted, v->p95, v->predicted / v->measured,
                 v->busier * v->predicted / v->measured);
    text_add(out, "}");
}

int plan_check(const struct plan *plan, const struct plan_arguments *a, struct text *out, struct error *err)
{
    if (a->json)
        text_add(out, "{\"checks\": [");
    for (size_t i = 0; i < a->n_check; i++) {
        struct verdict v;
        if (judge(plan, a->check[i], &v, err))
            return -1;
        if (a->json)
            text_add(out, "%s", i ? ", " : "");
        (a->json ? print_json : print_line)(&v, a->check[i], out);
    }
    if (a->json)
        text_add(out, "]}\n");
    return 0;
}
