/* A probe: fixed inputs on which the kernel of one network is measured again and again,
 * each time against its first measurement. Always in double; speaks no `real`, so that
 * both precisions of the trainers can use it.
 *
 * A mode (ntk/spec.h) decides the matrix K of m rows that is measured. Trace and sum of logits: m is the
 * number of inputs and y their targets (m, outputs). Full: m is inputs times outputs, row i*outputs + c, and y
 * one vector of m numbers in that order. The formulas of method.md section 5 are the same: H = I - 11^T/m, y
 * centred over its m rows. */
#ifndef RELIN_NTK_PROBE_H
#define RELIN_NTK_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/spec.h"
#include "ntk/spec.h"

struct checkpoint;
struct error;
struct probe;

/* What one kernel says (method.md section 5). The arrays belong to whoever made them with
 * probe_numbers_create. */
struct probe_numbers {
    double trace, distance, relative_change, trace_ratio, lambda_max, condition_number;
    double cka, target_alignment_train, target_alignment_test, effective_rank, entropy_rank;
    double regression_loss, regression_accuracy;          /* ntk/regression.h */
    double *eigenvalues, *target_energy;                  /* (m) descending; cumulative */
    double *layer_trace_share, *layer_distance, *layer_target_alignment;   /* (layers) */
};

struct probe_spec {
    const struct network_spec *network;
    struct image input;
    size_t outputs, n, n_train;       /* the first n_train inputs are the training half */
    const double *x, *y;              /* (n, features), (n, outputs) */
    bool classes;                     /* y is one-hot */
    enum kernel_mode mode;
    double ridge;
};

/* x and y are borrowed until destroyed. Returns the probe, or NULL with *err filled. The caller destroys. */
struct probe *probe_create(const struct probe_spec *spec, struct error *err);
void probe_destroy(struct probe *probe);

size_t probe_size(const struct probe *probe);             /* m, the kernel's rows */
size_t probe_inputs(const struct probe *probe);           /* n */
size_t probe_layers(const struct probe *probe);           /* parameterised layers */
size_t probe_parameters(const struct probe *probe);       /* P */

/* Room for the arrays of numbers. Returns 0, or -1 with *err filled. Destroy accepts a zeroed struct. */
int probe_numbers_create(struct probe_numbers *numbers, const struct probe *probe, struct error *err);
void probe_numbers_destroy(struct probe_numbers *numbers);
/* The values of from, in the arrays of to. */
void probe_numbers_copy(struct probe_numbers *to, const struct probe_numbers *from, const struct probe *probe);

/* Writes or reads the values of numbers. */
void probe_numbers_carry(struct probe_numbers *numbers, const struct probe *probe, struct checkpoint *c);
/* Makes the first measurement, with which later ones are compared, again from theta of then: cheaper than to carry it. */
void probe_restart(struct probe *probe, const double *theta);

/* kernel (m, m), overwritten: the kernel at theta, and nothing else. 0, or 1 where the kernel is not finite, which
 * is theta's doing. */
int probe_kernel(struct probe *probe, const double *theta, double *kernel);

/* The kernel and all its numbers. The first finite measurement is what later ones are compared with.
 * Answers as probe_kernel, or -1 with *err filled. */
int probe_measure(struct probe *probe, const double *theta, double *kernel, struct probe_numbers *numbers,
                  struct error *err);

#endif
