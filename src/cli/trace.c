/* relin trace: runs one job and writes everything an outside replay needs. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "math/blas_setup.h"
#include "store/trace.h"
#include "sweep/sweep.h"

enum { MOST_OVERRIDES = 256 };

struct options {
    const char *sweep, *job, *output;
    const char *overrides[MOST_OVERRIDES];
    size_t n_overrides;
    int64_t at_step;
};

static const struct argp_option option_table[] = {
    {"job", 'j', "N|ID", 0, "Row of the result file (from 0) or job_id", 0},
    {"output", 'o', "FILE.h5", 0, "The trace to write", 0},
    {"at", 'a', "STEP", 0, "Also write theta and every layer's activations on the probe at this step", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    char *end;
    switch (key) {
    case 'j': options->job = value; return 0;
    case 'o': options->output = value; return 0;
    case 'a':
        options->at_step = strtoll(value, &end, 10);
        if (*end || end == value || options->at_step < 0)
            argp_error(state, "--at: expected a step, a whole number >= 0, got '%s'", value);
        return 0;
    case ARGP_KEY_ARG:
        if (!options->sweep)
            options->sweep = value;
        else if (strchr(value, '=') && options->n_overrides < MOST_OVERRIDES)
            options->overrides[options->n_overrides++] = value;
        else
            argp_error(state, "expected key=value, got '%s'", value);
        return 0;
    case ARGP_KEY_END:
        if (!options->sweep || !options->job || !options->output)
            argp_error(state, "expected SWEEP.yaml, --job and -o: relin trace sweep.yaml --job 0 -o trace.h5");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* A row number, or the id of a job. */
static struct job *find_job(const struct sweep *sweep, const char *name, struct error *err)
{
    char *end;
    for (size_t i = 0; i < sweep->n_jobs; i++)
        if (strcmp(sweep->jobs[i].id, name) == 0)
            return &sweep->jobs[i];
    unsigned long long row = strtoull(name, &end, 10);
    if (!*end && end != name && row < sweep->n_jobs)
        return &sweep->jobs[row];
    error_set(err, ERROR_USAGE, "--job: expected a row from 0 to %zu or a job_id of this sweep, got '%s'",
              sweep->n_jobs - 1, name);
    return NULL;
}

/* Axis lengths for one job: those of a sweep of this job alone. */
static void layout_of(const struct job *job, const struct dataset *set, struct result_layout *layout)
{
    struct job copy = *job;
    struct sweep one = {.n_jobs = 1, .jobs = &copy};
    sweep_layout(&one, &set, layout);
}

/* diverged, filled: steps after which the loss was not finite, or -1. */
static int trace_job(struct job *job, const struct options *options, int64_t *diverged, struct error *err)
{
    struct dataset set = {0};
    struct result_layout layout;
    struct result result;
    struct experiment_observer observer;
    if (job->training.trainer == TRAINER_COMMAND)
        return error_set(err, ERROR_UNSUPPORTED, "--job: expected a job that relin trains, got a program of the user's own, whose "
                         "steps nobody sees: have it write its own trace");
    if (options->at_step > job->training.steps)
        return error_set(err, ERROR_USAGE, "--at: expected a step of the job, 0 to %lld, got %lld",
                         (long long)job->training.steps, (long long)options->at_step);
    if (dataset_load(&set, &job->data, dataset_root(), err))
        return -1;
    job_plan_engine(job, &set);
    layout_of(job, &set, &layout);
    int status = -1;
    void *block = mem_alloc(1, result_size(&layout), err);
    struct trace *trace = block ? trace_create(options->output, job, options->at_step, &observer, err) : NULL;
    if (trace) {
        result_bind(&result, &layout, block);
        result_clear(&result);
        blas_set_threads((int)job->training.threads);
        status = experiment_run(job, &set, &result, &observer, err);
        if (strcmp(result_text(&result, VAR_OUTCOME), "diverged") == 0)
            *diverged = *result_i64(&result, VAR_STEPS_DONE);
        /* what stopped the run may be the trace itself: then its reason is the one to tell */
        if (trace_finish(trace, status == 0, err))
            status = -1;
    }
    mem_free(block);
    dataset_close(&set);
    return status;
}

int command_trace(int argc, char **argv)
{
    static const struct argp argp = {
        option_table, parse_option, "SWEEP.yaml [KEY=VALUE...]",
        "Runs one job of a sweep and writes data, initial and final parameters, every step's batch, learning rate and "
        "loss, final outputs and kernels, so that the run can be replayed in another framework (FORMAT.md)."
        "\v"
        "The job is named by its row in the result file, which is its place in the expanded grid with the last key "
        "fastest, or by its job_id. KEY=VALUE overrides keys of the sweep as in `relin run`.\n\n"
        "Environment: RELIN_DATA, the folder of the data sets.\n"
        "Exit codes: 0 written, of a run that diverged too; 2 bad usage, sweep file or data; 70 a trace that cannot be "
        "written, or an internal error; 75 no room on the disk.\n\n"
        "Examples:\n"
        "  relin trace sweep.yaml --job 3 -o t.h5\n"
        "  relin trace sweep.yaml --job 3 -o t.h5 --at 100 training.precision=double",
        NULL, NULL, NULL,
    };
    struct options options = {.at_step = -1};
    struct sweep sweep = {0};
    struct error err = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &options))
        return 2;
    struct job *job = NULL;
    int64_t diverged = -1;
    int status = sweep_load(&sweep, options.sweep, options.overrides, options.n_overrides, &err);
    if (!status) {
        job = find_job(&sweep, options.job, &err);
        status = job ? trace_job(job, &options, &diverged, &err) : -1;
    }
    if (status) {
        fprintf(stderr, "relin trace: %s\n", err.text);
    } else {
        char label[256];
        job_label(job, label, sizeof label);
        printf("%s: %s (job_id %s)\n", options.output, label, job->id);
        if (diverged >= 0)
            printf("the run diverged after %lld steps: these are there, final parameters and outputs are not\n",
                   (long long)diverged);
    }
    sweep_free(&sweep);
    return status ? error_exit_code(err.code) : 0;
}
