#include "farm/vigil.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/host.h"

enum { CLOSING_SECONDS = 5 };

/* A signal handler's: copied, since the wire is freed before MPI_Finalize. */
static long *processes;
static int n_processes, exit_code, gone_for;
static bool closing;

static void look(int number)
{
    static const char message[] = "relin run: another rank has died while the run was starting: this one ends; the same "
                                  "command tries again\n";
    int kept = errno;
    bool gone = false;
    (void)number;
    for (int i = 0; i < n_processes; i++)
        gone |= processes[i] && !host_process_lives(processes[i]);
    if (gone && !closing) {
        ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
        (void)written;
        _exit(75);
    }
    if (gone && ++gone_for > CLOSING_SECONDS)
        _exit(exit_code);
    errno = kept;
}

static void every(time_t seconds)
{
    struct itimerval timer = {.it_interval.tv_sec = seconds, .it_value.tv_sec = seconds};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void vigil_start(const struct wire *wire)
{
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART};
    processes = malloc((size_t)wire->size * sizeof *processes);
    if (!processes)
        return;
    memcpy(processes, wire->process, (size_t)wire->size * sizeof *processes);
    n_processes = wire->size;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    every(1);
}

void vigil_pause(void)
{
    every(0);
}

void vigil_close(int code)
{
    exit_code = code;
    closing = true;
    if (n_processes)
        every(1);
}
