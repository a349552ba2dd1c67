/* Who gets the next rows, and how many at once. */
#ifndef RELIN_FARM_FEED_H
#define RELIN_FARM_FEED_H

#include "farm/master.h"

/* Rows that a rank may hold at least; at most WIRE_MOST_ROWS. */
enum { FEED_LEAST = 2 };

/* Hands out what is to be. One row for each worker first; then more, prefetched, unless the queue is so short that a
 * prefetched row would wait behind a long one while another rank is free. Returns whether it handed out any. */
bool feed(struct master *master);
/* Where the queue is empty and a rank has nothing to do, others give back what they have not begun. */
void feed_recall(struct master *master);

#endif
