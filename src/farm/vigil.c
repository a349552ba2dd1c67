#include "farm/vigil.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/host.h"

enum { CLOSING_SECONDS = 5, START_SECONDS = 600 };

/* A signal handler's: copied, since the wire is freed before MPI_Finalize. */
static long *processes;
static int n_processes, exit_code, gone_for;
static bool closing;
/* Before MPI knows anybody: seconds that are left, and the process that started this one where that is a launcher. */
static long starting_for;
static pid_t launcher;

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

static void give_up(int number)
{
    static const char late[] = "relin run: expected all ranks to start within RELIN_START_SECONDS (600), got no more "
                               "word of one: it may have died. This one ends; the same command tries again\n";
    static const char gone[] = "relin run: its launcher (mpirun) has died while the run was starting: this rank ends; the same "
                               "command tries again\n";
    int kept = errno;
    ssize_t written = 0;
    (void)number;
    if (launcher && getppid() != launcher)
        written = write(STDERR_FILENO, gone, sizeof gone - 1);
    else if (--starting_for <= 0)
        written = write(STDERR_FILENO, late, sizeof late - 1);
    if (written)
        _exit(75);
    errno = kept;
}

static void on_alarm(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
}

static void every(time_t seconds)
{
    struct itimerval timer = {.it_interval.tv_sec = seconds, .it_value.tv_sec = seconds};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void vigil_begin(void)
{
    const char *wanted = getenv("RELIN_START_SECONDS");
    long seconds = wanted ? strtol(wanted, NULL, 10) : START_SECONDS;
    starting_for = seconds > 0 ? seconds : START_SECONDS;
    launcher = getenv("PMIX_RANK") || getenv("PMI_RANK") ? getppid() : 0;
    on_alarm(give_up);
    every(1);
}

void vigil_start(const struct wire *wire)
{
    processes = malloc((size_t)wire->size * sizeof *processes);
    if (!processes) {
        vigil_pause();
        return;
    }
    memcpy(processes, wire->process, (size_t)wire->size * sizeof *processes);
    n_processes = wire->size;
    on_alarm(look);
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
