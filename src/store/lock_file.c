/* What a lock says, and whether the one who wrote it lives. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/host.h"

/* Which numbers of processes mean the same ones as ours: this boot of this machine, and this container. */
static void describe_space(char *space, size_t size)
{
    char boot[64] = "", container[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || fscanf(file, "%63s", boot) != 1)
        boot[0] = 0;
    if (file)
        fclose(file);
    ssize_t length = readlink("/proc/self/ns/pid", container, sizeof container - 1);
    container[length > 0 ? length : 0] = 0;
    snprintf(space, size, "%s/%s", boot, container);
}

void lock_describe_self(struct store_lock_info *self)
{
    const char *slurm = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    uint64_t number = 0;
    *self = (struct store_lock_info){.pid = getpid(), .since = clock_unix(), .restart = restart ? atoi(restart) : 0};
    host_name(self->host, sizeof self->host);
    snprintf(self->slurm_job, sizeof self->slurm_job, "%s", slurm && slurm[0] ? slurm : "-");
    describe_space(self->space, sizeof self->space);
    self->started = host_process_start(self->pid);
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = (uint64_t)self->pid ^ (uint64_t)(1e9 * self->since);
    snprintf(self->id, sizeof self->id, "%016llx", (unsigned long long)number);
}

bool lock_read(const char *name, struct store_lock_info *info)
{
    char content[1024] = "";
    struct stat found;
    *info = (struct store_lock_info){0};
    int file = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    ssize_t length = pread(file, content, sizeof content - 1, 0);
    int failed = length < 0 || fstat(file, &found) ? errno : 0;
    close(file);
    if (failed) {
        errno = failed;
        return false;
    }
    info->beat = (double)found.st_mtim.tv_sec + 1e-9 * (double)found.st_mtim.tv_nsec;
    int got = sscanf(content, "host %255s\npid %ld\nslurm_job %63s\nrestart %d\nsince %lf\nspace %127s\nstarted %llu\nid %16s",
                     info->host, &info->pid, info->slurm_job, &info->restart, &info->since, info->space, &info->started,
                     info->id);
    if (got < 5)
        info->pid = 0;
    if (got < 8)   /* of 0.1.0 */
        hash_hex(content, (size_t)length, info->id);
    return true;
}

bool lock_write(int file, const struct store_lock_info *self, double *now)
{
    char content[1024];
    struct stat found;
    int length = snprintf(content, sizeof content, "host %s\npid %ld\nslurm_job %s\nrestart %d\nsince %.3f\nspace %s\n"
                          "started %llu\nid %s\n", self->host, self->pid, self->slurm_job, self->restart, self->since,
                          self->space, self->started, self->id);
    /* a server that is short of space may say so only when the bytes must come to it */
    if (write(file, content, (size_t)length) != length || fsync(file) || futimens(file, NULL) || fstat(file, &found))
        return false;
    *now = (double)found.st_mtim.tv_sec + 1e-9 * (double)found.st_mtim.tv_nsec;
    return true;
}

/* Neither a zombie holds a lock, which a killed process may be for a while in a container, nor another process that
 * was given the number since. */
static bool process_lives(const struct store_lock_info *info)
{
    if (!host_process_lives(info->pid))
        return false;
    unsigned long long started = host_process_start(info->pid);
    return !info->started || !started || info->started == started;
}

bool lock_is_live(const struct store_lock_info *info, double now)
{
    struct store_lock_info self;
    if (now - info->beat > LOCK_STALE_SECONDS)
        return false;
    if (!info->pid)          /* just created, not yet written */
        return true;
    lock_describe_self(&self);
    if (strcmp(info->host, self.host) != 0 || (info->space[0] && strcmp(info->space, self.space) != 0))
        return true;         /* nobody here can ask for it */
    return process_lives(info);
}
