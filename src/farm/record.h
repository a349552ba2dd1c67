/* The variables of writer RECORD of one result, packed for a message. */
#ifndef RELIN_FARM_RECORD_H
#define RELIN_FARM_RECORD_H

#include "sweep/result.h"

size_t record_size(const struct result_layout *layout);
void record_pack(const struct result *result, unsigned char *bytes);
/* size must be record_size. */
/* A result of these variables alone: its block, and it bound to one (8-byte aligned). */
size_t record_block_size(const struct result_layout *layout);
void record_bind(struct result *record, const struct result_layout *layout, void *block);
void record_unpack(struct result *result, const unsigned char *bytes, size_t size);

#endif
