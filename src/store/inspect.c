/* Looking at a file in a child that may be lost. What the child looks at is in inspect_walk.c. */
#define _GNU_SOURCE   /* pipe2 */
#include "store/inspect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "hdf.h"

enum { PATIENCE_SECONDS = 30, SLOWEST_BYTES = 10 << 20 /* a second */ };
static const uint64_t MEMORY_BYTES = 512ull << 20;   /* beside what the process has, and twice the file */

/* --- the child ------------------------------------------------------------------- */

static void limit(int resource, rlim_t value)
{
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && (now.rlim_max == RLIM_INFINITY || value < now.rlim_max))
        setrlimit(resource, &(struct rlimit){value, value});
}

/* Of the address space: what is mapped now stays. */
static void limit_memory(uint64_t file_size)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%llu", &pages) == 1)
        limit(RLIMIT_AS, pages * (uint64_t)sysconf(_SC_PAGESIZE) + MEMORY_BYTES + 2 * file_size);
    if (file)
        fclose(file);
}

/* Signals to the group are for the parent, with whom the child ends. */
static void become_child(pid_t parent, uint64_t file_size)
{
    static const int not_mine[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    static const int bad_ends[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof not_mine / sizeof *not_mine; i++)
        signal(not_mine[i], SIG_IGN);
    for (size_t i = 0; i < sizeof bad_ends / sizeof *bad_ends; i++)
        signal(bad_ends[i], SIG_DFL);
    prctl(PR_SET_NAME, "relin-inspect");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);   /* glibc speaks of broken heaps */
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    limit(RLIMIT_CORE, 0);
    limit_memory(file_size);
}

/* --- the parent ------------------------------------------------------------------ */

static double patience(uint64_t file_size)
{
    const char *own = getenv("RELIN_INSPECT_SECONDS");
    double seconds = own ? strtod(own, NULL) : 0;
    return seconds > 0 && seconds < 1e6 ? seconds : PATIENCE_SECONDS + (double)file_size / SLOWEST_BYTES;
}

/* Reads what the child says until it ends; false: it did not in time. */
static bool listen_to(int end, double seconds, struct inspection *inspection)
{
    double last = clock_seconds() + seconds;
    size_t got = 0;
    for (;;) {
        double left = last - clock_seconds();
        struct pollfd event = {.fd = end, .events = POLLIN};
        if (left <= 0)
            return false;
        int n = poll(&event, 1, (int)(left * 1e3) + 1);
        if (n <= 0)
            continue;
        ssize_t size = read(end, inspection->why + got, sizeof inspection->why - 1 - got);
        if (size == 0 || (size < 0 && errno != EINTR))
            return true;
        got += size > 0 ? (size_t)size : 0;
    }
}

static void wait_for_end(pid_t child, int end, double seconds, struct inspection *inspection)
{
    int status = 0;
    bool in_time = listen_to(end, seconds, inspection);
    if (!in_time)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!in_time)
        *inspection = (struct inspection){.end = INSPECT_TIMED_OUT, .detail = (int32_t)seconds};
    else if (WIFSIGNALED(status))
        *inspection = (struct inspection){.end = INSPECT_CRASHED, .detail = WTERMSIG(status)};
    else if (inspection->why[0])
        inspection->end = INSPECT_REFUSED;
    else if (WEXITSTATUS(status) != 0)   /* a sanitizer's way to crash */
        *inspection = (struct inspection){.end = INSPECT_CRASHED, .detail = SIGABRT};
}

/* body in a child; its error is what is refused. */
static void run_in_child(const char *path, inspect_body body, void *context, struct inspection *inspection)
{
    struct stat found;
    int ends[2];
    *inspection = (struct inspection){0};
    if (stat(path, &found) || !S_ISREG(found.st_mode) || pipe2(ends, O_CLOEXEC))
        return;   /* the caller says what is wrong with a file that is none */
    uint64_t size = (uint64_t)found.st_size;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        struct error err = {0};
        become_child(parent, size);
        if (body(context, &err)) {
            ssize_t ignored = write(ends[1], err.text, strnlen(err.text, sizeof inspection->why - 1));
            (void)ignored;
        }
        H5close();   /* as at the end of a program: a heap that was spoilt may show only now */
        _exit(0);
    }
    close(ends[1]);
    if (child > 0)
        wait_for_end(child, ends[0], patience(size), inspection);
    else
        *inspection = (struct inspection){.end = INSPECT_NO_CHILD, .detail = errno};
    close(ends[0]);
}

static int walk(void *path, struct error *err)
{
    struct stat found;
    return stat(path, &found) ? 0 : inspect_walk(path, (uint64_t)found.st_size, err);
}

void inspect_in_child(const char *path, struct inspection *inspection)
{
    run_in_child(path, walk, (void *)path, inspection);
}

/* --- for everybody --------------------------------------------------------------- */

static inspect_function inspector;
static void *inspector_context;

void inspect_by(inspect_function function, void *context)
{
    inspector = function;
    inspector_context = context;
}

/* What a file is taken for the same by. */
struct face {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

static bool look(const char *path, struct face *face)
{
    struct stat found;
    memset(face, 0, sizeof *face);
    if (stat(path, &found))
        return false;
    face->device = found.st_dev;
    face->inode = found.st_ino;
    face->size = found.st_size;
    face->changed = found.st_ctim;
    return true;
}

static int report(const char *path, const struct inspection *inspection, enum error_code code, struct error *err)
{
    static const char advice[] = "the file is damaged: put a whole copy in its place, or move it away";
    switch (inspection->end) {
    case INSPECT_CRASHED:
        return error_set(err, code, "%s: libhdf5 crashed on it (%s), in a child process that was opened for this: %s", path,
                         strsignal(inspection->detail), advice);
    case INSPECT_TIMED_OUT:
        return error_set(err, code, "%s: libhdf5 did not come to an end of it within %d s, in a child process that was opened "
                         "for this: %s; on a very slow disk set RELIN_INSPECT_SECONDS", path, inspection->detail, advice);
    case INSPECT_REFUSED: return error_set(err, code, "%s: %s", path, inspection->why);
    case INSPECT_NO_CHILD:
        errno = inspection->detail;
        return error_set_errno(err, ERROR_MEMORY, "%s: no process to be had to look at it first", path);
    default: return 0;
    }
}

int inspect_file(const char *path, enum error_code code, struct error *err)
{
    static struct face passed;
    struct face now;
    struct inspection inspection = {0};
    bool there = look(path, &now);
    if (there && memcmp(&now, &passed, sizeof now) == 0)
        return 0;
    if (inspector)
        inspector(inspector_context, path, &inspection);
    else
        inspect_in_child(path, &inspection);
    if (report(path, &inspection, code, err))
        return -1;
    if (there)
        passed = now;
    return 0;
}

int inspect_first(const char *path, inspect_body body, void *context, enum error_code code, struct error *err)
{
    struct inspection inspection;
    run_in_child(path, body, context, &inspection);
    if (inspection.end == INSPECT_REFUSED)   /* the caller will hear it */
        return 0;
    return report(path, &inspection, code, err);
}
