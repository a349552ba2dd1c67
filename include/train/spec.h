/* What training means: the keys of `training:` after all defaults are resolved. */
#ifndef RELIN_TRAIN_SPEC_H
#define RELIN_TRAIN_SPEC_H

#include <stdbool.h>
#include <stdint.h>

struct text;

/* command: a program of the user's own trains (sweep/program.h). */
enum trainer_kind { TRAINER_STANDARD, TRAINER_LINEARISED, TRAINER_GAUSS_NEWTON, TRAINER_COMMAND };
/* How a segment is stepped (method.md section 3); auto is resolved before a trainer runs. */
enum engine { ENGINE_AUTO, ENGINE_TANGENT, ENGINE_KERNEL, ENGINE_FILTER };
enum { ENGINE_COUNT = ENGINE_FILTER + 1 };
enum loss { LOSS_HALF_MSE, LOSS_CROSS_ENTROPY };
enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_COSINE };
enum precision { PRECISION_SINGLE, PRECISION_DOUBLE };
/* reset at K = 1 is SGD without momentum, whichever trainer: every step is a refresh */
enum momentum_at_refresh { MOMENTUM_KEEP, MOMENTUM_RESET };

enum refresh_kind { REFRESH_PERIOD, REFRESH_AT, REFRESH_LOG, REFRESH_FIRST, REFRESH_GAP };

enum { BATCH_FULL = 0, REFRESH_MOST_STEPS = 64 };

/* When theta_s moves (method.md section 1), never at step T or later:
 *   period  at multiples of refresh_period
 *   at      at the listed steps
 *   log     count = n times, at max(i, floor(T^(i/(n+1)))) for i = 1..n: log-spaced between 1 and T
 *   first   the first count = m multiples of `every` only
 *   gap     before a step, at a multiple of `every` after the refresh before, if on the rows of the step's
 *           batch |f_theta - f_lin| > gap |f_lin - f_s|: as the training goes, so how often is not known before */
struct refresh_schedule {
    enum refresh_kind kind;
    int64_t count;
    int64_t every;
    double gap;
    const int64_t *at;              /* (count) borrowed; increasing, from 1 on */
};

/* eta_t = lr * warm-up(t) * shape(t): warm-up (t+1)/warmup for t < warmup, then 1;
 * step: factor^floor(t/every); cosine: final + (1-final)*(1+cos(pi*t/T))/2. */
struct schedule {
    enum schedule_kind kind;
    int64_t every;              /* step */
    double factor;              /* step */
    double final;               /* cosine: fraction of lr at the end */
    int64_t warmup;             /* steps of linear warm-up, 0 for none */
};

struct training_spec {
    enum trainer_kind trainer;
    enum engine engine;
    double refresh_period;      /* K >= 1; INFINITY: never (K >= T is canonicalised to it). Beside another
                                   schedule T/(updates + 1), or INFINITY where these are not known */
    struct refresh_schedule refresh;
    enum loss loss;
    int64_t steps;              /* T >= 0 */
    int64_t batch;              /* rows, or BATCH_FULL */
    double lr;                  /* eta, or the multiple of the stability limit */
    bool lr_of_limit;
    struct schedule schedule;
    double momentum;
    enum momentum_at_refresh momentum_at_refresh;
    double weight_decay;
    double damping;             /* Gauss-Newton: mu >= 0, in units of Theta; NaN: tied to K by training_damping */
    bool centred;               /* train f - f_theta0 */
    bool augmented;             /* data.augment: every step sees other inputs */
    int64_t evaluations;        /* points of the curves */
    enum precision precision;
    int64_t threads;            /* BLAS threads */
    uint64_t seed_init, seed_data, seed_batch, seed_augment;
};

/* "standard", "linearised", "gauss-newton", "command". */
const char *training_trainer_name(enum trainer_kind trainer);

/* ceil(T/K) - 1; 0 for inf (method.md section 1); of another schedule how many refreshes come before T,
 * NaN where only the training itself will tell. Gauss-Newton: T - 1. */
double training_feature_updates(const struct training_spec *spec);

/* The most it can be: the same where it is known. */
double training_most_updates(const struct training_spec *spec);

/* The first refresh after step t, or T where there is none before it or, by the gap, none is known. */
int64_t training_next_refresh(const struct training_spec *spec, int64_t step);

/* Is the trained model the network itself, by definition: K = 1, or Gauss-Newton? */
bool training_is_exact(const struct training_spec *spec);

/* Of one run one spec: a schedule that refreshes never, at every step, or at a constant period all along
 * becomes that period; listed steps from T on are dropped; refresh_period is set. Not of Gauss-Newton. */
void training_canonicalise_refresh(struct training_spec *spec);

/* Adds "constant", or such as "at=100,300", "log=10", "first=3/100", "gap=0.1", "gap=0.1/10" (every 10 steps). */
void training_refresh_label(const struct training_spec *spec, struct text *out);

/* Does the linearised trainer keep the activations of all n training rows at theta_s, rather than
 * record every batch anew? Not at K = 1, so that it equals SGD bit for bit, and not where a
 * segment's rows (K steps of a batch) are too few to pay for a forward pass over all n, and never
 * where rows are augmented, which no step sees twice the same. */
bool training_caches(const struct training_spec *spec, int64_t n);

/* Bytes of activations, between layers, that training keeps: of the whole subset at theta_s, or of a batch. Where the
 * subset takes more, every batch is recorded anew. A batch is stepped in blocks that stay in the cache (nn/cost.h);
 * solves of the whole subset have blocks of TRAINING_BLOCK_BYTES. The read-outs of evaluation, and the passes over the whole subset that fill a store, have
 * blocks of READOUT_ROWS rows, or as many as take READOUT_BYTES. */
enum { TRAINING_TAPE_BYTES = 1 << 30, TRAINING_BLOCK_BYTES = 256 << 20, READOUT_BYTES = 64 << 20, READOUT_ROWS = 256 };

/* Why an engine cannot step this training (a clause that names the key and what to set), or NULL where
 * it can. */
const char *training_engine_refusal(const struct training_spec *spec, enum engine engine);

/* "auto", "tangent", "kernel", "filter". */
const char *training_engine_name(enum engine engine);

/* Has this program the engine? */
bool training_engine_exists(enum engine engine);

/* mu of Gauss-Newton over n training rows: spec->damping, or where it is tied that of a segment of K steps,
 * n (1 - momentum)/(eta K) (method.md section 2, identity 4), 0 for K = inf. */
double training_damping(const struct training_spec *spec, double base_lr, double n);

/* Is lr a step of gradient descent, to which stability limits apply? Not the scale of a Gauss-Newton step. */
bool training_has_eta(const struct training_spec *spec);

/* eta_t for a base learning rate. */
double training_lr(const struct training_spec *spec, double base_lr, int64_t step);

/* Fills steps[] with `count` or fewer (where T is small) increasing whole numbers from 0 to T,
 * log-spaced (0, 1, ..., T); returns how many. Equal for equal (T, count). */
int64_t training_log_steps(int64_t last, int64_t count, int64_t *steps);

#endif
