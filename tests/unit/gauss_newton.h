/* For the tests of Gauss-Newton: dense derivatives and steps in double, and what a run shows. */
#ifndef RELIN_TESTS_GAUSS_NEWTON_H
#define RELIN_TESTS_GAUSS_NEWTON_H

#include "data/gather.h"
#include "toy_settings.h"

enum { C = TOY_OUTPUTS, MOST_P = 200 };
static const bool wide = sizeof(real) == sizeof(double);

/* A tolerance per precision. */
static inline double within(double in_double, double in_single)
{
    return wide ? in_double : in_single;
}

/* --- the dense reference, in double ------------------------------------------ */

struct dense {
    size_t n, P;                     /* rows N, parameters */
    double *J, f[TOY_TRAIN * C], f_0[TOY_TRAIN * C];
    real x[TOY_TRAIN * TOY_FEATURES], y[TOY_TRAIN * C];
};

static inline void dense_create(struct toy *t, struct dense *d)
{
    *d = (struct dense){.n = t->split.count[PART_TRAIN], .P = t->P};
    ck_assert_uint_le(d->P, MOST_P);
    d->J = mem_alloc(d->n * C * d->P, sizeof *d->J, NULL);
    gather_inputs(&t->split, PART_TRAIN, NULL, 0, d->n, d->x);
    gather_targets(&t->split, PART_TRAIN, NULL, 0, d->n, d->y);
    if (t->training.centred)
        toy_jacobian(t->net, t->theta_0, d->x, d->n, d->J, d->f_0);
}

/* Solves A z = z in place by elimination with pivots. */
static inline void eliminate(size_t n, double *A, double *z)
{
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(A[i * n + k]) > fabs(A[best * n + k]))
                best = i;
        for (size_t j = 0; j < n; j++) {
            double swap = A[k * n + j];
            A[k * n + j] = A[best * n + j];
            A[best * n + j] = swap;
        }
        double swap = z[k];
        z[k] = z[best];
        z[best] = swap;
        for (size_t i = k + 1; i < n; i++) {
            double factor = A[i * n + k] / A[k * n + k];
            for (size_t j = k; j < n; j++)
                A[i * n + j] -= factor * A[k * n + j];
            z[i] -= factor * z[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++)
            z[k] -= A[k * n + j] * z[j];
        z[k] /= A[k * n + k];
    }
}

/* d->J and d->f at theta, and there g (N C) = dL/df of the sum, H (N, C, C). */
static inline void derivatives(struct toy *t, struct dense *d, const real *theta, double *g, double *H)
{
    toy_jacobian(t->net, theta, d->x, d->n, d->J, d->f);
    for (size_t i = 0; i < d->n; i++) {
        double p[C], sum = 0, most = -INFINITY;
        for (size_t c = 0; c < C; c++)
            most = fmax(most, d->f[i * C + c] - d->f_0[i * C + c]);
        for (size_t c = 0; c < C; c++)
            sum += p[c] = exp(d->f[i * C + c] - d->f_0[i * C + c] - most);
        for (size_t c = 0; c < C; c++) {
            bool mse = t->training.loss == LOSS_HALF_MSE;
            g[i * C + c] = (mse ? d->f[i * C + c] - d->f_0[i * C + c] : p[c] / sum) - (double)d->y[i * C + c];
            for (size_t e = 0; e < C; e++)
                H[(i * C + c) * C + e] = mse ? c == e : (c == e ? p[c] / sum : 0) - p[c] * p[e] / sum / sum;
        }
    }
}

/* step (P) = (J^T H J + (mu + N lambda) I)^-1 (J^T g + N lambda theta) */
static inline void dense_step(struct toy *t, struct dense *d, const real *theta, double mu, double *step)
{
    size_t P = d->P, n = d->n;
    double *A = mem_alloc(P * P, sizeof *A, NULL), *HJ = mem_alloc(n * C * P, sizeof *HJ, NULL);
    double g[TOY_TRAIN * C], H[TOY_TRAIN * C * C], decay = (double)n * t->training.weight_decay;
    derivatives(t, d, theta, g, H);
    for (size_t i = 0; i < n * C; i++)
        for (size_t e = 0; e < C; e++)
            for (size_t p = 0; p < P; p++)
                HJ[i * P + p] += H[i * C + e] * d->J[(i / C * C + e) * P + p];
    for (size_t p = 0; p < P; p++) {
        step[p] = decay * (double)theta[p];
        for (size_t i = 0; i < n * C; i++) {
            step[p] += d->J[i * P + p] * g[i];
            for (size_t q = 0; q < P; q++)
                A[p * P + q] += d->J[i * P + p] * HJ[i * P + q];
        }
        A[p * P + p] += mu + decay;
    }
    eliminate(P, A, step);
    mem_free(A);
    mem_free(HJ);
}

/* --- what a run shows ---------------------------------------------------------- */

struct log {
    size_t P;
    real theta[5][MOST_P];
    double time[5], lr[4], residual[4];
    size_t iterations[4], refreshes;
};

static inline int log_moment(void *context, const struct moment *moment)
{
    struct log *log = context;
    ck_assert(moment->theta == moment->theta_s && !moment->delta);   /* the model is the network */
    memcpy(log->theta[moment->step], moment->theta, log->P * sizeof(real));
    log->time[moment->step] = moment->curve_time;
    return 0;
}

static inline int log_refresh(void *context, const struct moment *moment)
{
    struct log *log = context;
    ck_assert_uint_eq(++log->refreshes, (size_t)moment->step);
    return 0;
}

static inline int log_step(void *context, const struct step_record *record)
{
    struct log *log = context;
    ck_assert(record->refresh && !record->batch);
    log->lr[record->step] = record->lr;
    log->iterations[record->step] = record->solver_iterations;
    log->residual[record->step] = record->solver_residual;
    return 0;
}

static inline struct training_spec newton(enum loss loss, double damping, int64_t steps)
{
    struct training_spec spec = toy_training(TRAINER_GAUSS_NEWTON, 1);
    spec.loss = loss;
    spec.damping = damping;
    spec.steps = steps;
    spec.lr = 1;
    return spec;
}

static inline struct training_outcome log_run(struct toy *t, struct log *log)
{
    memset(log, 0, sizeof *log);
    log->P = t->P;
    struct trainer_hooks hooks = {.context = log, .at_moment = log_moment, .before_refresh = log_refresh, .after_step = log_step};
    return toy_train(t, &hooks);
}

/* |theta_t - theta_{t+1} - scale step| over |scale step|, or over a hundredth of |theta_t| where that is more:
 * the last steps of a run that is done are made of rounding. */
static inline double step_error(const struct log *log, size_t t, double scale, const double *step)
{
    double error = 0, size = 0, least = 0;
    for (size_t p = 0; p < log->P; p++) {
        double taken = (double)log->theta[t][p] - (double)log->theta[t + 1][p];
        error += (taken - scale * step[p]) * (taken - scale * step[p]);
        size += scale * scale * step[p] * step[p];
        least += 1e-4 * (double)log->theta[t][p] * (double)log->theta[t][p];
    }
    return sqrt(error / fmax(size, least));
}

/* A few rows, so that Theta is regular. */
static inline void create_few(struct toy *t, size_t rows, struct training_spec spec)
{
    toy_create(t, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_NTK), spec);
    t->split.count[PART_TRAIN] = rows;
}

#endif
