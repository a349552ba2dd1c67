/* Parts of relin status. */
#ifndef RELIN_CLI_STATUS_H
#define RELIN_CLI_STATUS_H

#include <stdbool.h>

struct store_reader;

/* Prints what the runs of a file used. live: its last run is alive. Returns the exit code. */
int status_resources(const struct store_reader *reader, const char *path, bool live, bool json);

/* Shows the sweep again each interval seconds until no run of it is alive: on a terminal in place, else a line each.
 * Returns 0, or the exit code of a file that cannot be read, which it tells. */
int status_watch(const char *path, double interval);

#endif
