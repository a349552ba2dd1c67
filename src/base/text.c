#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static void reserve(struct text *t, size_t more)
{
    if (t->length + more + 1 <= t->capacity)
        return;
    size_t capacity = 2 * t->capacity > t->length + more + 1 ? 2 * t->capacity : t->length + more + 64;
    char *chars = realloc(t->chars, capacity);
    if (!chars) {
        fputs("relin: out of memory while putting a text together\n", stderr);
        abort();
    }
    t->chars = chars;
    t->capacity = capacity;
}

void text_add_bytes(struct text *t, const char *bytes, size_t count)
{
    reserve(t, count);
    if (count)
        memcpy(t->chars + t->length, bytes, count);
    t->length += count;
    t->chars[t->length] = 0;
}

void text_add_string(struct text *t, const char *utf8)
{
    text_add_bytes(t, utf8, strlen(utf8));
}

void text_add_whole(struct text *t, long long value)
{
    char digits[24], *first = digits + sizeof digits;
    unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
    do
        *--first = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *--first = '-';
    text_add_bytes(t, first, (size_t)(digits + sizeof digits - first));
}

void text_add(struct text *t, const char *format, ...)
{
    va_list args, again;
    enum { GUESS = 63 };   /* mostly it does, and printf is not asked twice */
    reserve(t, GUESS);
    size_t room = t->capacity - t->length;
    va_start(args, format);
    va_copy(again, args);
    int count = vsnprintf(t->chars + t->length, room, format, args);
    va_end(args);
    if (count < 0)
        count = 0;
    if ((size_t)count >= room) {
        reserve(t, (size_t)count);
        vsnprintf(t->chars + t->length, (size_t)count + 1, format, again);
    }
    t->length += (size_t)count;
    t->chars[t->length] = 0;
    va_end(again);
}

bool text_is_utf8(const char *text)
{
    static const unsigned long least[] = {0, 0x80, 0x800, 0x10000};   /* of so many bytes more */
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        int more = *c < 0x80 ? 0 : *c >> 5 == 6 ? 1 : *c >> 4 == 14 ? 2 : *c >> 3 == 30 ? 3 : -1;
        if (more < 0)
            return false;
        unsigned long point = more ? *c & (0x3fU >> more) : *c;
        c++;
        for (int i = 0; i < more; i++, c++) {
            if (*c >> 6 != 2)
                return false;
            point = point << 6 | (*c & 0x3fU);
        }
        if (point < least[more] || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff)
            return false;
    }
    return true;
}

/* Characters of more than a byte that YAML takes only escaped (5.1): C1 controls but NEL, the byte order mark, and the two that
 * are none. Returns their number of bytes, 0 for others. */
static int unwanted_in_yaml(const unsigned char *c, unsigned *point)
{
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0 && c[1] != 0x85) {
        *point = c[1];
        return 2;
    }
    if (c[0] != 0xef || !((c[1] == 0xbb && c[2] == 0xbf) || (c[1] == 0xbf && c[2] >= 0xbe)))
        return 0;
    *point = c[1] == 0xbb ? 0xfeff : 0xff00U + 0x40U + c[2];
    return 3;
}

void text_add_json_string(struct text *t, const char *utf8)
{
    unsigned point;
    text_add_bytes(t, "\"", 1);
    for (const unsigned char *c = (const unsigned char *)utf8; *c; c++) {
        int bytes = unwanted_in_yaml(c, &point);
        if (bytes > 0) {
            text_add(t, "\\u%04x", point);
            c += bytes - 1;
        } else if (*c == '"' || *c == '\\')
            text_add(t, "\\%c", *c);
        else if (*c == '\n')
            text_add(t, "\\n");
        else if (*c == '\t')
            text_add(t, "\\t");
        else if (*c < 0x20 || *c == 0x7f)
            text_add(t, "\\u%04x", *c);
        else
            text_add_bytes(t, (const char *)c, 1);
    }
    text_add_bytes(t, "\"", 1);
}

void text_add_number(struct text *t, double value)
{
    if (isnan(value)) {
        text_add_string(t, "nan");
    } else if (isinf(value)) {
        text_add_string(t, value > 0 ? "inf" : "-inf");
    } else if (value == rint(value) && fabs(value) < 1e15) {
        text_add_whole(t, (long long)value);
    } else {
        char digits[40];
        for (int precision = 1; precision <= 17; precision++) {
            snprintf(digits, sizeof digits, "%.*g", precision, value);
            if (strtod(digits, NULL) == value)
                break;
        }
        text_add_string(t, digits);
    }
}

void text_add_json_number(struct text *t, double value)
{
    bool quoted = !isfinite(value);
    if (quoted)
        text_add_string(t, "\"");
    text_add_number(t, value);
    if (quoted)
        text_add_string(t, "\"");
}

void text_add_json_value(struct text *t, double value)
{
    if (isnan(value))
        text_add_string(t, "null");
    else
        text_add_json_number(t, value);
}

/* In quotes, with another text for what would end them. */
static void add_quoted(struct text *t, const char *value, char quote, const char *escaped)
{
    text_add(t, "%c", quote);
    for (const char *p = value; *p; p++) {
        if (*p == quote)
            text_add(t, "%s", escaped);
        else
            text_add_bytes(t, p, 1);
    }
    text_add(t, "%c", quote);
}

void text_add_csv(struct text *t, const char *value)
{
    if (strpbrk(value, ",\"\r\n"))
        add_quoted(t, value, '"', "\"\"");
    else
        text_add(t, "%s", value);
}

void text_add_shell_word(struct text *t, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=,:+-@%";
    if (*word && strspn(word, plain) == strlen(word))
        text_add(t, "%s", word);
    else
        add_quoted(t, word, '\'', "'\\''");
}

void text_free(struct text *t)
{
    free(t->chars);
    *t = (struct text){0};
}

int text_read_file(struct text *t, const char *path, size_t limit, struct error *err)
{
    int result = -1;
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set_errno(err, ERROR_FILE, "%s: could not be opened", path);
    char buffer[65536];
    size_t got;
    text_add_bytes(t, "", 0);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        text_add_bytes(t, buffer, got);
        if (t->length > limit) {
            error_set(err, ERROR_FILE, "%s: expected at most %zu bytes, got more", path, limit);
            goto done;
        }
    }
    if (ferror(file)) {
        error_set_errno(err, ERROR_FILE, "%s: could not be read", path);
        goto done;
    }
    result = 0;
done:
    fclose(file);
    return result;
}

size_t text_distance(const char *a, const char *b)
{
    enum { MOST = 128 };
    size_t length = strnlen(b, MOST);
    size_t row[MOST + 1];
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; i < MOST && a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t above = row[j + 1];
            size_t best = diagonal + (a[i] != b[j]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
            diagonal = above;
        }
    }
    return row[length];
}
