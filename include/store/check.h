/* Is a result file what FORMAT.md says, and is every row what was committed? For `relin verify`. Nothing is
 * run, nothing is written. */
#ifndef RELIN_STORE_CHECK_H
#define RELIN_STORE_CHECK_H

#include "base/text.h"
#include "store/store.h"

struct store_check {
    size_t jobs, count[STATUS_COUNT];            /* rows; of them by enum job_status */
    size_t faults;                    /* of the structure: datasets, shapes, types, attributes, scales */
    size_t damaged, damaged_done;     /* rows, and done ones of them, that were committed, and are not as they were or make no sense */
    size_t datasets;                  /* looked at */
    struct text report;               /* a line a fault and a damaged row, with what helps; the caller frees */
};

/* The structure: every dataset of the format that is due in this file, with its type, shape, scales and
 * attributes; its groups. Returns 0, or -1 with *err filled where memory is short. */
int store_check_structure(const struct store_reader *reader, struct store_check *check, struct error *err);
/* Every row: what it is (its id is that of its text), how it went, and of those that ended checksum,
 * enumerations, counts and order. Returns 0, or -1 with *err filled where the file cannot be read. */
int store_check_rows(const struct store_reader *reader, struct store_check *check, struct error *err);

#endif
