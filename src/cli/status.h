/* Parts of relin status. */
#ifndef RELIN_CLI_STATUS_H
#define RELIN_CLI_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct store_reader;

/* Prints what the runs of a file used. live: its last run is alive. Returns the exit code. */
int status_resources(const struct store_reader *reader, const char *path, bool live, bool json);

/* What the file answers so far, in the words of `relin summary --sentence`. Zero-initialise; the caller frees text. */
struct status_answer {
    struct text text;                    /* empty: nothing yet, or there is no relin-summary */
    size_t ended;                        /* jobs, when it was asked last */
    double next;                         /* clock_seconds() before which it is not asked again */
};
/* Asks again where more jobs have ended and it is time. Returns whether the answer is another. */
bool status_answer(struct status_answer *answer, const struct store_reader *reader, const char *path, size_t ended);

/* Shows the sweep again each interval seconds until no run of it is alive: on a terminal in place, else a line each.
 * Returns 0, or the exit code of a file that cannot be read, which it tells. */
int status_watch(const char *path, double interval);

#endif
