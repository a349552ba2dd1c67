#include "base/checkpoint.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

enum { VERSION = 1, LONGEST_IDENTITY = 1024, LONGEST_PATH = 4400, BUFFER = 64 * 1024 };
static const char magic[8] = {'r', 'e', 'l', 'i', 'n', 'c', 'k', 'p'};

struct tail {
    uint64_t size;     /* of all before */
    uint32_t crc, unused;
};

struct checkpoint {
    char path[LONGEST_PATH], temporary[LONGEST_PATH];
    FILE *file;
    bool reads;
    int failed;            /* errno of the first failure; -1: too few bytes */
    uint64_t size, whole;  /* so far; read: without the tail */
    uint32_t crc;
};

static struct checkpoint *start(const char *path, bool reads, struct error *err)
{
    struct checkpoint *c = mem_alloc(1, sizeof *c, err);
    if (!c)
        return NULL;
    c->reads = reads;
    if (strlen(path) + sizeof ".new" > sizeof c->path) {
        error_set(err, ERROR_FILE, "%.80s...: the name of a checkpoint is too long", path);
        mem_free(c);
        return NULL;
    }
    snprintf(c->path, sizeof c->path, "%s", path);
    snprintf(c->temporary, sizeof c->temporary, "%.*s.new", LONGEST_PATH - 5, path);
    return c;
}

/* The first job of a run that keeps its state makes the folder; another may have been faster. */
static void make_folder(const char *path)
{
    char folder[LONGEST_PATH];
    const char *slash = strrchr(path, '/');
    if (slash && slash > path) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        mkdir(folder, 0777);
    }
}

void checkpoint_carry(struct checkpoint *c, void *bytes, size_t size)
{
    if (c->failed || size == 0)
        return;
    if (c->reads) {
        if (c->whole - c->size < size || fread(bytes, 1, size, c->file) != size)
            c->failed = -1;
    } else if (fwrite(bytes, 1, size, c->file) != size) {
        c->failed = errno ? errno : EIO;
    } else {
        c->crc = hash_crc32(c->crc, bytes, size);
    }
    c->size += size;
}

bool checkpoint_is_read(const struct checkpoint *c)
{
    return c->reads;
}

struct checkpoint *checkpoint_write(const char *path, const char *identity, struct error *err)
{
    struct checkpoint *c = start(path, false, err);
    uint32_t numbers[2] = {VERSION, (uint32_t)strlen(identity)};
    if (!c)
        return NULL;
    c->file = fopen(c->temporary, "wb");
    if (!c->file && errno == ENOENT) {
        make_folder(path);
        c->file = fopen(c->temporary, "wb");
    }
    if (!c->file) {
        error_set_errno(err, ERROR_FILE, "%s", c->temporary);
        mem_free(c);
        return NULL;
    }
    char head[sizeof magic];
    memcpy(head, magic, sizeof head);
    checkpoint_carry(c, head, sizeof head);
    checkpoint_carry(c, numbers, sizeof numbers);
    for (size_t i = 0; i < numbers[1]; i++) {
        char letter = identity[i];
        checkpoint_carry(c, &letter, 1);
    }
    return c;
}

/* Magic, sizes and CRC of an open file. */
static int check_whole(struct checkpoint *c, struct error *err)
{
    static unsigned char buffer[BUFFER];
    struct stat status;
    struct tail tail;
    if (fstat(fileno(c->file), &status) != 0)
        return error_set_errno(err, ERROR_FILE, "%s", c->path);
    if ((uint64_t)status.st_size < sizeof magic + 2 * sizeof(uint32_t) + sizeof tail)
        return error_set(err, ERROR_FORMAT, "%s: expected a checkpoint, got %lld bytes", c->path, (long long)status.st_size);
    c->whole = (uint64_t)status.st_size - sizeof tail;
    uint32_t crc = 0;
    for (uint64_t left = c->whole; left > 0;) {
        size_t n = left < BUFFER ? (size_t)left : BUFFER;
        if (fread(buffer, 1, n, c->file) != n)
            return error_set_errno(err, ERROR_FILE, "%s", c->path);
        if (left == c->whole && memcmp(buffer, magic, sizeof magic) != 0)
            return error_set(err, ERROR_FORMAT, "%s: expected a checkpoint, got another kind of file", c->path);
        crc = hash_crc32(crc, buffer, n);
        left -= n;
    }
    if (fread(&tail, sizeof tail, 1, c->file) != 1 || tail.size != c->whole || tail.crc != crc)
        return error_set(err, ERROR_FORMAT, "%s: torn or damaged: its length or CRC-32 is not what was written", c->path);
    rewind(c->file);
    return 0;
}

static int check_identity(struct checkpoint *c, const char *identity, struct error *err)
{
    char own[LONGEST_IDENTITY + 1] = {0}, head[sizeof magic] = {0};
    uint32_t numbers[2] = {0};
    checkpoint_carry(c, head, sizeof head);
    checkpoint_carry(c, numbers, sizeof numbers);
    if (numbers[0] != VERSION || numbers[1] > LONGEST_IDENTITY)
        return error_set(err, ERROR_FORMAT, "%s: expected a checkpoint of version %d, got one of version %u", c->path,
                         VERSION, numbers[0]);
    checkpoint_carry(c, own, numbers[1]);
    if (c->failed || strcmp(own, identity) != 0)
        return error_set(err, ERROR_FORMAT, "%s: expected a checkpoint of '%s', got one of '%s'", c->path, identity, own);
    return 0;
}

static void discard(struct checkpoint *c)
{
    if (c && c->file)
        fclose(c->file);
    mem_free(c);
}

struct checkpoint *checkpoint_read(const char *path, const char *identity, struct error *err)
{
    struct checkpoint *c = start(path, true, err);
    if (!c)
        return NULL;
    if (!(c->file = fopen(path, "rb"))) {
        if (errno != ENOENT && errno != ENOTDIR)
            error_set_errno(err, ERROR_FILE, "%s", path);
        discard(c);
        return NULL;
    }
    if (check_whole(c, err) != 0 || check_identity(c, identity, err) != 0) {
        discard(c);
        return NULL;
    }
    return c;
}

int checkpoint_check(const struct checkpoint *c, bool at_end, struct error *err)
{
    if (!c->failed && (!at_end || c->size == c->whole))
        return 0;
    return error_set(err, ERROR_FORMAT, "%s: expected a state of another length than its %llu bytes", c->path,
                     (unsigned long long)c->whole);
}

int checkpoint_finish(struct checkpoint *c, struct error *err)
{
    if (!c || c->reads) {
        discard(c);
        return 0;
    }
    struct tail tail = {.size = c->size, .crc = c->crc};
    if (!c->failed
        && (fwrite(&tail, sizeof tail, 1, c->file) != 1 || fflush(c->file) != 0 || fsync(fileno(c->file)) != 0))
        c->failed = errno ? errno : EIO;
    if (fclose(c->file) != 0 && !c->failed)
        c->failed = errno;
    c->file = NULL;
    if (!c->failed && rename(c->temporary, c->path) != 0)
        c->failed = errno;
    int answer = 0;
    if (c->failed) {
        unlink(c->temporary);
        errno = c->failed;
        answer = error_set_errno(err, ERROR_FILE, "%s", c->temporary);
    }
    discard(c);
    return answer;
}

void checkpoint_remove(const char *path)
{
    char temporary[LONGEST_PATH];
    unlink(path);
    if (snprintf(temporary, sizeof temporary, "%s.new", path) < (int)sizeof temporary)
        unlink(temporary);
}
