/* The lock beside a result file, for the files that take it and keep it. Private to the store. */
#ifndef RELIN_STORE_LOCK_H
#define RELIN_STORE_LOCK_H

#include <stdbool.h>

#include "store/store.h"

/* A heart beats every 5 s; one that has not for a minute has stopped. */
enum { LOCK_BEAT_SECONDS = 5, LOCK_STALE_SECONDS = 60 };

/* Who this process is, with an id that no other lock has. */
void lock_describe_self(struct store_lock_info *self);
/* Reads a lock. Returns false where there is none (errno). What names nobody (a lock of 0.1.0 that is being
 * written) has pid 0. */
bool lock_read(const char *name, struct store_lock_info *info);
/* Writes an open, empty file, and says what time it is where the file is kept: no node's own clock. */
bool lock_write(int file, const struct store_lock_info *self, double *now);
/* May the one who wrote it still be at work? now: by the clock of the file system. */
bool lock_is_live(const struct store_lock_info *info, double now);

/* Lets the heart of a lock that was taken beat, in a thread, until it is stopped; whoever waits long for data
 * or for a large file is alive all the same. Returns 0, or -1 with *err filled. */
int lock_heart_start(const char *name, const struct store_lock_info *self, struct error *err);
/* Returns whether the lock is still this process's, as of now. */
bool lock_heart_stop(void);

#endif
