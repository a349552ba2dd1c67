/* An existing file whose rows go into a new one. Private to the store. */
#ifndef RELIN_STORE_OLD_H
#define RELIN_STORE_OLD_H

#include "by_id.h"
#include "read.h"

struct old_file {
    struct store_reader *reader;
    struct by_id rows;
    uint8_t *status;         /* (rows) what a row is worth: done or failed, else pending; a damaged one is pending */
    bool *skipped;           /* (rows) pending, since a rule did without it */
    int32_t *attempts;
    size_t damaged;          /* rows that were committed, and are not as they were */
};

/* Returns 0, or -1 with *err filled; old_close is due in both cases, and accepts one never opened. */
int old_open(struct old_file *old, const char *path, struct error *err);
void old_close(struct old_file *old);
/* The row of a job, or SIZE_MAX (by_id_find). */
size_t old_find(struct old_file *old, size_t likely, const char *id);

#endif
