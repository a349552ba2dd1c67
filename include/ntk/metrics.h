/* Numbers that say what a kernel is and how far it moved (method.md section 5). All
 * matrices are (n, n), symmetric, row-major, double, without padding unless a stride is
 * said. H = I - 11^T/n. Each answer is NaN where it is not defined (a norm of 0). */
#ifndef RELIN_NTK_METRICS_H
#define RELIN_NTK_METRICS_H

#include <stddef.h>

/* <K,K'>/(|K||K'|). Of two centred kernels this is CKA, tr(KHK'H)/sqrt(tr(KHKH) tr(K'HK'H)); of a
 * centred kernel and the Gram matrix of centred targets it is the target alignment. */
double metric_cosine(size_t n, const double *k, const double *other);
/* 1 - <K,K'>/(|K||K'|), computed as |K/|K| - K'/|K'||^2/2: no cancellation, never negative. */
double metric_kernel_distance(size_t n, const double *k, const double *other);
double metric_relative_change(size_t n, const double *k, const double *initial); /* |K-K0|/|K0| */
double metric_trace(size_t n, const double *k);
double metric_effective_rank(size_t n, const double *k);                         /* (tr K)^2/|K|^2 */

/* Of eigenvalues in any order; those below 0 are rounding and count as 0. */
double metric_entropy_rank(size_t n, const double *eigenvalues);                 /* exp(entropy of values/sum) */
/* largest over smallest; infinity where the smallest is 0 to rounding (n eps largest). */
double metric_condition_number(size_t n, const double *eigenvalues);

/* centred (n, n), overwritten = H K H; K has row stride `stride`; centred may be k where the stride is n. */
void metric_centre(size_t n, const double *k, size_t stride, double *centred);
/* centred (outputs, n), overwritten: y (n, outputs) transposed, each output's mean taken off. */
void metric_centre_targets(size_t n, size_t outputs, const double *y, double *centred);
/* gram (n, n), overwritten = y y^T of centred targets (outputs, n). */
void metric_target_gram(size_t n, size_t outputs, const double *centred, double *gram);
/* energy[j], overwritten: sum over the j+1 leading eigenvectors u of (u^T y)^2/|y|^2, y centred
 * targets (outputs, n). vectors as of eigen_symmetric (ascending); energy is in descending order
 * of eigenvalue. */
void metric_target_energy(size_t n, const double *vectors, size_t outputs, const double *centred,
                          double *energy);

/* Fills the lower triangle of k from the upper. */
void metric_mirror(size_t n, double *k);

#endif
