#include "modes.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A run of fewer steps of one eta is stepped; so is one that may diverge. */
enum { SHORT_RUN = 32 };
/* A loss that a run must not pass without being watched step by step. */
static const double WATCH = 1e60;

struct mode_rule mode_rule(const struct training_spec *spec, double lr, double rows, bool single)
{
    return (struct mode_rule){
        .spec = spec,
        .lr = lr,
        .rows = rows,
        .momentum = single ? (double)(float)spec->momentum : spec->momentum,
        .decay = single ? (double)(float)spec->weight_decay : spec->weight_decay,
        .single = single,
    };
}

double mode_rate(const struct mode_rule *rule, int64_t step)
{
    double eta = training_lr(rule->spec, rule->lr, step);
    return rule->single ? (double)(float)eta : eta;
}

void modes_start(const struct modes *modes, int64_t s, struct mode_state *state)
{
    state->step = s;
    state->a = state->d = 1;
    state->b = state->c = 0;
    memset(state->alpha, 0, modes->n * sizeof(double));
    memset(state->beta, 0, modes->n * sizeof(double));
}

void modes_residual(const struct modes *m, const struct mode_state *state, double *rho)
{
    double a = state->a - 1, b = state->b;
    for (size_t i = 0; i < m->n; i++)
        rho[i] = m->r[i] + a * m->p[i] + b * m->q[i] - m->lambda[i] * state->alpha[i];
}

double modes_loss(const struct modes *m, const struct mode_state *state)
{
    double a = state->a - 1, b = state->b, sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        double rho = m->r[i] + a * m->p[i] + b * m->q[i] - m->lambda[i] * state->alpha[i];
        sum += 0.5 * rho * rho;   /* overflows where a sum of halved rows does */
    }
    return sum;
}

void modes_step(const struct mode_rule *rule, const struct modes *m, struct mode_state *state)
{
    double eta = mode_rate(rule, state->step), mu = rule->momentum, w = rule->decay, per_row = 1 / rule->rows;
    double a = state->a - 1, b = state->b, *restrict alpha = state->alpha, *restrict beta = state->beta;
    for (size_t i = 0; i < m->n; i++) {
        double rho = m->r[i] + a * m->p[i] + b * m->q[i] - m->lambda[i] * alpha[i];
        beta[i] = mu * beta[i] + rho * per_row - w * alpha[i];
        alpha[i] += eta * beta[i];
    }
    state->c = mu * state->c + w * state->a;
    state->d = mu * state->d + w * state->b;
    state->a -= eta * state->c;
    state->b -= eta * state->d;
    state->step++;
}

/* Until the loss exceeds most. */
static bool step_watched(const struct mode_rule *rule, const struct modes *m, struct mode_state *state,
                         int64_t until, double most)
{
    while (state->step < until) {
        double loss = modes_loss(m, state);
        if (!isfinite(loss) || loss > most)
            return false;
        modes_step(rule, m, state);
    }
    return true;
}

static void copy_state(size_t n, const struct mode_state *from, struct mode_state *to)
{
    double *alpha = to->alpha, *beta = to->beta;
    *to = *from;
    to->alpha = memcpy(alpha, from->alpha, n * sizeof *alpha);
    to->beta = memcpy(beta, from->beta, n * sizeof *beta);
}

/* Steps, going back to look closely only where the loss becomes large. */
static bool step_on(const struct mode_rule *rule, const struct modes *m, struct mode_state *state, int64_t until,
                    double most, double *scratch)
{
    struct mode_state before = {.alpha = scratch, .beta = scratch + m->n};
    while (state->step < until) {
        int64_t end = until - state->step < SHORT_RUN ? until : state->step + SHORT_RUN;
        copy_state(m->n, state, &before);
        while (state->step < end)
            modes_step(rule, m, state);
        if (modes_loss(m, state) < WATCH)
            continue;
        copy_state(m->n, &before, state);
        if (!step_watched(rule, m, state, end, most))
            return false;
    }
    return true;
}

/* How many steps from `step` on have its eta, at most `most`. */
static int64_t steps_alike(const struct mode_rule *rule, int64_t step, int64_t most)
{
    const struct schedule *s = &rule->spec->schedule;
    int64_t alike = most;
    if (step < s->warmup || s->kind == SCHEDULE_COSINE)
        return 1;
    if (s->kind == SCHEDULE_STEP)
        alike = s->every - step % s->every;
    return alike < most ? alike : most;
}

/* 1 - (1 - y)^k for y < 1, without cancellation where y is small. */
static double decayed(double y, double k)
{
    return -expm1(k * log1p(-y));
}

/* sum_{j<k} A^{k-1-j} z^j = (A^k - z^k)/(A - z) with z = A (1 - y), A > 0, y >= 0. */
static double geometric(double A, double A_k, double y, double k)
{
    if (y == 0)
        return k * A_k / A;
    return (y < 1 ? A_k * decayed(y, k) : A_k - pow(A * (1 - y), k)) / (A * y);
}

/* k steps of one eta without momentum. With A = 1 - eta w, z = A - eta lambda/N, the residual tends to
 * R* = w (r - p)/(w + lambda/N), and rho_j = R* + z^j (rho_0 - R*), so
 *   alpha_k = A^k alpha_0 + eta/N [R* (1 - A^k)/(1 - A) + (rho_0 - R*) (A^k - z^k)/(A - z)].
 * Without decay (identity 6): alpha_0 + (1 - z^k)/lambda rho_0. Needs A > 0. */
static void closed_form(const struct mode_rule *rule, const struct modes *m, const struct mode_state *from,
                        int64_t steps, struct mode_state *to)
{
    double eta = mode_rate(rule, from->step), w = rule->decay, k = (double)steps, N = rule->rows;
    double A = 1 - eta * w, A_k = w > 0 ? pow(A, k) : 1;
    double ones = eta * w > 0 ? decayed(eta * w, k) / (eta * w) : k;   /* sum_j A^j */
    for (size_t i = 0; i < m->n; i++) {
        double lambda = m->lambda[i] > 0 ? m->lambda[i] : 0, y = eta * lambda / (N * A);
        double rho = m->r[i] + (from->a - 1) * m->p[i] + from->b * m->q[i] - lambda * from->alpha[i];
        double tends = w > 0 ? w * (m->r[i] - m->p[i]) / (w + lambda / N) : 0;
        double moves = rho != tends ? (rho - tends) * geometric(A, A_k, y, k) : 0;   /* and not 0 times an infinite sum */
        to->alpha[i] = A_k * from->alpha[i] + eta / N * (tends * ones + moves);
    }
    to->a = from->a * A_k;
    to->step = from->step + steps;
}

/* A run by the closed form; where it ends with too large a loss, the first step that has one is found by
 * halving: a mode's residual moves one way, or grows as it swings. */
static bool run_closed(const struct mode_rule *rule, const struct modes *m, struct mode_state *state, int64_t steps,
                       double most, double *scratch)
{
    struct mode_state to = {.b = state->b, .c = state->c, .d = state->d, .alpha = scratch, .beta = scratch + m->n};
    int64_t fine = 0, bad = steps;   /* the last step to be taken begins at steps - 1 */
    double loss = modes_loss(m, state);
    if (!isfinite(loss) || loss > most)
        return false;
    closed_form(rule, m, state, steps - 1, &to);
    loss = modes_loss(m, &to);
    if (!isfinite(loss) || loss > most) {
        for (bad = steps - 1; bad - fine > 1;) {
            int64_t middle = fine + (bad - fine) / 2;
            closed_form(rule, m, state, middle, &to);
            loss = modes_loss(m, &to);
            *(!isfinite(loss) || loss > most ? &bad : &fine) = middle;
        }
    }
    closed_form(rule, m, state, bad, &to);
    memset(to.beta, 0, m->n * sizeof *to.beta);
    copy_state(m->n, &to, state);
    return bad == steps;
}

/* With momentum a step of one eta maps (alpha, beta, a, c, b, d, 1) linearly. */
enum { SIDE = 7 };

static void step_matrix(const struct mode_rule *rule, const struct modes *m, size_t i, double eta, double M[SIDE][SIDE])
{
    double mu = rule->momentum, w = rule->decay, N = rule->rows;
    const double beta[SIDE] = {-m->lambda[i] / N - w, mu, m->p[i] / N, 0, m->q[i] / N, 0, (m->r[i] - m->p[i]) / N};
    memset(M, 0, SIDE * sizeof *M);
    for (size_t j = 0; j < SIDE; j++) {
        M[0][j] = eta * beta[j] + (j == 0);
        M[1][j] = beta[j];
    }
    M[2][2] = 1 - eta * w;
    M[2][3] = -eta * mu;
    M[3][2] = M[5][4] = w;
    M[3][3] = M[5][5] = mu;
    M[4][4] = 1 - eta * w;
    M[4][5] = -eta * mu;
    M[6][6] = 1;
}

static void apply_matrix(double M[SIDE][SIDE], double x[SIDE])
{
    double y[SIDE] = {0};
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++)
            y[i] += M[i][j] * x[j];
    memcpy(x, y, sizeof y);
}

static void square_matrix(double M[SIDE][SIDE])
{
    double square[SIDE][SIDE] = {{0}};
    for (size_t i = 0; i < SIDE; i++)
        for (size_t k = 0; k < SIDE; k++)
            for (size_t j = 0; j < SIDE && M[i][k] != 0; j++)
                square[i][j] += M[i][k] * M[k][j];
    memcpy(M, square, sizeof square);
}

static void run_powers(const struct mode_rule *rule, const struct modes *m, struct mode_state *state, int64_t steps)
{
    double eta = mode_rate(rule, state->step), M[SIDE][SIDE], x[SIDE] = {0};
    assert(m->n > 0);
    for (size_t i = 0; i < m->n; i++) {
        x[0] = state->alpha[i];
        x[1] = state->beta[i];
        x[2] = state->a;
        x[3] = state->c;
        x[4] = state->b;
        x[5] = state->d;
        x[6] = 1;
        step_matrix(rule, m, i, eta, M);
        for (int64_t left = steps; left > 0; left /= 2) {
            if (left % 2)
                apply_matrix(M, x);
            square_matrix(M);
        }
        state->alpha[i] = x[0];
        state->beta[i] = x[1];
    }
    state->a = x[2];   /* shared by all modes */
    state->c = x[3];
    state->b = x[4];
    state->d = x[5];
    state->step += steps;
}

/* Heavy ball: |roots| <= 1 of every mode where 0 <= eta (lambda/N + w) <= 2 (1 + mu), mu <= 1. */
static bool is_stable(const struct mode_rule *rule, const struct modes *m, double eta)
{
    double largest = 0;
    for (size_t i = 0; i < m->n; i++)
        largest = fmax(largest, m->lambda[i]);
    return rule->momentum <= 1 && eta * (largest / rule->rows + rule->decay) <= 2 * (1 + rule->momentum);
}

bool modes_advance(const struct mode_rule *rule, const struct modes *m, struct mode_state *state,
                   int64_t until, double most, double *scratch)
{
    while (state->step < until) {
        int64_t steps = steps_alike(rule, state->step, until - state->step), run = state->step + steps;
        double eta = mode_rate(rule, state->step);
        if (steps >= SHORT_RUN && rule->momentum == 0 && eta * rule->decay < 1) {
            if (!run_closed(rule, m, state, steps, most, scratch))
                return false;
        } else if (steps >= SHORT_RUN && rule->momentum != 0 && is_stable(rule, m, eta)
                   && modes_loss(m, state) < WATCH) {
            run_powers(rule, m, state, steps);
        } else {
            /* steps of a changing eta are taken many at a time */
            while (steps_alike(rule, run, until - run) == 1 && run < until)
                run++;
            if (!step_on(rule, m, state, run, most, scratch))
                return false;
        }
    }
    return true;
}
