/* Time. */
#ifndef RELIN_BASE_CLOCK_H
#define RELIN_BASE_CLOCK_H

#include <stddef.h>

double clock_seconds(void);         /* monotonic */
double clock_cpu_seconds(void);     /* processor time of this process, all its threads */
double clock_unix(void);            /* seconds since 1970-01-01 UTC */
void clock_iso(double unix_seconds, char *text, size_t size);   /* 2026-11-24T02:04:41Z */
/* 90, 90s, 15m, 2h, 1d, or as Slurm writes them 1:30:00 and 2-12:00:00; seconds, NAN where it is none of these. */
double clock_parse_duration(const char *text);
/* "45 s", "3 min 20 s", "2 h 5 min": for people. */
void clock_duration(double seconds, char *text, size_t size);

#endif
