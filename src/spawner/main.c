/* relin-spawner: the spawner of one rank (farm/spawner.h), without MPI and HDF5. Started by relin alone (farm/lean.h). */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "farm/lean.h"
#include "farm/spawner.h"
#include "math/blas_setup.h"
#include "store/inspect.h"

/* Files were looked at before, by relin, and that needs HDF5: here for the linker only. */
void inspect_in_child(const char *path, struct inspection *inspection)
{
    (void)path;
    *inspection = (struct inspection){.end = INSPECT_NO_CHILD};
}

int main(int argc, char **argv)
{
    int socket, shared;
    if (lean_arrive(argc, argv, &socket, &shared)) {
        struct error err = {0};
        error_set(&err, ERROR_INTERNAL, LEAN_PROGRAM ": expected to be started by the relin it was built with: run relin, or "
                  "build or install both again");
        if (socket >= 0)
            lean_refuse(socket, &err);
        else
            fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    blas_set_threads(1);
    log_setup(log_level_wanted(), NULL);
    spawner_serve(socket, shared, true);
}
