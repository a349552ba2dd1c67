#include "base/checkpoint.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

enum { VERSION = 1, TOO_FEW = -1, IMPOSSIBLE = -2, LONGEST_IDENTITY = 1024, LONGEST_PATH = 4400, BUFFER = 64 * 1024,
       MOST_AT_ONCE = 1 << 30 };
static const char magic[8] = {'r', 'e', 'l', 'i', 'n', 'c', 'k', 'p'};

struct tail {
    uint64_t size;     /* of all before */
    uint32_t crc, unused;
};

/* What a handler reads changes between the two: it must not meet them in the middle. */
enum phase { NOTHING, GATHERING, SEALED, SAVING };

struct checkpoint {
    char path[LONGEST_PATH], temporary[LONGEST_PATH], identity[LONGEST_IDENTITY + 1];
    bool reads;
    int failed;            /* errno of the first failure, or what is wrong with what was read */
    uint64_t size, whole;  /* so far; read: without the tail */
    FILE *file;            /* read */
    unsigned char *bytes;  /* written: (capacity), the first `size` are the state */
    uint64_t capacity;
    volatile sig_atomic_t phase;
};

/* Before and after what the phase speaks of, for a handler on the same thread too. */
static void enter(struct checkpoint *c, enum phase phase)
{
    atomic_signal_fence(memory_order_seq_cst);
    c->phase = phase;
    atomic_signal_fence(memory_order_seq_cst);
}

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

/* Makes place for size bytes more, and the tail. */
static bool grow(struct checkpoint *c, size_t size)
{
    uint64_t wanted = c->size + size + sizeof(struct tail);
    struct error err;
    if (wanted <= c->capacity)
        return true;
    unsigned char *bytes = mem_alloc(wanted + wanted / 2, 1, &err);
    if (!bytes)
        return false;
    if (c->size)
        memcpy(bytes, c->bytes, c->size);
    mem_free(c->bytes);
    c->bytes = bytes;
    c->capacity = wanted + wanted / 2;
    return true;
}

void checkpoint_carry(struct checkpoint *c, void *bytes, size_t size)
{
    if (c->failed || size == 0)
        return;
    if (c->reads) {
        if (c->whole - c->size < size || fread(bytes, 1, size, c->file) != size)
            c->failed = TOO_FEW;
    } else if (!grow(c, size)) {
        c->failed = ENOMEM;
    } else {
        memcpy(c->bytes + c->size, bytes, size);
    }
    c->size += size;
}

static bool is_symmetric(const double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (memcmp(&a[i * n + j], &a[j * n + i], sizeof *a) != 0)
                return false;
    return true;
}

void checkpoint_carry_flag(struct checkpoint *c, bool *flag)
{
    unsigned char byte = *flag;
    checkpoint_carry(c, &byte, sizeof byte);
    *flag = byte;
}

void checkpoint_carry_within(struct checkpoint *c, int64_t *number, int64_t least, int64_t most)
{
    int64_t value = *number;
    checkpoint_carry(c, &value, sizeof value);
    if (c->reads && (value < least || value > most))
        checkpoint_refuse(c);
    else
        *number = value;
}

void checkpoint_refuse(struct checkpoint *c)
{
    c->failed = c->failed ? c->failed : IMPOSSIBLE;
}

void checkpoint_carry_square(struct checkpoint *c, double *a, size_t n)
{
    bool half = !c->reads && is_symmetric(a, n);
    checkpoint_carry_flag(c, &half);
    if (!half) {
        checkpoint_carry(c, a, n * n * sizeof *a);
        return;
    }
    for (size_t i = 0; i < n; i++)
        checkpoint_carry(c, a + i * n + i, (n - i) * sizeof *a);
    for (size_t i = 0; c->reads && i < n; i++)
        for (size_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i];
}

bool checkpoint_is_read(const struct checkpoint *c)
{
    return c->reads;
}

size_t checkpoint_size(const struct checkpoint *c)
{
    return c->size;
}

struct checkpoint *checkpoint_write(const char *path, const char *identity, struct error *err)
{
    struct checkpoint *c = start(path, false, err);
    if (c)
        snprintf(c->identity, sizeof c->identity, "%s", identity);
    return c;
}

void checkpoint_begin(struct checkpoint *c)
{
    uint32_t numbers[2] = {VERSION, (uint32_t)strlen(c->identity)};
    char head[sizeof magic];
    enter(c, GATHERING);
    c->failed = 0;
    c->size = 0;
    memcpy(head, magic, sizeof head);
    checkpoint_carry(c, head, sizeof head);
    checkpoint_carry(c, numbers, sizeof numbers);
    checkpoint_carry(c, c->identity, numbers[1]);
}

int checkpoint_seal(struct checkpoint *c, struct error *err)
{
    if (!c->failed) {
        enter(c, SEALED);
        return 0;
    }
    enter(c, NOTHING);
    return error_set(err, ERROR_MEMORY, "%s: no memory to gather its %llu bytes", c->path, (unsigned long long)c->size);
}

/* --- to the disk. Within a signal's handler too: calls of the system only --- */

/* The first job of a run that keeps its state makes the folder; another may have been faster. */
static int open_temporary(const struct checkpoint *c)
{
    int file = open(c->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const char *slash = strrchr(c->path, '/');
    if (file >= 0 || errno != ENOENT || !slash || slash == c->path)
        return file;
    char folder[LONGEST_PATH];
    memcpy(folder, c->path, (size_t)(slash - c->path));
    folder[slash - c->path] = 0;
    mkdir(folder, 0777);
    return open(c->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

static int write_all(int file, const unsigned char *bytes, uint64_t size)
{
    while (size > 0) {
        size_t part = size < MOST_AT_ONCE ? (size_t)size : MOST_AT_ONCE;
        ssize_t written = write(file, bytes, part);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            errno = written < 0 ? errno : ENOSPC;
            return -1;
        }
        bytes += written;
        size -= (uint64_t)written;
    }
    return 0;
}

/* Returns 0, or what errno says. */
static int save(struct checkpoint *c)
{
    struct tail tail = {.size = c->size, .crc = hash_crc32(0, c->bytes, c->size)};
    int file = open_temporary(c), failed = file < 0 ? errno : 0;
    if (failed)
        return failed;
    memcpy(c->bytes + c->size, &tail, sizeof tail);   /* `grow` left place for it */
    if (write_all(file, c->bytes, c->size + sizeof tail) != 0 || fsync(file) != 0)
        failed = errno;
    if (close(file) != 0 && !failed)
        failed = errno;
    if (!failed && rename(c->temporary, c->path) != 0)
        failed = errno;
    if (failed)
        unlink(c->temporary);
    return failed;
}

int checkpoint_save(struct checkpoint *c, struct error *err)
{
    assert(c->phase == SEALED);
    enter(c, SAVING);
    int failed = save(c);
    enter(c, SEALED);
    if (!failed)
        return 0;
    errno = failed;
    return error_set_errno(err, ERROR_FILE, "%s", c->temporary);
}

int checkpoint_rescue(struct checkpoint *c)
{
    return !c || c->phase == NOTHING ? -1 : c->phase != SEALED ? 1 : save(c) == 0 ? 0 : -1;
}

/* --- reading --- */

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

void checkpoint_free(struct checkpoint *c)
{
    if (!c)
        return;
    if (c->file)
        fclose(c->file);
    mem_free(c->bytes);
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
        checkpoint_free(c);
        return NULL;
    }
    if (check_whole(c, err) != 0 || check_identity(c, identity, err) != 0) {
        checkpoint_free(c);
        return NULL;
    }
    return c;
}

int checkpoint_check(const struct checkpoint *c, bool at_end, struct error *err)
{
    if (!c->failed && (!at_end || c->size == c->whole))
        return 0;
    if (c->failed == IMPOSSIBLE)
        return error_set(err, ERROR_FORMAT, "%s: expected the state of a job, got numbers that no job comes to", c->path);
    return error_set(err, ERROR_FORMAT, "%s: expected a state of another length than its %llu bytes", c->path,
                     (unsigned long long)c->whole);
}

void checkpoint_remove(const char *path)
{
    char temporary[LONGEST_PATH];
    unlink(path);
    if (snprintf(temporary, sizeof temporary, "%s.new", path) < (int)sizeof temporary)
        unlink(temporary);
}
