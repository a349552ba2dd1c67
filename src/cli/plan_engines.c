#include "plan_engines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The jobs of one architecture that one engine steps. */
struct group {
    const char *architecture, *engine;
    size_t jobs;
    double seconds[ENGINE_COUNT];
};

static void *checked(void *block)
{
    if (!block)
        abort();
    return block;
}

/* In the order of the file. Returns how many; the caller frees *groups. */
static size_t collect(const struct sweep *sweep, struct group **groups)
{
    size_t n = 0;
    *groups = checked(calloc(sweep->n_jobs, sizeof **groups));
    for (size_t i = 0; i < sweep->n_jobs; i++) {
        const struct job *job = &sweep->jobs[i];
        const char *engine = job_engine_name(job);
        size_t g = 0;
        while (g < n && (strcmp((*groups)[g].engine, engine) != 0 || strcmp((*groups)[g].architecture, job->network->name) != 0))
            g++;
        if (g == n)
            (*groups)[n++] = (struct group){.architecture = job->network->name, .engine = engine};
        (*groups)[g].jobs++;
        for (int e = 0; e < ENGINE_COUNT; e++)   /* one that cannot step some of them is NaN */
            (*groups)[g].seconds[e] += job->engine_seconds[e];
    }
    return n;
}

void plan_engines_table(const struct sweep *sweep, struct text *out)
{
    struct group *groups;
    size_t n = collect(sweep, &groups);
    text_add(out, "\nseconds of all steps by each engine that can\n%-20s  %-12s  %6s", "architecture", "engine", "jobs");
    for (int e = ENGINE_TANGENT; e < ENGINE_COUNT; e++)
        text_add(out, "  %10s", training_engine_name((enum engine)e));
    text_add(out, "\n");
    for (size_t g = 0; g < n; g++) {
        text_add(out, "%-20s  %-12s  %6zu", groups[g].architecture, groups[g].engine, groups[g].jobs);
        for (int e = ENGINE_TANGENT; e < ENGINE_COUNT; e++)
            if (isnan(groups[g].seconds[e]))
                text_add(out, "  %10s", "-");
            else
                text_add(out, "  %10.3g", groups[g].seconds[e]);
        text_add(out, "\n");
    }
    free(groups);
}

void plan_seconds_json(const double seconds[ENGINE_COUNT], struct text *out)
{
    text_add(out, "{");
    for (int e = ENGINE_TANGENT; e < ENGINE_COUNT; e++) {
        text_add(out, "%s\"%s\": ", e == ENGINE_TANGENT ? "" : ", ", training_engine_name((enum engine)e));
        if (isnan(seconds[e]))
            text_add(out, "null");
        else
            text_add(out, "%.6g", seconds[e]);
    }
    text_add(out, "}");
}

void plan_engines_json(const struct sweep *sweep, struct text *out)
{
    struct group *groups;
    size_t n = collect(sweep, &groups);
    text_add(out, "[");
    for (size_t g = 0; g < n; g++) {
        text_add(out, "%s{\"architecture\": ", g ? ", " : "");
        text_add_json_string(out, groups[g].architecture);
        text_add(out, ", \"engine\": \"%s\", \"jobs\": %zu, \"seconds\": ", groups[g].engine, groups[g].jobs);
        plan_seconds_json(groups[g].seconds, out);
        text_add(out, "}");
    }
    text_add(out, "]");
    free(groups);
}
