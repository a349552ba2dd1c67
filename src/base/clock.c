#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static double seconds_of(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double clock_seconds(void) { return seconds_of(CLOCK_MONOTONIC); }
double clock_unix(void) { return seconds_of(CLOCK_REALTIME); }

void clock_iso(double unix_seconds, char *text, size_t size)
{
    time_t whole = (time_t)unix_seconds;
    struct tm parts;
    if (!gmtime_r(&whole, &parts) || !strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts))
        snprintf(text, size, "?");
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
