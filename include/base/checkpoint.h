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

struct error;
struct checkpoint;

/* Begins to write; makes the folder of path where there is none. identity: whatever must be the same where it
 * is read. Returns it, or NULL with *err filled. End it with checkpoint_finish. */
struct checkpoint *checkpoint_write(const char *path, const char *identity, struct error *err);

/* Opens one, the whole of it checked. Returns it, or NULL: with *err filled where it is not what was expected,
 * with *err untouched where there is no file. End it with checkpoint_finish. */
struct checkpoint *checkpoint_read(const char *path, const char *identity, struct error *err);

/* Writes size bytes to the file, or reads them from it. What goes wrong is told at the end; bytes that could not
 * be read keep their values. bytes may be NULL where size is 0. */
void checkpoint_carry(struct checkpoint *c, void *bytes, size_t size);
bool checkpoint_is_read(const struct checkpoint *c);

/* Reading: did every carry find its bytes, and, at_end, were these all? Returns 0, or -1 with *err filled. */
int checkpoint_check(const struct checkpoint *c, bool at_end, struct error *err);

/* Ends and frees it. A written one takes the place of the file before, or, where anything failed, leaves that as it
 * was. Returns 0, or -1 with *err filled; of a read one always 0. Accepts NULL. */
int checkpoint_finish(struct checkpoint *c, struct error *err);

/* Removes the file, and what is left of an unfinished one. */
void checkpoint_remove(const char *path);

#endif
