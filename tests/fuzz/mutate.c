/* Seeded mutations of inputs, for drivers without libFuzzer. */
#include "mutate.h"

#include <string.h>

static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void mutate_start(uint64_t seed, uint64_t run)
{
    state = seed * 0xd1342543de82ef95u + run;
    draw();
}

size_t mutate_below(size_t n) { return n ? (size_t)(draw() % n) : 0; }

/* Puts `more` bytes at a place, over what is there or between. */
static size_t place(const struct mutations *m, uint8_t *to, size_t size, const uint8_t *bytes, size_t more, int insert)
{
    size_t at = mutate_below(size + 1);
    if (insert) {
        if (size + more > m->most_size)
            return size;
        memmove(to + at + more, to + at, size - at);
        memcpy(to + at, bytes, more);
        return size + more;
    }
    more = more < size - at ? more : size - at;
    memcpy(to + at, bytes, more);
    return size;
}

static size_t place_number(const struct mutations *m, uint8_t *to, size_t size)
{
    static const int64_t values[] = {0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, INT32_MAX, UINT32_MAX,
                                     1ll << 32, INT64_MAX, INT64_MIN};
    static const size_t widths[] = {1, 2, 4, 8};
    uint64_t value = (uint64_t)values[mutate_below(sizeof values / sizeof *values)];
    size_t width = widths[mutate_below(4)];
    uint8_t bytes[8];
    int big = (int)mutate_below(2);
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> 8 * (big ? width - 1 - i : i));
    return place(m, to, size, bytes, width, 0);
}

size_t mutate_change(const struct mutations *m, uint8_t *to, size_t size)
{
    uint8_t byte = (uint8_t)draw();
    size_t at = mutate_below(size), length;
    switch (mutate_below(9)) {
    case 0: if (size) to[at] ^= (uint8_t)(1 << mutate_below(8)); return size;
    case 1: if (size) to[at] = byte; return size;
    case 2: return place(m, to, size, &byte, 1, 1);
    case 3:   /* a piece is lost */
        length = 1 + mutate_below(size - at < 64 ? size - at : 64);
        if (size < length)
            return size;
        memmove(to + at, to + at + length, size - at - length);
        return size - length;
    case 4: return size ? at : 0;   /* torn */
    case 5: return place_number(m, to, size);
    case 6:
        if (!m->n_words)
            return size;
        length = mutate_below(m->n_words);
        return place(m, to, size, m->words[length].bytes, m->words[length].size, (int)mutate_below(3));
    case 7: {   /* a piece twice */
        uint8_t piece[256];
        length = size - at < sizeof piece ? size - at : sizeof piece;
        length = length ? 1 + mutate_below(length) : 0;
        memcpy(piece, to + at, length);
        return place(m, to, size, piece, length, 1);
    }
    default: {   /* a piece of another input */
        const struct input *other = &m->inputs[mutate_below(m->n_inputs)];
        size_t from = mutate_below(other->size);
        length = mutate_below(other->size - from + 1);
        return place(m, to, size, other->bytes + from, length < 512 ? length : 512, (int)mutate_below(2));
    }
    }
}
