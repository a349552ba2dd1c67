/* relin merge: one file of those of parts of a sweep. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "farm/sets.h"
#include "plan/until.h"
#include "store/store.h"
#include "sweep/sweep.h"

struct arguments {
    const char *output, *sweep;
    char resolved[STORE_PATH_SIZE];  /* what the output means, where it is a link */
    const char **files;              /* as given, without the output */
    size_t n;
};

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "file for all of them; what it has already is kept", 0},
    {"sweep", 's', "SWEEP.yaml", 0, "the sweep that has all the jobs (default: that of the first file)", 0},
    {0},
};

static const char doc[] =
    "Join the result files of parts of one sweep, by job_id."
    "\v"
    "The parts come from `relin run --part K/N`, from `relin submit --array`, or from runs with other seeds. The new file "
    "is that of one run of the whole sweep: rows in its order, kernels and all. Jobs that no file has are pending in it, "
    "and `relin run SWEEP.yaml -o FILE` runs them. Where two files have a job they must agree, bit for bit. The parts are "
    "only read; unfinished jobs go on from their checkpoints only where they were begun. Files whose seeds were added by a rule "
    "(relin run --until) join where the rule is one, which the new file keeps; what it skipped stays skipped.\n\n"
    "Examples:\n"
    "  relin merge -o width.h5 width.[0-9]*.h5\n"
    "  relin merge -o all.h5 --sweep all.yaml seeds-0-4.h5 seeds-5-9.h5\n\n"
    "Environment: RELIN_DATA, the folder of the data sets (the file keeps the probe's inputs).\n"
    "Exit codes: 0 complete, 2 bad usage or files that do not fit together, 3 some jobs failed for good, 70 a file that "
    "cannot be read or written, 75 jobs are missing, or the output is in use.";

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        if (!*arg)
            argp_error(state, "--output: expected the name of a file, got an empty one");
        a->output = arg;
        return 0;
    case 's': a->sweep = arg; return 0;
    case ARGP_KEY_ARGS:
        a->files = (const char **)&state->argv[state->next];
        a->n = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected result files: relin merge -o FILE.h5 PART.h5..."); return 0;
    case ARGP_KEY_END:
        if (!a->output)
            argp_error(state, "expected -o FILE.h5, the file to write");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* A pattern of the parts may match the output of an earlier merge: it is read anyway. */
static void drop_output(struct arguments *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        if (!is_same_file(a->files[i], a->output))
            a->files[n++] = a->files[i];
    a->n = n;
}

/* How the seeds of the files were chosen. */
struct rule {
    char *words;                     /* NULL: none was added by a rule */
    const char *of;                  /* the first file with one */
    size_t without;                  /* files that have none */
};

/* One rule, or none: how many seeds a cell has means something only by the rule that asked for them. Files without one are
 * seeds more. */
static int find_rule(const struct arguments *a, struct rule *rule, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i <= a->n && !status; i++) {
        const char *file = i < a->n ? a->files[i] : a->output;
        if (i == a->n && access(file, F_OK) != 0)
            continue;
        struct store_reader *reader = store_read_open(file, err);
        if (!reader)
            return -1;
        char *words = store_read_until(reader);
        store_read_close(reader);
        rule->without += !words;
        if (words && rule->words && strcmp(words, rule->words) != 0)
            status = error_set(err, ERROR_USAGE, "%s and %s had seeds added by different rules (relin run --until), %s and %s: expected "
                               "one, by which the joined cells could go on; `relin summary` takes the files one by one", rule->of, file,
                               rule->words, words);
        if (words && !rule->words) {
            rule->words = words;
            rule->of = file;
        } else {
            free(words);
        }
    }
    return status;
}

/* The sweep of a file that says what it is. */
static int reload_sweep(const char *file, struct sweep *sweep, struct error *err)
{
    struct store_reader *reader = store_read_open(file, err);
    char *text = reader ? store_read_config(reader, "text", err) : NULL;
    char *name = text ? store_read_config(reader, "name", err) : NULL;
    int status = name ? sweep_reload(sweep, name, text, err) : -1;
    if (name && status)
        error_prefix(err, "%s: the sweep in it, which this relin reads otherwise (give it with --sweep)", file);
    free(text);
    free(name);
    store_read_close(reader);
    return status;
}

/* With as many seeds as the rule may ask for: a file that has the rule has them. */
static int load_sweep(const struct arguments *a, const struct rule *rule, struct sweep *sweep, struct error *err)
{
    struct until_rule parsed;
    if (!a->sweep && reload_sweep(rule->of ? rule->of : a->n ? a->files[0] : a->output, sweep, err))
        return -1;
    if (a->sweep && sweep_load(sweep, a->sweep, NULL, 0, err))
        return -1;
    if (a->sweep && rule->words && (until_parse(&parsed, rule->words, err) || until_load(sweep, &parsed, a->sweep, NULL, 0, err)))
        return error_prefix(err, "%s: its rule (relin run --until)", rule->of);
    sweep->until = rule->words ? strdup(rule->words) : NULL;
    return 0;
}

static void print_missing(const struct sweep *sweep, const struct store_merged *m)
{
    for (size_t i = 0; i < m->missing && i < STORE_MERGED_FIRST; i++) {
        char label[128];
        job_label(&sweep->jobs[m->first[i]], label, sizeof label);
        printf("missing: job %zu (%s)\n", m->first[i], label);
    }
    if (m->missing > STORE_MERGED_FIRST)
        printf("missing: and %zu more\n", m->missing - STORE_MERGED_FIRST);
}

static int merge(const struct arguments *a, const char *command_line, struct rule *rule, struct store_merged *merged, struct error *err)
{
    struct store_provenance provenance = {.command_line = command_line, .ranks = 1};
    struct sweep sweep = {0};
    struct sets sets = {0};
    int status = find_rule(a, rule, err) || load_sweep(a, rule, &sweep, err) || sets_find(&sets, &sweep, err)
                 || sets_prepare(&sets, &sweep, dataset_root(), NULL, err) ? -1 : 0;
    for (size_t i = 0; i < sweep.n_jobs && !status; i++)
        job_plan_engine(&sweep.jobs[i], sets.job_set[i]);
    for (size_t i = 0; i <= a->n && !status; i++) {
        const char *file = i < a->n ? a->files[i] : a->output;
        status = store_adopt_engines(file, &sweep, err) || store_adopt_measured(file, &sweep, err) ? -1 : 0;
    }
    if (!status)
        status = store_merge(a->output, a->files, a->n, &sweep, sets.job_set, &provenance, merged, err);
    if (!status)
        print_missing(&sweep, merged);
    sets_free(&sets);
    sweep_free(&sweep);
    return status;
}

static int print_merged(const struct arguments *a, const struct rule *rule, const struct store_merged *m)
{
    printf("%s: %zu of %zu jobs done, %zu failed, %zu missing, ", a->output, m->done, m->done + m->failed + m->missing + m->skipped,
           m->failed, m->missing);
    if (m->skipped)
        printf("%zu skipped, ", m->skipped);
    printf("from %zu files\n", a->n);
    if (rule->words && rule->without)
        printf("%zu of the files had no seeds added by a rule; the others' holds for all (%s): intervals only, no p-values\n",
               rule->without, rule->words);
    if (m->missing)
        printf("Next: `relin run` of the whole sweep with -o %s runs what is missing\n", a->output);
    else
        printf("Next: relin summary %s\n", a->output);
    if (m->failed)
        printf("Why jobs failed: relin status %s\n", a->output);
    return m->missing ? 75 : m->failed ? 3 : 0;
}

int command_merge(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse_option, "PART.h5...", doc, NULL, NULL, NULL};
    struct arguments a = {0};
    struct store_merged merged = {0};
    struct rule rule = {0};
    struct error err = {0};
    struct text command_line = {0};
    for (int i = 0; i < argc; i++)
        text_add(&command_line, "%s%s", i ? " " : "", argv[i]);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int code = 0, status = store_resolve(a.output, a.resolved, &err);
    if (!status) {
        a.output = a.resolved;
        drop_output(&a);
        status = store_lock(a.output, &err);
    }
    if (!status) {
        status = merge(&a, command_line.chars, &rule, &merged, &err);
        store_unlock(a.output);
    }
    if (status) {
        fprintf(stderr, "relin merge: %s\n", err.text);
        code = error_exit_code(err.code);
    } else {
        code = print_merged(&a, &rule, &merged);
    }
    free(rule.words);
    text_free(&command_line);
    return code;
}
