/* The only door to BLAS. Matrices are row-major; sizes are checked before they
 * become BLAS integers (an overflow aborts: sizes are validated far earlier). */
#ifndef RELIN_MATH_BLAS_H
#define RELIN_MATH_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "math/real.h"

/* C (m x n, row stride ldc) = alpha op(A) op(B) + beta C, op(A) m x k, op(B) k x n;
 * transpose_a says that A is stored k x m. beta 0 overwrites C without reading it.
 * m, n or k of 0 is allowed. */
void blas_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
               real alpha, const real *a, size_t lda, const real *b, size_t ldb,
               real beta, real *c, size_t ldc);

/* Upper triangle of C (n x n, row stride ldc) = alpha A A^T + beta C, A n x k; half the work
 * of blas_gemm. Below the diagonal C is neither read nor written. */
void blas_syrk(size_t n, size_t k, real alpha, const real *a, size_t lda, real beta, real *c, size_t ldc);

/* y = alpha op(A) x + beta y, A m x n as stored (row stride lda); op(A) is A^T where transpose. beta 0
 * overwrites y without reading it. m or n of 0 is allowed. */
void blas_gemv(bool transpose, size_t m, size_t n, real alpha, const real *a, size_t lda, const real *x,
               real beta, real *y);

/* y (n), overwritten = A x, A symmetric (n x n): its lower triangle is read, half of what blas_gemv reads. n of 0 is
 * allowed. */
void blas_symv(size_t n, const real *a, const real *x, real *y);

real blas_dot(size_t n, const real *x, const real *y);
/* y += alpha x */
void blas_axpy(size_t n, real alpha, const real *x, real *y);
/* Euclidean norm of x. */
real blas_norm(size_t n, const real *x);

#endif
