#include "sweep/failure.h"

#include <string.h>

#include "sweep/sweep.h"

static const struct {
    const char *word, *advice;
} table[] = {
#define X(id, word, advice) {word, advice},
    FAILURES(X)
#undef X
    {"failed", "run it again by `relin run ... --retry failed`"},
};

const char *failure_word(enum failure_class class)
{
    return table[class].word;
}

const char *failure_advice(enum failure_class class)
{
    return table[class].advice;
}

static enum failure_class find(const char *word, size_t length)
{
    int class = 0;
    while (class < FAILURE_COUNT && (strlen(table[class].word) != length || strncmp(table[class].word, word, length) != 0))
        class++;
    return (enum failure_class)class;
}

enum failure_class failure_of(const char *word)
{
    return find(word, strlen(word));
}

bool failure_is_own(enum failure_class class)
{
    return class != FAILURE_STOPPED && class != FAILURE_LOST;
}

int64_t failure_limit(const struct sweep_limits *limits, enum failure_class class)
{
    int64_t own = class < FAILURE_COUNT ? limits->attempts_ending[class] : -1;
    return own > 0 ? own : limits->attempts;
}

bool failure_parse_classes(const char *words, unsigned *classes)
{
    *classes = 0;
    for (const char *word = words;; word++) {
        size_t length = strcspn(word, ",");
        enum failure_class class = find(word, length);
        if (class < FAILURE_COUNT)
            *classes |= 1u << class;
        else if (length == 6 && strncmp(word, "failed", length) == 0)
            *classes |= (2u << FAILURE_UNKNOWN) - 1;
        else
            return false;
        word += length;
        if (!*word)
            return true;
    }
}
