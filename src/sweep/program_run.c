/* Runs a program of the user's own: its words, environment, streams and end. */
#define _GNU_SOURCE   /* pipe2, memfd_create, ppoll */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "base/text.h"
#include "program_start.h"
#include "sweep/program.h"
#include "sweep/job.h"

enum { SAID_MOST = 8192, LABEL_SIZE = 72, REASON_SIZE = 256 };

/* How long what it left behind may hold its streams, after its end, and how long it has where it is stopped at once. */
static const double linger_seconds = 0.5, urgent_seconds = 0.7;

struct program {
    const struct program_place *place;
    struct program_output *output;
    pid_t pid;
    int out, said_from;                /* its standard output and error; -1: at their end */
    char said[SAID_MOST];              /* the last of what it said on standard error */
    size_t n_said;
    char label[LABEL_SIZE];
    bool ended, asked, killed, refused;
    int status;                        /* as of waitpid */
    double deadline;                   /* for its end, then for that of its streams */
    long long oom_kills;               /* of the node, before */
};

/* --- its streams --------------------------------------------------------------------- */

static void keep_said(struct program *p, const char *bytes, size_t n)
{
    if (n > sizeof p->said) {
        bytes += n - sizeof p->said;
        n = sizeof p->said;
    }
    size_t over = p->n_said + n > sizeof p->said ? p->n_said + n - sizeof p->said : 0;
    memmove(p->said, p->said + over, p->n_said - over);
    p->n_said -= over;
    memcpy(p->said + p->n_said, bytes, n);
    p->n_said += n;
}

static void end_group(struct program *p)
{
    if (!p->killed)
        kill(-p->pid, SIGKILL);
    p->killed = true;
}

static void take_bytes(struct program *p, int *from, struct error *err)
{
    char bytes[16384];
    ssize_t n = read(*from, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        close(*from);
        *from = -1;
    } else if (from == &p->said_from) {
        keep_said(p, bytes, (size_t)n);
    } else if (!p->refused && program_output_feed(p->output, bytes, (size_t)n, err)) {
        p->refused = true;
        end_group(p);
    }
}

/* --- its end ------------------------------------------------------------------------- */

static void look_for_end(struct program *p)
{
    if (p->ended || waitpid(p->pid, &p->status, WNOHANG) != p->pid)
        return;
    p->ended = true;
    p->deadline = clock_seconds() + linger_seconds;
}

static void look_for_stop(struct program *p)
{
    int stop = p->place->stop ? *p->place->stop : 0;
    if (p->ended || !stop)
        return;
    double deadline = clock_seconds() + (stop == 2 ? fmin(urgent_seconds, p->place->grace) : p->place->grace);
    if (!p->asked)
        kill(-p->pid, SIGTERM);
    if (!p->asked || stop == 2)
        p->deadline = fmin(p->asked ? p->deadline : INFINITY, deadline);
    p->asked = true;
}

/* Until it has ended, and its streams have, or what it left behind is not worth waiting for. */
static void attend(struct program *p, struct error *err)
{
    for (;;) {
        look_for_end(p);
        look_for_stop(p);
        double left = p->deadline - clock_seconds();
        if (p->ended && ((p->out < 0 && p->said_from < 0) || left <= 0))
            break;
        if (!p->ended && left <= 0) {
            end_group(p);
            p->deadline = INFINITY;
            continue;
        }
        struct pollfd events[2] = {{.fd = p->out, .events = POLLIN}, {.fd = p->said_from, .events = POLLIN}};
        struct timespec patience = {.tv_sec = (time_t)fmin(left, 1e6), .tv_nsec = (long)(1e9 * fmod(fmin(left, 1e6), 1)) + 1};
        if (patience.tv_nsec >= 1000000000)
            patience.tv_nsec = 999999999;
        if (ppoll(events, 2, &patience, p->place->mask) <= 0)
            continue;
        if (events[1].revents)
            take_bytes(p, &p->said_from, err);
        if (events[0].revents)
            take_bytes(p, &p->out, err);
    }
    kill(-p->pid, SIGKILL);   /* the rest of its group */
}

/* The last line that says something, printable and in UTF-8 as it came. */
static void last_words(const struct program *p, char *words, size_t size)
{
    size_t end = p->n_said, begin, n = 0;
    while (end > 0 && (unsigned char)p->said[end - 1] <= ' ')
        end--;
    for (begin = end; begin > 0 && p->said[begin - 1] != '\n'; begin--) {}
    for (; begin < end && n + 1 < size; begin++)
        words[n++] = (unsigned char)p->said[begin] >= ' ' && (unsigned char)p->said[begin] < 0x7f ? p->said[begin] : '?';
    words[n] = 0;
}

/* The end of what it said, for the log. */
static void tell_said(const struct program *p)
{
    if (p->n_said == 0)
        return;
    fprintf(stderr, "relin: %s said at last:\n", p->label);
    fwrite(p->said, 1, p->n_said, stderr);
    if (p->said[p->n_said - 1] != '\n')
        fputc('\n', stderr);
    fflush(stderr);
}

static enum failure_class class_of_signal(const struct program *p, int number)
{
    switch (number) {
    case SIGKILL: return host_oom_kills() > p->oom_kills && p->oom_kills >= 0 ? FAILURE_OUT_OF_MEMORY : FAILURE_STOPPED;
    case SIGXCPU: return FAILURE_WALL;
    case SIGTERM: case SIGINT: case SIGHUP: case SIGQUIT: case SIGUSR1: case SIGUSR2: case SIGALRM: return FAILURE_STOPPED;
    default: return FAILURE_CRASHED;
    }
}

/* The program, what happened, and its last words; within what the file has room for. */
static enum program_end fail(const struct program *p, const char *what, struct error *err)
{
    char words[REASON_SIZE], why[REASON_SIZE];
    last_words(p, words, sizeof words);
    snprintf(why, sizeof why, "%s", what);
    error_set(err, ERROR_JOB, "%s: %s%s%s", p->label, why, words[0] ? "; it said: " : "", words);
    tell_said(p);
    return PROGRAM_FAILED;
}

static enum program_end judge(struct program *p, enum failure_class *class, struct error *err)
{
    char what[2 * REASON_SIZE];
    struct error output = {0};
    int signal = WIFSIGNALED(p->status) ? WTERMSIG(p->status) : 0;
    *class = FAILURE_BAD_DATA;
    if (p->refused) {
        snprintf(what, sizeof what, "%.250s", err->text);
        return fail(p, what, err);
    }
    if (p->asked)
        return PROGRAM_STOPPED;
    if (signal) {
        *class = class_of_signal(p, signal);
        snprintf(what, sizeof what, "killed by signal %d (%.60s)%s", signal, strsignal(signal),
                 *class == FAILURE_OUT_OF_MEMORY ? " by the kernel for want of memory" : "");
        return fail(p, what, err);
    }
    if (WEXITSTATUS(p->status) != 0) {
        *class = FAILURE_CRASHED;
        snprintf(what, sizeof what, "ended with exit code %d", WEXITSTATUS(p->status));
        return fail(p, what, err);
    }
    if (program_output_end(p->output, &output)) {
        snprintf(what, sizeof what, "%.200s%s", output.text,
                 p->out >= 0 ? "; what it left in the background was ended: have it stay in front" : "");
        return fail(p, what, err);
    }
    return PROGRAM_DONE;
}

/* What the record says of the run itself. */
static void describe_run(const struct job *job, struct result *result)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    *result_f64(result, VAR_MAX_RSS_BYTES) = 1024.0 * (double)usage.ru_maxrss;
    *result_i32(result, VAR_THREADS) = (int32_t)job->training.threads;
    result_set_text(result, VAR_ENGINE, job_engine_name(job));
}

static void shorten(const char *label, char out[LABEL_SIZE])
{
    size_t length = strlen(label);
    memset(out, 0, LABEL_SIZE);
    memcpy(out, label, length < LABEL_SIZE ? length : LABEL_SIZE - 4);
    if (length >= LABEL_SIZE)
        memcpy(out + LABEL_SIZE - 4, "...", 3);
}

enum program_end program_run(const struct job *job, const struct program_place *place, struct result *result,
                             enum failure_class *class, struct error *err)
{
    struct text label = {0};
    enum program_end end = PROGRAM_FAILED;
    struct program *p = mem_alloc(1, sizeof *p, err);
    struct program_output *output = mem_alloc(1, sizeof *output, err);
    *class = FAILURE_OUT_OF_MEMORY;
    if (!p || !output)
        goto done;
    *p = (struct program){.place = place, .output = output, .out = -1, .said_from = -1, .deadline = INFINITY,
                          .oom_kills = host_oom_kills()};
    program_label(job, &label);
    shorten(label.chars, p->label);
    program_output_start(output, job, result);
    *class = FAILURE_BAD_DATA;
    if (program_start(job, place, &p->pid, &p->out, &p->said_from, class, err)) {
        error_prefix(err, "%s", p->label);
        goto done;
    }
    attend(p, err);
    end = judge(p, class, err);
    if (end == PROGRAM_DONE)
        describe_run(job, result);
done:
    if (p && p->out >= 0)
        close(p->out);
    if (p && p->said_from >= 0)
        close(p->said_from);
    text_free(&label);
    mem_free(output);
    mem_free(p);
    return end;
}
