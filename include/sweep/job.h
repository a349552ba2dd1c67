/* One job: everything that decides its numbers. */
#ifndef RELIN_SWEEP_JOB_H
#define RELIN_SWEEP_JOB_H

#include "base/hash.h"
#include "data/dataset.h"
#include "nn/spec.h"
#include "ntk/spec.h"
#include "sweep/variables.h"
#include "train/spec.h"

struct error;

/* Auto: at those where a Lanczos run is cheap against the steps of the segment (stability_is_cheap). It is the
 * default, and never was that of before it: neither is in a job's id. */
enum stability { STABILITY_NEVER, STABILITY_ALWAYS, STABILITY_AUTO };

/* What `relin measure` had measured beyond the job's own keys (sweep/measure.h). */
struct measurement {
    bool any;
    int64_t own_probe;               /* kernels.probe of the job's own keys: training rows are drawn with it */
    int64_t evaluations;             /* points of a second log-spaced set on the curves; 0: none */
    /* variables that were computed from the stored kernels, so to the accuracy of float32 */
    unsigned char from_kernel[VAR_COUNT];
};

struct job {
    int64_t seed;
    struct data_spec data;
    const struct network_spec *network;   /* of share_hold, as training.refresh.at is: one for all jobs that say the same */
    struct training_spec training;
    struct kernel_spec kernels;
    enum stability stability;        /* kernels.stability: lambda_max at each logged refresh */
    enum engine engine;              /* training.engine as asked for; training.engine here is what steps, or auto
                                        until job_plan_engine or job_set_engine has resolved it */
    double engine_seconds[ENGINE_COUNT];   /* predicted of the whole training by each; NaN: cannot, or not known */
    double expected;                 /* seconds that a program of the user's own takes (limits.expected); 0: not known */
    struct measurement measured;     /* of kernels and stability, what is above includes it */
    char id[HASH_HEX_SIZE];          /* hash of the identity text: the job's own keys, without measured */
    char *text;                      /* resolved JSON, one line, every key; owned (job_free) */
};

struct text;

/* Reads a job's resolved JSON text (struct job's text, /config of a trace). Returns 0, or -1 with
 * *err filled. The caller frees with job_free. */
int job_parse(struct job *job, const char *text, struct error *err);
void job_free(struct job *job);
/* Appends the job as bytes that job_unpack, in another process of the same program, makes a job of again, without reading
 * text. bytes: aligned as struct job; they must stay, the job's pointers lead into them: it is not to be freed. */
void job_pack(const struct job *job, struct text *out);
void job_unpack(struct job *job, void *bytes);

/* Does the job's network fit the data set? Returns 0, or -1 with *err filled. */
int job_check_network(const struct job *job, const struct dataset *set, struct error *err);

/* Resolves auto by formula: of the engines that can step this job and fit into ENGINE_BYTES_MOST the one with
 * the least predicted seconds; tangent where K = 1, so that it stays SGD bit for bit. Fills engine_seconds.
 * Never by a measurement: the same job gets the same engine on every machine, by one program. */
#define ENGINE_BYTES_MOST 2e9
void job_plan_engine(struct job *job, const struct dataset *set);
/* Resolves auto to this engine. job->text says so too, beside the job's own keys: its id stays. */
void job_set_engine(struct job *job, enum engine engine);
/* As in the file: "standard" in ordinary training, "gauss-newton", else the engine of job->training; auto: "tangent". */
const char *job_engine_name(const struct job *job);

/* Does a segment of so many steps of a batch train on at least 500 times the n training rows? A Lanczos run costs
 * about 25 of its passes, so 5 % of the steps. */
static inline bool stability_is_cheap(double steps, double batch, double n)
{
    return steps * batch >= 500 * n;
}

/* Size of the probe that the training rows are drawn with. */
static inline int64_t job_drawn_probe(const struct job *job)
{
    return job->measured.any ? job->measured.own_probe : job->kernels.probe;
}

/* How many evaluation steps a job has at most, and the steps: increasing, the union of its own and those
 * of a later measurement. Returns how many, or -1 with *err filled. */
size_t job_most_evaluations(const struct job *job);
int64_t job_evaluation_steps(const struct job *job, int64_t *steps, struct error *err);

/* Jobs that take less processor time share a child (farm/child.h). */
#define JOB_SHORT_SECONDS 0.02
/* Of a child before its first job trains: its share of the data, the buffers of BLAS, and the first touch of all memory. A
 * tenth of a second on a machine that has no hardware for the page tables of its guests, less elsewhere. */
#define JOB_START_SECONDS 0.05

/* Sizes and costs, for order, plan and limits. */
struct job_cost {
    double flops;          /* of training, evaluation and kernels */
    double seconds;        /* by compiled-in speeds of one core */
    double bytes;          /* peak memory of the child, with the state it holds for checkpoints */
};
/* features, outputs and the pools' rows come from the data set. By the engine of job->training; auto: tangent.
 * Of a program of the user's own, whose set may be NULL, nothing is known but job->expected: else a second stands for it. */
void job_predict(const struct job *job, const struct dataset *set, struct job_cost *cost);

/* Learning rate 3000 instead of {of_limit: x}, and the like: "mlp-2x512 K=100 seed 3". */
void job_label(const struct job *job, char *text, size_t size);

#endif
