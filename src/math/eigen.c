#include "math/eigen.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/lanczos.h"

/* LAPACK, from OpenBLAS. The hidden lengths of the characters come last. */
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);
void dstev_(const char *job, const int *n, double *d, double *e, double *z, const int *ldz, double *work,
            int *info, size_t);

int eigen_symmetric(size_t n, double *a, double *values, double *vectors, struct error *err)
{
    int result = -1, info = 0, order = (int)n, lwork = -1, liwork = -1, iwork_size = 0;
    double work_size = 0, *work = NULL;
    int *iwork = NULL;
    const char *job = vectors ? "V" : "N";
    if (n == 0)
        return 0;
    if (n > INT_MAX / 2)
        return error_set(err, ERROR_MEMORY, "an eigenproblem of %zu unknowns is too large", n);
    for (size_t i = 0; i < n * n; i++)
        if (!isfinite(a[i]))
            return error_set(err, ERROR_JOB, "eigenproblem of a matrix with numbers that are not finite");
    dsyevd_(job, "U", &order, a, &order, values, &work_size, &lwork, &iwork_size, &liwork, &info, 1, 1);
    lwork = (int)work_size;
    liwork = iwork_size;
    if (!(work = mem_alloc((size_t)lwork, sizeof *work, err))
        || !(iwork = mem_alloc((size_t)liwork, sizeof *iwork, err)))
        goto done;
    dsyevd_(job, "U", &order, a, &order, values, work, &lwork, iwork, &liwork, &info, 1, 1);
    if (info != 0) {
        error_set(err, ERROR_INTERNAL, "LAPACK dsyevd of order %zu gave up with info = %d", n, info);
        goto done;
    }
    if (vectors)   /* LAPACK's columns are our rows */
        memcpy(vectors, a, n * n * sizeof *a);
    result = 0;
done:
    mem_free(work);
    mem_free(iwork);
    return result;
}

/* Largest eigenvalue of the k x k tridiagonal matrix and the last entry of its vector. */
static int ritz_largest(size_t k, const double *diagonal, const double *off, double *scratch,
                        double *value, double *last)
{
    double *d = scratch, *e = d + k, *z = e + k, *work = z + k * k;
    int order = (int)k, info = 0;
    memcpy(d, diagonal, k * sizeof *d);
    memcpy(e, off, k * sizeof *e);
    dstev_("V", &order, d, e, z, &order, work, &info, 1);
    *value = d[k - 1];
    *last = z[(k - 1) * k + k - 1];
    return info;
}

int eigen_largest(size_t n, eigen_operator apply, void *context, const double *start,
                  double tolerance, size_t most, double *value, struct error *err)
{
    int result = -1;
    *value = 0;
    if (most > n)
        most = n;
    struct lanczos *space = lanczos_create(n, most, 0, err);
    double *small = mem_alloc(most * most + 6 * most, sizeof *small, err);
    if (!space || !small || lanczos_begin(space, start, err) != 0)
        goto done;
    double *diagonal = small, *off = small + most, *scratch = off + most;
    if (lanczos_remainder(space, 0) == 0) {
        error_set(err, ERROR_INTERNAL, "Lanczos needs a start vector that is not zero");
        goto done;
    }
    for (size_t k = 1; k <= most; k++) {
        double last = 0;
        if (lanczos_extend(space, 0, apply, context, err) != 0)
            goto done;
        diagonal[k - 1] = lanczos_entry(space, k - 1, k - 1);
        if (ritz_largest(k, diagonal, off, scratch, value, &last) != 0) {
            error_set(err, ERROR_INTERNAL, "LAPACK dstev of order %zu did not converge", k);
            goto done;
        }
        double beta = lanczos_remainder(space, 0);
        if (beta * fabs(last) <= tolerance * fabs(*value) || beta == 0)
            break;
        off[k - 1] = beta;
    }
    result = 0;
done:
    lanczos_destroy(space);
    mem_free(small);
    return result;
}
