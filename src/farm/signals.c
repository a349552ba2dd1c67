#define _GNU_SOURCE
#include "farm/signals.h"

#include <signal.h>
#include <unistd.h>


static volatile sig_atomic_t drain, urgent, interrupts;

static void catch_signal(int number)
{
    drain = 1;
    if (number == SIGTERM)
        urgent = 1;
    /* TERM and USR1 may come several times for one wish: mpirun and Slurm both pass them on */
    if (number == SIGINT && ++interrupts > 1)
        _exit(75);
}

void signals_catch(void)
{
    struct sigaction action = {.sa_handler = catch_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction before;
        sigaction(numbers[i], &action, &before);
        if (before.sa_handler == SIG_IGN)   /* nohup */
            sigaction(numbers[i], &before, NULL);
    }
}

bool signals_drain(void)
{
    return drain;
}

bool signals_urgent(void)
{
    return urgent;
}
