#include "data/stream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"

struct stream {
    FILE *file;
    char path[PATH_MAX];
    uint64_t file_size;
    bool compressed, ended;
    z_stream z;
    unsigned char in[1 << 16];
};

static int refill(struct stream *stream, struct error *err)
{
    stream->z.next_in = stream->in;
    stream->z.avail_in = (uInt)fread(stream->in, 1, sizeof stream->in, stream->file);
    if (stream->z.avail_in == 0 && ferror(stream->file))
        return error_set_errno(err, ERROR_DATA, "%s: could not be read", stream->path);
    return 0;
}

struct stream *stream_open(const char *path, struct error *err)
{
    struct stat status;
    struct stream *stream = mem_alloc(1, sizeof *stream, err);
    if (!stream)
        return NULL;
    snprintf(stream->path, sizeof stream->path, "%s", path);
    stream->file = fopen(path, "rb");
    if (!stream->file || fstat(fileno(stream->file), &status) != 0) {
        error_set_errno(err, ERROR_DATA, "%s: could not be opened", path);
        goto failed;
    }
    if (!S_ISREG(status.st_mode)) {
        error_set(err, ERROR_DATA, "%s: expected a regular file, got something else", path);
        goto failed;
    }
    stream->file_size = (uint64_t)status.st_size;
    if (refill(stream, err) != 0)
        goto failed;
    if (stream->z.avail_in >= 2 && stream->in[0] == 0x1f && stream->in[1] == 0x8b) {
        enum { GZIP_WRAPPER = 16 };
        if (inflateInit2(&stream->z, MAX_WBITS + GZIP_WRAPPER) != Z_OK) {
            error_set(err, ERROR_MEMORY, "%s: no memory to decompress it", path);
            goto failed;
        }
        stream->compressed = true;
    }
    return stream;
failed:
    stream_close(stream);
    return NULL;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->compressed)
        inflateEnd(&stream->z);
    if (stream->file)
        fclose(stream->file);
    mem_free(stream);
}

/* The end of one compressed member: the end of the file, or another member follows. */
static int end_member(struct stream *stream, struct error *err)
{
    if (stream->z.avail_in == 0 && refill(stream, err) != 0)
        return -1;
    if (stream->z.avail_in == 0) {
        stream->ended = true;
        return 0;
    }
    if (stream->z.next_in[0] != 0x1f)
        return error_set(err, ERROR_DATA, "%s: expected the end of the file after the gzipped data, "
                         "got further bytes: corrupt, or not this file alone", stream->path);
    inflateReset(&stream->z);
    return 0;
}

static int inflate_some(struct stream *stream, struct error *err)
{
    if (stream->z.avail_in == 0 && refill(stream, err) != 0)
        return -1;
    if (stream->z.avail_in == 0)
        return error_set(err, ERROR_DATA, "%s: expected more gzipped data, got the end of the file after "
                         "%llu bytes: truncated; fetch it again", stream->path,
                         (unsigned long long)stream->file_size);
    int code = inflate(&stream->z, Z_NO_FLUSH);
    if (code == Z_STREAM_END)
        return end_member(stream, err);
    if (code != Z_OK)
        return error_set(err, ERROR_DATA, "%s: expected intact gzipped data, got corrupt data (%s); "
                         "fetch it again", stream->path, stream->z.msg ? stream->z.msg : "zlib says no more");
    return 0;
}

static int read_plain(struct stream *stream, unsigned char *bytes, size_t size, size_t *got, struct error *err)
{
    while (*got < size) {
        if (stream->z.avail_in == 0 && refill(stream, err) != 0)
            return -1;
        size_t count = stream->z.avail_in < size - *got ? stream->z.avail_in : size - *got;
        if (count == 0)
            return 0;
        memcpy(bytes + *got, stream->z.next_in, count);
        stream->z.next_in += count;
        stream->z.avail_in -= (uInt)count;
        *got += count;
    }
    return 0;
}

int stream_read(struct stream *stream, void *bytes, size_t size, size_t *got, struct error *err)
{
    *got = 0;
    if (!stream->compressed)
        return read_plain(stream, bytes, size, got, err);
    while (*got < size && !stream->ended) {
        uInt room = size - *got < INT_MAX ? (uInt)(size - *got) : INT_MAX;
        stream->z.next_out = (unsigned char *)bytes + *got;
        stream->z.avail_out = room;
        if (inflate_some(stream, err) != 0)
            return -1;
        *got += room - stream->z.avail_out;
    }
    return 0;
}

uint64_t stream_most_bytes(const struct stream *stream)
{
    enum { DEFLATE_BEST_RATIO = 1032 };
    return stream->compressed ? stream->file_size * DEFLATE_BEST_RATIO : stream->file_size;
}
