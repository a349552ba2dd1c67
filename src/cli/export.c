/* relin export: a result file for other programs, as one compressed netCDF-4 file or as CSV. */
#define _GNU_SOURCE   /* asprintf */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "store/export.h"

enum format { FORMAT_UNKNOWN, FORMAT_NETCDF, FORMAT_CSV };
enum { KEY_WHERE = 0x100, KEY_ALL, KEY_LEVEL };

struct options {
    const char *path, *output, **where;
    size_t n_where;
    enum format format;
    enum export_table table;
    int level;
    bool all, table_given, level_given;
    struct text command_line;
};

static const struct argp_option option_table[] = {
    {"output", 'o', "OUT", 0, "The file to write: OUT.nc netCDF-4, OUT.csv CSV (default: CSV on standard output)", 0},
    {"format", 'f', "netcdf|csv", 0, "Where the name of OUT does not say", 0},
    {"table", 't', "jobs|curves|refreshes|snapshots", 0, "Of CSV: a row for each job (default), or for each evaluation, "
     "logged refresh or kernel snapshot of a job", 0},
    {"where", KEY_WHERE, "AXIS=VALUE[,VALUE]", 0, "Only these jobs; may be repeated", 0},
    {"all", KEY_ALL, NULL, 0, "Jobs that are not done, too; what they do not have yet is missing", 0},
    {"level", KEY_LEVEL, "N", 0, "Of netCDF: how hard to compress, 0 (not) to 9 (default 4)", 0},
    {0},
};

static enum export_table parse_table(const char *name, struct argp_state *state)
{
    int table = 0;
    while (table < EXPORT_TABLES && strcmp(name, export_table_names[table]) != 0)
        table++;
    if (table == EXPORT_TABLES)
        argp_error(state, "--table: expected jobs, curves, refreshes or snapshots, got '%s'", name);
    return (enum export_table)table;
}

static int parse_level(const char *text, struct argp_state *state)
{
    if (text[0] < '0' || text[0] > '9' || text[1])
        argp_error(state, "--level: expected a whole number from 0 to 9, got '%s'", text);
    return text[0] - '0';
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

/* Once all options are known. */
static void settle(struct options *o, struct argp_state *state)
{
    if (o->format == FORMAT_UNKNOWN && (!o->output || ends_in(o->output, ".csv")))
        o->format = FORMAT_CSV;
    else if (o->format == FORMAT_UNKNOWN && ends_in(o->output, ".nc"))
        o->format = FORMAT_NETCDF;
    if (o->format == FORMAT_UNKNOWN)
        argp_error(state, "-o: expected a name that ends in .nc or .csv, or --format, got '%s'", o->output);
    if (o->format == FORMAT_NETCDF && !o->output)
        argp_error(state, "--format netcdf: expected -o OUT.nc, since it cannot be written to standard output");
    if (o->format == FORMAT_NETCDF && o->table_given)
        argp_error(state, "--table: expected only with CSV; netCDF has all of the file");
    if (o->format == FORMAT_CSV && o->level_given)
        argp_error(state, "--level: expected only with netCDF; CSV is not compressed");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'o': o->output = value; break;
    case 'f':
        if (strcmp(value, "netcdf") != 0 && strcmp(value, "csv") != 0)
            argp_error(state, "--format: expected netcdf or csv, got '%s'", value);
        o->format = value[0] == 'n' ? FORMAT_NETCDF : FORMAT_CSV;
        break;
    case 't':
        o->table = parse_table(value, state);
        o->table_given = true;
        break;
    case KEY_WHERE: o->where[o->n_where++] = value; break;
    case KEY_ALL: o->all = true; break;
    case KEY_LEVEL:
        o->level = parse_level(value, state);
        o->level_given = true;
        break;
    case ARGP_KEY_ARG:
        if (o->path)
            argp_error(state, "expected one FILE.h5, got also '%s'", value);
        o->path = value;
        break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a result file: relin export FILE.h5"); break;
    case ARGP_KEY_SUCCESS: settle(o, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = option_table, .parser = parse_option, .args_doc = "FILE.h5",
    .doc = "Writes a result file, or a part of it, for other programs: all of it as one compressed netCDF-4 file, or its "
           "numbers a job as CSV.\v"
           "The netCDF file has the groups, names, units and meanings of the result file (FORMAT.md), for xarray with any "
           "engine, R's ncdf4, NCDatasets.jl, ncdump. The result file itself is read by h5py and by xarray with h5netcdf as "
           "it is; programs that use the netCDF library crash on its texts of fixed length, and need the copy.\n\n"
           "CSV has a line of names and a line a job: what it is, how it went, its results, both read-outs. Numbers read "
           "back to the same bits; infinity is inf, what is missing is nothing between two commas, accuracies are 0 to 1, "
           "times are seconds, start_time since 1970. pandas, R and DuckDB find the types by themselves; a job_id is a text, "
           "also where it looks like a number.\n\n"
           "Taken are the jobs that are done, diverged ones among them (outcome says so); --all takes the others too. A "
           "file can be exported while its sweep runs. OUT is replaced when the new one is whole; a result file never is.\n\n"
           "Exit codes: 0 written; 2 bad command line, or no such jobs; 70 a file that cannot be read or written; 75 no room "
           "on the disk.\n\n"
           "Examples:\n"
           "  relin export fashion-mnist.h5 -o fashion-mnist.nc\n"
           "  relin export fashion-mnist.h5 > jobs.csv\n"
           "  relin export fashion-mnist.h5 --table curves --where architecture=mlp-1x128 -o curves.csv\n"
           "  relin export fashion-mnist.h5 --all -o everything.csv"};

/* Which rows; n: how many. */
static int choose_rows(const struct store_reader *reader, const struct options *o, bool *rows, size_t *n,
                       struct error *err)
{
    size_t jobs = store_read_jobs(reader), width, done = 0;
    double *status = NULL;
    int failed = store_read_numbers(reader, "status", &status, &width, err);
    for (size_t i = 0; i < jobs && !failed; i++)
        rows[i] = true;
    for (size_t i = 0; i < o->n_where && !failed; i++)
        failed = store_read_where(reader, o->where[i], rows, err);
    *n = 0;
    for (size_t i = 0; i < jobs && !failed; i++) {
        done += status[i] == STATUS_DONE;
        rows[i] = rows[i] && (o->all || status[i] == STATUS_DONE);
        *n += rows[i];
    }
    mem_free(status);
    if (!failed && !*n)
        return error_set(err, ERROR_USAGE, "%s: expected jobs to export, got none: %zu of its %zu are done%s%s", o->path,
                         done, jobs, o->n_where ? ", none of them fits all of --where" : "",
                         o->all ? "" : " (--all takes others too)");
    return failed;
}

static int write_csv(const struct store_reader *reader, const struct options *o, const bool *rows, struct error *err)
{
    char *temporary = NULL;
    if (o->output && asprintf(&temporary, "%s.%ld.new", o->output, (long)getpid()) < 0)
        return error_set(err, ERROR_MEMORY, "out of memory");
    FILE *out = o->output ? fopen(temporary, "w") : stdout;
    int status = -1;
    if (!out) {
        error_set_errno(err, ERROR_FILE, "%s: cannot be created", temporary);
        goto done;
    }
    status = export_csv(reader, o->table, rows, out, err);
    if (!status && (fflush(out) || ferror(out)))
        status = error_set_errno(err, ERROR_FILE, "%s", o->output ? temporary : "standard output");
    if (o->output && fclose(out) && !status)
        status = error_set_errno(err, ERROR_FILE, "%s", temporary);
    if (o->output && !status && rename(temporary, o->output))
        status = error_set_errno(err, ERROR_FILE, "%s: cannot be put in place", o->output);
    if (o->output && status)
        unlink(temporary);
done:
    free(temporary);
    return status;
}

static double megabytes(const char *path)
{
    struct stat found;
    return stat(path, &found) ? 0 : (double)found.st_size / 1e6;
}

static int export_file(const struct options *o, struct error *err)
{
    size_t n = 0, n_variables = 0;
    bool *rows = NULL;
    int status = -1;
    struct store_reader *reader = store_read_open(o->path, err);
    if (!reader || (o->output && export_check_target(o->output, o->path, err))
        || !(rows = mem_alloc(store_read_jobs(reader), sizeof *rows, err)) || choose_rows(reader, o, rows, &n, err))
        goto done;
    struct export_netcdf what = {.source = o->path, .rows = rows, .level = o->level, .command_line = o->command_line.chars};
    status = o->format == FORMAT_CSV ? write_csv(reader, o, rows, err)
                                     : export_netcdf(reader, o->output, &what, &n_variables, err);
    if (!status && o->output) {
        printf("%s: %zu of %zu jobs", o->output, n, store_read_jobs(reader));
        if (n_variables)
            printf(", %zu variables", n_variables);
        printf(", %.1f MB (the result file has %.1f MB)\n", megabytes(o->output), megabytes(o->path));
    }
done:
    mem_free(rows);
    store_read_close(reader);
    return status;
}

int command_export(int argc, char **argv)
{
    struct options o = {.level = 4};
    struct error err = {0};
    o.where = calloc((size_t)argc, sizeof *o.where);
    int status = o.where ? 0 : error_set(&err, ERROR_MEMORY, "out of memory");
    for (int i = 0; i < argc; i++)
        text_add(&o.command_line, "%s%s", i ? " " : "", argv[i]);
    if (!status) {
        argp_parse(&parser, argc, argv, 0, NULL, &o);
        status = export_file(&o, &err);
    }
    if (status)
        fprintf(stderr, "relin export: %s\n", err.text);
    free(o.where);
    text_free(&o.command_line);
    return status ? error_exit_code(err.code) : 0;
}
