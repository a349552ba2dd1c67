#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void host_name(char *name, size_t size)
{
    if (gethostname(name, size))
        snprintf(name, size, "unknown");
    name[size - 1] = 0;
}

void host_cpu_model(char *model, size_t size)
{
    snprintf(model, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strstr(line, ": ");
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(model, size, "%s", colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

double host_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (double)pages * (double)page : INFINITY;
}

long long host_oom_kills(void)
{
    static const char name[] = "\noom_kill ";
    char text[16384];   /* some 160 lines of it, for each job: read at once */
    size_t length = 0;
    ssize_t got;
    int file = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
    while (file >= 0 && length < sizeof text - 1 && (got = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    if (file >= 0)
        close(file);
    text[length] = 0;
    const char *line = strstr(text, name);
    return line ? strtoll(line + sizeof name - 1, NULL, 10) : -1;
}

void host_process_space(char *text, size_t size)
{
    char name[64], space[64] = "?";
    ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    if (length > 0)
        space[length] = 0;
    host_name(name, sizeof name);
    snprintf(text, size, "%s %s", name, space);
}

/* The text of /proc/PID/stat from the third field on, the state: "S 1 ...". Empty where it cannot be read. */
static const char *read_stat(long pid, char *text, size_t size)
{
    snprintf(text, size, "/proc/%ld/stat", pid);
    int file = open(text, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, size - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = 0;
    const char *name_end = strrchr(text, ')');   /* "PID (NAME) STATE ...": the name may hold anything */
    return name_end && name_end[1] == ' ' ? name_end + 2 : "";
}

bool host_process_lives(long pid)
{
    char text[1024];
    if (kill((pid_t)pid, 0) && errno != EPERM)
        return false;
    return read_stat(pid, text, sizeof text)[0] != 'Z';
}

unsigned long long host_process_start(long pid)
{
    char text[1024];
    const char *field = read_stat(pid, text, sizeof text);
    for (int number = 3; number < 22 && field; number++)
        field = (field = strchr(field, ' ')) ? field + 1 : NULL;
    return field ? strtoull(field, NULL, 10) : 0;
}
