#include "train/products.h"

#include <string.h>

#include "base/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"

int products_create(struct products *p, size_t bytes, size_t most, struct error *err)
{
    size_t room = bytes ? PRODUCTS_BYTES_MOST / bytes : 0;
    *p = (struct products){.bytes = bytes, .most = most < room ? most : room};
    p->rows = mem_alloc(p->most, sizeof *p->rows, err);
    return p->rows ? 0 : -1;
}

void products_free(struct products *p)
{
    for (size_t i = 0; p->rows && i < p->most; i++)
        mem_free(p->rows[i]);
    mem_free(p->rows);
    *p = (struct products){0};
}

void products_clear(struct products *p)
{
    p->count = p->next = 0;
}

void products_rewind(struct products *p)
{
    p->next = 0;
}

bool products_replay(struct products *p, void *row)
{
    if (p->next >= p->count)
        return false;
    memcpy(row, p->rows[p->next++], p->bytes);
    return true;
}

/* The place of the next row; NULL where there is none, and so none after it. */
static unsigned char *place(struct products *p)
{
    struct error err;
    if (!p->rows || p->count == p->most)
        return NULL;
    if (!p->rows[p->count] && !(p->rows[p->count] = mem_alloc(p->bytes, 1, &err))) {
        p->most = p->count;
        return NULL;
    }
    return p->rows[p->count];
}

void products_add(struct products *p, const void *row)
{
    unsigned char *to = p->next == p->count ? place(p) : NULL;
    if (!to)
        return;
    memcpy(to, row, p->bytes);
    p->next = ++p->count;
}

void products_carry(struct products *p, struct checkpoint *c)
{
    size_t count = p->count;
    checkpoint_carry(c, &count, sizeof count);
    if (!checkpoint_is_read(c)) {
        for (size_t i = 0; i < count; i++)
            checkpoint_carry(c, p->rows[i], p->bytes);
        return;
    }
    /* more than there is room for: the state is not ours, and its length will say so */
    for (products_clear(p); p->count < count && place(p); p->count++)
        checkpoint_carry(c, p->rows[p->count], p->bytes);
}
