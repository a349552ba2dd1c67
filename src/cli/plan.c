/* relin plan: what a sweep will cost, before it is run. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/commands.h"
#include "plan.h"

enum { KEY_JSON = 0x100, KEY_JOBS, KEY_CSV, KEY_KEYS, KEY_WORKERS, KEY_FROM, KEY_CALIBRATE, KEY_REPEAT, KEY_COMPARE,
       KEY_CHECK, KEY_TARGET,
       MOST_WORKERS = 1000000, MOST_COPIES = 1000000 };

static const struct argp_option options[] = {
    {"workers", KEY_WORKERS, "LIST", 0, "Allocations to simulate: numbers of tasks, or NODESxTASKS, or NODESxTASKSxCORES with "
     "the tasks of a node and the cores of a task, which are then its threads (default: powers of two past saturation)", 0},
    {"from", KEY_FROM, "FILE.h5", 0, "Learn seconds and memory, with their error, from the jobs of an earlier run; may be "
     "repeated", 0},
    {"calibrate", KEY_CALIBRATE, NULL, 0, "Scale the formula by a second of training on this machine, now", 0},
    {"repeat", KEY_REPEAT, "N", 0, "Plan N times as many seeds", 0},
    {"compare", KEY_COMPARE, NULL, 0, "Compare instead: more workers, more seeds with workers, threads against workers, orders of "
     "hand-out, wrong predictions", 0},
    {"target-halfwidth", KEY_TARGET, "W", 0, "Say instead how many further seeds each cell needs, by what --from has, until the 95 % "
     "interval of its difference to the baseline is no wider than +-W, such as 0.5% or 0.01,metric=test_loss", 0},
    {"check", KEY_CHECK, "FILE.h5", 0, "Check instead: the makespan of that run against the simulated and the predicted one; may "
     "be repeated", 0},
    {"jobs", KEY_JOBS, NULL, 0, "List every job: row, id, label, engine, predicted seconds with their 95th percentile, memory "
     "and flops", 0},
    {"csv", KEY_CSV, NULL, 0, "Print that list alone, as CSV", 0},
    {"json", KEY_JSON, NULL, 0, "Print JSON", 0},
    {"keys", KEY_KEYS, NULL, 0, "Explain every key of a sweep file", 0},
    {0},
};

static const char description[] =
    "Say what a sweep will cost before it is run: how many jobs, their predicted time and memory with their error, how long "
    "it takes with how many workers, and what to ask Slurm for."
    "\v"
    "The prediction is flops by formula over a compiled-in speed, which may be out by half on another machine and by the load on a shared one; it does not run "
    "anything and is the same everywhere. --from learns instead from what the jobs of earlier runs took: of each job from those "
    "that differ by their seed only, else from those of its network, else of its engine. The hand-out is simulated as the farm "
    "does it, longest job by formula first, with times drawn from the error: medians are given, and the 95th percentile (p95) of "
    "the makespan. P* is the sum of all times over the longest: more workers than that cannot end sooner. The tail are the "
    "core-hours of workers that find no more jobs before the last one ends. Where training.engine is auto, each job gets the "
    "engine of the least predicted seconds of those that can step it and fit into memory; the result file keeps that choice.\n\n"
    "What to ask for: the lines under `worth submitting`; `relin submit` without options takes the one that is busy for most "
    "of the time. Their time is p95, two minutes to start and two to drain. An array, or several allocations one after the "
    "other, need no more than that: what is not done goes on in the next.\n\n"
    "How many seeds? --target-halfwidth takes from the files of --from how far the paired differences of each cell spread, and so how "
    "many pairs the t interval needs; as that spread is known from few seeds only, the number has an interval of its own (chi^2). "
    "`relin run --until` then adds them as they turn out to be needed.\n\n"
    "Would it be true? --check FILE.h5 takes a file of the sweep that was run: its makespan by the simulator from what each job "
    "took, and by this plan, which may have learned --from an earlier file, against the measured one. More threads are "
    "assumed to divide 0.35 of a job, as two do of a dense network's steps (they divide nothing of a convolutional one's), where no file "
    "has jobs of as many.\n\n"
    "Examples:\n"
    "  relin plan sweeps/quick.yaml\n"
    "  relin plan sweeps/fashion-mnist.yaml --workers 32,64,128 grid.seed=0..19\n"
    "  relin plan sweeps/fashion-mnist.yaml --workers 1x32,2x32,4x16x2\n"
    "  relin plan sweeps/fashion-mnist.yaml grid.seed=0..19 --from first-seeds.h5\n"
    "  relin plan sweeps/fashion-mnist.yaml --target-halfwidth 0.5% --from first-seeds.h5\n"
    "  relin plan sweeps/allocation-study.yaml --compare --from allocation-study.h5\n"
    "  relin plan sweeps/allocation-study.yaml --check allocation-study.h5\n"
    "  relin plan sweeps/quick.yaml --csv > jobs.csv\n"
    "  relin plan --keys\n\n"
    "Exit codes: 0, or 2 if the sweep file or its data cannot be used, 70 if a result file cannot.";

/* A number from 1 to most at *text, which moves behind it. 0: none. */
static size_t number_at(const char **text, size_t most)
{
    char *end;
    if (**text < '0' || **text > '9')
        return 0;
    unsigned long n = strtoul(*text, &end, 10);
    *text = end;
    return n <= most ? n : 0;
}

/* "64", "2x32" or "2x32x4". */
static int parse_allocation(const char **text, struct allocation *a)
{
    size_t part[3] = {0}, n = 0;
    do {
        if (n == 3 || !(part[n++] = number_at(text, MOST_WORKERS)))
            return -1;
    } while (**text == 'x' && (*text)++);
    *a = (struct allocation){.nodes = n > 1 ? part[0] : 0, .workers = n > 1 ? part[0] * part[1] : part[0], .cores = part[2]};
    return a->workers <= MOST_WORKERS && a->cores <= 4096 ? 0 : -1;
}

static int parse_workers(struct plan_arguments *a, const char *text)
{
    a->n_allocations = 0;
    for (;;) {
        if (a->n_allocations == PLAN_COUNTS_MOST || parse_allocation(&text, &a->allocations[a->n_allocations++])
            || (*text && *text != ','))
            return -1;
        if (!*text)
            return 0;
        text++;
    }
}

static void add_file(struct argp_state *state, const char *option, const char **list, size_t *n, const char *file)
{
    if (*n == PLAN_FILES_MOST)
        argp_error(state, "%s: expected at most %d files", option, PLAN_FILES_MOST);
    list[(*n)++] = file;
}

static void parse_files(struct plan_arguments *a, struct argp_state *state)
{
    a->files = state->argv + state->next;
    a->n_files = (size_t)(state->argc - state->next);
    for (size_t i = 1; i < a->n_files; i++)
        if (!strchr(a->files[i], '='))
            argp_error(state, "%s: expected KEY=VALUE after the sweep file", a->files[i]);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct plan_arguments *a = state->input;
    const char *rest = value;
    switch (key) {
    case KEY_JSON: a->json = true; return 0;
    case KEY_CSV: a->csv = true; return 0;
    case KEY_JOBS: a->jobs = true; return 0;
    case KEY_KEYS: a->keys = true; return 0;
    case KEY_CALIBRATE: a->calibrate = true; return 0;
    case KEY_COMPARE: a->compare = true; return 0;
    case KEY_TARGET: a->target = value; return 0;
    case KEY_CHECK: add_file(state, "--check", a->check, &a->n_check, value); return 0;
    case KEY_FROM: add_file(state, "--from", a->from, &a->n_from, value); return 0;
    case KEY_REPEAT:
        a->copies = number_at(&rest, MOST_COPIES);
        if (!a->copies || *rest)
            argp_error(state, "--repeat: expected a whole number from 1 to %d, got '%s'", MOST_COPIES, value);
        return 0;
    case KEY_WORKERS:
        if (parse_workers(a, value))
            argp_error(state, "--workers: expected at most %d allocations of 1 to %d tasks, such as 16,32 or 2x32 (nodes x tasks) "
                       "or 2x16x2 (and cores, at most 4096), got '%s'", PLAN_COUNTS_MOST, MOST_WORKERS, value);
        return 0;
    case ARGP_KEY_ARGS: parse_files(a, state); return 0;
    case ARGP_KEY_NO_ARGS:
        if (!a->keys)
            argp_error(state, "expected a sweep file");
        return 0;
    case ARGP_KEY_END:
        if (a->n_from && a->calibrate)
            argp_error(state, "expected --from or --calibrate, got both: what jobs took says more");
        if (a->target && !a->n_from)
            argp_error(state, "--target-halfwidth: expected --from FILE.h5 with the first seeds, got none: they say how far results spread");
        if (a->target && (a->compare || a->n_check || a->csv))
            argp_error(state, "expected --target-halfwidth or one of --compare, --check and --csv, got both");
        if (a->compare + (a->n_check > 0) + a->csv > 1)
            argp_error(state, "expected one of --compare, --check and --csv");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int report(struct plan *plan, struct plan_arguments *a, struct text *out, struct error *err)
{
    if (a->csv) {
        plan_jobs_csv(plan, out);
        return 0;
    }
    if (a->copies > 1 && forecast_repeat(&plan->forecast, a->copies, err))
        return -1;
    if (a->target)
        return plan_seeds(plan, a, out, err);
    if (a->n_check)
        return plan_check(plan, a, out, err);
    return a->compare ? plan_compare(plan, a, out, err) : plan_print(plan, a, out, err);
}

int command_plan(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "SWEEP.yaml [KEY=VALUE...]", description, NULL, NULL, NULL};
    struct plan_arguments a = {.copies = 1};
    struct plan plan = {0};
    struct error err = {0};
    struct text out = {0};
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.keys) {
        sweep_describe_keys(&out);
        fputs(out.chars, stdout);
        text_free(&out);
        return 0;
    }
    const struct plan_source source = {
        .sweep = a.files[0], .overrides = (const char *const *)a.files + 1, .n_overrides = a.n_files - 1,
        .from = a.from, .n_from = a.n_from, .calibrate = a.calibrate,
    };
    int status = plan_make(&plan, &source, dataset_root(), &err) || report(&plan, &a, &out, &err) ? -1 : 0;
    if (status)
        fprintf(stderr, "relin plan: %s\n", err.text);
    else
        fputs(out.chars, stdout);
    text_free(&out);
    plan_free(&plan);
    return status ? error_exit_code(err.code) : 0;
}
