#include "data/npy_header.h"

#include <ctype.h>
#include <string.h>

struct cursor {
    const char *at;
    const char *expected;         /* the first thing that was not there, or NULL */
};

static void skip_blanks(struct cursor *c)
{
    while (*c->at == ' ' || *c->at == '\n')
        c->at++;
}

static bool fail(struct cursor *c, const char *expected)
{
    if (!c->expected)
        c->expected = expected;
    return false;
}

/* Takes a word if it is next. */
static bool take(struct cursor *c, const char *word)
{
    skip_blanks(c);
    size_t length = strlen(word);
    if (strncmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

/* A quoted text of letters, digits and the signs of a descr. */
static bool take_text(struct cursor *c, char *text, size_t size)
{
    size_t n = 0;
    skip_blanks(c);
    char quote = *c->at;
    if (quote != '\'' && quote != '"')
        return fail(c, "a quoted text");
    for (c->at++; isalnum((unsigned char)*c->at) || (*c->at && strchr("<>|=_", *c->at)); c->at++) {
        if (n + 1 >= size)
            return fail(c, "a short text");
        text[n++] = *c->at;
    }
    text[n] = 0;
    if (*c->at != quote)
        return fail(c, "the closing quote of a plain text");
    c->at++;
    return true;
}

static bool take_number(struct cursor *c, size_t *number)
{
    skip_blanks(c);
    if (!isdigit((unsigned char)*c->at))
        return fail(c, "a whole number in shape");
    for (*number = 0; isdigit((unsigned char)*c->at); c->at++)
        if (__builtin_mul_overflow(*number, (size_t)10, number)
            || __builtin_add_overflow(*number, (size_t)(*c->at - '0'), number))
            return fail(c, "a shape of a possible size");
    return true;
}

/* (), (5,) or (5, 64, 64), the last comma optional from two on. */
static bool take_shape(struct cursor *c, struct npy_header *header)
{
    header->n_dims = 0;
    if (!take(c, "("))
        return fail(c, "a tuple for shape");
    while (!take(c, ")")) {
        if (header->n_dims == NPY_MAX_DIMS)
            return fail(c, "at most 8 dimensions");
        if (!take_number(c, &header->dim[header->n_dims++]))
            return false;
        bool comma = take(c, ",");
        if (!comma && (header->n_dims == 1 || *c->at != ')'))
            return fail(c, "a comma in shape");
    }
    return true;
}

static bool take_entry(struct cursor *c, struct npy_header *header, unsigned *seen)
{
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    char name[32];
    unsigned key = 0;
    if (!take_text(c, name, sizeof name))
        return false;
    while (key < 3 && strcmp(names[key], name) != 0)
        key++;
    if (key == 3 || (*seen & 1u << key))
        return fail(c, "the keys descr, fortran_order and shape, once each");
    *seen |= 1u << key;
    if (!take(c, ":"))
        return fail(c, "a colon after a key");
    if (key == 0) {
        skip_blanks(c);
        /* a list describes records of several fields */
        return *c->at == '[' ? fail(c, "one type for descr, not a record")
                             : take_text(c, header->descr, sizeof header->descr);
    }
    if (key == 2)
        return take_shape(c, header);
    header->fortran_order = take(c, "True");
    return header->fortran_order || take(c, "False") || fail(c, "True or False for fortran_order");
}

const char *npy_header_parse(const char *text, struct npy_header *header)
{
    struct cursor c = {.at = text};
    unsigned seen = 0;
    *header = (struct npy_header){0};
    if (!take(&c, "{"))
        return "a dictionary";
    while (!take(&c, "}")) {
        if (!take_entry(&c, header, &seen))
            return c.expected;
        if (!take(&c, ",") && *c.at != '}')
            return "a comma between entries";
    }
    skip_blanks(&c);
    if (*c.at)
        return "nothing after the dictionary";
    return seen == 7 ? NULL : "the keys descr, fortran_order and shape, once each";
}
