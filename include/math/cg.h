/* Conjugate gradients for symmetric positive semi-definite operators, in double. */
#ifndef RELIN_MATH_CG_H
#define RELIN_MATH_CG_H

#include <stdbool.h>
#include <stddef.h>

struct error;

/* y = A x. Returns 0 or -1. */
typedef int (*cg_operator)(void *context, const double *x, double *y);

struct cg_report {
    size_t iterations;     /* products with A, but for the last one that measures the residual */
    double residual;       /* |b - A x| / |b|, measured and not updated; 0 where b = 0 */
    bool converged;        /* residual <= tolerance by CG's own recursion. Else it stopped at `most`, at numbers
                              that are not finite, or because A moves nothing along what is left of b: x is
                              then the best of what A can reach, and the residual says how far that is. */
};

/* x (n), overwritten: solves A x = b, starting from 0, so that for a singular A and b in its range x is the
 * solution of least norm. tolerance: of |b - A x| / |b|. accuracy: A's relative rounding; directions along
 * which A is smaller than that, beside its largest Rayleigh quotient, count as its null space.
 * Not to converge is no error. Returns 0 with *report filled, or -1 with *err filled. */
int cg_solve(size_t n, cg_operator apply, void *context, const double *b, double tolerance, double accuracy,
             size_t most, double *x, struct cg_report *report, struct error *err);

#endif
