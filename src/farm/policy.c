#define _GNU_SOURCE
#include "farm/policy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "farm/child.h"

static enum failure_class of_signal(int number, bool want_of_memory)
{
    switch (number) {
    case SIGKILL: return want_of_memory ? FAILURE_OUT_OF_MEMORY : FAILURE_STOPPED;
    case SIGXCPU: return FAILURE_WALL;
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
    case SIGQUIT:
    case SIGUSR1:
    case SIGUSR2:
    case SIGALRM: return FAILURE_STOPPED;
    default: return FAILURE_CRASHED;
    }
}

enum failure_class policy_classify(const struct spawner_report *report)
{
    if (report->timed_out)
        return FAILURE_WALL;
    if (WIFSIGNALED(report->status))
        return of_signal(WTERMSIG(report->status), report->oom_kills > 0);
    int code = WEXITSTATUS(report->status);
    if (code >= CHILD_AS && code < CHILD_AS + FAILURE_COUNT)
        return (enum failure_class)(code - CHILD_AS);
    switch (code) {
    case CHILD_NO_MEMORY:
    case SPAWNER_NO_PROCESS: return FAILURE_OUT_OF_MEMORY;
    case CHILD_BAD_DATA: return FAILURE_BAD_DATA;
    case CHILD_STOPPED: return FAILURE_STOPPED;
    default: return FAILURE_CRASHED;
    }
}

static const char *why_killed(const struct spawner_report *report)
{
    return report->oom_kills > 0    ? " by the kernel for want of memory"
           : report->oom_kills == 0 ? " by hand or by a batch system: the kernel killed nothing for want of memory"
                                    : ": by hand, or by the kernel for want of memory";
}

void policy_describe(const struct spawner_report *report, double job_wall, const char *child_error, char *text,
                     size_t size)
{
    int signal = WIFSIGNALED(report->status) ? WTERMSIG(report->status) : 0, code = WEXITSTATUS(report->status);
    char duration[48];
    if (report->timed_out) {
        clock_duration(job_wall, duration, sizeof duration);
        snprintf(text, size, "stopped at its time limit, limits.job_wall = %s", duration);
    } else if (signal) {
        snprintf(text, size, "killed by signal %d (%s)%s", signal, strsignal(signal),
                 signal == SIGKILL ? why_killed(report) : "");
    } else if (code == SPAWNER_NO_PROCESS) {
        snprintf(text, size, "no process was to be had for it: too many, or too little memory");
    } else if (code == CHILD_STOPPED) {
        snprintf(text, size, "asked to stop by a USR1 of somebody");
    } else if (code == CHILD_FAILED || (code >= CHILD_AS && code < CHILD_AS + FAILURE_COUNT) || code == CHILD_NO_MEMORY || code == CHILD_BAD_DATA) {
        snprintf(text, size, "%.*s", (int)size - 1, child_error);
    } else {
        snprintf(text, size, "ended with exit code %d", code);
    }
}

void policy_describe_loss(int64_t times, const char *last, char *text, size_t size)
{
    if (times > 0)
        snprintf(text, size, "lost %lld time%s without having got on, the last: %s", (long long)times,
                 times == 1 ? "" : "s", last);
    else
        snprintf(text, size, "lost, but it had got on: %s", last);
}

int64_t policy_losses(const char *text)
{
    long long times = 0;
    return sscanf(text, "lost %lld time", &times) == 1 && times > 0 ? times : 0;
}
