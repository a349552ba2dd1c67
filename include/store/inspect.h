/* Files that are not our own are first opened in a child process, with a limit of time and of memory: libhdf5 1.10
 * crashes on some damaged files and never comes back from others. What the child came through, the caller may read.
 *
 * A process that MPI has been started in must not fork (design.md): the farm has its spawner do it (inspect_by). */
#ifndef RELIN_STORE_INSPECT_H
#define RELIN_STORE_INSPECT_H

#include <stdint.h>

#include "base/error.h"

enum inspect_end { INSPECT_FINE, INSPECT_REFUSED, INSPECT_CRASHED, INSPECT_TIMED_OUT, INSPECT_NO_CHILD };

struct inspection {
    enum inspect_end end;
    int32_t detail;              /* crashed: the signal; timed out: seconds; no child: errno */
    char why[400];               /* refused */
};

/* Whoever can fork does it: opens path in a child, goes through all of its datasets, attributes and texts, compares
 * their sizes with the file's own, and waits for its end. A few milliseconds for a result file; compressed data is
 * unpacked once. RELIN_INSPECT_SECONDS is the limit (30 s, and what reading so large a file takes). */
void inspect_in_child(const char *path, struct inspection *inspection);

/* From here on inspections are made by this function (NULL: inspect_in_child), which fills *inspection. */
typedef void (*inspect_function)(void *context, const char *path, struct inspection *inspection);
void inspect_by(inspect_function function, void *context);

/* May path be opened here? Files that passed last are not looked at again while they stay the same. A file that
 * HDF5 says no to passes, too: the caller hears the same. Returns 0, or -1 with *err filled with this code: which
 * file, what happened, what to do. */
int inspect_file(const char *path, enum error_code code, struct error *err);
/* Does a child come through body(context), for what goes deeper than that? From the same memory, so that the same call
 * comes out the same here afterwards. By this process's own child: never where MPI was started. Returns as above. */
typedef int (*inspect_body)(void *context, struct error *err);
int inspect_first(const char *path, inspect_body body, void *context, enum error_code code, struct error *err);

#endif
