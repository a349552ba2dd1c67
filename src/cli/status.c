/* relin status: how a sweep stands, while it runs or after. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "plan/usage.h"
#include "status.h"
#include "store/store.h"

enum { CELL_LINES = 60 };   /* of the cells of --until: --json has all */

struct options {
    const char *path;
    bool exit_code, json, failed_only, resources;
    double watch;                                 /* seconds between two looks; 0: only one */
};

/* What the file says, counted. */
struct view {
    struct store_reader *reader;
    size_t jobs, count[STATUS_COUNT], diverged;              /* count: by enum job_status */
    double *status, *refresh_period, *seed, *attempts, *wall_seconds;
    char **architecture, **outcome, **error;
    struct store_lock_info lock;
    bool locked;
    struct usage usage;                           /* read where a run is alive, or seeds are added by a rule */
    bool used;
};

static const struct argp_option option_table[] = {
    {"exit-code", 'e', 0, 0, "Exit with 0 (complete), 3 (complete, some jobs failed for good) or 75 (jobs are left)", 0},
    {"json", 'j', 0, 0, "Print one JSON object", 0},
    {"failed", 'f', 0, 0, "List only the failed jobs, with reasons", 0},
    {"resources", 'r', 0, 0, "What the runs used, where it was lost, and what to ask for next time", 0},
    {"watch", 'w', "SECONDS", OPTION_ARG_OPTIONAL, "Show it again each SECONDS (2) while a run is alive", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'e': options->exit_code = true; return 0;
    case 'j': options->json = true; return 0;
    case 'f': options->failed_only = true; return 0;
    case 'r': options->resources = true; return 0;
    case 'w':
        options->watch = value ? clock_parse_duration(value) : 2;
        if (!(options->watch >= 0.1))
            argp_error(state, "--watch: expected seconds, at least 0.1, got '%s'", value);
        return 0;
    case ARGP_KEY_END:
        if (options->watch > 0 && options->json)
            argp_error(state, "--watch shows text: for JSON ask again and again, without it");
        return 0;
    case ARGP_KEY_ARG:
        if (options->path)
            argp_error(state, "expected one FILE.h5, got also '%s'", value);
        options->path = value;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a result file: relin status FILE.h5"); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int read_view(struct view *view, const char *path, struct error *err)
{
    size_t width;
    view->reader = store_read_open(path, err);
    if (!view->reader)
        return -1;
    view->jobs = store_read_jobs(view->reader);
    if (store_read_numbers(view->reader, "status", &view->status, &width, err)
        || store_read_numbers(view->reader, "refresh_period", &view->refresh_period, &width, err)
        || store_read_numbers(view->reader, "seed", &view->seed, &width, err)
        || store_read_numbers(view->reader, "attempts", &view->attempts, &width, err)
        || store_read_numbers(view->reader, "wall_seconds", &view->wall_seconds, &width, err)
        || store_read_texts(view->reader, "architecture", &view->architecture, err)
        || store_read_texts(view->reader, "outcome", &view->outcome, err)
        || store_read_texts(view->reader, "error", &view->error, err))
        return -1;
    for (size_t i = 0; i < view->jobs; i++) {
        view->count[(size_t)view->status[i] % STATUS_COUNT]++;
        view->diverged += view->status[i] == STATUS_DONE && strcmp(view->outcome[i], "diverged") == 0;
    }
    view->locked = store_lock_read(path, &view->lock);
    return 0;
}

/* Time left, where a run is alive; what --until decides. */
static void read_usage(struct view *view)
{
    struct error unreadable;
    char *rule = store_read_until(view->reader);
    bool live = view->locked && view->lock.live;
    if (live || rule)
        view->used = usage_read(view->reader, live, clock_unix(), &view->usage, &unreadable) == 0;
    free(rule);
}

static void free_view(struct view *view)
{
    usage_free(&view->usage);
    mem_free(view->status);
    mem_free(view->refresh_period);
    mem_free(view->seed);
    mem_free(view->attempts);
    mem_free(view->wall_seconds);
    store_free_texts(view->architecture, view->jobs);
    store_free_texts(view->outcome, view->jobs);
    store_free_texts(view->error, view->jobs);
    store_read_close(view->reader);
}

static void print_failed(const struct view *view)
{
    for (size_t i = 0; i < view->jobs; i++) {
        struct text period = {0};
        if (view->status[i] != STATUS_FAILED)
            continue;
        text_add_number(&period, view->refresh_period[i]);
        printf("  job %zu (%s, K=%s, seed %.0f), %s, %.0f attempt%s: %s\n", i, view->architecture[i], period.chars,
               view->seed[i], failure_word(failure_of(view->outcome[i])), view->attempts[i],
               view->attempts[i] == 1 ? "" : "s", view->error[i][0] ? view->error[i] : "no reason recorded");
        text_free(&period);
    }
}

/* Once for each class of failure, not for each job. */
static void print_advice(const struct view *view)
{
    size_t count[FAILURE_COUNT + 1] = {0};
    for (size_t i = 0; i < view->jobs; i++)
        count[failure_of(view->outcome[i])] += view->status[i] == STATUS_FAILED;
    for (int class = 0; class <= FAILURE_COUNT; class++)
        if (count[class])
            printf("  %zu %s: %s\n", count[class], failure_word((enum failure_class)class),
                   failure_advice((enum failure_class)class));
}

/* Jobs that will run again although an attempt failed. */
static void print_troubled(const struct view *view)
{
    bool told = false;
    for (size_t i = 0; i < view->jobs; i++) {
        enum failure_class class = failure_of(view->outcome[i]);
        if (view->status[i] == STATUS_FAILED || view->status[i] == STATUS_DONE || class == FAILURE_UNKNOWN)
            continue;
        if (!told)
            printf("will run again, or does, after an attempt that failed:\n");
        told = true;
        printf("  job %zu (%s, seed %.0f), %s: %s\n", i, view->architecture[i], view->seed[i], failure_word(class),
               view->error[i]);
    }
}

/* How many of what, in one line. */
static void print_counts(const struct view *view, const char *path)
{
    bool ruled = view->used && view->usage.by_until;
    size_t reserved = ruled ? view->usage.reserved : 0, skipped = ruled ? view->usage.skipped : view->count[STATUS_SKIPPED];
    size_t all = view->jobs - reserved - skipped;
    size_t pending = all - view->count[STATUS_DONE] - view->count[STATUS_FAILED] - view->count[STATUS_RUNNING];
    bool live = view->locked && view->lock.live;
    char *name = store_read_config(view->reader, "name", NULL);
    printf("%s: %zu of %zu jobs done (%.0f %%)", name ? name : path, view->count[STATUS_DONE], all,
           100.0 * (double)view->count[STATUS_DONE] / fmax(1, (double)all));
    if (view->diverged)
        printf(", %zu of them diverged", view->diverged);
    printf("; %zu failed, %zu running, %zu pending", view->count[STATUS_FAILED], live ? view->count[STATUS_RUNNING] : 0,
           live ? pending : pending + view->count[STATUS_RUNNING]);
    if (reserved)
        printf("; %zu more in reserve, of which --until takes what it needs", reserved);
    if (skipped)
        printf("; %zu more skipped, not needed by --until", skipped);
    printf("\n");
    free(name);
}

static void print_run(const struct view *view)
{
    struct text left = {0};
    char span[64];
    if (!view->locked)
        return;
    if (view->lock.live && !view->lock.pid) {
        printf("a run is just starting\n");
    } else if (view->lock.live) {
        clock_duration(clock_unix() - view->lock.since, span, sizeof span);
        printf("a run is alive on %s (process %ld) since %s", view->lock.host, view->lock.pid, span);
        if (strcmp(view->lock.slurm_job, "-") != 0)
            printf(", Slurm job %s", view->lock.slurm_job);
        if (view->used)
            status_add_left(&left, &view->usage);
        printf("%s\n", left.chars ? left.chars : "");
    } else {
        printf("the last run, on %s, ended without a goodbye\n", view->lock.host);
    }
    text_free(&left);
}

static void print_cells(const struct view *view)
{
    struct text cells = {0};
    if (!view->used || !view->usage.by_until)
        return;
    status_until_add(&cells, &view->usage, CELL_LINES);
    printf("%s", cells.chars);
    text_free(&cells);
}

static void print_text(const struct view *view, const char *path)
{
    size_t left = view->count[STATUS_PENDING] + view->count[STATUS_RUNNING];
    bool live = view->locked && view->lock.live;
    print_counts(view, path);
    print_run(view);
    print_cells(view);
    if (view->count[STATUS_FAILED]) {
        printf("failed for good:\n");
        print_failed(view);
        printf("what to do:\n");
        print_advice(view);
    }
    print_troubled(view);
    if (live)
        printf("next: nothing to do but wait; `relin status %s` again, or `relin summary %s` for what is there\n", path, path);
    else if (left)
        printf("next: the same `relin run SWEEP.yaml -o %s` goes on with what is left\n", path);
    else
        printf("next: relin summary %s\n", path);
}

static void print_json(const struct view *view, const char *path, int code)
{
    struct text out = {0};
    text_add(&out, "{\"file\": ");
    text_add_json_string(&out, path);
    text_add(&out, ", \"jobs\": %zu, \"done\": %zu, \"diverged\": %zu, \"failed\": %zu, \"running\": %zu, "
             "\"pending\": %zu, \"skipped\": %zu, \"alive\": %s, \"exit_code\": %d, \"seconds_left\": ", view->jobs,
             view->count[STATUS_DONE], view->diverged, view->count[STATUS_FAILED], view->count[STATUS_RUNNING],
             view->count[STATUS_PENDING], view->count[STATUS_SKIPPED], view->locked && view->lock.live ? "true" : "false", code);
    struct usage_estimate left = view->used ? usage_left(&view->usage) : (struct usage_estimate){NAN, NAN, NAN};
    text_add_json_value(&out, isfinite(left.seconds) ? left.seconds : NAN);
    text_add(&out, ", \"seconds_left_spread\": ");
    text_add_json_value(&out, isfinite(left.spread) ? left.spread : NAN);
    text_add(&out, ", \"seconds_left_most\": ");
    text_add_json_value(&out, isfinite(left.most) ? left.most : NAN);
    text_add(&out, ", \"reserved\": %zu, \"until\": ", view->used ? view->usage.reserved : 0);
    if (view->used && view->usage.by_until)
        status_until_add_json(&out, &view->usage);
    else
        text_add(&out, "null");
    text_add(&out, ", \"failures\": [");
    const char *separator = "";
    for (size_t i = 0; i < view->jobs; i++) {
        if (view->status[i] != STATUS_FAILED)
            continue;
        text_add(&out, "%s{\"job\": %zu, \"architecture\": ", separator, i);
        text_add_json_string(&out, view->architecture[i]);
        text_add(&out, ", \"refresh_period\": ");
        text_add_json_number(&out, view->refresh_period[i]);
        enum failure_class class = failure_of(view->outcome[i]);
        text_add(&out, ", \"seed\": %.0f, \"attempts\": %.0f, \"class\": \"%s\", \"error\": ", view->seed[i],
                 view->attempts[i], failure_word(class));
        text_add_json_string(&out, view->error[i]);
        text_add(&out, ", \"advice\": ");
        text_add_json_string(&out, failure_advice(class));
        text_add(&out, "}");
        separator = ", ";
    }
    text_add(&out, "]}");
    puts(out.chars);
    text_free(&out);
}

int command_status(int argc, char **argv)
{
    static const struct argp argp = {
        option_table, parse_option, "FILE.h5",
        "How a sweep stands, while it runs or after: counts, failures with reasons and what to do about them, time left, what "
        "to do next."
        "\v"
        "Reads the file only, so it never disturbs a run. A job that says running while no run is alive was lost, and "
        "counts as pending. A failed job is crashed, out-of-memory, wall (limits.job_wall), stopped (from outside), lost (with "
        "its rank or node, again and again), bad-data, or just failed in files of old programs: the words of "
        "`relin run --retry`.\n\n"
        "--resources is about what was asked for and used, from the file's timeline: the time of all workers, divided into jobs "
        "that were done (useful, with what checkpoints kept of others), failed attempts, work that was run again because its "
        "attempt was lost or stopped after its last checkpoint, starting up, hand-out and commit between jobs, waiting at the "
        "end while others still ran, and closing. Efficiency is the useful time over workers times the time from being "
        "prepared to the last job's end. With --json all of it, in seconds and bytes.\n\n"
        "Where seeds are added by a rule (relin run --until), it says of each cell how many have ended of those that run, the half "
        "width of its interval so far, and whether that is narrow enough. The time left is then that of the jobs that have their "
        "turn, and, at most, of all that the rule may take (JSON: seconds_left_most; reserved, how many these are, of the pending "
        "ones; until.cells).\n\n"
        "--watch reads the file again and again, from any node that sees it: each cell's progress, the time left with two "
        "standard deviations, how busy the workers were in the last minute, and the answer so far, which is that of `relin summary "
        "--sentence` (asked when more jobs have ended, for at most a twentieth of the time). Of a large file it looks more rarely, for at most a tenth of the time. It ends with the last run.\n\n"
        "Examples:\n"
        "  relin status fashion-mnist.h5\n"
        "  relin status --watch=10 fashion-mnist.h5\n"
        "  relin status --resources fashion-mnist.h5\n"
        "  relin status --failed fashion-mnist.h5\n"
        "  relin status --exit-code fashion-mnist.h5 || sbatch sweep.sbatch\n\n"
        "Exit codes: 0 told; with --exit-code 0, 3 or 75, as above; 2 bad usage; 70 a file that cannot be read.",
        NULL, NULL, NULL,
    };
    struct options options = {0};
    struct view view = {0};
    struct error err = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &options))
        return 2;
    int code = options.watch > 0 ? status_watch(options.path, options.watch) : 0;
    if (code)
        return code;
    if (read_view(&view, options.path, &err)) {
        fprintf(stderr, "relin status: %s\n", err.text);
        code = error_exit_code(err.code);
    } else {
        size_t left = view.count[STATUS_PENDING] + view.count[STATUS_RUNNING];
        int verdict = left ? 75 : view.count[STATUS_FAILED] ? 3 : 0;
        if (!options.resources && !options.failed_only)
            read_usage(&view);
        if (options.resources)
            code = status_resources(view.reader, options.path, view.locked && view.lock.live, options.json);
        else if (options.json)
            print_json(&view, options.path, verdict);
        else if (options.failed_only)
            print_failed(&view);
        else
            print_text(&view, options.path);
        code = options.exit_code ? verdict : code;
    }
    free_view(&view);
    return code;
}
