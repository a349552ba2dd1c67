/* Settings tuned per K (--tune training.lr): of each cell the value that is best on the validation set, chosen by seeds
 * that the answer does not use, so that no K wins by having been tried more often. */
#ifndef RELIN_ANALYSIS_TUNE_H
#define RELIN_ANALYSIS_TUNE_H

#include "observe.h"

/* names: axes, comma-separated. seeds: the levels of the seed that choose, comma-separated, or NULL: the lower half of
 * them. Of the observations alike in all other axes those with the values that have the least mean validation loss over
 * the choosing seeds are kept, and of these the other seeds; values with a choosing run that failed, diverged or is
 * missing come after those without. The axes are marked as tuned. Returns 0, or -1 with *err filled: no such axis, no
 * validation set, no seed left. */
int tune_apply(struct observations *o, const char *names, const char *seeds, struct error *err);

#endif
