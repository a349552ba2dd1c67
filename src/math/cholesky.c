#include "math/cholesky.h"

#include <limits.h>

#include "base/error.h"

/* LAPACK, from OpenBLAS. The hidden lengths of the characters come last. */
void dposv_(const char *triangle, const int *n, const int *nrhs, double *a, const int *lda, double *b,
            const int *ldb, int *info, size_t);

int cholesky_solve(size_t n, double *a, size_t count, double *b, struct error *err)
{
    int order = (int)n, columns = (int)count, info = 0;
    if (n == 0 || count == 0)
        return 0;
    if (n > INT_MAX || count > INT_MAX)
        return error_set(err, ERROR_MEMORY, "a linear system of %zu unknowns and %zu right sides is too large", n, count);
    /* LAPACK's columns are our rows: its upper triangle is our lower one */
    dposv_("U", &order, &columns, a, &order, b, &order, &info, 1);
    if (info < 0)
        return error_set(err, ERROR_INTERNAL, "LAPACK dposv of order %zu refused argument %d", n, -info);
    return info > 0;
}
