/* relin run: run a sweep, or go on with one. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "data/dataset.h"
#include "farm/deadline.h"
#include "farm/farm.h"
#include "farm/progress.h"
#include "plan/until.h"
#include "sweep/failure.h"

static const char doc[] =
    "Runs every job of a sweep file and collects the results in one HDF5 file.\v"
    "The same command again goes on where a run stopped; a grown grid keeps what is done. "
    "KEY=VALUE overrides a key of the sweep file by its dotted path.\n\n"
    "  relin run sweeps/quick.yaml\n"
    "  mpirun -n 8 relin run sweeps/quick.yaml -o quick.h5\n"
    "  relin run sweeps/quick.yaml training.steps=200 grid.seed=0..4\n"
    "  mpirun -n 8 relin run --until halfwidth=0.5%,max_seeds=40 sweeps/fashion-mnist.yaml\n\n"
    "One process needs no mpirun. Under mpirun rank 0 hands out jobs and trains as well, so ranks = cores. "
    "USR1, a first INT, or the end of the walltime stop the run within ten seconds: running jobs are written to "
    "checkpoints beside the result file, the same command goes on from there. That of a job in a long evaluation, "
    "kernel or eigenproblem is the state before it. A second INT ends at once. "
    "A job that is killed loses the work of limits.checkpoint at most, or of 128 times what writing its state takes, if that is "
    "more: checkpoints cost at most a hundredth of the time. "
    "mpirun ends its ranks two seconds after an INT or TERM: most checkpoints are written by then, but send it USR1.\n\n"
    "The drain begins 10 s, and twice as long as the slowest checkpoint took, before the walltime ends. In a job of Slurm "
    "without --walltime its end is SLURM_JOB_END_TIME, or what `squeue -h -j $SLURM_JOB_ID -o %e` says, asked once.\n\n"
    "One run at a time writes a file, from whichever node and by whichever link; a run without a sign of life for a minute, "
    "or the same Slurm job before it was requeued, is taken over. Rows that are damaged run again; a file that is torn, "
    "newer, or none of relin's is refused and left as it is. What is written is on disk after 30 s at most.\n\n"
    "With --until a cell (all jobs that differ by their seed only) is decided when all jobs of it that have their turn, and the "
    "baseline's of the same seeds, are committed: its interval is narrow enough, or it gets as many more seeds as its deviation asks "
    "for, at most as many again. So what runs does not depend on the order. W is in the metric's unit, or 0.5% of accuracies; "
    "min_seeds=N (at least 10), metric=NAME (default test_accuracy) and baseline=K (default 1) may follow with commas. "
    "Seeds that the sweep does not name follow on its largest. The file keeps the rule, and the same command, or one without "
    "--until, goes on by it. What was not needed ends as skipped. `relin summary` then gives intervals only, no p-values: looking "
    "again and again is no test.\n\n"
    "A job that fails runs again, as often as limits.attempts and its further keys (limits.attempts_crashed, ...) say for each way "
    "of failing, and is then set aside: relin status says why and what to do, --retry runs it again. With mpirun "
    "--enable-recovery the death of a rank costs its jobs the steps since their checkpoints, and the sweep goes on; a "
    "rank that hangs is noticed after limits.patience. mpirun's exit code is no verdict then: ask relin status "
    "--exit-code.\n\n"
    "Environment: RELIN_DATA, the folder of the data sets; RELIN_PROGRESS, as --progress.\n"
    "Exit codes: 0 complete, 2 bad usage, sweep file or data, 3 some jobs failed for good, "
    "70 a result file that cannot be read or written, or an internal error, 75 incomplete but can be resumed, as after a "
    "full disk, or in use by another run.";

enum { KEY_NO_TRAIN = 256, KEY_PROGRESS, KEY_ORDER, KEY_RETRY, KEY_WALLTIME, KEY_PART, KEY_UNTIL };

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "result file (default: the sweep's name with .h5, here)", 0},
    {"progress", KEY_PROGRESS, "KIND", 0, "bar, lines, none, or auto: a bar on a terminal, else lines", 0},
    {"order", KEY_ORDER, "ORDER", 0, "hand out jobs longest first (default), in file order, or random: "
                                     "longest, file, random; results do not depend on it", 0},
    {"retry", KEY_RETRY, "CLASS[,CLASS]", 0, "run jobs that failed for good again: failed (all of them), crashed, "
                                             "out-of-memory, wall, stopped, lost, bad-data; relin status says which is which", 0},
    {"walltime", KEY_WALLTIME, "DURATION", 0, "end within this time from the start, as 30m, 4h or 04:00:00, with running "
                                              "jobs in checkpoints (default: until Slurm's time limit, where there is one)", 0},
    {"part", KEY_PART, "K/N", 0, "only part K of N of the jobs, alike in cost, into a file of their own; `relin merge` joins them", 0},
    {"until", KEY_UNTIL, "halfwidth=W,max_seeds=N", 0, "more seeds where they matter: of every cell 10, then as many as the 95 % interval "
     "of its difference to the baseline needs to be no wider than +-W, at most N (default: the rule of the file, or all jobs)", 0},
    {"no-train-on-master", KEY_NO_TRAIN, NULL, 0, "rank 0 only hands out (at least 2 ranks)", 0},
    {0},
};

static bool parse_part(const char *text, size_t *part, size_t *parts)
{
    char *end;
    if (strspn(text, "0123456789/") != strlen(text))
        return false;
    *part = strtoul(text, &end, 10);
    if (*part == 0 || *end != '/' || !end[1])
        return false;
    *parts = strtoul(end + 1, &end, 10);
    return !*end && *part <= *parts;
}

static void parse_until(struct farm_options *options, const char *text, struct argp_state *state)
{
    struct until_rule rule;
    struct error err;
    if (until_parse(&rule, text, &err))
        argp_error(state, "--until: %s", err.text);
    options->until = text;
}

static void check_until(const struct farm_options *options, struct argp_state *state)
{
    if (options->until && options->parts)
        argp_error(state, "expected --until or --part, got both: the seeds of a cell are in several parts");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct farm_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        if (!deadline_is_first_process())   /* one tells what is wrong */
            state->err_stream = state->out_stream = fopen("/dev/null", "w");
        break;
    case 'o':
        if (!*arg)
            argp_error(state, "--output: expected the name of a file, got an empty one");
        options->output = arg;
        break;
    case KEY_WALLTIME:
        options->walltime = clock_parse_duration(arg);
        if (!(options->walltime > DEADLINE_MARGIN_SECONDS))
            argp_error(state, "--walltime: expected a time above %d s, which stopping may take, such as 30m, 4h or 04:00:00, "
                       "got %s", DEADLINE_MARGIN_SECONDS, arg);
        break;
    case KEY_NO_TRAIN: options->train_on_master = false; break;
    case KEY_PROGRESS:
        if (!progress_parse(arg, &options->progress))
            argp_error(state, "--progress: expected auto, bar, lines or none, got %s", arg);
        break;
    case KEY_PART:
        if (!parse_part(arg, &options->part, &options->parts))
            argp_error(state, "--part: expected K/N with K from 1 to N, such as 2/8, got %s", arg);
        break;
    case KEY_UNTIL: parse_until(options, arg, state); break;
    case KEY_ORDER:
        if (strcmp(arg, "longest") != 0 && strcmp(arg, "file") != 0 && strcmp(arg, "random") != 0)
            argp_error(state, "--order: expected longest, file or random, got %s", arg);
        options->order = arg;
        break;
    case KEY_RETRY:
        if (!failure_parse_classes(arg, &options->retry))
            argp_error(state, "--retry: expected failed, crashed, out-of-memory, wall, stopped, lost or bad-data, or some "
                       "of them with commas between, got %s", arg);
        break;
    case ARGP_KEY_ARGS:   /* the sweep file, then overrides */
        options->sweep_path = state->argv[state->next];
        options->overrides = (const char *const *)&state->argv[state->next + 1];
        options->n_overrides = (size_t)(state->argc - state->next - 1);
        for (size_t i = 0; i < options->n_overrides; i++)
            if (!strchr(options->overrides[i], '='))
                argp_error(state, "%s: expected KEY=VALUE after the sweep file", options->overrides[i]);
        break;
    case ARGP_KEY_END: check_until(options, state); break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a sweep file"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_result(const struct farm_summary *summary)
{
    char duration[64];
    clock_duration(summary->seconds, duration, sizeof duration);
    printf("%zu of %zu jobs done", summary->done, summary->jobs);
    if (summary->diverged)
        printf(" (%zu diverged)", summary->diverged);
    printf(", %zu failed", summary->failed);
    if (summary->skipped)
        printf(", %zu skipped", summary->skipped);
    if (summary->left)
        printf(", %zu left", summary->left);
    if (summary->reused)
        printf("; %zu were there already", summary->reused);
    printf(". %s. %s\n", duration, summary->output);
    if (summary->left)
        puts("Next: the same command goes on from here.");
    else
        printf("Next: relin summary %s\n", summary->output);
    if (summary->failed)
        printf("Why jobs failed, and what to do: relin status %s\n", summary->output);
    fflush(stdout);
}

int command_run(int argc, char **argv)
{
    struct farm_options options = {.train_on_master = true, .order = "longest", .data_root = dataset_root(),
                                   .tell = print_result, .walltime = INFINITY};
    struct farm_summary summary;
    struct text command_line = {0};
    bool is_root;
    const struct argp argp = {option_table, parse_option, "SWEEP.yaml [KEY=VALUE...]", doc, NULL, NULL, NULL};
    for (int i = 0; i < argc; i++)
        text_add(&command_line, "%s%s", i ? " " : "", argv[i]);
    options.command_line = command_line.chars;
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    int code = farm_run(&argc, &argv, &options, &summary, &is_root);
    text_free(&command_line);
    return code;
}
