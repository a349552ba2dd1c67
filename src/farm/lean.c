#define _GNU_SOURCE
#include "farm/lean.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "math/blas_setup.h"

/* Of librelin.a, as it was linked: a program of another build would train in another way. Absent in programs that are no
 * part of an installation, tests for instance. */
extern const char build_id[] __attribute__((weak));

/* Set for the new program alone: all symbols are found when it starts and not in each child, and OpenBLAS starts no
 * threads, which the spawner has no use for. */
static const char *const settings[][2] = {{"LD_BIND_NOW", "1"}, {"OPENBLAS_NUM_THREADS", "1"}};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

/* It lies where this one does. */
static int find_program(char path[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return -1;
    self[length] = 0;
    int written = snprintf(path, PATH_MAX, "%s/" LEAN_PROGRAM, dirname(self));
    return written > 0 && written < PATH_MAX ? access(path, X_OK) : -1;
}

static void set_inherited(int file, bool inherited)
{
    fcntl(file, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

void lean_become(int socket, int shared, const sigset_t *mask)
{
    char path[PATH_MAX], numbers[2][16], ours[N_SETTINGS + 1] = "";
    sigset_t before;
    if (!build_id || !blas_is_as_built() || find_program(path))   /* the program may have its BLAS inside */
        return;
    snprintf(numbers[0], sizeof numbers[0], "%d", socket);
    snprintf(numbers[1], sizeof numbers[1], "%d", shared);
    for (int i = 0; i < N_SETTINGS; i++) {   /* what the user has set stays */
        ours[i] = getenv(settings[i][0]) ? '-' : '+';
        setenv(settings[i][0], settings[i][1], 0);
    }
    char *arguments[] = {(char *)LEAN_PROGRAM, (char *)build_id, numbers[0], numbers[1], ours, NULL};
    sigprocmask(SIG_SETMASK, mask, &before);
    set_inherited(socket, true);
    set_inherited(shared, true);
    execv(path, arguments);
    set_inherited(socket, false);
    set_inherited(shared, false);
    sigprocmask(SIG_SETMASK, &before, NULL);
    for (int i = 0; i < N_SETTINGS; i++)
        if (ours[i] == '+')
            unsetenv(settings[i][0]);
}

int lean_arrive(int argc, char **argv, int *socket, int *shared)
{
    *socket = argc == 5 ? (int)strtol(argv[2], NULL, 10) : -1;
    if (*socket < 0 || !build_id || strcmp(argv[1], build_id) != 0 || strlen(argv[4]) != N_SETTINGS)
        return -1;
    *shared = (int)strtol(argv[3], NULL, 10);
    set_inherited(*socket, false);
    set_inherited(*shared, false);
    for (int i = 0; i < N_SETTINGS; i++)   /* not for programs that jobs may start */
        if (argv[4][i] == '+')
            unsetenv(settings[i][0]);
    return 0;
}

void lean_refuse(int socket, const struct error *err)
{
    send(socket, err, sizeof *err, MSG_NOSIGNAL);
}
