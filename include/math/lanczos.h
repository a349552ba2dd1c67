/* Krylov spaces of a symmetric operator A of size n, in double, with full re-orthogonalisation.
 *
 *   V (m, n)   orthonormal rows, one product with A each
 *   T = V A V^T (m, m)
 *   A V^T = V^T T + (a remainder a chain, orthogonal to V)
 *
 * Several starting vectors share one space: each begins a chain, v <- A v made orthogonal to all of V, and
 * the caller says which chain the next product goes to. With one chain T is tridiagonal; with more, it is
 * dense, and what one chain has found is of use to the others. A chain whose remainder vanishes has ended:
 * its part of the space is invariant. Once m = n all have. */
#ifndef RELIN_MATH_LANCZOS_H
#define RELIN_MATH_LANCZOS_H

#include <stddef.h>

#include "math/eigen.h"

struct error;
struct lanczos;

enum { LANCZOS_CHAINS = 4 };   /* at most */

/* Room for `most` products (no more than n are needed), taken as they come. accuracy: of a product,
 * relative; a remainder below it is none. Returns it, or NULL with *err filled. The caller destroys;
 * destroy accepts NULL. */
struct lanczos *lanczos_create(size_t n, size_t most, double accuracy, struct error *err);
void lanczos_destroy(struct lanczos *l);

/* Empties the space: no chains. */
void lanczos_clear(struct lanczos *l);
/* A further chain, from start (n), copied; zero is a chain that has ended. Returns 0, or -1 with *err filled. */
int lanczos_begin(struct lanczos *l, const double *start, struct error *err);
/* Takes one product for a chain; where it has ended, or the space is full, none. Returns 0, or -1 with *err
 * filled: the operator could not be applied, numbers are not finite, no memory. */
int lanczos_extend(struct lanczos *l, size_t chain, eigen_operator apply, void *context, struct error *err);

size_t lanczos_size(const struct lanczos *l);      /* m */
double lanczos_entry(const struct lanczos *l, size_t i, size_t j);   /* of T */
/* Norm of a chain's remainder: 0 where it has ended. Before the chain's first product, of its start. */
double lanczos_remainder(const struct lanczos *l, size_t chain);
/* The row of V whose product left that remainder. Not before the chain's first product. */
size_t lanczos_tip(const struct lanczos *l, size_t chain);
/* s (m), overwritten: V start, the starting vector of a chain; exact once the chain has had a product. */
void lanczos_coordinates(const struct lanczos *l, size_t chain, double *s);

/* Eigenvalues (m, ascending) of T and its eigenvectors (m, m; row i belongs to value i).
 * Returns 0, or -1 with *err filled. */
int lanczos_modes(const struct lanczos *l, double *values, double *vectors, struct error *err);
/* x (n), overwritten = V^T y, y (m). */
void lanczos_combine(const struct lanczos *l, const double *y, double *x);

#endif
