/* Which variables can be measured afterwards, and what they need. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "schema.h"
#include "sweep/measure.h"

/* A switch among the keys: `off` tells of a job whether it measures what needs the key. */
struct need {
    const char *key, *on;            /* on: NULL is the default of the sweep file */
    bool (*off)(const struct job *job);
};

static bool no_probe(const struct job *job) { return job->kernels.probe == 0; }
static bool no_snapshots(const struct job *job) { return job->kernels.snapshots == 0; }
static bool no_path(const struct job *job) { return job->kernels.path_points == 0; }
static bool no_matrices(const struct job *job) { return job->kernels.store != KERNEL_STORE_KERNELS; }
static bool no_parameters(const struct job *job) { return job->kernels.parameters != PARAMETERS_FINAL; }
static bool no_stability(const struct job *job) { return job->stability != STABILITY_ALWAYS; }

enum { PROBE, SNAPSHOTS, PATH, MATRICES, PARAMETERS, STABILITY_RATIO, N_NEEDS };
static const struct need needs[N_NEEDS] = {
    [PROBE] = {"kernels.probe", NULL, no_probe},
    [SNAPSHOTS] = {"kernels.snapshots", NULL, no_snapshots},
    [PATH] = {"kernels.path_points", NULL, no_path},
    [MATRICES] = {"kernels.store", "kernels", no_matrices},
    [PARAMETERS] = {"kernels.parameters", "final", no_parameters},
    [STABILITY_RATIO] = {"kernels.stability", "true", no_stability},
};

/* Bits of the needs of a variable: from its axes, so that a new metric of a snapshot needs no line here. */
static unsigned needs_of(enum variable_id id)
{
    switch (variables[id].dims) {
    case DIMS_SNAPSHOT: case DIMS_LAYER: case DIMS_EIGENVALUE: return 1u << PROBE | 1u << SNAPSHOTS;
    case DIMS_KERNEL: return 1u << PROBE | 1u << SNAPSHOTS | 1u << MATRICES;
    case DIMS_PARAMETER: return 1u << PARAMETERS;
    case DIMS_REFRESH: return id == VAR_REFRESH_STABILITY_RATIO ? 1u << STABILITY_RATIO : 0;
    case DIMS_JOB:
        return variables[id].group != GROUP_KERNELS ? 0 : 1u << PROBE | 1u << (id == VAR_N_SNAPSHOTS ? SNAPSHOTS : PATH);
    default: return 0;
    }
}

/* Scores of the end, and what says how a job went, are in every file; what a program reports only it can tell. */
static bool measurable(enum variable_id id)
{
    return variables[id].writer == WRITER_ROWS && variables[id].dims != DIMS_METRIC && variables[id].dims != DIMS_EVAL_METRIC;
}

static bool is_large(enum variable_id id)
{
    return variables[id].dims == DIMS_KERNEL || variables[id].dims == DIMS_PARAMETER;
}

static const char *nearest(const char *name)
{
    const char *best = "kernels";
    size_t least = text_distance(name, best);
    for (int id = 0; id < VAR_COUNT; id++)
        if (measurable((enum variable_id)id) && text_distance(name, variables[id].name) < least) {
            least = text_distance(name, variables[id].name);
            best = variables[id].name;
        }
    return least <= 3 || least <= strlen(name) / 3 ? best : NULL;
}

int metric_find(struct metric_set *set, const char *name, struct error *err)
{
    bool kernels = strncmp(name, "kernels/", 8) == 0, found = false;
    const char *own = kernels ? name + 8 : name;
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        bool named = (!kernels || variables[id].group == GROUP_KERNELS) && strcmp(variables[id].name, own) == 0;
        bool grouped = strcmp(name, "kernels") == 0 ? variables[id].group == GROUP_KERNELS && !is_large(id)
                                                   : strcmp(name, "curves") == 0 && variables[id].dims == DIMS_EVAL;
        if (measurable(id) && (grouped || (named && !found)))
            set->has[id] = found = true;
    }
    if (found)
        return 0;
    const char *near = nearest(own);
    return error_set(err, ERROR_USAGE, "--metric: expected kernels, curves, or a variable of curves, refreshes or kernels "
                     "(FORMAT.md lists them), got '%s'%s%s%s", name, near ? " (did you mean " : "", near ? near : "",
                     near ? "?)" : "");
}

size_t metric_settings(const struct job *job, const struct metric_set *set,
                       char settings[METRIC_KEYS_MOST][METRIC_SETTING_SIZE])
{
    _Static_assert((int)N_NEEDS <= (int)METRIC_KEYS_MOST, "one setting a need");
    unsigned wanted = 0;
    size_t n = 0;
    for (int id = 0; id < VAR_COUNT; id++)
        wanted |= set->has[id] ? needs_of((enum variable_id)id) : 0;
    for (int i = 0; i < N_NEEDS; i++)
        if (wanted >> i & 1 && needs[i].off(job))
            snprintf(settings[n++], METRIC_SETTING_SIZE, "%s=%s", needs[i].key,
                     needs[i].on ? needs[i].on : key_find(needs[i].key)->standard);
    return n;
}

static bool all_fill(const struct result *result, enum variable_id id)
{
    size_t n = result_count(&result->layout, id);
    for (size_t i = 0; i < n; i++)
        if (variables[id].type == TYPE_F64 ? !isnan(result_f64(result, id)[i])
            : variables[id].type == TYPE_F32 ? !isnan(result_f32(result, id)[i]) : true)
            return false;
    return true;
}

static bool has_marks(const struct job *job)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (job->measured.from_kernel[id])
            return true;
    return false;
}

bool metric_is_there(const struct job *job, const struct result *stored, enum variable_id id, bool added)
{
    unsigned wanted = needs_of(id);
    for (int i = 0; i < N_NEEDS; i++)
        if (wanted >> i & 1 && needs[i].off(job))
            return false;
    if (result_count(&stored->layout, id) == 0)
        return false;
    if (!added && !has_marks(job))
        return true;
    return strcmp(result_text(stored, VAR_OUTCOME), "completed") != 0 || !all_fill(stored, id);
}
