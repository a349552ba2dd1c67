/* Parts of relin status. */
#ifndef RELIN_CLI_STATUS_H
#define RELIN_CLI_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct store_reader;
struct usage;

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

/* "; about 3 min left, give or take 20 s": nothing where no run is alive. Of a sweep whose seeds are added by a rule, of the jobs
 * that have their turn, and of all. */
void status_add_left(struct text *out, const struct usage *usage);

/* The cells of such a sweep (usage->by_until), a line each, on at most so many lines; and as a JSON object. */
void status_until_add(struct text *out, const struct usage *usage, size_t lines);
void status_until_add_json(struct text *out, const struct usage *usage);

/* Shows the sweep again each interval seconds until no run of it is alive: on a terminal in place, else a line each.
 * Returns 0, or the exit code of a file that cannot be read, which it tells. */
int status_watch(const char *path, double interval);

#endif
