/* relin plan --jobs and --csv: every job with what it may take. */
#include <math.h>

#include "plan.h"
#include "plan/quantile.h"
#include "plan_engines.h"

/* The 95th percentile of a lognormal job's seconds, the error that the run shares included. */
static double seconds_p95(const struct forecast *f, const struct job_forecast *job)
{
    double spread = hypot(job->spread, f->common);
    return job->seconds * exp(normal_quantile(0.95) * spread - job->spread * job->spread / 2);
}

void plan_jobs_table(const struct plan *plan, struct text *out)
{
    text_add(out, "%6s  %-16s  %10s  %10s  %9s  %10s  %-12s  %s\n", "row", "job_id", "seconds", "p95", "memory MB", "flops",
             "engine", "job");
    for (size_t i = 0; i < plan->sweep.n_jobs; i++) {
        const struct job_forecast *job = &plan->forecast.jobs[i];
        char label[128];
        job_label(&plan->sweep.jobs[i], label, sizeof label);
        text_add(out, "%6zu  %-16s  %10.3g  %10.3g  %9.1f  %10.3g  %-12s  %s\n", i, plan->sweep.jobs[i].id, job->seconds,
                 seconds_p95(&plan->forecast, job), job->bytes / 1e6, plan->cost[i].flops,
                 job_engine_name(&plan->sweep.jobs[i]), label);
    }
}

void plan_jobs_json(const struct plan *plan, struct text *out)
{
    text_add(out, ", \"job_list\": [");
    for (size_t i = 0; i < plan->sweep.n_jobs; i++) {
        const struct job *job = &plan->sweep.jobs[i];
        const struct job_forecast *forecast = &plan->forecast.jobs[i];
        char label[128];
        job_label(job, label, sizeof label);
        text_add(out, "%s{\"row\": %zu, \"job_id\": \"%s\", \"seconds\": %.6g, \"seconds_p95\": %.6g, \"bytes\": %.0f, "
                 "\"bytes_spread\": %.4g, \"flops\": %.6g, \"learned_from\": %zu, \"learned_by\": \"%s\", \"label\": ",
                 i ? ", " : "", i, job->id, forecast->seconds, seconds_p95(&plan->forecast, forecast), forecast->bytes,
                 forecast->bytes_spread, plan->cost[i].flops, forecast->learned,
                 lesson_level_name((enum lesson_level)forecast->level));
        text_add_json_string(out, label);
        text_add(out, ", \"engine\": \"%s\", \"engine_seconds\": ", job_engine_name(job));
        plan_seconds_json(job->engine_seconds, out);
        text_add(out, "}");
    }
    text_add(out, "]");
}

void plan_jobs_csv(const struct plan *plan, struct text *out)
{
    text_add(out, "row,job_id,label,engine,seconds,seconds_p95,bytes,flops,learned_from,learned_by\n");
    for (size_t i = 0; i < plan->sweep.n_jobs; i++) {
        const struct job *job = &plan->sweep.jobs[i];
        const struct job_forecast *forecast = &plan->forecast.jobs[i];
        char label[128];
        job_label(job, label, sizeof label);
        text_add(out, "%zu,%s,", i, job->id);
        text_add_csv(out, label);
        text_add(out, ",%s,%.6g,%.6g,%.0f,%.6g,%zu,%s\n", job_engine_name(job), forecast->seconds,
                 seconds_p95(&plan->forecast, forecast), forecast->bytes, plan->cost[i].flops, forecast->learned,
                 lesson_level_name((enum lesson_level)forecast->level));
    }
}
