/* How long a kernel takes (train/bench.h has the networks). Speaks no `real`. */
#ifndef RELIN_NTK_BENCH_H
#define RELIN_NTK_BENCH_H

#include "ntk/spec.h"
#include "train/bench.h"

/* A kernel of so many inputs of a benchmark's network, at initial parameters, or at bench_parameter's. create returns NULL,
 * round -1 with *err filled; the network is borrowed. Destroy accepts NULL. */
struct bench_kernel;
struct bench_kernel *bench_kernel_create(const struct bench_network *network, size_t inputs, bool by_hash, struct error *err);
/* One kernel, with what it needs before and gives back after. */
int bench_kernel_round(struct bench_kernel *k, enum kernel_mode mode, struct error *err);
struct bench_told bench_kernel_tell(struct bench_kernel *k, enum kernel_mode mode);   /* flops are the caller's */
/* Of the last kernel taken. */
void bench_kernel_numbers(const struct bench_kernel *k, double *trace, double *norm);
void bench_kernel_destroy(struct bench_kernel *k);

#endif
