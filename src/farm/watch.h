/* Ranks that die or fall silent, as rank 0 sees them. */
#ifndef RELIN_FARM_WATCH_H
#define RELIN_FARM_WATCH_H

#include "farm/master.h"

/* Something was heard of a rank: it is back, unless it is dead. */
void watch_hear(struct master *master, int rank);
/* Looks for ranks that are gone, and gives their rows to others: once a second for dead processes of this node, for
 * silent ones by limits.patience. */
void watch_peers(struct master *master, double now);
/* At the very end: a silent rank of this node, which may be stopped for ever, is killed. Frees the peers. */
void watch_end(struct master *master);

#endif
