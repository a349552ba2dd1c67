/* relin report: from result files to one page that opens from disk. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "across.h"
#include "asked.h"
#include "base/error.h"
#include "base/folder.h"
#include "report.h"

enum { KEY_TABLES = 256 };

struct options {
    struct asked asked;
    const char *out, *tables;
};

const char *argp_program_version = "relin " RELIN_VERSION;

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE.html", 0, "The page to write (default: the name of the first file, with .html)", 0},
    {"tables", KEY_TABLES, "FOLDER", 0, "In place of the page: only the data files of the pictures, with the scripts that "
     "draw them", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->asked; break;
    case 'o': o->out = value; break;
    case KEY_TABLES: o->tables = value; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp_child children[] = {{&asked_argp, 0, NULL, 0}, {0}};
static const struct argp parser = {
    .options = option_table, .parser = parse_option, .args_doc = "FILE.h5...", .children = children,
    .doc = "One HTML page of what result files say: the question and the answer, pictures with the table behind each, failures, "
           "cost and provenance. It opens from disk, and nothing is fetched.\v"
           "A file can be reported while its sweep runs. The numbers are those of `relin summary` with the same options.\n\n"
           "gnuplot draws (Debian: gnuplot-nox). Without it the page holds the tables only, and says so.\n\n"
           "Every picture has a script of its own, which can be changed and used by hand:\n\n"
           "  relin report results.h5 -o report.html\n"
           "  relin report results.h5 --metric test_loss --margin 0.005\n"
           "  relin report results.h5 --tune training.lr --across architecture\n"
           "  relin report results.h5 --tables figures\n"
           "  cd figures; gnuplot -e \"terminal='pdf'\" performance-period.gp\n\n"
           "Exit codes: 0 written, 2 bad command line, 70 a file cannot be read or written."};

/* --- the page -------------------------------------------------------------- */

static int fill(struct report *r, struct error *err)
{
    static int (*const parts[])(struct report *, struct error *) = {
        report_answer, report_performance, report_across, report_phase, report_curves, report_kernels, report_refreshes, report_solvers,
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
    for (size_t i = 0; i < o->asked.n_files && !name; i++)
        text_add(&title, "%s%s", i ? ", " : "", o->asked.files[i]);
    return name ? name : title.chars;
}

static int make(const struct options *o, const struct cells *cells, const struct lookup *lookup, const char *path,
                struct error *err)
{
    struct text folder = {0};
    char *title = find_title(lookup, o);
    struct report r = {.title = title, .cells = cells, .lookup = lookup, .asked = &o->asked,
                       .draws = !o->tables && report_can_draw()};
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
        folder_remove(folder.chars);
    free(title);
    text_free(&folder);
    text_free(&r.page);
    text_free(&r.contents);
    return result;
}

/* results.h5 -> results.html */
static void choose_path(const struct options *o, struct text *path)
{
    const char *first = o->asked.files[0];
    size_t length = strlen(first);
    if (length > 3 && strcmp(first + length - 3, ".h5") == 0)
        length -= 3;
    text_add(path, "%.*s.html", (int)length, first);
}

static int report(const struct options *o, struct error *err)
{
    struct observations observations = {0};
    struct cells cells = {0};
    struct across across = {0};
    struct lookup lookup = {0};
    struct text path = {0};
    int result = asked_read(&o->asked, &observations, err);
    if (result == 0)
        result = asked_compare(&o->asked, &observations, &cells, &across, err);
    if (result == 0)
        result = lookup_open(&lookup, &observations, o->asked.files, o->asked.n_files, err);
    choose_path(o, &path);
    if (result == 0)
        result = make(o, &cells, &lookup, o->out ? o->out : path.chars, err);
    text_free(&path);
    lookup_free(&lookup);
    across_free(&across);
    cells_free(&cells);
    observe_free(&observations);
    return result;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct error err = {0};
    static char name[] = "relin report";
    asked_start(&o.asked, argc);
    argv[0] = name;
    argp_err_exit_status = error_exit_code(ERROR_USAGE);
    argp_parse(&parser, argc, argv, 0, NULL, &o);
    int code = asked_end(name, report(&o, &err), &err);
    asked_free(&o.asked);
    return code;
}
