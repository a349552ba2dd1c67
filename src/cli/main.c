/* relin: dispatch to subcommands, and to programs relin-NAME beside this one. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "store/reader.h"

struct command {
    const char *name, *help;
    command_function run;
};

static const struct command commands[] = {
#define X(name, help) {#name, help, command_##name},
    COMMANDS(X)
#undef X
    {NULL, NULL, NULL},
};

static void print_help(FILE *out)
{
    fputs("Usage: relin COMMAND [ARGUMENT...]\n"
          "Sweeps of iteratively linearised training: how rarely may features be updated?\n\n", out);
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "  %-9s %s\n", c->name, c->help);
    fputs("  summary   across seeds: table, CSV, JSON (the program relin-summary)\n"
          "  report    one HTML page: answer, pictures, tables (the program relin-report)\n\n"
          "`relin COMMAND --help` says more; `man relin` has it all.\n"
          "Exit codes: 0 complete, 2 bad usage or sweep file, 3 some jobs failed for good,\n"
          "70 a result file that cannot be read or written, or an internal error,\n"
          "75 incomplete (stopped, a full disk, a file in use) but can be resumed by the same command.\n", out);
}

static void consider(const char *name, const char *given, size_t *least, const char **nearest)
{
    size_t distance = text_distance(given, name);
    if (distance < *least) {
        *least = distance;
        *nearest = name;
    }
}

static void refuse_command(const char *given)
{
    size_t least = strlen(given) < 3 ? strlen(given) : 3;   /* from here on nothing is near */
    const char *nearest = NULL;
    for (const struct command *c = commands; c->name; c++)
        consider(c->name, given, &least, &nearest);
    consider("summary", given, &least, &nearest);
    consider("report", given, &least, &nearest);
    fprintf(stderr, "relin: unknown command '%s': expected one of those `relin --help` lists%s%s%s\n", given,
            nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

/* Runs relin-NAME from this program's folder, else from PATH. Returns only on failure. */
static void run_external(const char *name, char **argv)
{
    char self[PATH_MAX], path[PATH_MAX + 80];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = 0;
        char *slash = strrchr(self, '/');
        if (slash) {
            *slash = 0;
            snprintf(path, sizeof path, "%s/relin-%.60s", self, name);
            execv(path, argv);
        }
    }
    snprintf(path, sizeof path, "relin-%.60s", name);
    execvp(path, argv);
}

int main(int argc, char **argv)
{
    argp_err_exit_status = 2;   /* a bad command line, for every subcommand */
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("relin " RELIN_VERSION);
        return 0;
    }
    store_register_reader();
    for (const struct command *c = commands; c->name; c++) {
        if (strcmp(argv[1], c->name) != 0)
            continue;
        char title[64];
        snprintf(title, sizeof title, "relin %s", c->name);
        argv[1] = title;
        return c->run(argc - 1, argv + 1);
    }
    run_external(argv[1], argv + 1);
    refuse_command(argv[1]);
    return 2;
}
