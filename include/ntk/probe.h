/* A probe: fixed inputs on which the kernel of one network is measured again and again,
 * each time against its first measurement. Always in double; speaks no `real`, so that
 * both precisions of the trainers can use it. */
#ifndef RELIN_NTK_PROBE_H
#define RELIN_NTK_PROBE_H

#include <stddef.h>

#include "nn/spec.h"

struct error;
struct probe;

/* What one kernel says (method.md section 5). The arrays belong to whoever made them with
 * probe_numbers_create. */
struct probe_numbers {
    double trace, distance, relative_change, trace_ratio, lambda_max, condition_number;
    double cka, target_alignment_train, target_alignment_test, effective_rank, entropy_rank;
    double *eigenvalues, *target_energy;                  /* (n) descending; cumulative */
    double *layer_trace_share, *layer_distance, *layer_target_alignment;   /* (layers) */
};

/* x (n, features) and y (n, outputs), the first n_train rows being the training half: x is borrowed,
 * y is not needed afterwards. Returns the probe, or NULL with *err filled. The caller destroys. */
struct probe *probe_create(const struct network_spec *spec, struct image input, size_t outputs, size_t n,
                           size_t n_train, const double *x, const double *y, struct error *err);
void probe_destroy(struct probe *probe);

size_t probe_size(const struct probe *probe);             /* n */
size_t probe_layers(const struct probe *probe);           /* parameterised layers */
size_t probe_parameters(const struct probe *probe);       /* P */

/* Room for the arrays of numbers. Returns 0, or -1 with *err filled. Destroy accepts a zeroed struct. */
int probe_numbers_create(struct probe_numbers *numbers, const struct probe *probe, struct error *err);
void probe_numbers_destroy(struct probe_numbers *numbers);
/* The values of from, in the arrays of to. */
void probe_numbers_copy(struct probe_numbers *to, const struct probe_numbers *from, const struct probe *probe);

/* kernel (n, n), overwritten: the kernel at theta, and nothing else. 0, or -1 with *err filled; 1 where
 * the kernel is not finite, which is theta's doing. */
int probe_kernel(struct probe *probe, const double *theta, double *kernel, struct error *err);

/* The kernel and all its numbers. The first finite measurement is what later ones are compared with.
 * Answers as probe_kernel. */
int probe_measure(struct probe *probe, const double *theta, double *kernel, struct probe_numbers *numbers,
                  struct error *err);

#endif
