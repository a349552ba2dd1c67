#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

/* FNV-1a */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* The slot of a text, or the free one where it belongs. */
static struct name *slot_of(const struct names *names, const char *text)
{
    size_t at = hash(text) & (names->room - 1);
    while (names->slot[at].text && strcmp(names->slot[at].text, text) != 0)
        at = (at + 1) & (names->room - 1);
    return &names->slot[at];
}

size_t names_find(const struct names *names, const char *text)
{
    if (names->n == 0)
        return SIZE_MAX;
    const struct name *slot = slot_of(names, text);
    return slot->text ? slot->number : SIZE_MAX;
}

static void grow(struct names *names)
{
    struct names larger = {.n = names->n, .room = names->room ? 2 * names->room : 64};
    larger.slot = must(calloc(larger.room, sizeof *larger.slot));
    for (size_t i = 0; i < names->room; i++)
        if (names->slot[i].text)
            *slot_of(&larger, names->slot[i].text) = names->slot[i];
    free(names->slot);
    *names = larger;
}

void names_add(struct names *names, const char *text, size_t number)
{
    if (2 * (names->n + 1) > names->room)
        grow(names);
    struct name *slot = slot_of(names, text);
    names->n += slot->text == NULL;
    *slot = (struct name){text, number};
}

void names_free(struct names *names)
{
    free(names->slot);
    *names = (struct names){0};
}
