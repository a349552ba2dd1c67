/* Memory for small tables: without it there is nothing that could still be said. */
#ifndef RELIN_ANALYSIS_MUST_H
#define RELIN_ANALYSIS_MUST_H

#include <stdio.h>
#include <stdlib.h>

/* Returns block, or ends the program when it is NULL. */
static inline void *must(void *block)
{
    if (!block) {
        fputs("relin summary: out of memory\n", stderr);
        abort();
    }
    return block;
}

#endif
