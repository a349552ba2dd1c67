/* What CSV, JSON and Markdown share: the numbers of a cell under their names. */
#ifndef RELIN_ANALYSIS_PRINT_PARTS_H
#define RELIN_ANALYSIS_PRINT_PARTS_H

#include "base/text.h"
#include "cells.h"

enum { PRINT_FIELDS = 33 };
extern const char *const print_fields[];
/* Fills PRINT_FIELDS numbers; NaN: missing. */
void print_read_fields(const struct cell *cell, double *values);
/* "linear", "network"; "" of a metric that has one read-out. */
const char *print_readout(const struct cells *c);
/* The cell's level of the axis c->by[i]. */
const struct level *print_level(const struct cells *c, const struct cell *cell, size_t i);
/* That of any axis: of one that is tuned the value that was chosen. */
const struct level *print_level_of(const struct cells *c, const struct cell *cell, size_t axis);

/* Members of a JSON object: "NAME": level, with a comma behind it; "NAME": [axes]. */
void print_json_level(const char *name, const struct level *level, struct text *out);
void print_json_axes(const struct cells *c, const char *name, const size_t *axes, size_t n, struct text *out);

/* What is compared across tasks: for people, or as a table of Markdown; as CSV; as a member of the JSON document. */
struct across;
void print_across(const struct cells *c, const struct across *a, bool markdown, struct text *out);
void print_across_csv(const struct cells *c, const struct across *a, struct text *out);
void print_across_json(const struct cells *c, const struct across *a, struct text *out);

#endif
