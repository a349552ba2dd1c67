/* What large K is said to be (method.md section 2, identity 4): Gauss-Newton damped by N(1 - momentum)/(eta K). */
#ifndef RELIN_ANALYSIS_DAMPING_H
#define RELIN_ANALYSIS_DAMPING_H

#include "observe.h"

struct store_reader;

/* Fills damping of each new observation; NaN where eta follows a schedule, where K is no constant, and before the end.
 * N and the momentum are the axes' of that name, else those that all jobs of the file have in common. Needs axes and
 * learning_rate. Returns 0, or -1 with *err filled. */
int damping_read(const struct observations *o, const struct store_reader *reader, struct observation *new, size_t n,
                 struct error *err);

#endif
