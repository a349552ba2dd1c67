/* The bytes of a file, gzipped or plain (told apart by its first two bytes). Unlike
 * gzread it also refuses bytes behind the end of the compressed data. */
#ifndef RELIN_DATA_STREAM_H
#define RELIN_DATA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct stream;

/* Returns the stream, or NULL with *err filled. The caller closes. path is copied. */
struct stream *stream_open(const char *path, struct error *err);
/* Accepts NULL. */
void stream_close(struct stream *stream);

/* Reads at most size bytes; *got is less only at the end of the file. Returns 0, or -1
 * with *err filled: unreadable, corrupt or truncated compressed data. */
int stream_read(struct stream *stream, void *bytes, size_t size, size_t *got, struct error *err);

/* No file of this size on disk can hold more bytes than this. */
uint64_t stream_most_bytes(const struct stream *stream);

#endif
