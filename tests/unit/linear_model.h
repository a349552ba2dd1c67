/* The trainer of method.md section 1 with an explicit Jacobian, slow and obvious: the reference of the tests of
 * trainers and of the identities. */
#ifndef RELIN_TESTS_LINEAR_MODEL_H
#define RELIN_TESTS_LINEAR_MODEL_H

#include "data/gather.h"
#include "toy.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

/* All in double but for the network. */
struct linear_model {
    real *x, *y, *theta_s;
    double *J, *f_s, *f_0, *theta, *v, *gradient;
};

static inline void explicit_linearise(struct toy *t, struct linear_model *m)
{
    for (size_t p = 0; p < t->P; p++)
        m->theta_s[p] = (real)m->theta[p];
    toy_jacobian(t->net, m->theta_s, m->x, N, m->J, m->f_s);
    if (t->training.momentum_at_refresh == MOMENTUM_RESET)
        memset(m->v, 0, t->P * sizeof *m->v);
}

static inline void explicit_outputs(struct toy *t, const struct linear_model *m, size_t row, double *f)
{
    for (size_t c = 0; c < C; c++) {
        f[c] = m->f_s[row * C + c] - (t->training.centred ? m->f_0[row * C + c] : 0);
        for (size_t p = 0; p < t->P; p++)
            f[c] += m->J[(row * C + c) * t->P + p] * (m->theta[p] - (double)m->theta_s[p]);
    }
}

static inline void explicit_step(struct toy *t, struct linear_model *m, const size_t *batch, size_t n, double lr)
{
    memset(m->gradient, 0, t->P * sizeof *m->gradient);
    for (size_t i = 0; i < n; i++) {
        double f[C], sum = 0;
        explicit_outputs(t, m, batch[i], f);
        for (size_t c = 0; c < C; c++)
            sum += exp(f[c]);
        for (size_t c = 0; c < C; c++) {
            double prediction = t->training.loss == LOSS_HALF_MSE ? f[c] : exp(f[c]) / sum;
            double g = (prediction - (double)m->y[batch[i] * C + c]) / (double)n;
            for (size_t p = 0; p < t->P; p++)
                m->gradient[p] += g * m->J[(batch[i] * C + c) * t->P + p];
        }
    }
    for (size_t p = 0; p < t->P; p++) {
        m->v[p] = t->training.momentum * m->v[p] + m->gradient[p] + t->training.weight_decay * m->theta[p];
        m->theta[p] -= lr * m->v[p];
    }
}

static inline void explicit_create(struct toy *t, struct linear_model *m)
{
    *m = (struct linear_model){
        .x = mem_alloc(N * t->net->inputs, sizeof(real), NULL), .y = mem_alloc(N * C, sizeof(real), NULL),
        .theta_s = mem_alloc(t->P, sizeof(real), NULL), .J = mem_alloc(N * C * t->P, sizeof(double), NULL),
        .f_s = mem_alloc(N * C, sizeof(double), NULL), .f_0 = mem_alloc(N * C, sizeof(double), NULL),
        .theta = mem_alloc(t->P, sizeof(double), NULL), .v = mem_alloc(t->P, sizeof(double), NULL),
        .gradient = mem_alloc(t->P, sizeof(double), NULL),
    };
    gather_inputs(&t->split, PART_TRAIN, NULL, 0, N, m->x);
    gather_targets(&t->split, PART_TRAIN, NULL, 0, N, m->y);
    for (size_t p = 0; p < t->P; p++)
        m->theta[p] = (double)t->theta_0[p];
    explicit_linearise(t, m);
    memcpy(m->f_0, m->f_s, N * C * sizeof *m->f_0);
}

static inline void explicit_free(struct linear_model *m)
{
    mem_free(m->x);
    mem_free(m->y);
    mem_free(m->theta_s);
    mem_free(m->J);
    mem_free(m->f_s);
    mem_free(m->f_0);
    mem_free(m->theta);
    mem_free(m->v);
    mem_free(m->gradient);
}

/* |f_theta - f_lin| / |f_lin - f_s| on a batch. */
static inline double explicit_gap(struct toy *t, const struct linear_model *m, const size_t *batch, size_t n)
{
    double gap = 0, way = 0;
    real *theta = mem_alloc(t->P, sizeof *theta, NULL);
    struct tape *tape = tape_create(t->net, 1, false, NULL);
    for (size_t p = 0; p < t->P; p++)
        theta[p] = (real)m->theta[p];
    for (size_t i = 0; i < n; i++) {
        const real *f = network_forward(t->net, theta, m->x + batch[i] * t->net->inputs, 1, tape);
        for (size_t c = 0; c < C; c++) {
            size_t row = batch[i] * C + c;
            double f_lin = m->f_s[row];
            for (size_t p = 0; p < t->P; p++)
                f_lin += m->J[row * t->P + p] * (m->theta[p] - (double)m->theta_s[p]);
            gap += ((double)f[c] - f_lin) * ((double)f[c] - f_lin);
            way += (f_lin - m->f_s[row]) * (f_lin - m->f_s[row]);
        }
    }
    tape_destroy(tape);
    mem_free(theta);
    return sqrt(gap / way);
}

/* Does the segment that began at step s end before this step? By the words of method.md and FORMAT.md. */
static inline bool explicit_refresh(struct toy *t, const struct linear_model *m, const size_t *batch, size_t n, int64_t step,
                             int64_t s)
{
    const struct training_spec *spec = &t->training;
    const struct refresh_schedule *r = &spec->refresh;
    bool listed = false;
    if (step == 0)
        return false;
    for (int64_t i = 0; i < r->count; i++)
        listed = listed || (r->kind == REFRESH_AT && r->at[i] == step)
              || (r->kind == REFRESH_LOG
                  && (int64_t)fmax((double)i + 1, floor(pow((double)spec->steps, (double)(i + 1) / (double)(r->count + 1)))) == step);
    switch (r->kind) {
    case REFRESH_PERIOD: return isfinite(spec->refresh_period) && step % (int64_t)spec->refresh_period == 0;
    case REFRESH_FIRST: return step % r->every == 0 && step / r->every <= r->count;
    case REFRESH_GAP: return (step - s) % r->every == 0 && explicit_gap(t, m, batch, n) > r->gap;
    default: return listed;
    }
}

/* The order of every epoch, drawn as the headers say. refreshes may be NULL, else has room for T steps;
 * returns how many it got. */
static inline int explicit_train(struct toy *t, struct linear_model *m, int64_t *refreshes)
{
    int count = 0;
    int64_t segment = 0;
    const struct training_spec *spec = &t->training;
    size_t order[N], size = spec->batch == BATCH_FULL ? N : (size_t)spec->batch, at = N;
    uint64_t epoch = 0;
    for (int64_t step = 0; step < spec->steps; step++, at += size) {
        if (at >= N) {
            struct random r;
            for (size_t i = 0; i < N; i++)
                order[i] = i;
            random_start(&r, spec->seed_batch, RANDOM_BATCH, epoch++);
            if (size < N)
                random_shuffle(&r, order, N);
            at = 0;
        }
        size_t n = N - at < size ? N - at : size;
        if (explicit_refresh(t, m, order + at, n, step, segment)) {
            if (refreshes)
                refreshes[count++] = step;
            segment = step;
            explicit_linearise(t, m);
        }
        explicit_step(t, m, order + at, n, training_lr(spec, spec->lr, step));
    }
    return count;
}

#endif
