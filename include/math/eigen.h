/* Eigenproblems of symmetric operators, in double. */
#ifndef RELIN_MATH_EIGEN_H
#define RELIN_MATH_EIGEN_H

#include <stddef.h>

struct error;

/* Eigenvalues (ascending, n) and, if vectors is not NULL, eigenvectors of the symmetric
 * n x n matrix a (row-major, destroyed). vectors: row i (n numbers) belongs to value i.
 * Returns 0, or -1 with *err filled. */
int eigen_symmetric(size_t n, double *a, double *values, double *vectors, struct error *err);

/* y = A x for a symmetric positive semi-definite A of size n. Returns 0 or -1. */
typedef int (*eigen_operator)(void *context, const double *x, double *y);

/* Largest eigenvalue of A by Lanczos with full re-orthogonalisation from the start
 * vector, until the residual bound is below tolerance * value or after most steps.
 * Returns 0 with *value filled, or -1 with *err filled. */
int eigen_largest(size_t n, eigen_operator apply, void *context, const double *start,
                  double tolerance, size_t most, double *value, struct error *err);

#endif
