#define _GNU_SOURCE
#include "farm/shm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"

static const char folder[] = "/dev/shm";

void shm_new_run(char run[17])
{
    struct { double now; long pid; unsigned char noise[16]; } seed;
    memset(&seed, 0, sizeof seed);
    seed.now = clock_unix();
    seed.pid = getpid();
    if (getrandom(seed.noise, sizeof seed.noise, GRND_NONBLOCK) < 0)
        seed.noise[0] = 1;   /* time and pid tell runs apart too */
    hash_hex(&seed, sizeof seed, run);
}

static void guard_name(char name[SHM_NAME_SIZE], const char *run, int rank)
{
    snprintf(name, SHM_NAME_SIZE, "/relin-%.16s.%d", run, rank);
}

void shm_name(char name[SHM_NAME_SIZE], const char *run, int rank, const char *kind, size_t number)
{
    snprintf(name, SHM_NAME_SIZE, "/relin-%.16s.%d.%s-%zu", run, rank, kind, number);
}

/* Is the open guard still the one that its name leads to? */
static bool still_named(int guard, const char *name)
{
    struct stat held, named;
    int other = shm_open(name, O_RDONLY, 0);
    bool same = other >= 0 && fstat(guard, &held) == 0 && fstat(other, &named) == 0
                && held.st_ino == named.st_ino;
    if (other >= 0)
        close(other);
    return same;
}

int shm_guard(const char *run, int rank, struct error *err)
{
    char name[SHM_NAME_SIZE];
    guard_name(name, run, rank);
    for (;;) {
        int guard = shm_open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (guard < 0 || flock(guard, LOCK_EX)) {
            if (guard >= 0)
                close(guard);
            return error_set_errno(err, ERROR_FILE, "shared memory object %s cannot be made: is %s mounted and writable?",
                                   name, folder);
        }
        if (still_named(guard, name))
            return guard;
        close(guard);   /* another run took it for dead between its making and its locking */
    }
}

static void *map(int object, size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
    close(object);
    return block == MAP_FAILED ? NULL : block;
}

void *shm_create(const char *name, size_t size, struct error *err)
{
    int object = shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    /* fallocate: no room is an error now, not a bus error later */
    int failed = object < 0 ? errno : posix_fallocate(object, 0, (off_t)size);
    void *block = failed ? NULL : map(object, size);
    if (!block) {
        if (failed)
            errno = failed;
        error_set_errno(err, ERROR_MEMORY, "shared memory object %s of %zu bytes cannot be made", name, size);
        if (object >= 0) {
            shm_unlink(name);
            if (failed)
                close(object);
        }
    }
    return block;
}

void *shm_map(const char *name, size_t size, struct error *err)
{
    int object = shm_open(name, O_RDWR | O_CLOEXEC, 0);
    void *block = object < 0 ? NULL : map(object, size);
    if (!block)
        error_set_errno(err, ERROR_MEMORY, "shared memory object %s cannot be mapped", name);
    return block;
}

/* Removes what begins with the guard's name and a dot, then the guard. */
static void remove_behind(const char *guard)
{
    DIR *dir = opendir(folder);
    size_t length = strlen(guard);
    char name[300];
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, guard + 1, length - 1) == 0 && entry->d_name[length - 1] == '.') {
            snprintf(name, sizeof name, "/%s", entry->d_name);
            shm_unlink(name);
        }
    if (dir)
        closedir(dir);
    shm_unlink(guard);
}

void shm_remove(const char *run, int rank)
{
    char name[SHM_NAME_SIZE];
    guard_name(name, run, rank);
    remove_behind(name);
}

void shm_remove_dead(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char run[17], name[SHM_NAME_SIZE];
        int rank, end = 0;
        if (sscanf(entry->d_name, "relin-%16[0-9a-f].%d%n", run, &rank, &end) != 2 || entry->d_name[end])
            continue;
        guard_name(name, run, rank);
        int guard = shm_open(name, O_RDWR | O_CLOEXEC, 0);
        if (guard < 0)
            continue;   /* gone meanwhile, or another user's */
        if (flock(guard, LOCK_EX | LOCK_NB) == 0)
            remove_behind(name);
        close(guard);
    }
    if (dir)
        closedir(dir);
}
