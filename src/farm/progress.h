/* How far the sweep is, on stderr: a bar on a terminal, else a line every so often. */
#ifndef RELIN_FARM_PROGRESS_H
#define RELIN_FARM_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "farm/farm.h"

struct progress {
    enum farm_progress kind;
    double start, shown;             /* of clock_seconds */
    bool drawn;                      /* a bar is on the terminal's last line */
};

struct progress_counts {
    size_t jobs, done, failed, running;
    double left;                     /* seconds to go; negative: not known */
    bool draining;
};

void progress_start(struct progress *progress, enum farm_progress kind);
/* Is it time? A bar moves five times a second, a line comes every ten seconds. */
bool progress_due(const struct progress *progress);
void progress_show(struct progress *progress, const struct progress_counts *counts);
/* Takes the bar away, so that something else can be written. */
void progress_clear(struct progress *progress);
/* The last state. */
void progress_end(struct progress *progress, const struct progress_counts *counts);

/* The kind from --progress, RELIN_PROGRESS, or whether stderr is a terminal. Returns false where
 * the word is none of auto, bar, lines, none. */
bool progress_parse(const char *word, enum farm_progress *kind);
enum farm_progress progress_resolve(enum farm_progress kind);
/* The text of one line without its end, for both kinds. */
void progress_format(const struct progress_counts *counts, char *text, size_t size);

#endif
