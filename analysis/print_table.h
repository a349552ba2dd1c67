/* The table of a group, as entries of characters: for the terminal and for Markdown. */
#ifndef RELIN_ANALYSIS_PRINT_TABLE_H
#define RELIN_ANALYSIS_PRINT_TABLE_H

#include "cells.h"

enum { TABLE_COLUMNS = 22, TABLE_ENTRY = 40 };
typedef char table_entry[TABLE_ENTRY];   /* an array: nothing is hidden */

struct printed_table {
    size_t n;
    size_t width[TABLE_COLUMNS];         /* 0: nothing in the column */
    table_entry title[TABLE_COLUMNS];
    table_entry (*row)[TABLE_COLUMNS];   /* n of them */
};

/* The caller frees with printed_table_free. */
void printed_table_fill(const struct cells *c, const struct group *g, struct printed_table *t);
void printed_table_free(struct printed_table *t);

#endif
