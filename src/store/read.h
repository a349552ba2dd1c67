/* A reader's inside, for those who make a file from another. Private to the store. */
#ifndef RELIN_STORE_READ_H
#define RELIN_STORE_READ_H

#include "hdf.h"

struct store_reader {
    struct rows rows;
    char *axes_text;         /* the names, cut at the spaces */
    const char **axes;
    size_t n_axes;
    char **metrics;          /* the user's own, in the order of the axis metric */
    size_t n_metrics;
};

/* The names of the axis metric, where they can be read. */
void read_metric_names(struct store_reader *reader);
void read_metric_free(struct store_reader *reader);
/* Does NAME or curve_NAME name one of them? */
bool read_metric_find(const struct store_reader *reader, const char *name, enum variable_id *id, size_t *column);
/* As store_read_numbers. */
int read_metric_numbers(const struct store_reader *reader, enum variable_id id, size_t column, double **values, size_t *width,
                        struct error *err);

/* Row `row` of a file into row `job` of another, with a new checksum. from and to: scratch, bound to the
 * layouts of the two. Returns 0, or -1 with *err filled. */
int rows_carry(const struct store_reader *reader, size_t row, struct result *from, struct rows *rows, size_t job,
               struct result *to, struct error *err);

#endif
