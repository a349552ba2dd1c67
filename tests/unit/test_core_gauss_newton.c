/* The Gauss-Newton trainer against dense solves, and against long segments (identity 4). */
#include "data/gather.h"
#include "math/eigen.h"
#include "toy_settings.h"

enum { C = TOY_OUTPUTS, MOST_P = 200 };
static const bool wide = sizeof(real) == sizeof(double);

/* A tolerance per precision. */
static double within(double in_double, double in_single)
{
    return wide ? in_double : in_single;
}

/* --- the dense reference, in double ------------------------------------------ */

struct dense {
    size_t n, P;                     /* rows N, parameters */
    double *J, f[TOY_TRAIN * C], f_0[TOY_TRAIN * C];
    real x[TOY_TRAIN * TOY_FEATURES], y[TOY_TRAIN * C];
};

static void dense_create(struct toy *t, struct dense *d)
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
static void eliminate(size_t n, double *A, double *z)
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
static void derivatives(struct toy *t, struct dense *d, const real *theta, double *g, double *H)
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
static void dense_step(struct toy *t, struct dense *d, const real *theta, double mu, double *step)
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

static int log_moment(void *context, const struct moment *moment)
{
    struct log *log = context;
    ck_assert(moment->theta == moment->theta_s && !moment->delta);   /* the model is the network */
    memcpy(log->theta[moment->step], moment->theta, log->P * sizeof(real));
    log->time[moment->step] = moment->curve_time;
    return 0;
}

static int log_refresh(void *context, const struct moment *moment)
{
    struct log *log = context;
    ck_assert_uint_eq(++log->refreshes, (size_t)moment->step);
    return 0;
}

static int log_step(void *context, const struct step_record *record)
{
    struct log *log = context;
    ck_assert(record->refresh && !record->batch);
    log->lr[record->step] = record->lr;
    log->iterations[record->step] = record->solver_iterations;
    log->residual[record->step] = record->solver_residual;
    return 0;
}

static struct training_spec newton(enum loss loss, double damping, int64_t steps)
{
    struct training_spec spec = toy_training(TRAINER_GAUSS_NEWTON, 1);
    spec.loss = loss;
    spec.damping = damping;
    spec.steps = steps;
    spec.lr = 1;
    return spec;
}

static struct training_outcome log_run(struct toy *t, struct log *log)
{
    memset(log, 0, sizeof *log);
    log->P = t->P;
    struct trainer_hooks hooks = {log, log_moment, NULL, log_refresh, log_step};
    return toy_train(t, &hooks);
}

/* |theta_t - theta_{t+1} - scale step| over |scale step|, or over a hundredth of |theta_t| where that is more:
 * the last steps of a run that is done are made of rounding. */
static double step_error(const struct log *log, size_t t, double scale, const double *step)
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

/* --- tests --------------------------------------------------------------------- */

START_TEST(every_step_is_that_of_a_dense_solve)
{
    static const double dampings[] = {0.01, 1, 30};
    for (int k = 0; k < 3; k++) {
        struct toy t;
        struct dense d;
        struct log log;
        struct training_spec spec = newton(_i & 1 ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE, dampings[k], 3);
        double step[MOST_P];
        spec.weight_decay = _i & 2 ? 0.02 : 0;
        spec.centred = _i & 4;
        spec.lr = _i & 8 ? 0.5 : 1;
        spec.momentum = 0.9;   /* has no part in it */
        toy_create(&t, architecture(_i), spec);
        dense_create(&t, &d);
        struct training_outcome outcome = log_run(&t, &log);
        ck_assert_int_eq(outcome.end, TRAINING_COMPLETED);
        ck_assert_uint_eq(log.refreshes, 2);
        for (size_t s = 0; s < 3; s++) {
            dense_step(&t, &d, log.theta[s], dampings[k], step);
            ck_assert_double_le(step_error(&log, s, spec.lr, step), within(1e-8, k ? 2e-3 : 0.05));
            ck_assert_uint_gt(log.iterations[s], 0);
            ck_assert_double_le(log.residual[s], within(1e-9, 1e-4));
            ck_assert_double_eq(log.lr[s], spec.lr);
            ck_assert_double_eq(log.time[s + 1], (double)(s + 1) * spec.lr);
        }
        mem_free(d.J);
        toy_free(&t);
    }
}
END_TEST

/* Large outputs: probabilities of the targets down to 1e-20 and less. */
START_TEST(saturated_probabilities_leave_the_step_right)
{
    struct toy t;
    struct dense d;
    struct log log;
    double step[MOST_P];
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), newton(LOSS_CROSS_ENTROPY, _i ? 0.01 : 3, 1));
    for (size_t p = 0; p < t.P; p++)
        t.theta_0[p] *= 12;
    dense_create(&t, &d);
    log_run(&t, &log);
    dense_step(&t, &d, log.theta[0], t.training.damping, step);
    ck_assert_double_le(step_error(&log, 0, 1, step), within(1e-8, 2e-3));
    double least = 1;
    for (size_t i = 0; i < d.n; i++) {
        double sum = 0, own = 0;
        for (size_t c = 0; c < C; c++) {
            sum += exp(d.f[i * C + c]);
            own += (double)d.y[i * C + c] * exp(d.f[i * C + c]);
        }
        least = fmin(least, own / sum);
    }
    ck_assert_double_lt(least, 1e-12);   /* else it tests nothing */
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

START_TEST(large_damping_is_a_small_gradient_step)
{
    struct toy t;
    struct dense d;
    struct log log;
    double g[TOY_TRAIN * C], H[TOY_TRAIN * C * C], gradient[MOST_P] = {0}, mu = 1e6;
    struct training_spec spec = newton(_i ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE, mu, 1);
    spec.lr = 1e5;   /* so that single precision sees it */
    toy_create(&t, architecture(1), spec);
    dense_create(&t, &d);
    log_run(&t, &log);
    derivatives(&t, &d, log.theta[0], g, H);
    for (size_t p = 0; p < t.P; p++)
        for (size_t i = 0; i < d.n * C; i++)
            gradient[p] += d.J[i * t.P + p] * g[i];
    ck_assert_double_le(step_error(&log, 0, spec.lr / mu, gradient), 2e-3);
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

/* A few rows, so that Theta is regular. */
static void create_few(struct toy *t, size_t rows, struct training_spec spec)
{
    toy_create(t, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_NTK), spec);
    t->split.count[PART_TRAIN] = rows;
}

START_TEST(without_damping_the_linear_model_fits_every_target)
{
    struct toy t;
    struct dense d;
    struct log log;
    create_few(&t, 8, newton(LOSS_HALF_MSE, 0, 1));
    dense_create(&t, &d);
    log_run(&t, &log);
    toy_jacobian(t.net, log.theta[0], d.x, d.n, d.J, d.f);
    double before = 0, after = 0, along = 0, step = 0;
    for (size_t i = 0; i < d.n * C; i++) {
        double r = d.f[i] - (double)d.y[i], r_lin = r;
        for (size_t p = 0; p < t.P; p++)
            r_lin += d.J[i * t.P + p] * ((double)log.theta[1][p] - (double)log.theta[0][p]);
        before += r * r;
        after += r_lin * r_lin;
    }
    ck_assert_double_le(sqrt(after / before), within(1e-9, 1e-3));
    /* and it is the step of least norm: orthogonal to what Phi does not see */
    double null[MOST_P], *A = mem_alloc(d.n * C * d.n * C, sizeof *A, NULL), w[TOY_TRAIN * C] = {0};
    for (size_t p = 0; p < t.P; p++)
        null[p] = sin((double)p + 1);
    for (size_t i = 0; i < d.n * C; i++)
        for (size_t p = 0; p < t.P; p++) {
            w[i] += d.J[i * t.P + p] * null[p];
            for (size_t j = 0; j < d.n * C; j++)
                A[i * d.n * C + j] += d.J[i * t.P + p] * d.J[j * t.P + p];
        }
    eliminate(d.n * C, A, w);
    for (size_t i = 0; i < d.n * C; i++)
        for (size_t p = 0; p < t.P; p++)
            null[p] -= d.J[i * t.P + p] * w[i];
    double size = 0;
    for (size_t p = 0; p < t.P; p++) {
        double taken = (double)log.theta[1][p] - (double)log.theta[0][p];
        along += taken * null[p];
        step += taken * taken;
        size += null[p] * null[p];
    }
    ck_assert_double_gt(size, 1);
    ck_assert_double_le(fabs(along) / sqrt(step * size), within(1e-10, 1e-4));
    mem_free(A);
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

/* Theta of all rows at theta_0: eigenvalues ascending, vectors by rows. */
static void spectrum(struct toy *t, struct dense *d, double *values, double *vectors)
{
    size_t rows = d->n * C;
    double *theta = mem_alloc(rows * rows, sizeof *theta, NULL);
    toy_jacobian(t->net, t->theta_0, d->x, d->n, d->J, d->f);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++)
            for (size_t p = 0; p < t->P; p++)
                theta[i * rows + j] += d->J[i * t->P + p] * d->J[j * t->P + p];
    ck_assert_int_eq(eigen_symmetric(rows, theta, values, vectors, NULL), 0);
    mem_free(theta);
}

/* change (P) = -Phi^T h_K(Theta) r, h_K(lambda) = (1 - (1 - eta lambda/N)^K)/lambda (identity 6). */
static void segment_change(struct toy *t, const struct dense *d, const double *values, const double *vectors,
                           double eta, double K, double *change)
{
    size_t rows = d->n * C;
    double alpha[TOY_TRAIN * C] = {0};
    for (size_t e = 0; e < rows; e++) {
        double along = 0, rate = eta * values[e] / (double)d->n;
        for (size_t i = 0; i < rows; i++)
            along += vectors[e * rows + i] * (d->f[i] - (double)d->y[i]);
        double h = rate > 1e-14 ? -expm1(K * log1p(-fmin(rate, 1 - 1e-16))) / values[e] : eta / (double)d->n * K;
        for (size_t i = 0; i < rows; i++)
            alpha[i] += h * along * vectors[e * rows + i];
    }
    memset(change, 0, t->P * sizeof *change);
    for (size_t i = 0; i < rows; i++)
        for (size_t p = 0; p < t->P; p++)
            change[p] -= d->J[i * t->P + p] * alpha[i];
}

static double cosine(size_t n, const double *x, const double *y)
{
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += x[i] * y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
    }
    return xy / sqrt(xx * yy);
}

/* theta_T - theta_0 of a run. */
static void change_of(struct network_spec network, struct training_spec spec, double *change)
{
    struct toy t;
    toy_create(&t, network, spec);
    toy_train(&t, NULL);
    for (size_t p = 0; p < t.P; p++)
        change[p] = (double)t.theta[p] - (double)t.theta_0[p];
    toy_free(&t);
}

/* Identity 4. eta lambda/N = 1 and 1/4 for the largest eigenvalue. */
START_TEST(a_long_segment_is_a_step_of_the_damping_tied_to_it)
{
    struct toy t;
    struct dense d;
    struct network_spec network = architecture(_i);
    double values[TOY_TRAIN * C], *vectors = mem_alloc(TOY_TRAIN * C * TOY_TRAIN * C, sizeof *vectors, NULL);
    double change[MOST_P], step[MOST_P], stepped[MOST_P];
    toy_create(&t, network, newton(LOSS_HALF_MSE, NAN, 1));
    dense_create(&t, &d);
    spectrum(&t, &d, values, vectors);
    struct training_spec tied = t.training;
    tied.lr = (double)d.n / values[d.n * C - 1] / (_i < 8 ? 1 : 4);
    for (double K = 10; K < 2e6; K *= 10) {
        tied.refresh_period = K;
        change_of(network, tied, step);
        segment_change(&t, &d, values, vectors, tied.lr, K, change);
        ck_assert_double_ge(cosine(t.P, change, step), 0.98);
        if (K > 1000)
            continue;
        struct training_spec spec = tied;   /* the closed form against the trainer, and momentum */
        spec.trainer = TRAINER_LINEARISED;
        spec.refresh_period = INFINITY;
        spec.steps = (int64_t)K;
        change_of(network, spec, stepped);
        ck_assert_double_ge(cosine(t.P, change, stepped), within(1 - 1e-10, 1 - 1e-5));
        if (K < 100)
            continue;   /* K steps must be many beside 1/(1 - momentum) */
        spec.momentum = tied.momentum = 0.5;
        change_of(network, spec, stepped);
        change_of(network, tied, step);
        ck_assert_double_ge(cosine(t.P, stepped, step), 0.98);
        tied.momentum = 0;
    }
    mem_free(vectors);
    mem_free(d.J);
    toy_free(&t);
}
END_TEST

START_TEST(a_tied_step_counts_as_its_segment_and_tends_to_the_undamped_one)
{
    struct toy t;
    struct log log, undamped;
    struct training_spec spec = newton(LOSS_HALF_MSE, NAN, 1);
    double last = 1, step[MOST_P];
    create_few(&t, 6, newton(LOSS_HALF_MSE, 0, 1));
    log_run(&t, &undamped);
    for (size_t p = 0; p < t.P; p++)
        step[p] = (double)undamped.theta[0][p] - (double)undamped.theta[1][p];
    spec.lr = 0.25;
    for (double K = 1e3; K < 2e9; K *= 100) {
        spec.refresh_period = K;
        t.training = spec;
        t.problem.lr = spec.lr;
        log_run(&t, &log);
        ck_assert_double_eq(log.lr[0], spec.lr * K);
        ck_assert_double_eq(log.time[1], spec.lr * K);
        double error = step_error(&log, 0, 1, step);
        ck_assert_double_lt(error, within(last, fmax(last, 1e-2)));
        last = error;
    }
    ck_assert_double_le(last, within(1e-5, 1e-2));
    toy_free(&t);
}
END_TEST

START_TEST(steps_that_explode_are_reported_as_divergence)
{
    struct toy t;
    struct training_spec spec = newton(_i ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE, 0.1, 20);
    spec.lr = wide ? 1e200 : 1e25;
    toy_create(&t, architecture(4), spec);
    size_t before = mem_in_use();
    struct training_outcome outcome = toy_train(&t, NULL);
    ck_assert_int_eq(outcome.end, TRAINING_DIVERGED);
    ck_assert_int_gt(outcome.steps_done, 0);
    ck_assert_uint_eq(mem_in_use(), before);
    toy_free(&t);
}
END_TEST

START_TEST(it_is_done_in_far_fewer_steps_than_gradient_descent)
{
    double loss[2];
    for (int gn = 0; gn < 2; gn++) {
        struct toy t;
        struct score score;
        struct training_spec spec = gn ? newton(LOSS_HALF_MSE, 1, 10) : toy_training(TRAINER_STANDARD, 1);
        spec.steps = 10;
        toy_create(&t, architecture(2), spec);
        toy_train(&t, NULL);
        struct moment moment = {.theta = t.theta, .theta_s = t.theta};
        evaluate_part(&t.problem, &moment, PART_TRAIN, &score, NULL, NULL, NULL);
        loss[gn] = score.loss;
        toy_free(&t);
    }
    ck_assert_double_lt(loss[1], 0.5 * loss[0]);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, every_step_is_that_of_a_dense_solve, 0, 16);
    tcase_add_loop_test(tests, saturated_probabilities_leave_the_step_right, 0, 2);
    tcase_add_loop_test(tests, large_damping_is_a_small_gradient_step, 0, 2);
    tcase_add_test(tests, without_damping_the_linear_model_fits_every_target);
    tcase_add_loop_test(tests, a_long_segment_is_a_step_of_the_damping_tied_to_it, 0, 16);
    tcase_add_test(tests, a_tied_step_counts_as_its_segment_and_tends_to_the_undamped_one);
    tcase_add_loop_test(tests, steps_that_explode_are_reported_as_divergence, 0, 2);
    tcase_add_test(tests, it_is_done_in_far_fewer_steps_than_gradient_descent);
}

UNIT_MAIN("the Gauss-Newton trainer", add)
