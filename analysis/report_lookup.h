/* Where the rows of observations are in their files, and what the files hold beside one number a job: curves,
 * snapshots, refreshes, texts. */
#ifndef RELIN_ANALYSIS_REPORT_LOOKUP_H
#define RELIN_ANALYSIS_REPORT_LOOKUP_H

#include "cells.h"
#include "store/store.h"

struct error;

struct lookup {
    size_t n_files;
    struct store_reader **readers;
    size_t n;                          /* observations */
    uint32_t *file, *row;              /* (n): of each observation, in the order that cells_find left */
};

/* Opens the files and finds each observation's finished row. Returns 0, or -1 with *err filled. The caller frees with
 * lookup_free (also after -1); *lookup must be zeroed. */
int lookup_open(struct lookup *lookup, const struct observations *o, const char *const *paths, size_t n_paths,
              struct error *err);
void lookup_free(struct lookup *lookup);

/* Has any file this variable? */
bool lookup_has(const struct lookup *lookup, const char *name);

/* A (job, ...) variable of numbers, of all files; a file that lacks it gives NaN. */
struct variable_rows {
    bool there;                        /* in any file */
    double **values;                   /* (n_files), each (jobs, width) or NULL */
    size_t *width;                     /* (n_files) */
};
/* Returns 0 also where no file has it, or -1 with *err filled. The caller frees with lookup_release. */
int lookup_load(const struct lookup *lookup, const char *name, struct variable_rows *v, struct error *err);
void lookup_release(const struct lookup *lookup, struct variable_rows *v);
/* How many numbers observation i has, and its number e; NaN beyond its width. */
size_t lookup_width(const struct lookup *lookup, const struct variable_rows *v, size_t i);
double lookup_value(const struct lookup *lookup, const struct variable_rows *v, size_t i, size_t e);

/* A (job) text of every observation; the caller frees with lookup_free_texts. Empty where a file lacks it. */
int lookup_load_texts(const struct lookup *lookup, const char *name, char ***texts, struct error *err);
void lookup_free_texts(const struct lookup *lookup, char **texts);

#endif
