/* relin bench: how fast one core of this machine trains. */
#include "bench.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "math/blas_setup.h"

struct arguments {
    struct bench_wish wish;
    bool longer;                /* not only the short form */
};

enum { KEY_JSON = 0x100, KEY_DOUBLE, KEY_ROUNDS, KEY_THREADS, KEY_MOMENTUM, KEY_ALL, KEY_ARCHITECTURE, KEY_ENGINE, KEY_NTK,
       KEY_INPUTS, KEY_ROWS, KEY_STEPS, KEY_WIDTH, KEY_DEPTH, KEY_CHECK, MOST_ROUNDS = 1000, MOST_THREADS = 1024 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print JSON", 0},
    {"double", KEY_DOUBLE, NULL, 0, "Double precision in place of single", 0},
    {"rounds", KEY_ROUNDS, "N", 0, "Interleaved repeats to take medians of (default 15; with the options below 5)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads of the BLAS library (default 1)", 0},
    {"momentum", KEY_MOMENTUM, "X", 0, "Momentum of the timed training (default 0)", 0},
    {"all", KEY_ALL, NULL, 0, "Every architecture and engine, and kernels (minutes)", 1},
    {"architecture", KEY_ARCHITECTURE, "NAMES", 0, "Of mlp, cnn, lenet, myrtle, resnet, layers; or all", 1},
    {"engine", KEY_ENGINE, "NAMES", 0, "Of standard, tangent, kernel, filter, gauss-newton; or all (the default), or none", 1},
    {"ntk", KEY_NTK, NULL, 0, "Time the kernel of a probe in the three modes", 1},
    {"inputs", KEY_INPUTS, "N", 0, "Inputs of the kernel (default 256, or 64 or 32 of the larger networks)", 1},
    {"rows", KEY_ROWS, "N", 0, "Rows of the kernel, filter and Gauss-Newton engines", 1},
    {"steps", KEY_STEPS, "K", 0, "Steps of the filter engine's segment", 1},
    {"width", KEY_WIDTH, "N", 0, "Width of the mlp's layers (default 512)", 1},
    {"depth", KEY_DEPTH, "N", 0, "Hidden layers of the mlp (default 2)", 1},
    {"check", KEY_CHECK, NULL, 0, "Also losses and a kernel from parameters that other programs can make: see tests/bench", 1},
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
    "With --all, --architecture, --engine or --ntk each architecture is timed with each engine that is named, in turns: a step of SGD "
    "(standard) and of the linearised model (tangent) with batches of 128; Theta formed once, and a step with it (kernel); a "
    "segment by products with Theta (filter), and a step of Gauss-Newton, both with what products they took. Flops are those of the "
    "cost model, rates with one thread by processor time; the kernels and Theta are in double, and are held against the product in double, the kernel engine's step "
    "where Theta is larger than 64 MB against the memory's bandwidth: the faster of a triad (a = b + s c, every array counted once) "
    "and an inner product, on arrays of 64 MB. make bench runs these beside "
    "PyTorch, and fits how costs grow.\n\n"
    "Examples:\n"
    "  relin bench\n"
    "  env -u OPENBLAS_CORETYPE relin bench --rounds=31 --json\n"
    "  relin bench --architecture=cnn,resnet --engine=standard,tangent --ntk\n\n"
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

static const char *network_name(int i) { return bench_networks[i].spec.name; }
static const char *engine_name(int i) { return bench_engine_name((enum bench_engine)i); }

/* chosen[i]: whether the i-th of n names is in a list with commas. */
static void read_names(struct argp_state *state, const char *option, const char *value, int n, const char *(*name)(int),
                       bool *chosen)
{
    bool all = strcmp(value, "all") == 0;
    for (int i = 0; i < n; i++)
        chosen[i] = all;
    if (all || (strcmp(value, "none") == 0 && name == engine_name))
        return;
    for (const char *at = value; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t length = strcspn(at, ",");
        int i = 0;
        while (i < n && (strlen(name(i)) != length || strncmp(name(i), at, length) != 0))
            i++;
        if (i == n) {
            struct text known = {0};
            for (int k = 0; k < n; k++)
                text_add(&known, "%s, ", name(k));
            argp_error(state, "%s: expected %sor all, got '%.*s'", option, known.chars, (int)length, at);
            text_free(&known);
            return;
        }
        chosen[i] = true;
    }
}

static error_t parse_long(int key, char *value, struct argp_state *state)
{
    struct bench_wish *w = &((struct arguments *)state->input)->wish;
    switch (key) {
    case KEY_ALL:
        read_names(state, "--all", "all", BENCH_NETWORKS, network_name, w->networks);
        w->kernels = true;
        return 0;
    case KEY_ARCHITECTURE: read_names(state, "--architecture", value, BENCH_NETWORKS, network_name, w->networks); return 0;
    case KEY_ENGINE: read_names(state, "--engine", value, BENCH_ENGINES, engine_name, w->engines); return 0;
    case KEY_NTK: w->kernels = true; return 0;
    case KEY_INPUTS: w->inputs = (long)read_number(state, "--inputs", value, 1, 4096, true); return 0;
    case KEY_ROWS: w->rows = (long)read_number(state, "--rows", value, 1, 4096, true); return 0;
    case KEY_STEPS: w->segment = (long)read_number(state, "--steps", value, 1, 1e7, true); return 0;
    case KEY_WIDTH: w->width = (long)read_number(state, "--width", value, 1, 1 << 16, true); return 0;
    case KEY_DEPTH: w->depth = (long)read_number(state, "--depth", value, 1, NETWORK_MAX_WIDTHS, true); return 0;
    case KEY_CHECK: w->check = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct bench_wish *w = &a->wish;
    switch (key) {
    case KEY_JSON: w->json = true; return 0;
    case KEY_DOUBLE: w->in_double = true; return 0;
    case KEY_ROUNDS: w->rounds = (int)read_number(state, "--rounds", value, 1, MOST_ROUNDS, true); return 0;
    case KEY_THREADS: w->threads = (int)read_number(state, "--threads", value, 1, MOST_THREADS, true); return 0;
    case KEY_MOMENTUM: w->momentum = read_number(state, "--momentum", value, 0, 0.999999, false); return 0;
    case ARGP_KEY_ARG: argp_error(state, "expected no further arguments, got '%s'", value); return 0;
    default: break;
    }
    error_t answer = parse_long(key, value, state);
    a->longer = a->longer || answer == 0;
    return answer;
}

static double gemm_flops(void) { return 2.0 * BENCH_GEMM_SIDE * BENCH_GEMM_SIDE * BENCH_GEMM_SIDE; }

static void print_json(const struct bench_wish *a, const struct bench_training *b)
{
    double gemm_rate = gemm_flops() / b->gemm_seconds, rate = b->standard_flops / b->standard_seconds;
    printf("{\"precision\": \"%s\", \"threads\": %d, \"momentum\": %g, \"blas_core\": \"%s\", \"rounds\": %d, "
           "\"gemm_flops_per_second\": %.6g, \"standard_step_seconds\": %.6g, \"standard_flops_per_second\": %.6g, "
           "\"standard_share_of_gemm\": %.4f, \"tangent_step_seconds\": %.6g, \"tangent_over_standard\": %.4f}\n",
           a->in_double ? "double" : "single", a->threads, a->momentum, blas_core_type(), a->rounds, gemm_rate,
           b->standard_seconds, rate, rate / gemm_rate, b->tangent_seconds, b->tangent_seconds / b->standard_seconds);
}

static void print_text(const struct bench_wish *a, const struct bench_training *b)
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
    struct arguments a = {.wish = {.threads = 1, .engines = {true, true, true, true, true}}};
    struct bench_training bench;
    struct error err = {0};
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!a.wish.rounds)
        a.wish.rounds = a.longer ? 5 : 15;
    blas_set_threads(a.wish.threads);
    const char *warning = blas_pinning_warning();
    if (warning)
        fprintf(stderr, "relin bench: %s\n", warning);
    if (a.longer)
        return bench_all(&a.wish);
    int result = a.wish.in_double ? bench_training_double(a.wish.rounds, a.wish.momentum, &bench, &err)
                                  : bench_training_single(a.wish.rounds, a.wish.momentum, &bench, &err);
    if (result != 0) {
        fprintf(stderr, "relin bench: %s\n", err.text);
        return error_exit_code(err.code);
    }
    (a.wish.json ? print_json : print_text)(&a.wish, &bench);
    return 0;
}
