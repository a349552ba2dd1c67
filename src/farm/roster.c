#include "farm/roster.h"

#include <assert.h>

#include "base/error.h"
#include "base/memory.h"

static bool is_ready(const struct roster_rank *rank)
{
    return rank->able && !rank->gone;
}

static void take_out(struct roster *roster, int rank)
{
    struct roster_rank *r = &roster->ranks[rank];
    int *before = r->previous < 0 ? &roster->first[r->held] : &roster->ranks[r->previous].next;
    int *after = r->next < 0 ? &roster->last[r->held] : &roster->ranks[r->next].previous;
    *before = r->next;
    *after = r->previous;
    r->next = r->previous = -1;
}

static void put_in(struct roster *roster, int rank)
{
    struct roster_rank *r = &roster->ranks[rank];
    int last = roster->last[r->held];
    r->previous = last;
    r->next = -1;
    *(last < 0 ? &roster->first[r->held] : &roster->ranks[last].next) = rank;
    roster->last[r->held] = rank;
}

int roster_init(struct roster *roster, int size, bool rank_0_able, struct error *err)
{
    *roster = (struct roster){.size = size};
    roster->ranks = mem_alloc((size_t)size, sizeof *roster->ranks, err);
    if (!roster->ranks)
        return -1;
    for (int level = 0; level < ROSTER_LEVELS; level++)
        roster->first[level] = roster->last[level] = -1;
    for (int rank = 0; rank < size; rank++) {
        roster->ranks[rank] = (struct roster_rank){.next = -1, .previous = -1};
        if (rank > 0 || rank_0_able)
            roster_set_able(roster, rank, true);
    }
    return 0;
}

void roster_free(struct roster *roster)
{
    mem_free(roster->ranks);
    roster->ranks = NULL;
}

void roster_hold(struct roster *roster, int rank, int more)
{
    struct roster_rank *r = &roster->ranks[rank];
    bool ready = is_ready(r);
    assert(r->held + more >= 0 && r->held + more < ROSTER_LEVELS);
    if (ready)
        take_out(roster, rank);
    r->held += more;
    if (ready)
        put_in(roster, rank);
    if (!r->gone)
        roster->held += (size_t)more;
}

void roster_set_able(struct roster *roster, int rank, bool able)
{
    struct roster_rank *r = &roster->ranks[rank];
    bool was = is_ready(r);
    if (was)
        take_out(roster, rank);
    r->able = able;
    if (is_ready(r))
        put_in(roster, rank);
    roster->n_ready += is_ready(r) - was;
}

void roster_set_gone(struct roster *roster, int rank, bool gone)
{
    struct roster_rank *r = &roster->ranks[rank];
    bool was = is_ready(r);
    if (r->gone == gone)
        return;
    if (was)
        take_out(roster, rank);
    r->gone = gone;
    if (is_ready(r))
        put_in(roster, rank);
    roster->n_ready += is_ready(r) - was;
    roster->held = gone ? roster->held - (size_t)r->held : roster->held + (size_t)r->held;
}

int roster_least(const struct roster *roster, int below, bool rank_0)
{
    for (int level = 0; level < below && level < ROSTER_LEVELS; level++) {
        int rank = roster->first[level];
        if (rank == 0 && !rank_0)
            rank = roster->ranks[0].next;
        if (rank >= 0)
            return rank;
    }
    return -1;
}

int roster_most(const struct roster *roster, int at_least)
{
    for (int level = ROSTER_LEVELS - 1; level >= at_least; level--)
        if (roster->first[level] >= 0)
            return roster->first[level];
    return -1;
}

bool roster_others(const struct roster *roster)
{
    return roster->n_ready > is_ready(&roster->ranks[0]);
}
