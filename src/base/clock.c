#include "base/clock.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double clock_seconds(void) { return seconds_of(CLOCK_MONOTONIC); }
double clock_cpu_seconds(void) { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
double clock_unix(void) { return seconds_of(CLOCK_REALTIME); }

void clock_iso(double unix_seconds, char *text, size_t size)
{
    time_t whole = (time_t)unix_seconds;
    struct tm parts;
    if (!gmtime_r(&whole, &parts) || !strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts))
        snprintf(text, size, "?");
}

/* [days-]hours:minutes:seconds */
static double parse_slurm(const char *text)
{
    unsigned days = 0, hours, minutes, seconds;
    int end = 0;
    bool ok = strchr(text, '-') ? sscanf(text, "%3u-%2u:%2u:%2u%n", &days, &hours, &minutes, &seconds, &end) == 4
                                : sscanf(text, "%5u:%2u:%2u%n", &hours, &minutes, &seconds, &end) == 3;
    return ok && !text[end] ? 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds : NAN;
}

double clock_parse_duration(const char *text)
{
    static const struct { const char *name; double seconds; } units[] = {
        {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    double number = strtod(text, &end);
    for (size_t i = 0; end != text && i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0)
            return number * units[i].seconds;
    return strchr(text, ':') ? parse_slurm(text) : NAN;
}

void clock_duration(double seconds, char *text, size_t size)
{
    if (!isfinite(seconds) || seconds < 0) {
        snprintf(text, size, "?");
    } else if (seconds < 9.95) {
        snprintf(text, size, "%.1f s", seconds);
    } else if (seconds < 99.5) {
        snprintf(text, size, "%.0f s", seconds);
    } else if (seconds < 3599.5) {
        long s = lround(seconds);
        snprintf(text, size, "%ld min %ld s", s / 60, s % 60);
    } else if (seconds < 48 * 3600.0) {
        long m = lround(seconds / 60);
        snprintf(text, size, "%ld h %ld min", m / 60, m % 60);
    } else {
        long h = lround(seconds / 3600);
        snprintf(text, size, "%ld d %ld h", h / 24, h % 24);
    }
}
