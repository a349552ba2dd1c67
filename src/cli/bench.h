/* The long form of relin bench: every architecture and engine, and kernels. */
#ifndef RELIN_CLI_BENCH_H
#define RELIN_CLI_BENCH_H

#include <stdbool.h>

#include "train/bench.h"

struct bench_wish {
    bool json, in_double, check;
    bool networks[BENCH_NETWORKS], engines[BENCH_ENGINES], kernels;
    int rounds, threads;
    double momentum;
    long width, depth, inputs, rows, segment;   /* 0: the benchmark's own */
};

/* Measures and prints. Returns the exit code. */
int bench_all(const struct bench_wish *wish);

#endif
