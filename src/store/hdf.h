/* What the store's files share: HDF5 calls with our errors, the axes of the result file, and an
 * open file's rows. Private to the store.
 *
 * Functions return 0 (or a handle >= 0), or -1 with *err filled. */
#ifndef RELIN_STORE_HDF_H
#define RELIN_STORE_HDF_H

#include <hdf5.h>

#include "base/error.h"
#include "store/store.h"
#include "sweep/variables.h"

/* Before the first call into HDF5: no file locks (they would shut readers out of a live file),
 * no error stack printed on stderr. */
void hdf_setup(void);

/* As error_set, with the innermost message of HDF5's error stack appended. */
int hdf_error(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Opens a result file for reading: the one way to a file that others may have made, or damaged. ERROR_FOREIGN:
 * no result file, or a newer one; ERROR_FORMAT: one that is torn or damaged. The caller closes. */
hid_t hdf_open_result(const char *path, struct error *err);

/* Closes a file that was written. Returns 0, or -1: then store_is_stuck(), and the stack has why. */
int hdf_close_file(hid_t file);

/* Blocks for all of a closed file, so that rows meet no full disk later; where the file system cannot, nothing. */
int hdf_reserve(const char *path, struct error *err);

/* A number of n bytes as HDF5 files have them, the least first. */
uint64_t hdf_number(const unsigned char *bytes, int n);

/* Puts a complete file in the place of path: brought to disk, then renamed; or, where there was none (fresh),
 * given that name only if no other file has got it meanwhile. */
int hdf_replace_file(const char *from, const char *path, bool fresh, struct error *err);

/* The type of a variable in the file (little endian) and in memory. A predefined type or a new
 * one: close both with hdf_type_close. */
hid_t hdf_type_file(enum variable_type type);
hid_t hdf_type_memory(enum variable_type type);
void hdf_type_close(hid_t type);
/* UTF-8 text, of a fixed size in bytes padded with zeros, or H5T_VARIABLE. The caller closes. */
hid_t hdf_type_text(size_t size);

int hdf_attribute_text(hid_t object, const char *name, const char *utf8, struct error *err);
int hdf_attribute_numbers(hid_t object, const char *name, hid_t type, size_t n, const void *values,
                          struct error *err);
/* A text attribute or scalar text dataset; NULL with *err filled. The caller frees with free(). */
char *hdf_read_attribute_text(hid_t object, const char *name, struct error *err);
char *hdf_read_text(hid_t location, const char *name, struct error *err);

/* A new contiguous dataset of n numbers per axis, written from values (memory type) unless NULL. */
hid_t hdf_create(hid_t location, const char *name, hid_t file_type, hid_t memory_type, int rank,
                 const hsize_t *dims, const void *values, struct error *err);
/* The same, closed at once. */
int hdf_put(hid_t location, const char *name, hid_t file_type, hid_t memory_type, int rank,
            const hsize_t *dims, const void *values, struct error *err);
/* A scalar text of any length. */
int hdf_put_text(hid_t location, const char *name, const char *utf8, struct error *err);

/* An empty dataset that grows along its first axis; row: the lengths of the others, from row[1] on. */
hid_t hdf_create_growing(hid_t group, const char *name, hid_t type, int rank, const hsize_t *row, hsize_t chunk_rows,
                         struct error *err);
/* Row number `at`, one past the last so far. */
int hdf_add_row(hid_t dataset, hid_t memory_type, hsize_t at, const void *values, struct error *err);

/* --- looking at a file that may not be ours (inspect_walk.c); in a child only (store/inspect.h) --- */
/* Goes through all of it; size: the file's. Returns 0, also where HDF5 says no, or -1 with *err filled: a size that
 * the file cannot hold. */
int inspect_walk(const char *path, uint64_t size, struct error *err);
/* Do n texts of variable length, whose records lie at an offset, exist (inspect_heap.c)? */
bool inspect_texts(int file, uint64_t file_size, uint64_t offset, uint64_t n);

/* --- the axes of the result file --- */
enum store_axis {
    AXIS_JOB, AXIS_EVAL, AXIS_REFRESH, AXIS_SNAPSHOT, AXIS_LAYER, AXIS_EIGENVALUE, AXIS_PROBE, AXIS_PROBE2,
    AXIS_PARAMETER, AXIS_METRIC, AXIS_COUNT
};
extern const char *const axis_names[AXIS_COUNT];

/* Length of an axis. */
hsize_t axis_length(const struct result_layout *layout, size_t jobs, enum store_axis axis);
/* The axes of a variable; returns how many. */
int axis_of(enum variable_dims dims, enum store_axis axes[4]);
/* "status" or "kernels/eigenvalues". */
void variable_path(enum variable_id id, char *path, size_t size);

/* The fill value of a variable: what a job that has not ended shows. At least 8 bytes. */
void variable_fill(enum variable_id id, unsigned char *value);

/* --- building (skeleton.c, describe.c) --- */
/* Writes the whole file, serially and without rows of results, to path (replaced). */
int skeleton_write(const char *path, const struct sweep *sweep, const struct dataset *const *sets,
                   const struct result_layout *layout, const struct store_provenance *provenance,
                   struct error *err);
/* On datasets of variables that the file's first program did not know. */
#define ADDED_ATTRIBUTE "added"
/* Sets it on those that were absent from a layout. */
int skeleton_mark_added(hid_t file, const struct result_layout *before, const struct result_layout *now, struct error *err);
/* Makes the axes of an existing file, open for writing, longer: what lies along an axis of another length
 * is made anew, empty, and variables that were absent are added. */
int skeleton_extend(hid_t file, size_t jobs, const struct result_layout *from, const struct result_layout *to,
                    struct error *err);
/* Groups that describe the run: /config, /provenance, /probe. */
int describe_config(hid_t file, const struct sweep *sweep, struct error *err);
int describe_provenance(hid_t file, const struct store_provenance *provenance, struct error *err);
int describe_probe(hid_t file, const struct sweep *sweep, const struct dataset *const *sets, struct error *err);
/* Names of the axes that tell jobs apart, and of all coordinates, separated by spaces. */
void describe_axes(const struct sweep *sweep, struct text *names);
void describe_coordinates(const struct sweep *sweep, struct text *names);

/* --- an open file's rows (rows.c) --- */
struct rows {
    hid_t file;
    size_t jobs;
    struct result_layout layout;
    hid_t dataset[VAR_COUNT], file_space[VAR_COUNT], memory_space[VAR_COUNT], type[VAR_COUNT];
};
/* Takes the lengths from an open file's datasets (before rows_open). */
int rows_measure(hid_t file, size_t *jobs, struct result_layout *layout, struct error *err);
/* Opens all datasets of writers ROWS and RECORD. On failure, too, rows_close is due. */
int rows_open(struct rows *rows, hid_t file, struct error *err);
void rows_close(struct rows *rows);
/* One slab of one job. */
int rows_write(struct rows *rows, size_t job, enum variable_id id, const void *slab, struct error *err);
int rows_read(const struct rows *rows, size_t job, enum variable_id id, void *slab, struct error *err);
/* One slab each of n neighbouring jobs, one after another. */
int rows_write_many(struct rows *rows, size_t first, size_t n, enum variable_id id, const void *slabs, struct error *err);
/* Writers ROWS; then writer RECORD but CRC and STATUS; then these two, in this order. */
int rows_write_rows(struct rows *rows, size_t job, const struct result *result, struct error *err);
int rows_write_record(struct rows *rows, size_t job, const struct result *result, struct error *err);
/* The same of n neighbouring jobs. */
int rows_write_rows_of(struct rows *rows, size_t first, size_t n, const struct result *const *results, struct error *err);
int rows_write_records(struct rows *rows, size_t first, size_t n, const struct result *const *results, struct error *err);

#endif
