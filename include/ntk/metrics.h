/* Numbers that say what a kernel is and how far it moved (method.md section 5). All
 * matrices are (n, n), symmetric, row-major, double. H = I - 11^T/n. */
#ifndef RELIN_NTK_METRICS_H
#define RELIN_NTK_METRICS_H

#include <stddef.h>

struct error;

double metric_kernel_distance(size_t n, const double *k, const double *other);   /* 1 - <K,K'>/(|K||K'|) */
double metric_relative_change(size_t n, const double *k, const double *initial); /* |K-K0|/|K0| */
double metric_trace_ratio(size_t n, const double *k, const double *initial);
double metric_trace(size_t n, const double *k);
double metric_effective_rank(size_t n, const double *k);                         /* (tr K)^2/|K|^2 */
double metric_entropy_rank(size_t n, const double *eigenvalues);                 /* exp(entropy of values/sum) */
/* CKA: tr(K H K' H)/sqrt(tr(K H K H) tr(K' H K' H)). */
double metric_cka(size_t n, const double *k, const double *other);
/* Target alignment <H K H, y y^T>/(|H K H| |y y^T|) on rows first..first+count-1, y (n, outputs)
 * centred within them here. NaN where it is not defined. */
double metric_target_alignment(size_t n, size_t first, size_t count, const double *k,
                               size_t outputs, const double *y);
/* energy[j], overwritten: sum over the j+1 leading eigenvectors u of (u^T y)^2/|y|^2, y (n, outputs)
 * centred here. vectors as of eigen_symmetric (ascending); energy is in descending order of eigenvalue. */
void metric_target_energy(size_t n, const double *vectors, size_t outputs, const double *y, double *energy);

#endif
