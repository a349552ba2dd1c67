/* The heartbeat of the lock that this process holds. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "lock.h"

/* All but thread and running is read and written under the mutex. */
static struct heart {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool running, stop, lost;
    double beat;                     /* clock_seconds() of the last one */
    struct text name;                /* of the lock */
    struct store_lock_info self, taker;
} heart = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Once, if the lock is still ours. What cannot be read for now (a server that is away) is no loss. */
static void beat(void)
{
    struct store_lock_info found;
    if (lock_read(heart.name.chars, &found)) {
        heart.lost = strcmp(found.id, heart.self.id) != 0;
        heart.taker = found;
        if (!heart.lost)
            utimensat(AT_FDCWD, heart.name.chars, NULL, 0);
    } else if (errno == ENOENT) {
        heart.lost = true;
        heart.taker = (struct store_lock_info){0};
    }
    heart.beat = clock_seconds();
}

static void *keep_beating(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&heart.mutex);
    while (!heart.stop && !heart.lost) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOCK_BEAT_SECONDS;
        if (pthread_cond_timedwait(&heart.wake, &heart.mutex, &until) == ETIMEDOUT && !heart.stop)
            beat();
    }
    pthread_mutex_unlock(&heart.mutex);
    return NULL;
}

int lock_heart_start(const char *name, const struct store_lock_info *self, struct error *err)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    if (heart.running && heart.self.pid != getpid()) {   /* a child has no thread, and perhaps a mutex that the thread held */
        pthread_mutex_init(&heart.mutex, NULL);
        heart.running = false;
    }
    lock_heart_stop();   /* of a lock that was taken from this process, and now again by it */
    text_free(&heart.name);
    text_add(&heart.name, "%s", name);
    heart.self = *self;
    heart.stop = heart.lost = false;
    heart.beat = clock_seconds();
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&heart.wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);   /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&heart.thread, NULL, keep_beating, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    heart.running = !failed;
    errno = failed;
    return failed ? error_set_errno(err, ERROR_MEMORY, "%s: its heartbeat cannot be started", name) : 0;
}

bool lock_heart_stop(void)
{
    if (!heart.running || heart.self.pid != getpid())
        return false;
    pthread_mutex_lock(&heart.mutex);
    heart.stop = true;
    pthread_cond_signal(&heart.wake);
    pthread_mutex_unlock(&heart.mutex);
    pthread_join(heart.thread, NULL);
    beat();   /* from here on nobody finds it dead */
    pthread_cond_destroy(&heart.wake);
    text_free(&heart.name);
    heart.running = false;
    return !heart.lost;
}

int store_lock_check(const char *path, struct error *err)
{
    struct store_lock_info taker;
    if (!heart.running)
        return 0;
    pthread_mutex_lock(&heart.mutex);
    /* a process that was stopped has missed beats, and its threads wake up in any order */
    if (!heart.lost && clock_seconds() - heart.beat > 2 * LOCK_BEAT_SECONDS)
        beat();
    bool lost = heart.lost;
    taker = heart.taker;
    pthread_mutex_unlock(&heart.mutex);
    if (!lost)
        return 0;
    if (taker.pid)
        return error_set(err, ERROR_LOCKED, "%s: a run on %s (process %ld) has taken it over, since this run had given no sign "
                         "of life for %d s; this run ends and writes nothing more", path, taker.host, taker.pid,
                         LOCK_STALE_SECONDS);
    return error_set(err, ERROR_LOCKED, "%s: its lock was removed; this run ends, since another may have begun. The same "
                     "command goes on", path);
}
