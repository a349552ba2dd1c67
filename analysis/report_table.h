/* A table of the report: what stands behind a picture. Written three times from the same entries: as HTML for people,
 * as CSV to download, as a plain data file for gnuplot. Nothing here computes. */
#ifndef RELIN_ANALYSIS_REPORT_TABLE_H
#define RELIN_ANALYSIS_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { TABLE_COLUMNS_MOST = 40 };

struct table_column {
    const char *name;      /* of the CSV; borrowed */
    const char *title;     /* for people, with the unit; borrowed */
    bool is_text;
};

struct table_entry {
    char *text;            /* of a text column */
    double number;         /* NaN: missing */
};

struct table {
    const char *id;        /* letters, digits and dashes: the name of the data file, and of the table in the page */
    const char *title;
    const char *note;      /* what to know of the rows, or NULL */
    size_t n_columns, n_rows, filled, capacity;
    struct table_column columns[TABLE_COLUMNS_MOST];
    struct table_entry *entries;       /* (n_rows, n_columns) */
    bool *hidden;                      /* (n_rows): in the tables, but not in the data file that is drawn */
};

/* Zero-initialise but for id and title; then the columns, then the entries of each row in the order of the columns.
 * The caller frees with table_free. */
void table_add_column(struct table *t, const char *name, const char *title, bool is_text);
void table_add_number(struct table *t, double value);
void table_add_text(struct table *t, const char *value);   /* copied */
/* Whether a column of numbers has any. */
bool table_has(const struct table *t, const char *name);
/* The row that is being filled, or was filled last, is not drawn. */
void table_hide_row(struct table *t);
void table_free(struct table *t);

/* RFC 4180; numbers read back as the same double, inf as inf, missing ones empty. */
void table_write_csv(const struct table *t, struct text *out);
/* The same for gnuplot: columns apart by tabs (in quotes it sees commas all the same), texts in quotes with what would end them
 * replaced; without the hidden rows. */
void table_write_data(const struct table *t, struct text *out);
/* <table> with numbers to 6 digits and at most so many rows; the CSV has all. */
enum { TABLE_ROWS_SHOWN = 2000 };
void table_write_html(const struct table *t, struct text *out);

/* Text of a file in HTML, also in attributes: & < > " ' escaped. */
void table_add_escaped(const char *utf8, struct text *out);

#endif
