/* Collects every mistake of a sweep file, to report all at once in file order. */
#ifndef RELIN_SWEEP_MISTAKES_H
#define RELIN_SWEEP_MISTAKES_H

#include <stddef.h>

struct error;

struct mistake {
    size_t line, column, order;
    char *text;
};

struct mistakes {
    const char *file;
    size_t n, capacity;
    size_t made;                  /* times one was recorded: also where it was known already, or beyond the most kept */
    size_t dropped;               /* beyond the most that are kept */
    struct mistake *list;
};

/* Records a mistake at a position (line 0: the command line). The same text twice is once. */
void mistakes_add(struct mistakes *m, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Fills *err with all of them, a line each: file:line:column: text. Returns -1, or 0 where there are none. */
int mistakes_report(struct mistakes *m, struct error *err);

void mistakes_free(struct mistakes *m);

#endif
