/* Gauss-Newton whose damping is tied to K, against segments of K steps (identity 4). */
#include "gauss_newton.h"
#include "math/eigen.h"

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

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_long_segment_is_a_step_of_the_damping_tied_to_it, 0, 16);
    tcase_add_test(tests, a_tied_step_counts_as_its_segment_and_tends_to_the_undamped_one);
}

UNIT_MAIN("Gauss-Newton and long segments", add)
