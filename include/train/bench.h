/* How fast this machine trains, against its own speed in matrix products. */
#ifndef RELIN_TRAIN_BENCH_H
#define RELIN_TRAIN_BENCH_H

#include <stddef.h>

struct error;

enum { BENCH_GEMM_SIDE = 2048, BENCH_INPUTS = 784, BENCH_WIDTH = 512, BENCH_OUTPUTS = 10, BENCH_BATCH = 128,
       BENCH_ROWS = 1024 };

/* Medians over interleaved rounds, so that what else the machine does hits all three alike. */
struct bench_training {
    double gemm_seconds;        /* one product of two square matrices of BENCH_GEMM_SIDE */
    double standard_seconds;    /* one step of SGD on a 784-512-512-10 relu network, batch 128 */
    double tangent_seconds;     /* one step of its linearised model, activations at theta_s stored */
    double standard_flops;      /* of a standard step: 2 B (2 P_first + 3 P_rest) */
    size_t standard_steps, tangent_steps, products;   /* how many were timed */
};

/* Trains with one BLAS thread or more, as set before. Returns 0, or -1 with *err filled. */
int bench_training_single(int rounds, double momentum, struct bench_training *bench, struct error *err);
int bench_training_double(int rounds, double momentum, struct bench_training *bench, struct error *err);

#endif
