/* relin bench: how fast one core of this machine trains. */
#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli/commands.h"
#include "math/blas_setup.h"
#include "train/bench.h"

struct arguments {
    bool json, in_double;
    int rounds, threads;
    double momentum;
};

enum { KEY_JSON = 0x100, KEY_DOUBLE, KEY_ROUNDS, KEY_THREADS, KEY_MOMENTUM, MOST_ROUNDS = 1000, MOST_THREADS = 1024 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print JSON", 0},
    {"double", KEY_DOUBLE, NULL, 0, "Double precision in place of single", 0},
    {"rounds", KEY_ROUNDS, "N", 0, "Interleaved repeats to take medians of (default 15)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads of the BLAS library (default 1)", 0},
    {"momentum", KEY_MOMENTUM, "X", 0, "Momentum of the timed training (default 0)", 0},
    {0},
};

static const char description[] =
    "Time the training of a 784-512-512-10 relu network with batches of 128 on one core: a step of SGD as a share "
    "of the speed that the BLAS library itself reaches in a product of two 2048x2048 matrices, and a step of the "
    "linearised model, its activations stored, in units of a step of SGD."
    "\v"
    "The three are timed in turns, round by round, and medians are given. A step's flops are counted as "
    "2 B (2 P_first + 3 P_rest), P the weights of the first and of the other layers.\n\n"
    "Wanted: at least 60 % of the product's speed, and at most 1.6 steps. Unset OPENBLAS_CORETYPE for these "
    "figures: it may pin kernels that are lesser than the processor's.\n\n"
    "Examples:\n"
    "  relin bench\n"
    "  env -u OPENBLAS_CORETYPE relin bench --rounds=31 --json\n\n"
    "Exit codes: 0 measured, 2 bad usage, 70 out of memory.";

static double read_number(struct argp_state *state, const char *option, const char *value, double least, double most,
                          bool whole)
{
    char *end;
    double x = strtod(value, &end);
    if (end == value || *end || !(x >= least && x <= most) || (whole && x != (double)(long)x))
        argp_error(state, "%s: expected a %snumber from %g to %g, got '%s'", option, whole ? "whole " : "", least,
                   most, value);
    return x;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON: a->json = true; return 0;
    case KEY_DOUBLE: a->in_double = true; return 0;
    case KEY_ROUNDS: a->rounds = (int)read_number(state, "--rounds", value, 1, MOST_ROUNDS, true); return 0;
    case KEY_THREADS: a->threads = (int)read_number(state, "--threads", value, 1, MOST_THREADS, true); return 0;
    case KEY_MOMENTUM: a->momentum = read_number(state, "--momentum", value, 0, 0.999999, false); return 0;
    case ARGP_KEY_ARG: argp_error(state, "expected no further arguments, got '%s'", value); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static double gemm_flops(void) { return 2.0 * BENCH_GEMM_SIDE * BENCH_GEMM_SIDE * BENCH_GEMM_SIDE; }

static void print_json(const struct arguments *a, const struct bench_training *b)
{
    double gemm_rate = gemm_flops() / b->gemm_seconds, rate = b->standard_flops / b->standard_seconds;
    printf("{\"precision\": \"%s\", \"threads\": %d, \"momentum\": %g, \"blas_core\": \"%s\", \"rounds\": %d, "
           "\"gemm_flops_per_second\": %.6g, \"standard_step_seconds\": %.6g, \"standard_flops_per_second\": %.6g, "
           "\"standard_share_of_gemm\": %.4f, \"tangent_step_seconds\": %.6g, \"tangent_over_standard\": %.4f}\n",
           a->in_double ? "double" : "single", a->threads, a->momentum, blas_core_type(), a->rounds, gemm_rate,
           b->standard_seconds, rate, rate / gemm_rate, b->tangent_seconds, b->tangent_seconds / b->standard_seconds);
}

static void print_text(const struct arguments *a, const struct bench_training *b)
{
    double gemm_rate = gemm_flops() / b->gemm_seconds, rate = b->standard_flops / b->standard_seconds;
    printf("%s precision, %d BLAS thread%s, %s kernels; medians of %d interleaved rounds\n",
           a->in_double ? "double" : "single", a->threads, a->threads == 1 ? "" : "s", blas_core_type(), a->rounds);
    printf("2048x2048 product  %8.1f GFLOP/s\n", gemm_rate / 1e9);
    printf("standard step      %8.1f GFLOP/s   %.3f ms   %.1f %% of the product's speed (wanted: 60 %% or more)\n",
           rate / 1e9, 1e3 * b->standard_seconds, 100 * rate / gemm_rate);
    printf("tangent step       %8.2f standard steps   %.3f ms   (wanted: 1.6 or less)\n",
           b->tangent_seconds / b->standard_seconds, 1e3 * b->tangent_seconds);
}

int command_bench(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "", description, NULL, NULL, NULL};
    struct arguments a = {.rounds = 15, .threads = 1};
    struct bench_training bench;
    struct error err = {0};
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    blas_set_threads(a.threads);
    const char *warning = blas_pinning_warning();
    if (warning)
        fprintf(stderr, "relin bench: %s\n", warning);
    int result = a.in_double ? bench_training_double(a.rounds, a.momentum, &bench, &err)
                             : bench_training_single(a.rounds, a.momentum, &bench, &err);
    if (result != 0) {
        fprintf(stderr, "relin bench: %s\n", err.text);
        return error_exit_code(err.code);
    }
    (a.json ? print_json : print_text)(&a, &bench);
    return 0;
}
