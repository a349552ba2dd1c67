/* A growing text, for everything that is assembled before it is written. */
#ifndef RELIN_BASE_TEXT_H
#define RELIN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. chars is always ended with 0 once anything was added, else NULL.
 * Out of memory aborts: texts are small. */
struct text {
    char *chars;
    size_t length, capacity;
};

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *t, const char *bytes, size_t count);
/* As %s and %lld, and many times faster: a large sweep is mostly text that is put together. */
void text_add_string(struct text *t, const char *utf8);
void text_add_whole(struct text *t, long long value);
bool text_is_utf8(const char *text);
/* A JSON string, quoted and escaped, so that YAML reads it too. */
void text_add_json_string(struct text *t, const char *utf8);
/* The shortest decimal that reads back as the same double; integers without a point.
 * inf, -inf and nan as quoted JSON strings "inf", "-inf", "nan". */
void text_add_json_number(struct text *t, double value);
/* The same, and null for NaN: nothing is known. */
void text_add_json_value(struct text *t, double value);
/* As text_add_json_number without the quotes. */
void text_add_number(struct text *t, double value);
/* A field of CSV, in quotes where it needs them (RFC 4180). */
void text_add_csv(struct text *t, const char *value);
/* A word for the shell, in single quotes where it needs them. */
void text_add_shell_word(struct text *t, const char *word);
void text_free(struct text *t);

/* Reads a whole file (at most limit bytes). Returns 0, or -1 with *err filled.
 * The caller frees t. */
struct error;
int text_read_file(struct text *t, const char *path, size_t limit, struct error *err);

/* Levenshtein distance, for "did you mean". */
size_t text_distance(const char *a, const char *b);

#endif
