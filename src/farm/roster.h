/* The ranks that can take rows, by how many they hold: whom the next row goes to, and whether any is left, without
 * looking at every rank. Every change of what a rank holds, or whether it can take rows, goes through here, and costs
 * the same for two ranks and for ten thousand. */
#ifndef RELIN_FARM_ROSTER_H
#define RELIN_FARM_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "farm/wire.h"

struct error;

enum { ROSTER_LEVELS = WIRE_MOST_ROWS + 1 };   /* a rank may hold 0..ROSTER_LEVELS-1 rows */

struct roster_rank {
    int held;                            /* rows handed out and not settled */
    bool able, gone;                     /* can run jobs; dead, or silent for too long */
    int next, previous;                  /* in the list of those that hold as many; -1: none */
};

struct roster {
    struct roster_rank *ranks;           /* (size) */
    int size;
    int first[ROSTER_LEVELS], last[ROSTER_LEVELS];   /* of each list; whoever came first is first */
    int n_ready;                         /* able and not gone */
    size_t held;                         /* rows that ranks hold which are not gone */
};

/* All hold nothing; rank 0 is able if it may train. Returns 0, or -1 with *err filled. The caller frees. */
int roster_init(struct roster *roster, int size, bool rank_0_able, struct error *err);
void roster_free(struct roster *roster);

/* more: +1 or -1 */
void roster_hold(struct roster *roster, int rank, int more);
void roster_set_able(struct roster *roster, int rank, bool able);
void roster_set_gone(struct roster *roster, int rank, bool gone);

/* Of the ranks that can take rows and hold less than `below`, the one that holds least, and of those the one that has
 * for longest; rank 0 only if it may. -1: there is none. */
int roster_least(const struct roster *roster, int below, bool rank_0);
/* One that holds at least so many and most of all, or -1. */
int roster_most(const struct roster *roster, int at_least);
/* Can ranks other than 0 take rows? */
bool roster_others(const struct roster *roster);

#endif
