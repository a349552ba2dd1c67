#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"error", "warning", "info", "debug"};
static enum log_level most_verbose = LOG_WARNING;
static char writer[64];

void log_setup(enum log_level most, const char *who)
{
    most_verbose = most;
    snprintf(writer, sizeof writer, "%s", who ? who : "");
}

enum log_level log_level_wanted(void)
{
    const char *wanted = getenv("RELIN_LOG");
    if (!wanted || !*wanted)
        return LOG_WARNING;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(wanted, names[i]) == 0)
            return (enum log_level)i;
    log_warning("RELIN_LOG: expected error, warning, info or debug, got '%s'", wanted);
    return LOG_WARNING;
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level > most_verbose)
        return;
    /* One write() a line, so that lines of several processes do not mix. */
    char line[2400];
    int used = snprintf(line, sizeof line, "relin: %s%s%s: ", writer, writer[0] ? ": " : "", names[level]);
    va_list args;
    va_start(args, format);
    used += vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
    va_end(args);
    if (used > (int)sizeof line - 2)
        used = sizeof line - 2;
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)used);
    (void)written;   /* a log that cannot be written has nowhere to say so */
}
