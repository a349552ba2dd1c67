#include "mistakes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

enum { MOST_MISTAKES = 200 };

void mistakes_add(struct mistakes *m, size_t line, size_t column, const char *format, ...)
{
    char text[1024];
    va_list args;
    m->made++;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < m->n; i++)
        if (m->list[i].line == line && m->list[i].column == column && strcmp(m->list[i].text, text) == 0)
            return;
    if (m->n == MOST_MISTAKES) {
        m->dropped++;
        return;
    }
    if (m->n == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 16;
        struct mistake *list = realloc(m->list, capacity * sizeof *list);
        if (!list)
            return;   /* the ones recorded so far already refuse the file */
        m->list = list;
        m->capacity = capacity;
    }
    char *copy = strdup(text);
    if (copy)
        m->list[m->n] = (struct mistake){line, column, m->n, copy}, m->n++;
}

static int by_position(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

int mistakes_report(struct mistakes *m, struct error *err)
{
    struct text all = {0};
    size_t shown = 0;
    if (m->n == 0)
        return 0;
    qsort(m->list, m->n, sizeof *m->list, by_position);
    while (shown < m->n && all.length + strlen(m->list[shown].text) + 200 < sizeof err->text) {
        const struct mistake *one = &m->list[shown++];
        const char *separator = shown > 1 ? "\n" : "";
        if (one->line)
            text_add(&all, "%s%s:%zu:%zu: %s", separator, m->file, one->line, one->column, one->text);
        else
            text_add(&all, "%scommand line: %s", separator, one->text);
    }
    if (shown < m->n + m->dropped)
        text_add(&all, "\n(and %zu more)", m->n + m->dropped - shown);
    error_set(err, ERROR_SWEEP, "%s", all.chars);
    text_free(&all);
    return -1;
}

void mistakes_free(struct mistakes *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->list[i].text);
    free(m->list);
    *m = (struct mistakes){0};
}
