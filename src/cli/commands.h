/* The subcommands: one file each, one row each. To add one, write src/cli/NAME.c with
 * command_NAME and add its row. */
#ifndef RELIN_CLI_COMMANDS_H
#define RELIN_CLI_COMMANDS_H

/*  X(name, one line for `relin --help`) */
#define COMMANDS(X) \
    X(run, "run a sweep, or go on with one") \
    X(plan, "what a sweep will cost, before it is run") \
    X(submit, "a sweep as a Slurm job that goes on by itself until it is complete") \
    X(bench, "how fast this machine trains, against its own speed in matrix products") \
    X(data, "the data sets a sweep may use, and what is in one") \
    X(status, "how a sweep stands, while it runs or after") \
    X(merge, "one file of those of parts of a sweep") \
    X(trace, "one job with everything an outside replay needs") \
    X(verify, "is a file whole, and do its jobs come out again") \
    X(measure, "a metric that was forgotten, added to a file") \
    X(export, "a file for other programs: compressed netCDF-4, or CSV")

/* argv[0] is "relin NAME". Returns the program's exit code. */
typedef int (*command_function)(int argc, char **argv);

#define X(name, help) int command_##name(int argc, char **argv);
COMMANDS(X)
#undef X

#endif
