/* relin-spawner: the spawner of one rank (farm/spawner.h), without MPI and HDF5. Started by relin alone (farm/lean.h). */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "data/npy.h"
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

/* Data was read before, by a rank, and is mapped: without these the program needs no libzip, of which there is no static one. */
int npz_open(struct npz *npz, const char *path, struct error *err)
{
    (void)npz;
    return error_set(err, ERROR_INTERNAL, "%s: " LEAN_PROGRAM " reads no data", path);
}

void npz_close(struct npz *npz) { (void)npz; }

int npy_open(struct npy *npy, const struct npz *npz, const char *name, struct error *err)
{
    (void)npy;
    return npz_open((struct npz *)npz, name, err);
}

void npy_close(struct npy *npy) { (void)npy; }

bool npy_is_bytes(const struct npy *npy)
{
    (void)npy;
    return false;
}

int npy_read_bytes(struct npy *npy, unsigned char *values, size_t count, struct error *err)
{
    (void)values;
    (void)count;
    return npy_open(npy, NULL, "a member", err);
}

int npy_read_doubles(struct npy *npy, double *values, size_t count, struct error *err)
{
    return npy_read_bytes(npy, (unsigned char *)values, count, err);
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
