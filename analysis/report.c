/* relin report: from result files to one page that opens from disk. */
#define _GNU_SOURCE   /* nftw */
#include <argp.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "moment.h"
#include "must.h"
#include "report.h"

enum { KEY_WHERE = 256, KEY_TABLES };

struct options {
    struct question question;
    const char *by, *out, *tables;
    const char **where, **files;
    size_t n_where, n_files;
};

const char *argp_program_version = "relin " RELIN_VERSION;

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE.html", 0, "The page to write (default: the name of the first file, with .html)", 0},
    {"tables", KEY_TABLES, "FOLDER", 0, "In place of the page: only the data files of the pictures, with the scripts that "
     "draw them", 0},
    {"metric", 'm', "NAME", 0, "What to report: any variable with one number a job or a snapshot (default test_accuracy)", 0},
    {"readout", 'r', "linear|network", 0,
     "f_lin, the model being trained (default), or f_theta, the network at the same parameters", 0},
    {"by", 'b', "AXES", 0, "Axes of a cell, comma-separated (default: all but seed); the others are averaged over", 0},
    {"where", KEY_WHERE, "AXIS=VALUE[,VALUE]", 0, "Only these jobs; may be repeated", 0},
    {"at", 'a', "MOMENT", 0, "The metric from its curve in place of its final value: step=N, train_loss=X, feature_updates=N, "
     "best=validation_loss, as in relin summary", 0},
    {"margin", 'd', "X", 0, "How much worse than the baseline counts as equal, in the metric's unit "
     "(default 0.01 for accuracies: one point)", 0},
    {"baseline", 'k', "K", 0, "The refresh period to compare with (default 1: standard training)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static double parse_number(const char *text, const char *what, double least, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (!*text || *end || !(value >= least))
        argp_error(state, "%s: expected a number >= %g, got '%s'", what, least, text);
    return value;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *o = state->input;
    struct error err = {0};
    switch (key) {
    case 'o': o->out = value; break;
    case KEY_TABLES: o->tables = value; break;
    case 'm': o->question.metric = value; break;
    case 'r':
        if (strcmp(value, "linear") != 0 && strcmp(value, "network") != 0)
            argp_error(state, "--readout: expected linear or network, got '%s'", value);
        o->question.readout = value[0] == 'l' ? READOUT_LINEAR : READOUT_NETWORK;
        break;
    case 'b': o->by = value; break;
    case KEY_WHERE: o->where[o->n_where++] = value; break;
    case 'a':
        if (moment_parse(&o->question.moment, value, &err) != 0)
            argp_error(state, "%s", err.text);
        break;
    case 'd': o->question.margin = parse_number(value, "--margin", 0, state); break;
    case 'k': o->question.baseline = parse_number(value, "--baseline", 1, state); break;
    case ARGP_KEY_ARG: o->files[o->n_files++] = value; break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a result file: relin report FILE.h5"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = option_table, .parser = parse_option, .args_doc = "FILE.h5...",
    .doc = "One HTML page of what result files say: the question and the answer, pictures with the table behind each, failures, "
           "cost and provenance. It opens from disk, and nothing is fetched.\v"
           "A file can be reported while its sweep runs. The numbers are those of `relin summary` with the same options.\n\n"
           "gnuplot draws (Debian: gnuplot-nox). Without it the page holds the tables only, and says so.\n\n"
           "Every picture has a script of its own, which can be changed and used by hand:\n\n"
           "  relin report results.h5 -o report.html\n"
           "  relin report results.h5 --metric test_loss --margin 0.005\n"
           "  relin report results.h5 --tables figures\n"
           "  cd figures; gnuplot -e \"terminal='pdf'\" performance-period.gp\n\n"
           "Exit codes: 0 written, 2 bad command line, 70 a file cannot be read or written."};

/* --- the page -------------------------------------------------------------- */

static int fill(struct report *r, struct error *err)
{
    static int (*const parts[])(struct report *, struct error *) = {
        report_answer, report_performance, report_phase, report_curves, report_kernels, report_refreshes, report_solvers,
        report_machine, report_failures, report_provenance};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i](r, err) != 0)
            return -1;
    return 0;
}

/* Whole or not at all, under its name. */
static int write_page(struct report *r, const char *path, struct error *err)
{
    struct text page = {0}, temporary = {0};
    report_page(r, &page);
    text_add(&temporary, "%s.%ld.new", path, (long)getpid());
    int result = report_write_file(NULL, temporary.chars, &page, err);
    if (result == 0 && rename(temporary.chars, path) != 0)
        result = error_set_errno(err, ERROR_FILE, "%s: cannot be written", path);
    if (result)
        unlink(temporary.chars);
    text_free(&page);
    text_free(&temporary);
    return result;
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

/* The folder of the data files: the user's, or one that goes with us. */
static int make_folder(const struct options *o, struct text *folder, struct error *err)
{
    const char *temporary = getenv("TMPDIR");
    if (o->tables) {
        text_add(folder, "%s", o->tables);
        if (mkdir(o->tables, 0777) != 0 && access(o->tables, W_OK | X_OK) != 0)
            return error_set_errno(err, ERROR_FILE, "--tables %s: expected a folder to write to", o->tables);
        return 0;
    }
    text_add(folder, "%s/relin-report-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    return mkdtemp(folder->chars) ? 0 : error_set_errno(err, ERROR_FILE, "%s: no temporary folder (TMPDIR names another)",
                                                        folder->chars);
}

static char *find_title(const struct lookup *lookup, const struct options *o)
{
    char *name = lookup->n_files == 1 ? store_read_config(lookup->readers[0], "name", NULL) : NULL;
    struct text title = {0};
    for (size_t i = 0; i < o->n_files && !name; i++)
        text_add(&title, "%s%s", i ? ", " : "", o->files[i]);
    return name ? name : title.chars;
}

static int make(const struct options *o, const struct cells *cells, const struct lookup *lookup, const char *path,
                struct error *err)
{
    struct text folder = {0};
    char *title = find_title(lookup, o);
    struct report r = {.title = title, .cells = cells, .lookup = lookup, .files = o->files, .n_files = o->n_files, .where = o->where,
                       .n_where = o->n_where, .by = o->by, .draws = !o->tables && report_can_draw()};
    int result = make_folder(o, &folder, err);
    r.folder = folder.chars;
    if (result == 0)
        result = report_write_scripts(&r, err);
    if (result == 0)
        result = fill(&r, err);
    if (result == 0 && !o->tables)
        result = write_page(&r, path, err);
    if (result == 0 && !o->tables && !r.draws)
        fprintf(stderr, "relin report: gnuplot was not found (Debian: gnuplot-nox): %s holds tables only\n", path);
    if (result == 0)
        printf("%s\n", o->tables ? o->tables : path);
    report_free_drawings(&r);
    if (!o->tables && folder.chars)
        nftw(folder.chars, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(title);
    text_free(&folder);
    text_free(&r.page);
    text_free(&r.contents);
    return result;
}

/* results.h5 -> results.html */
static void choose_path(const struct options *o, struct text *path)
{
    const char *first = o->files[0];
    size_t length = strlen(first);
    if (length > 3 && strcmp(first + length - 3, ".h5") == 0)
        length -= 3;
    text_add(path, "%.*s.html", (int)length, first);
}

static int report(const struct options *o, struct error *err)
{
    struct observations observations = {0};
    struct cells cells = {0};
    struct lookup lookup = {0};
    struct reading reading = {.metric = o->question.metric, .moment = o->question.moment};
    struct text path = {0};
    int result = observe_read(&observations, o->files, o->n_files, &reading, err);
    for (size_t i = 0; i < o->n_where && result == 0; i++)
        result = observe_filter(&observations, o->where[i], err);
    if (result == 0 && observations.n == 0)
        result = error_set(err, ERROR_USAGE, "expected jobs to report, got none: no job fits all of --where");
    if (result == 0 && o->question.readout == READOUT_NETWORK && !observations.two_readouts)
        result = error_set(err, ERROR_USAGE, "--readout network: %s has one read-out only", o->question.metric);
    if (result == 0)
        result = cells_find(&cells, &observations, &o->question, o->by, err);
    if (result == 0)
        result = lookup_open(&lookup, &observations, o->files, o->n_files, err);
    choose_path(o, &path);
    if (result == 0)
        result = make(o, &cells, &lookup, o->out ? o->out : path.chars, err);
    text_free(&path);
    lookup_free(&lookup);
    cells_free(&cells);
    observe_free(&observations);
    return result;
}

int main(int argc, char **argv)
{
    struct options o = {.question = {.metric = "test_accuracy", .baseline = 1, .margin = NAN}};
    struct error err = {0};
    static char name[] = "relin report";
    o.where = must(calloc((size_t)argc + 1, sizeof *o.where));
    o.files = must(calloc((size_t)argc + 1, sizeof *o.files));
    argv[0] = name;
    argp_err_exit_status = error_exit_code(ERROR_USAGE);
    argp_parse(&parser, argc, argv, 0, NULL, &o);
    int result = report(&o, &err);
    if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        result = error_set_errno(&err, ERROR_FILE, "standard output");
    if (result != 0)
        fprintf(stderr, "relin report: %s\n", err.text);
    free(o.where);
    free(o.files);
    return result == 0 ? 0 : error_exit_code(err.code);
}
