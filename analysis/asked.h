/* What `relin summary` and `relin report` are asked alike: which files, and the options of the question. Both read through
 * here, so that the same options give the same numbers. */
#ifndef RELIN_ANALYSIS_ASKED_H
#define RELIN_ANALYSIS_ASKED_H

#include <argp.h>

#include "cells.h"

struct asked {
    struct question question;
    bool margin_percent;                   /* --margin was given as a percentage */
    const char *by;                        /* --by, or NULL */
    const char *across, *tune, *tune_seeds;   /* likewise */
    const char **where, **files;           /* --where, as often as it was given; the files */
    size_t n_where, n_files;
};

/* A child of the program's own parser, whose child_inputs[0] is a struct asked of asked_start. */
extern const struct argp asked_argp;

/* Room for argc words, and what holds where an option is not given. The caller frees with asked_free. */
void asked_start(struct asked *asked, int argc);
void asked_free(struct asked *asked);

/* Reads the files at the question's moment, and keeps the jobs of --where, with --tune those of the chosen values. Returns 0,
 * or -1 with *err filled, also where no job is left or --readout has nothing to read. The caller frees *o with observe_free
 * (also after -1). */
int asked_read(const struct asked *asked, struct observations *o, struct error *err);

/* The cells of what was read, compared, and across where that is asked for. The caller frees cells and across (also after -1). */
struct across;
int asked_compare(const struct asked *asked, struct observations *o, struct cells *cells, struct across *across, struct error *err);

/* Ends a program: what stdout did not take is an error like any other, which is told. Returns the exit code. */
int asked_end(const char *program, int result, struct error *err);

#endif
