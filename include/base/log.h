/* The log: lines on stderr, with level and rank. Results never go here. */
#ifndef RELIN_BASE_LOG_H
#define RELIN_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Lines above this level are dropped (default LOG_WARNING); who names the writer
 * ("rank 3"; NULL: nothing) and is copied. */
void log_setup(enum log_level most, const char *who);

/* What the environment variable RELIN_LOG asks for (error, warning, info, debug); LOG_WARNING without it, or where it
 * says something else, which is told once a call. */
enum log_level log_level_wanted(void);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
