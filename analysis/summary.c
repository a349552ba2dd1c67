/* relin summary: what a result file says, across seeds. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "across.h"
#include "asked.h"
#include "base/error.h"
#include "print.h"
#include "print_parts.h"

enum { SHOW_TABLE = 1, SHOW_CURVE = 2, SHOW_SENTENCE = 4, SHOW_CSV = 8, SHOW_JSON = 16, SHOW_MARKDOWN = 32 };
enum { KEY_CSV = 256, KEY_JSON, KEY_TABLE, KEY_CURVE, KEY_SENTENCE, KEY_MARKDOWN };

struct options {
    struct asked asked;
    int show;
};

const char *argp_program_version = "relin " RELIN_VERSION;

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "What to print (default: table, curve, sentence and notes):", 1},
    {"table", KEY_TABLE, NULL, 0, "Table and notes", 1},
    {"curve", KEY_CURVE, NULL, 0, "The metric against K, drawn", 1},
    {"sentence", KEY_SENTENCE, NULL, 0, "How many feature updates suffice, one sentence per architecture", 1},
    {"csv", KEY_CSV, NULL, 0, "One row a cell; accuracies 0 to 1, inf as inf, missing as empty", 1},
    {"format", 'f', "table|csv|json|markdown", 0, "The same by name", 1},
    {"markdown", KEY_MARKDOWN, NULL, 0, "Tables, sentences and notes to paste", 1},
    {"json", KEY_JSON, NULL, 0, "One document: question, cells, comparisons, answers, notes, provenance; inf as \"inf\", missing as null", 1},
    {NULL, 0, NULL, 0, NULL, 0},
};

static int parse_format(const char *name, struct argp_state *state)
{
    static const struct { const char *name; int show; } formats[] = {
        {"table", SHOW_TABLE}, {"csv", SHOW_CSV}, {"json", SHOW_JSON}, {"markdown", SHOW_MARKDOWN}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0)
            return formats[i].show;
    argp_error(state, "--format: expected table, csv, json or markdown, got '%s'", name);
    return 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->asked; break;
    case KEY_TABLE: o->show |= SHOW_TABLE; break;
    case KEY_CURVE: o->show |= SHOW_CURVE; break;
    case KEY_SENTENCE: o->show |= SHOW_SENTENCE; break;
    case KEY_CSV: o->show |= SHOW_CSV; break;
    case KEY_JSON: o->show |= SHOW_JSON; break;
    case KEY_MARKDOWN: o->show |= SHOW_MARKDOWN; break;
    case 'f': o->show |= parse_format(value, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {{&asked_argp, 0, NULL, 0}, {0}};
static const struct argp parser = {
    .options = option_table, .parser = parse_option, .args_doc = "FILE.h5...", .children = children,
    .doc = "What result files say, across seeds: a table with 95 % t intervals, the curve of the metric against "
           "the refresh period K, and one sentence: how many feature updates suffice.\v"
           "A file can be read while its sweep runs. Every K is compared with the baseline on the same seeds.\n\n"
           "\"N feature updates [lo, N] suffice\": from the baseline upwards a K is enough while the lower end of "
           "its paired difference's 95 % interval lies above -margin; N are the feature updates of the last such "
           "K. From the largest K downwards a K is too few while the upper end lies below -margin; lo is one more "
           "than the updates of the last such K. [lo, N] covers the fewest that suffice with at least 95 % "
           "confidence, if more updates never hurt between the Ks of the grid. A K with a diverged job is never "
           "shown to be enough.\n\n"
           "Schedules that are no constant period stand below the Ks, by falling number of updates, and are compared "
           "with the same baseline. They have no order that could be tested in sequence, even less those of equal "
           "number: the sentence tells what each loses against the baseline, and \"enough\" judges each by its own "
           "interval. Where the gap decides, the updates are those that happened: mean (least-most). A long list of "
           "steps is shown by its ends; --csv has it whole.\n\n"
           "Gauss-Newton jobs of other training.steps than the linearised ones stand beside these: each is compared "
           "with the linearised jobs of the same K, seed and time (K times the steps), in place of a baseline. "
           "--where trainer=linearised has the usual tables.\n\n"
           "eta K and damping = N(1 - momentum)/(eta K) are what a refresh period is on an axis that the learning rate does not "
           "move: to compare learning rates there, read these columns; to compare each K at its own best learning rate, "
           "--tune. What every number is, and what its interval covers, is in STATISTICS.md of analysis/.\n\n"
           "--metric also takes what is measured of kernels, by name: kernel_path_length_linearised, or "
           "kernel_regression_accuracy, of which there is one a snapshot: the last one is taken. In --csv and --json "
           "eta_K is learning_rate times K.\n\n"
           "  relin summary results.h5 --where architecture=mlp-2x512\n"
           "  relin summary results.h5 --metric test_loss --margin 0.005\n"
           "  relin summary results.h5 --at train_loss=0.05\n"
           "  relin summary results.h5 --at best=validation_loss --tune training.lr\n"
           "  relin summary results.h5 --across architecture,data.set --format markdown\n"
           "  relin summary results.h5 --by engine,refresh_period --where host=node7\n"
           "  relin summary results.h5 --csv > table.csv\n\n"
           "Exit codes: 0 printed, 2 bad command line, 70 a file cannot be read."};

static void show(const struct options *o, const struct cells *c)
{
    struct screen screen = print_screen();
    struct text out = {0};
    int what = o->show ? o->show : SHOW_TABLE | SHOW_CURVE | SHOW_SENTENCE;
    if (what & SHOW_CSV && c->across)
        print_across_csv(c, c->across, &out);
    else if (what & SHOW_CSV)
        print_csv(c, &out);
    if (what & SHOW_JSON)
        print_json(c, &out);
    if (what & SHOW_MARKDOWN)
        print_markdown(c, &out);
    if (what & SHOW_TABLE)
        print_table(c, &screen, &out);
    if (what & SHOW_TABLE && c->across)
        print_across(c, c->across, false, &out);
    if (what & SHOW_CURVE)
        print_curve(c, &screen, &out);
    if (what & SHOW_SENTENCE)
        print_sentences(c, &out);
    if (what & SHOW_TABLE) {
        struct text notes = {0};
        print_notes(c, screen.utf8 ? "· " : "- ", &notes);
        text_add(&out, "\n");
        print_wrapped(notes.chars, screen.width, 2, &out);
        text_free(&notes);
    }
    if (out.length)
        fwrite(out.chars, 1, out.length, stdout);
    text_free(&out);
}

static int summarise(const struct options *o, struct error *err)
{
    struct observations observations = {0};
    struct cells cells = {0};
    struct across across = {0};
    int result = asked_read(&o->asked, &observations, err);
    if (result == 0)
        result = asked_compare(&o->asked, &observations, &cells, &across, err);
    if (result == 0)
        show(o, &cells);
    across_free(&across);
    cells_free(&cells);
    observe_free(&observations);
    return result;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct error err = {0};
    static char name[] = "relin summary";
    asked_start(&o.asked, argc);
    argv[0] = name;
    argp_err_exit_status = error_exit_code(ERROR_USAGE);
    argp_parse(&parser, argc, argv, 0, NULL, &o);
    int code = asked_end(name, summarise(&o, &err), &err);
    asked_free(&o.asked);
    return code;
}
