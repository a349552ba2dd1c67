/* relin measure: adds a forgotten metric to a result file. */
#define _GNU_SOURCE   /* sched_getaffinity */
#include "cli/measure.h"

#include <argp.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"

enum { KEY_METRIC = 256, KEY_WHERE, KEY_SET, KEY_TOLERANCE, KEY_JSON };

static const struct argp_option option_table[] = {
    {"metric", 'm', "NAME", 0, "What to add: kernels (all numbers of kernel snapshots and paths), curves, or one variable of "
                               "FORMAT.md, such as kernel_distance, kernel, parameter_change; may be repeated", 0},
    {"where", 'w', "AXIS=VALUE[,VALUE]", 0, "Only these jobs; may be repeated", 0},
    {"set", 's', "KEY=VALUE", 0, "A key that only measures: kernels.* or training.evaluations; may be repeated", 0},
    {"tolerance", 't', "X", 0, "Accept jobs whose stored numbers come out to |a-b| <= X(1+|a|) rather than bit for bit", 0},
    {"jobs", 'n', "N", 0, "Jobs that run at once (default: the processors)", 0},
    {"json", KEY_JSON, NULL, 0, "What was done, as one JSON object", 0},
    {0},
};

static const char doc[] =
    "Adds metrics to a result file whose jobs have run: from the stored kernels where these hold it, else by running the "
    "jobs again exactly. A job's metric is written only if every number that is stored of it comes out again bit for bit."
    "\v"
    "Keys that a metric needs and a job has switched off get the defaults of a sweep file (kernels.snapshots 12, "
    "kernels.path_points 24, kernels.probe 128) unless --set says otherwise. Job ids stay, and training rows too: they are "
    "those of the job's own kernels.probe, and of a larger probe the training half is filled up from the job's own training "
    "rows. Snapshots, a path length or a probe that are there are never replaced; points that training.evaluations "
    "adds join those of the curves.\n\n"
    "From stored kernels (kernels.store: kernels) come, to the accuracy of float32, the metrics that are functions of the "
    "kernel; no job runs, and but for targets no data is read. Those of layers, of the linearisation points where K > 1, "
    "and the condition number need the job to run again.\n\n"
    "The file is replaced at the end, and every few minutes on the way, by a copy with the additions: interrupted, even "
    "killed, it is whole. INT, TERM and USR1 stop; the same command goes on. `relin run` with the sweep file goes on "
    "too and keeps what was added.\n\n"
    "Examples:\n"
    "  relin measure fashion-mnist.h5 --metric kernel_distance\n"
    "  relin measure fashion-mnist.h5 --metric kernels --where refresh_period=1,inf --set kernels.snapshots=8\n"
    "  relin measure fashion-mnist.h5 --metric curves --set training.evaluations=100\n"
    "  relin measure fashion-mnist.h5 --metric parameter_change --metric refresh_stability_ratio\n\n"
    "Exit codes: 0 the metric is there for all of the jobs that are done, 2 bad usage or data, 3 some jobs did not come out "
    "again, are damaged or failed, 70 a result file that cannot be read or written, 75 stopped, or in use by a run.";

static int processors(void)
{
    cpu_set_t cpus;
    int n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return n > 0 ? n : 1;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct measure_options *options = state->input;
    char *end;
    switch (key) {
    case 'm': options->metric[options->n_metrics++] = value; return 0;
    case 'w': options->where[options->n_where++] = value; return 0;
    case 's': options->set[options->n_sets++] = value; return 0;
    case KEY_JSON: options->json = true; return 0;
    case 't':
        options->tolerance = strtod(value, &end);
        if (*end || end == value || !isfinite(options->tolerance) || options->tolerance < 0)
            argp_error(state, "--tolerance: expected a number >= 0, got '%s'", value);
        return 0;
    case 'n':
        options->at_once = (int)strtol(value, &end, 10);
        if (*end || end == value || options->at_once < 1 || options->at_once > 1024)
            argp_error(state, "--jobs: expected a whole number from 1 to 1024, got '%s'", value);
        return 0;
    case ARGP_KEY_ARG:
        if (options->path)
            argp_error(state, "expected one FILE.h5, got also '%s'", value);
        options->path = value;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a result file: relin measure FILE.h5 --metric NAME"); return 0;
    case ARGP_KEY_END:
        if (options->n_metrics == 0)
            argp_error(state, "expected --metric NAME: kernels, curves, or a variable such as kernel_distance");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void print_text(const struct measure *m)
{
    printf("%zu of %zu jobs measured", m->replayed + m->from_kernel, m->selected);
    printf(" (%zu run again, %zu from stored kernels)", m->replayed, m->from_kernel);
    const struct { size_t n; const char *what; } rest[] = {
        {m->there, "had it already"}, {m->not_done, "are not done"}, {m->differing, "differ from what is stored"},
        {m->failed, "failed"}, {m->damaged, "are damaged"}, {m->other_machine, "ran on other BLAS kernels"},
        {m->programs, "are programs"},
        {m->left, "left"},
    };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        if (rest[i].n)
            printf(", %zu %s", rest[i].n, rest[i].what);
    printf(". %s\n", m->options->path);
    if (m->left)
        puts("Next: the same command goes on from here.");
}

static void print_json(const struct measure *m)
{
    struct text out = {0};
    text_add(&out, "{\"file\":");
    text_add_json_string(&out, m->options->path);
    text_add(&out, ",\"selected\":%zu,\"replayed\":%zu,\"from_kernel\":%zu,\"there\":%zu,\"not_done\":%zu,"
             "\"differing\":%zu,\"failed\":%zu,\"damaged\":%zu,\"other_machine\":%zu,\"programs\":%zu,\"left\":%zu}", m->selected, m->replayed,
             m->from_kernel, m->there, m->not_done, m->differing, m->failed, m->damaged, m->other_machine, m->programs, m->left);
    puts(out.chars);
    text_free(&out);
}

static int measure_file(struct measure *m, const struct measure_options *options, struct error *err)
{
    if (store_lock(options->path, err))
        return error_exit_code(err->code);
    int failed = measure_plan(m, options, err) || measure_run(m, err);
    store_unlock(options->path);
    if (failed)
        return error_exit_code(err->code);
    (options->json ? print_json : print_text)(m);
    return m->left ? 75 : m->differing + m->failed + m->damaged + m->other_machine + m->programs ? 3 : 0;
}

int command_measure(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse_option, "FILE.h5 --metric NAME", doc, NULL, NULL, NULL};
    struct measure_options options = {.at_once = processors()};
    struct measure measure = {0};
    struct text command_line = {0};
    struct error err = {0};
    int code = 2;
    for (int i = 0; i < argc; i++)
        text_add(&command_line, "%s%s", i ? " " : "", argv[i]);
    options.command_line = command_line.chars;
    options.metric = mem_alloc((size_t)argc, sizeof *options.metric, &err);
    options.where = mem_alloc((size_t)argc, sizeof *options.where, &err);
    options.set = mem_alloc((size_t)argc, sizeof *options.set, &err);
    if (options.metric && options.where && options.set && argp_parse(&argp, argc, argv, 0, NULL, &options) == 0) {
        err = (struct error){0};
        code = measure_file(&measure, &options, &err);
    }
    if (err.code) {
        fflush(stdout);
        fprintf(stderr, "relin measure: %s\n", err.text);
    }
    measure_free(&measure);
    mem_free(options.metric);
    mem_free(options.where);
    mem_free(options.set);
    text_free(&command_line);
    return code;
}
