/* One writer at a time: FILE.h5.lock says who, its modification time is the heartbeat.
 *
 * A lock comes into being whole, by link(2), which is atomic over the network too. A dead one is followed
 * by whoever takes a second lock, named after the first one's id, looks once more that the first is still
 * there, and renames his own over it. So of many that find the same dead lock exactly one follows, and one
 * that was slow, and would follow a lock that is no more, finds another id there. The second lock may be
 * left by one who died holding it: it is followed the same way. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

enum { DEEPEST = 3, TRIES = 8 };
enum taken { TAKEN, HELD, FAILED };

static bool owns(const char *name, const struct store_lock_info *self)
{
    struct store_lock_info found;
    return lock_read(name, &found) && strcmp(found.id, self->id) == 0;
}

/* Its heartbeat is of the future: the clock was set back, and only its next beat can say whether it lives. */
static bool beats_again(const char *name, const struct store_lock_info *other)
{
    for (int second = 0; second < 2 * LOCK_BEAT_SECONDS + 2; second++) {
        struct store_lock_info now;
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        if (!lock_read(name, &now) || strcmp(now.id, other->id) != 0 || now.beat != other->beat)
            return true;
    }
    return false;
}

/* Slurm has ended a job before it starts it again. */
static bool is_own_requeued(const struct store_lock_info *self, const struct store_lock_info *other)
{
    return other->pid && strcmp(other->slurm_job, "-") != 0 && strcmp(other->slurm_job, self->slurm_job) == 0
           && self->restart > other->restart;
}

static enum taken take(const char *name, const struct store_lock_info *self, int depth, struct store_lock_info *other,
                       struct error *err);

/* Puts mine in the place of a dead lock, if nobody else is doing so. */
static enum taken follow(const char *name, const char *mine, const struct store_lock_info *self, int depth,
                         const struct store_lock_info *dead, struct error *err)
{
    struct text second = {0};
    struct store_lock_info other, now;
    if (depth == DEEPEST)
        return HELD;
    text_add(&second, "%s.after-%s", name, dead->id);
    enum taken taken = take(second.chars, self, depth + 1, &other, err);
    if (taken == TAKEN) {
        if (lock_read(name, &now) && strcmp(now.id, dead->id) == 0 && now.beat == dead->beat)
            rename(mine, name);
        taken = owns(name, self) ? TAKEN : HELD;
        unlink(second.chars);
    }
    text_free(&second);
    return taken;
}

/* Where a file can have one name only. Returns 0, or errno. */
static int make_exclusive(const char *name, const struct store_lock_info *self)
{
    double now;
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return errno;
    int failed = lock_write(file, self, &now) ? 0 : errno;
    close(file);
    if (failed)
        unlink(name);
    return failed;
}

/* other: who holds it, where it is HELD. */
static enum taken take_with(const char *name, const char *mine, const struct store_lock_info *self, int depth, double now,
                            struct store_lock_info *other, struct error *err)
{
    for (int i = 0; i < TRIES; i++) {
        int failed = link(mine, name) ? errno : 0;
        if (!failed || owns(name, self))   /* an answer may be lost on its way from a server */
            return TAKEN;
        if (failed == EPERM || failed == EOPNOTSUPP || failed == ENOSYS)
            failed = make_exclusive(name, self);
        if (!failed)
            return TAKEN;
        errno = failed;
        if (failed != EEXIST) {
            error_set_errno(err, ERROR_FILE, "%s: cannot be made", name);
            return FAILED;
        }
        if (!lock_read(name, other)) {
            if (errno == ENOENT)   /* given back this moment */
                continue;
            error_set_errno(err, ERROR_FILE, "%s: cannot be read", name);
            return FAILED;
        }
        if (!is_own_requeued(self, other) && lock_is_live(other, now)
            && (other->beat - now < LOCK_STALE_SECONDS || beats_again(name, other)))
            return HELD;
        return follow(name, mine, self, depth, other, err);
    }
    return HELD;
}

static enum taken take(const char *name, const struct store_lock_info *self, int depth, struct store_lock_info *other,
                       struct error *err)
{
    struct text mine = {0};
    enum taken taken = FAILED;
    double now;
    *other = (struct store_lock_info){0};
    text_add(&mine, "%s.%s", name, self->id);
    int file = open(mine.chars, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 || !lock_write(file, self, &now))
        error_set_errno(err, ERROR_FILE, "%s: cannot be written", name);
    else
        taken = take_with(name, mine.chars, self, depth, now, other, err);
    if (file >= 0) {
        close(file);
        unlink(mine.chars);
    }
    text_free(&mine);
    return taken;
}

static int refuse(const char *path, const struct store_lock_info *other, struct error *err)
{
    char ago[64];
    if (!other->pid)
        return error_set(err, ERROR_LOCKED, "%s: another run is just starting or has just ended; try again", path);
    bool slurm = strcmp(other->slurm_job, "-") != 0;
    double silent = clock_unix() - other->beat;
    clock_duration(silent > 0 ? silent : 0, ago, sizeof ago);
    return error_set(err, ERROR_LOCKED, "%s: in use by a run on %s (process %ld%s%s), last sign of life %s ago. "
                     "Wait for it, or end it; a run without a sign of life for %d s is taken over", path, other->host,
                     other->pid, slurm ? ", Slurm job " : "", slurm ? other->slurm_job : "", ago, LOCK_STALE_SECONDS);
}

/* The lock of the file itself, by whichever link it is called. */
static int name_lock(const char *path, struct text *name, struct error *err)
{
    char real[STORE_PATH_SIZE];
    if (store_resolve(path, real, err))
        return -1;
    text_add(name, "%s.lock", real);
    return 0;
}

bool store_lock_read(const char *path, struct store_lock_info *info)
{
    struct text name = {0};
    bool found = name_lock(path, &name, NULL) == 0 && lock_read(name.chars, info);
    text_free(&name);
    if (found)   /* whoever only reads has no file to ask what time it is there */
        info->live = lock_is_live(info, clock_unix());
    return found;
}

int store_lock(const char *path, struct error *err)
{
    struct text name = {0};
    struct store_lock_info self, other = {0};
    int status = -1;
    lock_describe_self(&self);
    if (name_lock(path, &name, err))
        return -1;
    enum taken taken = take(name.chars, &self, 0, &other, err);
    if (taken == TAKEN)
        status = lock_heart_start(name.chars, &self, err);
    else if (taken == HELD)
        refuse(path, &other, err);
    if (taken == TAKEN && status)
        unlink(name.chars);
    text_free(&name);
    return status;
}

void store_unlock(const char *path)
{
    struct text name = {0};
    if (lock_heart_stop() && name_lock(path, &name, NULL) == 0)
        unlink(name.chars);
    text_free(&name);
}
