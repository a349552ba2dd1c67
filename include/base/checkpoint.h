/* A file that holds the state of something unfinished: a stream of bytes that is written and read by one
 * and the same list of calls, so that the two cannot differ.
 *
 * Written into PATH.new, synced and renamed: PATH is whole or not there. Layout, little endian:
 * "relinckp", uint32 version, uint32 length of the identity, identity; the state; uint64 bytes so far,
 * uint32 CRC-32 of them. A file that is torn, damaged or of another identity is refused when it is opened. */
#ifndef RELIN_BASE_CHECKPOINT_H
#define RELIN_BASE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct checkpoint;

/* For writing: gathers the state in memory, as often as wanted; nothing is on the disk before it is saved. identity:
 * whatever must be the same where it is read. Returns it, empty, or NULL with *err filled. End it with checkpoint_free. */
struct checkpoint *checkpoint_write(const char *path, const char *identity, struct error *err);

/* Begins the state anew: what was carried before is gone. */
void checkpoint_begin(struct checkpoint *c);
/* All was carried since. Returns 0, or -1 with *err filled where memory did not suffice. */
int checkpoint_seal(struct checkpoint *c, struct error *err);
/* Writes the sealed state; makes the folder where there is none. It takes the place of the file before, or, where
 * anything fails, leaves that as it was. Returns 0, or -1 with *err filled. */
int checkpoint_save(struct checkpoint *c, struct error *err);
/* The same for a signal's handler, on the thread that uses c, or instead of it. Returns 0, -1 where there is nothing
 * to save or it cannot be saved, or 1 where the interrupted thread is about to: it is gathering a state or saving it. */
int checkpoint_rescue(struct checkpoint *c);
size_t checkpoint_size(const struct checkpoint *c);   /* bytes so far */

/* Opens one, the whole of it checked. Returns it, or NULL: with *err filled where it is not what was expected,
 * with *err untouched where there is no file. End it with checkpoint_free. */
struct checkpoint *checkpoint_read(const char *path, const char *identity, struct error *err);

/* Adds size bytes to the state, or reads them from it. What goes wrong is told at the end; bytes that could not
 * be read keep their values. bytes may be NULL where size is 0. */
void checkpoint_carry(struct checkpoint *c, void *bytes, size_t size);
bool checkpoint_is_read(const struct checkpoint *c);
/* A bool, for which not every byte is a value: what is read is true where it is not 0. */
void checkpoint_carry_flag(struct checkpoint *c, bool *flag);
/* A number of least..most, as an index must be: one that is read and lies outside keeps its value, and is told at the end.
 * A state may have a check sum that fits and yet be none of ours. */
void checkpoint_carry_within(struct checkpoint *c, int64_t *number, int64_t least, int64_t most);
/* The same for what the caller finds in numbers that were read: they do not go together. */
void checkpoint_refuse(struct checkpoint *c);
/* A square matrix (n, n): half of it, where it is symmetric to the bit. */
void checkpoint_carry_square(struct checkpoint *c, double *a, size_t n);

/* Reading: did every carry find its bytes, and, at_end, were these all? Returns 0, or -1 with *err filled. */
int checkpoint_check(const struct checkpoint *c, bool at_end, struct error *err);

/* Accepts NULL. */
void checkpoint_free(struct checkpoint *c);

/* Removes the file, and what is left of an unfinished one. */
void checkpoint_remove(const char *path);

#endif
