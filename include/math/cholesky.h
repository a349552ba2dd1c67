/* Linear systems with a symmetric positive definite matrix, in double. */
#ifndef RELIN_MATH_CHOLESKY_H
#define RELIN_MATH_CHOLESKY_H

#include <stddef.h>

struct error;

/* Solves A x = b for each of the `count` rows of b (count, n), overwritten by the solutions. a (n, n), symmetric,
 * of which the lower triangle is read; destroyed. Returns 0; 1 where A is not positive definite to rounding,
 * and b is then worthless; -1 with *err filled. */
int cholesky_solve(size_t n, double *a, size_t count, double *b, struct error *err);

#endif
