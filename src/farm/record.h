/* The variables of writer RECORD of one result, packed for a message. */
#ifndef RELIN_FARM_RECORD_H
#define RELIN_FARM_RECORD_H

#include "sweep/result.h"

size_t record_size(const struct result_layout *layout);
void record_pack(const struct result *result, unsigned char *bytes);
/* size must be record_size. */
void record_unpack(struct result *result, const unsigned char *bytes, size_t size);

#endif
