/* What training means: the keys of `training:` after all defaults are resolved. */
#ifndef RELIN_TRAIN_SPEC_H
#define RELIN_TRAIN_SPEC_H

#include <stdbool.h>
#include <stdint.h>

enum trainer_kind { TRAINER_STANDARD, TRAINER_LINEARISED, TRAINER_GAUSS_NEWTON };
/* How a segment is stepped (method.md section 3); auto is resolved before a trainer runs. */
enum engine { ENGINE_AUTO, ENGINE_TANGENT, ENGINE_KERNEL, ENGINE_FILTER };
enum loss { LOSS_HALF_MSE, LOSS_CROSS_ENTROPY };
enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_COSINE };
enum precision { PRECISION_SINGLE, PRECISION_DOUBLE };
/* reset at K = 1 is SGD without momentum, whichever trainer: every step is a refresh */
enum momentum_at_refresh { MOMENTUM_KEEP, MOMENTUM_RESET };

enum { BATCH_FULL = 0 };

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
    double refresh_period;      /* K >= 1; INFINITY: never (K >= T is canonicalised to it) */
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

/* "standard", "linearised", "gauss-newton". */
const char *training_trainer_name(enum trainer_kind trainer);

/* ceil(T/K) - 1; 0 for inf (method.md section 1). Gauss-Newton: T - 1. */
double training_feature_updates(const struct training_spec *spec);

/* The first refresh after step t, or T where there is none before it. */
int64_t training_next_refresh(const struct training_spec *spec, int64_t step);

/* Is the trained model the network itself, by definition: K = 1, or Gauss-Newton? */
bool training_is_exact(const struct training_spec *spec);

/* Does the linearised trainer keep the activations of all n training rows at theta_s, rather than
 * record every batch anew? Not at K = 1, so that it equals SGD bit for bit, and not where a
 * segment's rows (K steps of a batch) are too few to pay for a forward pass over all n, and never
 * where rows are augmented, which no step sees twice the same. */
bool training_caches(const struct training_spec *spec, int64_t n);

/* Why an engine cannot step this training (a clause that names the key and what to set), or NULL where
 * it can. */
const char *training_engine_refusal(const struct training_spec *spec, enum engine engine);

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
