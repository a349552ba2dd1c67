/* Records that came, on their way into the file. */
#ifndef RELIN_FARM_SETTLE_H
#define RELIN_FARM_SETTLE_H

#include "farm/master.h"

/* Writes those of the batch, neighbouring rows together; their rows are done then, and with no rank any more. */
void settle(struct master *master);

#endif
