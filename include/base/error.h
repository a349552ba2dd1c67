/* Errors: a code for programs and a text for people.
 *
 * Functions that can fail because of the world (files, input, memory) take a
 * `struct error *err` last, which the caller owns, and return 0 or -1 (or NULL)
 * with *err filled. Mistakes of our own are asserts. Only main() exits. */
#ifndef RELIN_BASE_ERROR_H
#define RELIN_BASE_ERROR_H

#include <stdarg.h>

/*      code               exit code of the program   meaning */
#define ERROR_CODES(X)                                                       \
    X(ERROR_NONE,          0,  "no error")                                   \
    X(ERROR_USAGE,         2,  "bad command line")                           \
    X(ERROR_SWEEP,         2,  "bad sweep file")                             \
    X(ERROR_DATA,          2,  "bad or missing data")                        \
    X(ERROR_FILE,          70, "a file could not be read or written")        \
    X(ERROR_FORMAT,        70, "a result file is not what it should be")     \
    X(ERROR_FOREIGN,       70, "no result file, or one of a newer program")  \
    X(ERROR_SPACE,         75, "no room on the disk; can be resumed")        \
    X(ERROR_LOCKED,        75, "the result file is in use")                  \
    X(ERROR_MEMORY,        70, "out of memory")                              \
    X(ERROR_JOB,           3,  "a job failed")                               \
    X(ERROR_INTERRUPTED,   75, "stopped before the end, can be resumed")     \
    X(ERROR_UNSUPPORTED,   2,  "not supported by this build or engine")      \
    X(ERROR_INTERNAL,      70, "a mistake in relin")

enum error_code {
#define X(code, exit_code, text) code,
    ERROR_CODES(X)
#undef X
    ERROR_COUNT
};

struct error {
    enum error_code code;
    char text[2048];
};

/* Fills *err (which may be NULL) and returns -1, so an error path is one line. */
int error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with strerror(errno) appended. Where the disk or a quota is full the code is ERROR_SPACE
 * whatever was given, and what to do is said. */
int error_set_errno(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "where: " before the text of an error that is passed on. Returns -1. */
int error_prefix(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For errors that come by another way than errno. Does the number say that there is no room? Then the code of
 * *err becomes ERROR_SPACE, and its text says what to do. */
void error_judge_space(struct error *err, int number);

/* The program's exit code for an error: 2 usage, 3 jobs failed, 70 internal, 75 resumable. */
int error_exit_code(enum error_code code);

#endif
