/* A result file in the forms that other programs read best: one compressed netCDF-4 file, and tables in CSV.
 *
 * The result file itself can be neither compressed nor hold texts of variable length, since ranks write it
 * independently (FORMAT.md); a copy of what has ended can. Numbers are copied bit for bit. */
#ifndef RELIN_STORE_EXPORT_H
#define RELIN_STORE_EXPORT_H

#include <stdio.h>

#include "store/store.h"

/* May path be written over? Refuses (ERROR_USAGE) a folder, and any result file of relin, the one that is read
 * (source) above all. Returns 0, or -1 with *err filled. */
int export_check_target(const char *path, const char *source, struct error *err);

/* By a program, never where MPI was started: the file is gone through in a child first, since libhdf5 crashes on some
 * damaged attributes and scales (store/inspect.h). */
struct export_netcdf {
    const char *source;          /* the name of the result file */
    const bool *rows;            /* (jobs): which to take */
    int level;                   /* of deflate: 0 (none) to 9 */
    const char *command_line;    /* for history */
};
/* Every group, dataset and attribute under its own name, with the rows that were chosen, as netCDF-4: dimensions by
 * dimension scales, texts of variable length, attributes of text as characters, all numbers shuffled and deflated.
 * path is replaced when the copy is whole. *n_variables: how many there are. Returns 0, or -1 with *err filled. */
int export_netcdf(const struct store_reader *reader, const char *path, const struct export_netcdf *what,
                  size_t *n_variables, struct error *err);

enum export_table { EXPORT_JOBS, EXPORT_CURVES, EXPORT_REFRESHES, EXPORT_SNAPSHOTS, EXPORT_TABLES };
extern const char *const export_table_names[EXPORT_TABLES];
/* CSV (RFC 4180), a line of names first: one row a job; or one a job and evaluation, logged refresh or kernel
 * snapshot that is there. Numbers read back to the same bits; inf as inf, NaN as nothing, status as a word.
 * Returns 0, or -1 with *err filled; whether out took it all is the caller's to ask. */
int export_csv(const struct store_reader *reader, enum export_table table, const bool *rows, FILE *out,
               struct error *err);

#endif
