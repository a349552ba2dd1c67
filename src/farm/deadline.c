#define _GNU_SOURCE
#include "farm/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

bool deadline_is_first_process(void)
{
    static const char *const names[] = {"PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return strcmp(getenv(names[i]), "0") == 0;
    return true;
}

double deadline_parse(const char *text)
{
    struct tm parts = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest || strspn(rest, " \t\r\n") != strlen(rest))
        return NAN;
    return (double)mktime(&parts);
}

static void set_end(struct deadline *deadline, double unix_seconds)
{
    deadline->end = clock_seconds() + (unix_seconds - clock_unix());
}

/* In the child: only what is safe after a fork. */
static void ask(int output, const char *job)
{
    int nothing = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);   /* what is meant for the rank, a drain, is not for it */
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    execlp("squeue", "squeue", "-h", "-j", job, "-o", "%e", (char *)NULL);
    _exit(127);
}

/* Also where squeue cannot be started: then the answer is empty. */
static void ask_slurm(struct deadline *deadline, const char *job)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    setenv("SLURM_TIME_FORMAT", "standard", 1);
    deadline->asked = fork();
    if (deadline->asked == 0)
        ask(ends[1], job);
    close(ends[1]);
    if (deadline->asked < 0) {
        deadline->asked = 0;
        close(ends[0]);
        return;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    deadline->answers = ends[0];
    deadline->since = clock_seconds();
}

void deadline_start(struct deadline *deadline, double start, double walltime)
{
    const char *job = getenv("SLURM_JOB_ID"), *end = getenv("SLURM_JOB_END_TIME");
    *deadline = (struct deadline){.end = start + walltime, .answers = -1};
    if (isfinite(walltime) || !job || !deadline_is_first_process())
        return;
    double seconds = end ? strtod(end, NULL) : 0;
    if (seconds > 0)
        set_end(deadline, seconds);
    else
        ask_slurm(deadline, job);
}

void deadline_end(struct deadline *deadline)
{
    if (!deadline->asked)
        return;
    kill(deadline->asked, SIGKILL);
    waitpid(deadline->asked, NULL, 0);
    close(deadline->answers);
    deadline->asked = 0;
}

/* Takes its answer, if it is there. */
static void poll_slurm(struct deadline *deadline)
{
    if (!deadline->asked)
        return;
    char *end = deadline->text + deadline->length;
    ssize_t got = read(deadline->answers, end, sizeof deadline->text - 1 - deadline->length);
    bool late = clock_seconds() - deadline->since > DEADLINE_QUESTION_SECONDS;
    if (got > 0)
        deadline->length += (size_t)got;
    else if (late || got == 0 || (errno != EAGAIN && errno != EINTR))
        deadline_end(deadline);
    if (deadline->asked)
        return;
    double seconds = deadline_parse(deadline->text);
    if (isfinite(seconds))
        set_end(deadline, seconds);
    else
        log_warning("when job %s ends is not known: squeue -h -j %s -o %%e %s '%s' within %d s; give --walltime, or send "
                    "USR1 in time", getenv("SLURM_JOB_ID"), getenv("SLURM_JOB_ID"), late ? "said only" : "said",
                    deadline->text, DEADLINE_QUESTION_SECONDS);
}

bool deadline_is_near(struct deadline *deadline, double slowest)
{
    char left[48];
    poll_slurm(deadline);
    double now = clock_seconds();
    if (!(now > deadline->end - DEADLINE_MARGIN_SECONDS - 2 * slowest))
        return false;
    clock_duration(fmax(0, deadline->end - now), left, sizeof left);
    log_warning("%s before the end of the walltime: stopping; the same command goes on from here", left);
    return true;
}

void deadline_hear(volatile double *slowest, int64_t microseconds)
{
    *slowest = fmax(*slowest, 1e-6 * (double)microseconds);
}
