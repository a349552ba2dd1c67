/* How fast this machine trains, against its own speed in matrix products and in moving memory. */
#ifndef RELIN_TRAIN_BENCH_H
#define RELIN_TRAIN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/split.h"
#include "nn/spec.h"

struct error;

enum { BENCH_GEMM_SIDE = 2048, BENCH_INPUTS = 784, BENCH_WIDTH = 512, BENCH_OUTPUTS = 10, BENCH_BATCH = 128,
       BENCH_ROWS = 1024, BENCH_CHECK_STEPS = 4, BENCH_MEMORY_BYTES = 64 << 20 };

/* --- the short form --- */

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

/* --- every architecture and engine --- */

enum bench_engine { BENCH_STANDARD, BENCH_TANGENT, BENCH_KERNEL, BENCH_FILTER, BENCH_GAUSS_NEWTON };
enum { BENCH_ENGINES = BENCH_GAUSS_NEWTON + 1, BENCH_NETWORKS = 6 };

struct bench_network {
    struct network_spec spec;   /* its name is that of its type */
    struct image input;
    size_t rows;                /* of the training set that batches are drawn from */
    int steps;                  /* of a round; the first is not counted */
    size_t solve_rows;          /* kernel, filter, Gauss-Newton: full batches of so many */
    int segment;                /* steps of a segment of the filter */
    size_t inputs;              /* of a kernel */
};

extern const struct bench_network bench_networks[BENCH_NETWORKS];
const char *bench_engine_name(enum bench_engine engine);

/* A training set whose bytes and labels are a hash of their place; all rows are training rows. Returns 0, or -1 with *err
 * filled. Free accepts a zeroed struct. */
struct bench_set {
    struct dataset set;
    struct split split;
};
int bench_set_create(struct bench_set *set, struct image input, size_t rows, struct error *err);
void bench_set_free(struct bench_set *set);
/* Murmur3's finaliser, which others can do as well. Parameters for comparisons: of a number `place` in the flat vector, in
 * a tensor whose weights have so many inputs (0: a bias). */
uint32_t bench_hash(uint32_t place);
double bench_parameter(size_t place, size_t fan_in);
/* theta (P) of a network filled with them. */
struct network;
void bench_parameters_single(const struct network *net, float *theta);
void bench_parameters_double(const struct network *net, double *theta);

/* Wall and processor time, as they come. */
struct bench_samples {
    size_t n, room;
    double *seconds, *cpu_seconds;
};
struct bench_time { double seconds, cpu_seconds; };
void bench_time_start(struct bench_time *time);
/* Adds the time since `from`. Out of memory drops the sample. */
void bench_samples_add(struct bench_samples *samples, const struct bench_time *from);
struct bench_time bench_median(struct bench_samples *samples);   /* NaN of none */
void bench_samples_free(struct bench_samples *samples);
/* amount a second of their median, 0 of none; frees them. */
double bench_rate(struct bench_samples *samples, bool by_cpu, double amount);
double bench_median_of(double *x, size_t n);                     /* sorts x */

/* Bytes a second that a thread has of the memory, with arrays of 64 MB: of a = b + s c, every array counted once, and of
 * reading two of them (an inner product, with the library's threads). By processor time, or by wall time. 0 without memory. */
double bench_triad(bool by_cpu);
double bench_read_single(bool by_cpu);
double bench_read_double(bool by_cpu);
/* One product of two square matrices of BENCH_GEMM_SIDE; NaN without memory. */
struct bench_time bench_gemm_single(void);
struct bench_time bench_gemm_double(void);

/* What the rounds of one engine say. */
struct bench_told {
    size_t samples;
    struct bench_time time;     /* standard, tangent, kernel, Gauss-Newton: of a step; filter: of a segment of T steps */
    struct bench_time begin;    /* kernel: until the end of the first step, Theta formed; else NaN */
    double flops, bytes;        /* of `time`; bytes 0 where it is not the memory that binds */
    double products;            /* filter, Gauss-Newton: with Theta, each a JVP and a VJP; as counted in the last round */
    bool diverged;
};

/* One network in one precision; a round trains from the same parameters, step by step or a segment, with the BLAS threads
 * that were set. create returns NULL, round -1 with *err filled. The network is borrowed. Destroy accepts NULL. */
struct bench_case;
struct bench_case *bench_case_create_single(const struct bench_network *network, double momentum, struct error *err);
struct bench_case *bench_case_create_double(const struct bench_network *network, double momentum, struct error *err);
int bench_case_round_single(struct bench_case *c, enum bench_engine engine, struct error *err);
int bench_case_round_double(struct bench_case *c, enum bench_engine engine, struct error *err);
struct bench_told bench_case_tell_single(struct bench_case *c, enum bench_engine engine);
struct bench_told bench_case_tell_double(struct bench_case *c, enum bench_engine engine);
void bench_case_destroy_single(struct bench_case *c);
void bench_case_destroy_double(struct bench_case *c);

/* losses (BENCH_CHECK_STEPS) of the first steps of SGD, or of the linearised model, at rate 1e-4 on the full batch of the
 * first BENCH_BATCH rows, from parameters bench_parameter. Returns 0, or -1 with *err filled. */
int bench_case_check_single(struct bench_case *c, enum bench_engine engine, double *losses, struct error *err);
int bench_case_check_double(struct bench_case *c, enum bench_engine engine, double *losses, struct error *err);

#endif
