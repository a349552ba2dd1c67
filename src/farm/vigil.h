/* While ranks do things together (start, end), a dead one would leave the others waiting for ever: then a timer
 * looks, once a second, whether those of this node live, and ends this process where one does not. In the loop
 * between, rank 0 watches (watch.h), and nothing is done together. */
#ifndef RELIN_FARM_VIGIL_H
#define RELIN_FARM_VIGIL_H

#include "farm/wire.h"

/* Before MPI_Init, which waits for every rank and knows none yet: where it takes longer than RELIN_START_SECONDS
 * (600), or the process that launched this rank dies, it ends with 75 and a message. MPI's own eyes do not see a launcher
 * that is killed while a rank says hello to it. */
void vigil_begin(void);
/* At the start: a death ends this rank with 75 and a message. */
void vigil_start(const struct wire *wire);
void vigil_pause(void);
/* At the end: ranks end one by one now; only where one is gone for long, this one ends too, with its code. */
void vigil_close(int code);

#endif
