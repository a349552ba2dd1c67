/* Segments along eigenvectors: runs taken at once against the equations stepped one by one. */
#include <math.h>
#include <string.h>

#include "train/modes.h"
#include "unit.h"

enum { M = 7 };
static const double lambda[M] = {0, 1e-9, 1e-4, 0.3, 1, 1.7, 2};
static const double r[M] = {1, -2, 0.5, 3, 0.1, -1, 1e-3}, q[M] = {0, 1, 0, -0.4, 2, 1, 0.5}, p[M] = {0.7, -3, 1, 2, 0.2, 0, 1};

struct work { double alpha[M], beta[M], scratch[4 * M]; };

static struct mode_state state_of(struct work *w)
{
    return (struct mode_state){.alpha = w->alpha, .beta = w->beta};
}

/* Every combination of momentum, decay, schedule; eta lambda/N up to `most` times the limit. */
static struct training_spec setting(int i, double most, int64_t steps)
{
    struct training_spec spec = {.steps = steps, .schedule = {.every = 45, .factor = 0.7, .final = 0.1}};
    spec.momentum = i & 1 ? 0.9 : 0;
    spec.weight_decay = i & 2 ? 0.003 : 0;
    spec.schedule.kind = (enum schedule_kind)(i / 4 % 3);
    spec.schedule.warmup = i & 16 ? 10 : 0;
    spec.lr = most * 2 * (1 + spec.momentum) / (2 / 10.0 + spec.weight_decay);
    return spec;
}
enum { SETTINGS = 32 };

static double distance(const double *x, const double *y)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < M; i++) {
        difference += (x[i] - y[i]) * (x[i] - y[i]);
        norm += y[i] * y[i];
    }
    return sqrt(difference / norm);
}

START_TEST(runs_taken_at_once_are_where_stepping_is)
{
    static const double rates[] = {0.001, 0.3, 0.9, 0.99999};
    static const int64_t lengths[] = {1, 31, 32, 33, 100, 1000, 20000};
    for (int i = 0; i < 28; i++) {
        struct training_spec spec = setting(_i, rates[i % 4], 20000);
        struct mode_rule rule = mode_rule(&spec, spec.lr, 10, _i & 8);
        struct modes modes = {M, lambda, r, p, q};
        struct work once, by_steps;
        struct mode_state x = state_of(&once), y = state_of(&by_steps);
        int64_t s = 17, until = s + lengths[i / 4];
        modes_start(&modes, s, &x);
        modes_start(&modes, s, &y);
        ck_assert(modes_advance(&rule, &modes, &x, until, INFINITY, once.scratch));
        while (y.step < until)
            modes_step(&rule, &modes, &y);
        ck_assert_int_eq(x.step, until);
        ck_assert_double_le(distance(once.alpha, by_steps.alpha), 1e-10);
        ck_assert_double_eq_tol(x.a, y.a, 1e-10);
        ck_assert_double_eq_tol(x.b, y.b, 1e-10 * (1 + fabs(y.b)));
        ck_assert_double_le(fabs(modes_loss(&modes, &x) / modes_loss(&modes, &y) - 1), 1e-9);
        if (spec.momentum != 0) {
            for (int j = 0; j < M; j++)   /* of a size that beta has at the start: it tends to zero */
                ck_assert_double_eq_tol(once.beta[j], by_steps.beta[j], 1e-9 * (1 + fabs(by_steps.beta[j])));
            ck_assert_double_eq_tol(x.c, y.c, 1e-10 * (1 + fabs(y.c)));
            ck_assert_double_eq_tol(x.d, y.d, 1e-10);
        }
    }
}
END_TEST

START_TEST(the_filter_of_one_rate_is_identity_6_at_any_K)
{
    static const double zeros[M];
    struct training_spec spec = {.schedule = {.every = 1, .factor = 1}};
    struct mode_rule rule = mode_rule(&spec, 3, 10, false);
    struct modes modes = {M, lambda, r, zeros, zeros};
    for (double K = 1e2; K < 2e9; K *= 10) {
        struct work w;
        struct mode_state x = state_of(&w);
        modes_start(&modes, 0, &x);
        ck_assert(modes_advance(&rule, &modes, &x, (int64_t)K, INFINITY, w.scratch));
        for (int i = 0; i < M; i++) {
            long double y = 3 * (long double)lambda[i] / 10, h = y > 0 ? -expm1l((long double)K * log1pl(-y)) / (long double)lambda[i] : (long double)K * 0.3L;
            ck_assert_double_le(fabs(w.alpha[i] / (double)(h * (long double)r[i]) - 1), 1e-12);
        }
    }
}
END_TEST

START_TEST(a_run_diverges_at_the_step_at_which_stepping_does)
{
    static const double beyond[] = {1.0005, 1.02, 1.7, 40};
    for (int i = 0; i < 8; i++) {
        struct training_spec spec = setting(_i, beyond[i % 4], 1000000);
        spec.schedule.factor = 1.01;
        spec.schedule.final = 2;
        struct mode_rule rule = mode_rule(&spec, spec.lr, 10, false);
        struct modes modes = {M, lambda, r, p, q};
        struct work once, by_steps;
        struct mode_state x = state_of(&once), y = state_of(&by_steps);
        double most = i / 4 ? 1e77 : INFINITY;
        modes_start(&modes, 0, &x);
        modes_start(&modes, 0, &y);
        ck_assert(!modes_advance(&rule, &modes, &x, spec.steps, most, once.scratch));
        for (double loss = 0; isfinite(loss) && !(loss > most);) {
            loss = modes_loss(&modes, &y);
            if (isfinite(loss) && !(loss > most))
                modes_step(&rule, &modes, &y);
        }
        ck_assert_int_gt(x.step, 0);
        ck_assert_int_eq(x.step, y.step);
    }
}
END_TEST

START_TEST(rates_are_those_of_the_precision)
{
    struct training_spec spec = {.momentum = 0.9, .weight_decay = 1e-4, .schedule = {.every = 1, .factor = 1}};
    struct mode_rule single = mode_rule(&spec, 0.1, 10, true), twice = mode_rule(&spec, 0.1, 10, false);
    ck_assert_double_eq(mode_rate(&single, 3), (double)0.1f);
    ck_assert_double_eq(mode_rate(&twice, 3), 0.1);
    ck_assert_double_eq(single.momentum, (double)0.9f);
    ck_assert_double_eq(single.decay, (double)1e-4f);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, runs_taken_at_once_are_where_stepping_is, 0, SETTINGS);
    tcase_add_test(tests, the_filter_of_one_rate_is_identity_6_at_any_K);
    tcase_add_loop_test(tests, a_run_diverges_at_the_step_at_which_stepping_does, 0, 12);
    tcase_add_test(tests, rates_are_those_of_the_precision);
}

UNIT_MAIN("modes", add)
