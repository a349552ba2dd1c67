/* The rows of a file by job_id. Private to the store. */
#ifndef RELIN_STORE_BY_ID_H
#define RELIN_STORE_BY_ID_H

#include <stdbool.h>

#include "store/store.h"

struct by_id {
    char **ids;              /* (n) as read */
    size_t n, *order;        /* rows sorted by id, once one was not where it was thought to be */
    bool sorted;
};

/* Reads them. Returns 0, or -1 with *err filled; by_id_free is due in both cases, and accepts a zeroed struct. */
int by_id_read(struct by_id *by, const struct store_reader *reader, struct error *err);
void by_id_free(struct by_id *by);
/* The row of a job, or SIZE_MAX. likely: where it is if the file is of the same sweep: then nothing is searched. */
size_t by_id_find(struct by_id *by, size_t likely, const char *id);

#endif
