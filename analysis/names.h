/* A table of texts: which number was this text given? */
#ifndef RELIN_ANALYSIS_NAMES_H
#define RELIN_ANALYSIS_NAMES_H

#include <stddef.h>

/* Zero-initialise. Texts are borrowed: they must outlive the table. */
struct names {
    size_t n, room;                      /* room: a power of two */
    struct name { const char *text; size_t number; } *slot;
};

/* The text's number; of one that is new, the number given. */
size_t names_find(const struct names *names, const char *text);   /* SIZE_MAX: not there */
void names_add(struct names *names, const char *text, size_t number);
void names_free(struct names *names);

#endif
