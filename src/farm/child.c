#define _GNU_SOURCE
#include "farm/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "sweep/experiment.h"
#include "sweep/job.h"

/* The child outlives nobody: it dies with its parent. If the parent went before the signal
 * was asked for, there is a new one already. */
static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CHILD_FAILED);
}

/* When memory runs out the kernel shall take a job, which can run again, not a rank. */
static void offer_to_oom_killer(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, "1000", 4);
    (void)written;   /* refused in some containers: then the kernel's own choice stands */
    close(file);
}

static void close_all_but_standard(void)
{
    if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
        return;
    for (int fd = 3, last = (int)sysconf(_SC_OPEN_MAX); fd < last; fd++)
        close(fd);
}

void child_run(pid_t parent, int64_t row, const char *job_text, const struct dataset *set,
               const struct result_layout *layout, void *block)
{
    struct error err = {0};
    struct job job = {0};
    struct result result;
    char title[16];
    die_with(parent);
    offer_to_oom_killer();
    close_all_but_standard();
    snprintf(title, sizeof title, "relin-job-%lld", (long long)row);
    prctl(PR_SET_NAME, title);

    result_bind(&result, layout, block);
    result_clear(&result);
    int status = job_parse(&job, job_text, &err);
    if (!status)
        status = experiment_run(&job, set, &result, NULL, &err);   /* sets the BLAS threads too */
    if (status)
        result_set_text(&result, VAR_ERROR, err.text);
    _exit(status ? CHILD_FAILED : CHILD_DONE);
}
