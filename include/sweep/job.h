/* One job: everything that decides its numbers. */
#ifndef RELIN_SWEEP_JOB_H
#define RELIN_SWEEP_JOB_H

#include "base/hash.h"
#include "data/dataset.h"
#include "nn/spec.h"
#include "ntk/spec.h"
#include "train/spec.h"

struct error;

struct job {
    int64_t seed;
    struct data_spec data;
    struct network_spec network;
    struct training_spec training;
    struct kernel_spec kernels;
    bool stability;                  /* kernels.stability: lambda_max at each logged refresh */
    char id[HASH_HEX_SIZE];          /* hash of the identity text */
    char *text;                      /* resolved JSON, one line, every key; owned (job_free) */
};

/* Reads a job's resolved JSON text (struct job's text, /config of a trace). Returns 0, or -1 with
 * *err filled. The caller frees with job_free. */
int job_parse(struct job *job, const char *text, struct error *err);
void job_free(struct job *job);

/* Does the job's network fit the data set? Returns 0, or -1 with *err filled. */
int job_check_network(const struct job *job, const struct dataset *set, struct error *err);

/* Sizes and costs, for order, plan and limits. */
struct job_cost {
    double flops;          /* of training, evaluation and kernels */
    double seconds;        /* flops over the compiled-in speed of one core */
    double bytes;          /* peak memory of the child */
};
/* features, outputs and the pools' rows come from the data set. */
void job_predict(const struct job *job, const struct dataset *set, struct job_cost *cost);

/* Learning rate 3000 instead of {of_limit: x}, and the like: "mlp-2x512 K=100 seed 3". */
void job_label(const struct job *job, char *text, size_t size);

#endif
