/* Columns that are written once, with the file, and that no row's checksum is of: what a job is, what was planned of it.
 * Each has an attribute with a checksum of its own. Private to the store. */
#ifndef RELIN_STORE_SEAL_H
#define RELIN_STORE_SEAL_H

#include "read.h"

/* Gives a column of numbers or texts, as it now lies in the file, its checksum. Returns 0, or -1 with *err filled. */
int seal_column(hid_t dataset, struct error *err);
/* Is the column, by its path, what was sealed? So is one of a file of before there were seals, or that is not there. */
bool seal_holds(const struct store_reader *reader, const char *path);
/* Calls broken() with the path of each column of the root and of the kernels that is not; returns how many. */
size_t seal_check(const struct store_reader *reader, void (*broken)(void *context, const char *path), void *context);

#endif
