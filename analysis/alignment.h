/* Alignment of parameters: which way did training with period K go, compared with K=1? */
#ifndef RELIN_ANALYSIS_ALIGNMENT_H
#define RELIN_ANALYSIS_ALIGNMENT_H

#include "observe.h"

struct store_reader;

/* The name by which --metric asks for it. */
#define ALIGNMENT_METRIC "parameter_alignment"

/* value[READOUT_LINEAR] of each new observation: the cosine of theta_T - theta_0 with that of the K=1
 * job alike in all other axes of the same file (method.md section 5); NaN where there is none. Needs
 * kernels/parameter_change (kernels.parameters: final). Returns 0, or -1 with *err filled. */
int alignment_read(const struct observations *o, const struct store_reader *reader, struct observation *new,
                   size_t n, struct error *err);

#endif
