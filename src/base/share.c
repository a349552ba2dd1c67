#include "base/share.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* A copy stands behind its head. */
struct head {
    struct head *next;            /* of the same slot */
    size_t size, holders;
    uint32_t hash;
    alignas(max_align_t) unsigned char bytes[];
};

static struct head **slots, *latest;
static size_t n_slots, n_heads;

static void *checked(void *block)
{
    if (!block) {
        fputs("relin: out of memory for what jobs have in common\n", stderr);
        abort();
    }
    return block;
}

static struct head **slot_of(uint32_t hash)
{
    return &slots[hash & (n_slots - 1)];
}

static void enlarge(void)
{
    struct head **old = slots;
    size_t n_old = n_slots;
    n_slots = n_old ? 2 * n_old : 64;
    slots = checked(calloc(n_slots, sizeof *slots));
    for (size_t i = 0; i < n_old; i++)
        for (struct head *head = old[i], *next; head; head = next) {
            next = head->next;
            head->next = *slot_of(head->hash);
            *slot_of(head->hash) = head;
        }
    free(old);
}

static bool is_copy(const struct head *head, const void *block, size_t size)
{
    return head->size == size && memcmp(head->bytes, block, size) == 0;
}

const void *share_hold(const void *block, size_t size)
{
    if (size == 0)
        return NULL;
    if (!latest || !is_copy(latest, block, size)) {   /* neighbours in a sweep mostly differ in their seed alone */
        uint32_t hash = hash_crc32(0, block, size);
        if (n_heads == n_slots)
            enlarge();
        struct head **slot = slot_of(hash), *head = *slot;
        while (head && !(head->hash == hash && is_copy(head, block, size)))
            head = head->next;
        if (!head) {
            head = checked(malloc(sizeof *head + size));
            *head = (struct head){.next = *slot, .size = size, .hash = hash};
            memcpy(head->bytes, block, size);
            *slot = head;
            n_heads++;
        }
        latest = head;
    }
    latest->holders++;
    return latest->bytes;
}

void share_drop(const void *shared)
{
    if (!shared)
        return;
    struct head *head = (struct head *)((uintptr_t)shared - offsetof(struct head, bytes));
    if (--head->holders)
        return;
    struct head **at = slot_of(head->hash);
    while (*at != head)
        at = &(*at)->next;
    *at = head->next;
    if (latest == head)
        latest = NULL;
    free(head);
    if (--n_heads == 0) {
        free(slots);
        slots = NULL;
        n_slots = 0;
    }
}
