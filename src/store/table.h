/* Tables that are not the jobs': a group with one axis, its scale, and a column for each field of a struct. They
 * have room for more rows than are used. Private to the store.
 *
 * Functions return 0, or -1 with *err filled. */
#ifndef RELIN_STORE_TABLE_H
#define RELIN_STORE_TABLE_H

#include "hdf.h"
#include "store/timeline.h"

/* A field: numbers, and texts of fixed length. */
struct column {
    const char *name;
    enum variable_type type;
    size_t offset;
    const char *units, *long_name;
};

struct table {
    const char *group, *axis, *axis_name;
    const struct column *columns;
    size_t n_columns, row_size;
    const void *none;                /* an unused row */
};

extern const struct table attempts_table, runs_table;

enum { TABLE_COLUMNS = 32 };
struct open_table {
    const struct table *table;
    size_t room;                     /* 0: not in the file */
    hid_t dataset[TABLE_COLUMNS];
};

/* Makes an empty one in a file that nobody else has open. */
int table_create(hid_t file, const struct table *table, size_t room, struct error *err);
/* Opens one; none in the file is no error. On failure, too, table_close is due. */
int table_open(struct open_table *open, hid_t file, const struct table *table, struct error *err);
void table_close(struct open_table *open);
/* Rows first..first+n-1, of the table's struct. */
int table_write(const struct open_table *open, size_t first, size_t n, const void *rows, struct error *err);
int table_read(const struct open_table *open, size_t first, size_t n, void *rows, struct error *err);

/* Into a file that nobody else has open: both tables, with what n old files have in theirs, one after the other. row_of
 * says where job `row` of file i went, SIZE_MAX: nowhere. */
int timeline_make(const char *path, size_t jobs, const struct store_reader *const *readers, size_t n,
                  size_t (*row_of)(void *context, size_t i, size_t row), void *context, struct error *err);
/* Part of store_check_structure. */
struct store_check;
int check_timeline(const struct store_reader *reader, struct store_check *check, struct error *err);
/* Is there room for a run of so many jobs, or no timeline at all? */
bool timeline_has_room(const struct store_reader *reader, size_t jobs);

#endif
