/* What CSV, JSON and Markdown share: the numbers of a cell under their names. */
#ifndef RELIN_ANALYSIS_PRINT_PARTS_H
#define RELIN_ANALYSIS_PRINT_PARTS_H

#include "cells.h"

enum { PRINT_FIELDS = 33 };
extern const char *const print_fields[];
/* Fills PRINT_FIELDS numbers; NaN: missing. */
void print_read_fields(const struct cell *cell, double *values);
/* "linear", "network"; "" of a metric that has one read-out. */
const char *print_readout(const struct cells *c);
/* The cell's level of the axis c->by[i]. */
const struct level *print_level(const struct cells *c, const struct cell *cell, size_t i);

#endif
