/* The numbers of one job, as one flat block that fits in shared memory: per variable of
 * writer ROWS or RECORD, in table order, the job's slab. */
#ifndef RELIN_SWEEP_RESULT_H
#define RELIN_SWEEP_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sweep/variables.h"

/* The lengths of the result file's axes, common to all jobs of the file. */
struct result_layout {
    uint64_t eval, refresh, snapshot, layer, eigenvalue, probe, parameter;
    uint64_t kernel;     /* 1 where kernels are stored, else 0: DIMS_KERNEL has no room then */
    uint64_t metric;     /* numbers of the user's own that programs report */
    /* Bits, by identifier: variables that a file of an older program does not know although its axes
       would have room. All 0 in the layout of a new file. */
    uint64_t absent[(VAR_COUNT + 63) / 64];
};

bool result_absent(const struct result_layout *layout, enum variable_id id);
void result_set_absent(struct result_layout *layout, enum variable_id id, bool absent);

enum job_status { STATUS_PENDING, STATUS_RUNNING, STATUS_DONE, STATUS_FAILED, STATUS_SKIPPED, STATUS_COUNT };
#define JOB_STATUS_MEANINGS "pending running done failed skipped"

struct result {
    struct result_layout layout;
    unsigned char *block;             /* borrowed or owned; result_size bytes */
    size_t offset[VAR_COUNT];         /* of the slab, SIZE_MAX where the variable has none */
};

/* Numbers of a variable's slab for one job (0: not in this file). */
size_t result_count(const struct result_layout *layout, enum variable_id id);
/* Bytes of a whole block. */
size_t result_size(const struct result_layout *layout);

/* Binds a result to a block (result_size bytes, 64-byte aligned). */
void result_bind(struct result *result, const struct result_layout *layout, void *block);

/* Fills: NaN for floats, -1 for step-like I64 and for I32, 0 and empty for the others. */
void result_clear(struct result *result);

/* The slab, typed; asserts the type. NULL where the variable has no room in this file. */
double *result_f64(const struct result *result, enum variable_id id);
float *result_f32(const struct result *result, enum variable_id id);
int64_t *result_i64(const struct result *result, enum variable_id id);
int32_t *result_i32(const struct result *result, enum variable_id id);
void *result_slab(const struct result *result, enum variable_id id);
/* Sets a fixed-length string, cut at a UTF-8 boundary where too long. */
void result_set_text(struct result *result, enum variable_id id, const char *text);
/* Of a block that was read from a file: every text in it ends. */
void result_end_texts(struct result *result);
const char *result_text(const struct result *result, enum variable_id id);

/* CRC-32 over all slabs of writers ROWS and RECORD but STATUS and CRC, in table order. */
uint32_t result_crc(const struct result *result);

#endif
