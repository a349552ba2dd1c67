/* A sheet: a table of the report, what stands behind a picture. Written three times from the same entries: as HTML for people,
 * as CSV to download, as a plain data file for gnuplot. Nothing here computes. */
#ifndef RELIN_ANALYSIS_REPORT_SHEET_H
#define RELIN_ANALYSIS_REPORT_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { SHEET_COLUMNS_MOST = 40 };

struct sheet_column {
    const char *name;      /* of the CSV; borrowed */
    const char *title;     /* for people, with the unit; borrowed */
    bool is_text;
};

struct sheet_entry {
    char *text;            /* of a text column */
    double number;         /* NaN: missing */
};

struct sheet {
    const char *id;        /* letters, digits and dashes: the name of the data file, and of the table in the page */
    const char *title;
    const char *note;      /* what to know of the rows, or NULL */
    size_t n_columns, n_rows, filled, capacity;
    struct sheet_column columns[SHEET_COLUMNS_MOST];
    struct sheet_entry *entries;       /* (n_rows, n_columns) */
    bool *hidden;                      /* (n_rows): in the tables, but not in the data file that is drawn */
};

/* Zero-initialise but for id and title; then the columns, then the entries of each row in the order of the columns.
 * The caller frees with sheet_free. */
void sheet_add_column(struct sheet *t, const char *name, const char *title, bool is_text);
void sheet_add_number(struct sheet *t, double value);
void sheet_add_text(struct sheet *t, const char *value);   /* copied */
/* Whether a column of numbers has any. */
bool sheet_has(const struct sheet *t, const char *name);
/* The row that is being filled, or was filled last, is not drawn. */
void sheet_hide_row(struct sheet *t);
void sheet_free(struct sheet *t);

/* RFC 4180; numbers read back as the same double, inf as inf, missing ones empty. */
void sheet_write_csv(const struct sheet *t, struct text *out);
/* The same for gnuplot: columns apart by tabs (in quotes it sees commas all the same), texts in quotes with what would end them
 * replaced; without the hidden rows. */
void sheet_write_data(const struct sheet *t, struct text *out);
/* <table> with numbers to 6 digits and at most so many rows; the CSV has all. */
enum { SHEET_ROWS_SHOWN = 2000 };
void sheet_write_html(const struct sheet *t, struct text *out);

/* Text of a file in HTML, also in attributes: & < > " ' escaped. */
void sheet_add_escaped(const char *utf8, struct text *out);

#endif
