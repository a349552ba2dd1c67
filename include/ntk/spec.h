/* What a sweep says under `kernels:`. */
#ifndef RELIN_NTK_SPEC_H
#define RELIN_NTK_SPEC_H

#include <stdint.h>

/* Of Theta_cc'(x, x') = <df_c(x)/dtheta, df_c'(x')/dtheta>, C outputs:
 * trace: (1/C) sum_c Theta_cc; full: all of it, row i*C + c for input i and output c; sum of logits:
 * (1/C) sum_cc' Theta_cc'. */
enum kernel_mode { KERNEL_TRACE, KERNEL_FULL, KERNEL_SUM_OF_LOGITS };
enum kernel_store { KERNEL_STORE_KERNELS, KERNEL_STORE_METRICS };
enum parameter_store { PARAMETERS_NONE, PARAMETERS_FINAL };

struct kernel_spec {
    int64_t probe;                 /* inputs of each half (training, test) */
    int64_t snapshots;             /* log-spaced, first 0, last T; 0: none */
    int64_t path_points;           /* measuring times of the kernel path length, common to all K; 0: none */
    enum kernel_mode mode;
    double ridge;                  /* of kernel regression, in units of the mean diagonal of the training half */
    enum kernel_store store;       /* metrics: keep the numbers only */
    enum parameter_store parameters;   /* final: keep theta_T - theta_0 for parameter alignment */
};

#endif
