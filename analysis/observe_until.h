/* Of a file whose seeds are added by a rule (relin run --until): the rule, and which rows are not wanted, or not yet. */
#ifndef RELIN_ANALYSIS_OBSERVE_UNTIL_H
#define RELIN_ANALYSIS_OBSERVE_UNTIL_H

#include "observe.h"

struct store_reader;

/* Adds the file's rule to those of other files. Pending rows whose cell may be known well enough without them become skipped
 * ones. Counts these in o->n_skipped, and in o->n_reserved those that may have their turn yet. Nothing without a rule. */
void observe_until(struct observations *o, const struct store_reader *reader, struct observation *new, size_t n);

#endif
