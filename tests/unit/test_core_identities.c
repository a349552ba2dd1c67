/* The trainer against an explicit linear model and against identity 2's closed form. */
#include "linear_model.h"
#include "math/eigen.h"
#include "toy_settings.h"

START_TEST(training_equals_that_of_an_explicit_linear_model)
{
    for (int k = 0; k < PERIODS; k++) {
        struct toy t;
        struct linear_model m;
        toy_create(&t, architecture(_i), setting(_i, TRAINER_LINEARISED, periods[k]));
        explicit_create(&t, &m);
        toy_train(&t, NULL);
        explicit_train(&t, &m, NULL);
        ck_assert_double_le(toy_distance(t.P, t.theta, m.theta), 2000 * REAL_EPSILON);
        /* and the read-out of the final model, on the training rows */
        struct moment moment = {.theta = t.theta, .theta_s = t.theta_s,
                                .delta = mem_alloc(t.P, sizeof(real), NULL)};
        struct score score;
        real f_lin[N * C];
        double expected[N * C];
        for (size_t p = 0; p < t.P; p++)
            ((real *)moment.delta)[p] = k ? t.theta[p] - t.theta_s[p] : 0;
        if (k == 0)   /* by definition the network's */
            explicit_linearise(&t, &m);
        for (size_t i = 0; i < N; i++)
            explicit_outputs(&t, &m, i, expected + i * C);
        ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TRAIN, &score, f_lin, NULL, NULL), 0);
        ck_assert_double_le(toy_distance(N * C, f_lin, expected), 5000 * REAL_EPSILON);
        mem_free((void *)moment.delta);
        explicit_free(&m);
        toy_free(&t);
    }
}
END_TEST

static const struct refresh_schedule schedules[] = {
    {.kind = REFRESH_AT, .count = 3, .at = (const int64_t[]){1, 4, 13}},
    {.kind = REFRESH_LOG, .count = 4},
    {.kind = REFRESH_FIRST, .count = 2, .every = 3},
    {.kind = REFRESH_GAP, .every = 1, .gap = 0.031},
    {.kind = REFRESH_GAP, .every = 3, .gap = 0.013},
    {.kind = REFRESH_GAP, .every = 1, .gap = 1e9},
};
enum { SCHEDULES = sizeof schedules / sizeof *schedules };

struct refresh_steps { int n; int64_t step[64]; };

static int note_refresh(void *context, const struct moment *moment)
{
    struct refresh_steps *steps = context;
    steps->step[steps->n++] = moment->step;
    return 0;
}

START_TEST(every_schedule_trains_as_an_explicit_linear_model_refreshed_at_its_steps)
{
    int gap_refreshes = 0;
    for (int k = 0; k < SCHEDULES; k++) {
        struct toy t;
        struct linear_model m;
        struct training_spec spec = setting(_i, TRAINER_LINEARISED, INFINITY);
        struct refresh_steps seen = {0};
        const struct trainer_hooks hooks = {.context = &seen, .before_refresh = note_refresh};
        int64_t expected[64];
        spec.refresh = schedules[k];
        training_canonicalise_refresh(&spec);
        ck_assert_int_eq(spec.refresh.kind, schedules[k].kind);
        toy_create(&t, architecture(_i), spec);
        explicit_create(&t, &m);
        toy_train(&t, &hooks);
        int count = explicit_train(&t, &m, expected);
        ck_assert_int_eq(seen.n, count);
        for (int i = 0; i < count; i++)
            ck_assert_int_eq(seen.step[i], expected[i]);
        if (schedules[k].kind == REFRESH_GAP)
            gap_refreshes += count;
        else
            ck_assert_double_eq(training_feature_updates(&spec), count);
        ck_assert(schedules[k].gap < 1e9 || count == 0);
        ck_assert_double_le(toy_distance(t.P, t.theta, m.theta), 2000 * REAL_EPSILON);
        explicit_free(&m);
        toy_free(&t);
    }
    ck_assert(_i % 3 == 0 || gap_refreshes > 0);   /* but of a linear network, whose gap is 0 */
}
END_TEST

START_TEST(both_ways_to_get_activations_are_in_use)
{
    struct training_spec mini = setting(2, TRAINER_LINEARISED, 2);
    ck_assert(!training_caches(&mini, N));
    mini.refresh_period = 19;
    ck_assert(training_caches(&mini, N));
}
END_TEST

START_TEST(full_batch_half_mse_follows_the_closed_form)
{
    enum { ROWS = N * C };
    struct toy t;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    struct linear_model m;
    struct score score;
    spec.steps = 200;
    toy_create(&t, architecture(_i), spec);
    explicit_create(&t, &m);
    double *theta = mem_alloc(ROWS * ROWS, sizeof *theta, NULL), *vectors = mem_alloc(ROWS * ROWS, sizeof *vectors, NULL);
    double values[ROWS], expected[ROWS] = {0};
    real f_lin[ROWS], *delta = mem_alloc(t.P, sizeof *delta, NULL);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++)
            for (size_t p = 0; p < t.P; p++)
                theta[i * ROWS + j] += m.J[i * t.P + p] * m.J[j * t.P + p];
    ck_assert_int_eq(eigen_symmetric(ROWS, theta, values, vectors, NULL), 0);
    /* r_k = (I - eta/N Theta)^k r_0 in the eigenvectors of Theta */
    t.problem.lr = (double)N / values[ROWS - 1];
    for (size_t e = 0; e < ROWS; e++) {
        double along = 0;
        for (size_t i = 0; i < ROWS; i++)
            along += vectors[e * ROWS + i] * (m.f_s[i] - (double)m.y[i]);
        along *= pow(1 - (real)t.problem.lr * values[e] / N, (double)spec.steps);
        for (size_t i = 0; i < ROWS; i++)
            expected[i] += along * vectors[e * ROWS + i];
    }
    toy_train(&t, NULL);
    for (size_t p = 0; p < t.P; p++)
        delta[p] = t.theta[p] - t.theta_s[p];
    struct moment moment = {.theta = t.theta, .theta_s = t.theta_s, .delta = delta};
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TRAIN, &score, f_lin, NULL, NULL), 0);
    double worst = 0;
    for (size_t i = 0; i < ROWS; i++)
        worst = fmax(worst, fabs((double)f_lin[i] - (double)m.y[i] - expected[i]));
    ck_assert_double_le(worst, 5000 * REAL_EPSILON);   /* 1e-12 in double */
    mem_free(theta);
    mem_free(vectors);
    mem_free(delta);
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, training_equals_that_of_an_explicit_linear_model, 0, SETTINGS);
    tcase_add_loop_test(tests, every_schedule_trains_as_an_explicit_linear_model_refreshed_at_its_steps, 0, SETTINGS);
    tcase_add_test(tests, both_ways_to_get_activations_are_in_use);
    tcase_add_loop_test(tests, full_batch_half_mse_follows_the_closed_form, 0, 8);
}

UNIT_MAIN("identities", add)
