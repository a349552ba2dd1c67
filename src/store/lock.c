/* One writer at a time: FILE.h5.lock says who, its modification time is the heartbeat. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/text.h"

enum { STALE_SECONDS = 60 };

static void lock_name(const char *path, struct text *name)
{
    text_add(name, "%s.lock", path);
}

static void describe_self(struct store_lock_info *self)
{
    const char *slurm = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    *self = (struct store_lock_info){.pid = getpid(), .since = clock_unix(), .restart = restart ? atoi(restart) : 0};
    host_name(self->host, sizeof self->host);
    snprintf(self->slurm_job, sizeof self->slurm_job, "%s", slurm && slurm[0] ? slurm : "-");
}

/* Reads an open lock file. */
static bool read_lock(int file, struct store_lock_info *info)
{
    char content[512] = "";
    struct stat found;
    *info = (struct store_lock_info){0};
    ssize_t length = pread(file, content, sizeof content - 1, 0);
    if (length < 0 || fstat(file, &found))
        return false;
    info->beat = (double)found.st_mtim.tv_sec + 1e-9 * (double)found.st_mtim.tv_nsec;
    return sscanf(content, "host %255s\npid %ld\nslurm_job %63s\nrestart %d\nsince %lf", info->host, &info->pid,
                  info->slurm_job, &info->restart, &info->since) == 5;
}

static bool write_lock(int file, const struct store_lock_info *self)
{
    char content[512];
    int length = snprintf(content, sizeof content, "host %s\npid %ld\nslurm_job %s\nrestart %d\nsince %.3f\n",
                          self->host, self->pid, self->slurm_job, self->restart, self->since);
    return ftruncate(file, 0) == 0 && pwrite(file, content, (size_t)length, 0) == length;
}

/* A killed process keeps its number until its parent has asked how it ended, which in a
 * container may take a while: such a zombie holds nothing. */
static bool process_lives(long pid)
{
    char path[64], state = 0;
    if (kill((pid_t)pid, 0) && errno != EPERM)
        return false;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (file)
        fclose(file);
    return state != 'Z';
}

static bool is_live(const struct store_lock_info *info, bool readable)
{
    struct store_lock_info self;
    describe_self(&self);
    if (clock_unix() - info->beat > STALE_SECONDS)
        return false;
    if (!readable)           /* just created, not yet written */
        return true;
    return strcmp(info->host, self.host) != 0 || process_lives(info->pid);
}

bool store_lock_read(const char *path, struct store_lock_info *info)
{
    struct text name = {0};
    lock_name(path, &name);
    int file = open(name.chars, O_RDONLY | O_CLOEXEC);
    text_free(&name);
    if (file < 0)
        return false;
    bool readable = read_lock(file, info);
    info->live = is_live(info, readable);
    close(file);
    return true;
}

int store_lock(const char *path, struct error *err)
{
    struct text name = {0};
    struct store_lock_info self, other;
    struct stat named, opened;
    char ago[64];
    int status = -1;
    lock_name(path, &name);
    describe_self(&self);
    int file = open(name.chars, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    /* Two that start at once are told apart by flock, which is held while the content is judged
     * and written only; over the network, where it may not work, the heartbeat remains. */
    if (file < 0 || (flock(file, LOCK_EX) && errno != ENOLCK && errno != EOPNOTSUPP)) {
        error_set_errno(err, ERROR_FILE, "%s: cannot be written", name.chars);
        goto done;
    }
    if (stat(name.chars, &named) || fstat(file, &opened) || named.st_ino != opened.st_ino) {
        error_set(err, ERROR_LOCKED, "%s: another run has just ended; try again", path);
        goto done;
    }
    bool requeued = false, readable = opened.st_size > 0 && read_lock(file, &other);
    if (readable)
        requeued = strcmp(other.slurm_job, "-") != 0 && strcmp(other.slurm_job, self.slurm_job) == 0
                   && self.restart > other.restart;
    if (readable && !requeued && is_live(&other, true)) {
        clock_duration(clock_unix() - other.beat, ago, sizeof ago);
        error_set(err, ERROR_LOCKED, "%s: in use by a run on %s (process %ld%s%s), last sign of life %s ago. "
                  "Wait for it, or end it; a run without a sign of life for %d s is taken over", path, other.host,
                  other.pid, strcmp(other.slurm_job, "-") ? ", Slurm job " : "",
                  strcmp(other.slurm_job, "-") ? other.slurm_job : "", ago, STALE_SECONDS);
        goto done;
    }
    if (write_lock(file, &self)) {
        status = 0;
    } else {   /* a lock that names nobody would pass for a run that has just begun */
        error_set_errno(err, ERROR_FILE, "%s: cannot be written", name.chars);
        unlink(name.chars);
    }
done:
    if (file >= 0)
        close(file);
    text_free(&name);
    return status;
}

/* Opens the lock if it is this process's. */
static int open_own(const char *path, struct text *name)
{
    struct store_lock_info self, found;
    lock_name(path, name);
    describe_self(&self);
    int file = open(name->chars, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return -1;
    if (read_lock(file, &found) && found.pid == self.pid && strcmp(found.host, self.host) == 0)
        return file;
    close(file);
    return -1;
}

void store_lock_beat(const char *path)
{
    struct text name = {0};
    int file = open_own(path, &name);
    if (file >= 0) {
        futimens(file, NULL);
        close(file);
    }
    text_free(&name);
}

void store_unlock(const char *path)
{
    struct text name = {0};
    int file = open_own(path, &name);
    if (file >= 0) {
        unlink(name.chars);
        close(file);
    }
    text_free(&name);
}
