#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/blas.h"

#if RELIN_DOUBLE
#define GEMM cblas_dgemm
#define SYRK cblas_dsyrk
#define GEMV cblas_dgemv
#define SYMV cblas_dsymv
#define DOT cblas_ddot
#define AXPY cblas_daxpy
#define NORM cblas_dnrm2
#else
#define GEMM cblas_sgemm
#define SYRK cblas_ssyrk
#define GEMV cblas_sgemv
#define SYMV cblas_ssymv
#define DOT cblas_sdot
#define AXPY cblas_saxpy
#define NORM cblas_snrm2
#endif

static blasint size_of(size_t n)
{
    if (n > INT_MAX) {
        fprintf(stderr, "relin: a matrix side of %zu does not fit a BLAS integer\n", n);
        abort();
    }
    return (blasint)n;
}

void blas_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
               real alpha, const real *a, size_t lda, const real *b, size_t ldb,
               real beta, real *c, size_t ldc)
{
    if (m == 0 || n == 0)
        return;
    assert(lda >= (transpose_a ? m : k) && ldb >= (transpose_b ? k : n) && ldc >= n);
    GEMM(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
         size_of(m), size_of(n), size_of(k), alpha, a, size_of(lda ? lda : 1), b, size_of(ldb ? ldb : 1),
         beta, c, size_of(ldc));
}

void blas_syrk(size_t n, size_t k, real alpha, const real *a, size_t lda, real beta, real *c, size_t ldc)
{
    if (n == 0)
        return;
    assert(lda >= k && ldc >= n);
    SYRK(CblasRowMajor, CblasUpper, CblasNoTrans, size_of(n), size_of(k), alpha, a, size_of(lda ? lda : 1),
         beta, c, size_of(ldc));
}

void blas_gemv(bool transpose, size_t m, size_t n, real alpha, const real *a, size_t lda, const real *x,
               real beta, real *y)
{
    size_t out = transpose ? n : m;
    if (beta == 0)   /* some libraries multiply what is there, NaN included */
        memset(y, 0, out * sizeof *y);
    if (m == 0 || n == 0) {   /* where BLAS leaves y as it is */
        for (size_t i = 0; i < out; i++)
            y[i] *= beta;
        return;
    }
    assert(lda >= n);
    GEMV(CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, size_of(m), size_of(n), alpha, a, size_of(lda), x, 1,
         beta == 0 ? 1 : beta, y, 1);
}

void blas_symv(size_t n, const real *a, const real *x, real *y)
{
    memset(y, 0, n * sizeof *y);   /* as above */
    if (n > 0)
        SYMV(CblasRowMajor, CblasLower, size_of(n), 1, a, size_of(n), x, 1, 1, y, 1);
}

real blas_dot(size_t n, const real *x, const real *y)
{
    return DOT(size_of(n), x, 1, y, 1);
}

void blas_axpy(size_t n, real alpha, const real *x, real *y)
{
    AXPY(size_of(n), alpha, x, 1, y, 1);
}

real blas_norm(size_t n, const real *x)
{
    return NORM(size_of(n), x, 1);
}
