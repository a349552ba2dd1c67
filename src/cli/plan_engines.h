/* Which engines step a sweep, for relin plan. */
#ifndef RELIN_CLI_PLAN_ENGINES_H
#define RELIN_CLI_PLAN_ENGINES_H

#include "base/text.h"
#include "sweep/sweep.h"

/* Jobs whose engines are planned, summed by architecture and engine: how many, and the predicted seconds of their
 * steps by each engine that can step all of them. A table, and a JSON list. */
void plan_engines_table(const struct sweep *sweep, struct text *out);
void plan_engines_json(const struct sweep *sweep, struct text *out);

/* The predicted seconds of one job or of several by each engine, as a JSON object; null where it cannot. */
void plan_seconds_json(const double seconds[ENGINE_COUNT], struct text *out);

#endif
