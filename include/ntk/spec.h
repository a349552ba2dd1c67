/* What a sweep says under `kernels:`. */
#ifndef RELIN_NTK_SPEC_H
#define RELIN_NTK_SPEC_H

#include <stdint.h>

enum kernel_mode { KERNEL_TRACE };
enum kernel_store { KERNEL_STORE_KERNELS, KERNEL_STORE_METRICS };
enum parameter_store { PARAMETERS_NONE, PARAMETERS_FINAL };

struct kernel_spec {
    int64_t probe;                 /* inputs of each half (training, test) */
    int64_t snapshots;             /* log-spaced, first 0, last T; 0: none */
    int64_t path_points;           /* measuring times of the kernel path length, common to all K; 0: none */
    enum kernel_mode mode;
    enum kernel_store store;       /* metrics: keep the numbers only */
    enum parameter_store parameters;   /* final: keep theta_T - theta_0 for parameter alignment */
};

#endif
