/* Which kernels of the BLAS library ("core type") the jobs of a sweep run on. Results of different ones agree to rounding, not
 * bit for bit, so whoever mixes them is told, once a run. */
#ifndef RELIN_FARM_CORES_H
#define RELIN_FARM_CORES_H

#include "farm/campaign.h"
#include "sweep/result.h"

/* When a run begins. of_rows (jobs): what the file says of each row; only what is done counts, NULL where nothing is. Also tells where the
 * environment pins kernels that are lesser than this processor's. */
void cores_begin(struct campaign *campaign, char *const *of_rows);
/* A row that was computed now. */
void cores_hear(struct campaign *campaign, size_t row, const struct result *record);

#endif
