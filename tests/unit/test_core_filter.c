/* The filter engine against the tangent engine, which steps, and against closed forms. */
#include "data/gather.h"
#include "math/eigen.h"
#include "toy_settings.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

/* Every combination that a filter can be, by number. */
static struct training_spec filter_setting(int i, double period)
{
    struct training_spec spec = toy_training(TRAINER_LINEARISED, period);
    spec.momentum = i % 3 ? 0.8 : 0;
    spec.momentum_at_refresh = i % 3 == 2 ? MOMENTUM_RESET : MOMENTUM_KEEP;
    spec.weight_decay = i & 1 ? 0.02 : 0;
    spec.centred = i & 2;
    spec.schedule.kind = (enum schedule_kind)(i / 4 % 3);
    spec.schedule.every = 9;
    spec.schedule.factor = 0.5;
    spec.schedule.final = 0.1;
    spec.schedule.warmup = i % 5;
    return spec;
}
enum { FILTER_SETTINGS = 60, WAYS = 2 };

/* By products with Theta for an even number, by its eigenvectors for an odd one. */
static enum filter_by way(int i)
{
    return i % WAYS ? FILTER_BY_EIGENVECTORS : FILTER_BY_PRODUCTS;
}

struct record { struct toy *toy; size_t P; int n; real *theta, *delta; int64_t step[16]; double time[16], loss[16]; };
static const int64_t wanted[] = {0, 1, 2, 5, 7, 20, 33, 100, 140, 150};

static int64_t next_wanted(void *context, int64_t step)
{
    const struct record *record = context;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (wanted[i] >= step)
            return wanted[i];
    return record->toy->training.steps;
}

static int keep_moment(void *context, const struct moment *m)
{
    struct record *record = context;
    struct score score;
    memcpy(record->theta + (size_t)record->n * record->P, m->theta, record->P * sizeof(real));
    if (m->delta)
        for (size_t p = 0; p < record->P; p++)
            ck_assert(m->delta[p] == m->theta[p] - m->theta_s[p]);
    ck_assert_int_eq(evaluate_part(&record->toy->problem, m, PART_TEST, &score, NULL, NULL, NULL), 0);
    record->loss[record->n] = score.loss;
    record->step[record->n] = m->step;
    record->time[record->n++] = m->curve_time;
    return 0;
}

static void run_with(struct toy *t, enum engine engine, struct record *record)
{
    *record = (struct record){.toy = t, .P = t->P, .theta = mem_alloc(16 * t->P, sizeof(real), NULL)};
    struct trainer_hooks hooks = {.context = record, .at_moment = keep_moment, .next_moment = next_wanted};
    t->training.engine = engine;
    ck_assert_int_eq(toy_train(t, &hooks).end, TRAINING_COMPLETED);
}

static double apart(size_t n, const real *x, const real *y, const real *origin)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        norm += ((double)y[i] - origin[i]) * ((double)y[i] - origin[i]);
    }
    return norm > 0 ? sqrt(difference / norm) : sqrt(difference);
}

START_TEST(it_is_where_stepping_is_at_every_moment)
{
    static const double filter_periods[] = {1, 2, 7, 33, 100, INFINITY};
    for (size_t k = 0; k < sizeof filter_periods / sizeof *filter_periods; k++) {
        struct toy t;
        struct record stepped, filtered;
        toy_create(&t, architecture(_i / WAYS), filter_setting(_i / WAYS, filter_periods[k]));
        t.problem.filter_by = way(_i);
        t.training.steps = 150;
        run_with(&t, ENGINE_TANGENT, &stepped);
        run_with(&t, ENGINE_FILTER, &filtered);
        ck_assert_int_eq(stepped.n, filtered.n);
        for (int i = 0; i < stepped.n; i++) {
            ck_assert_int_eq(stepped.step[i], filtered.step[i]);
            ck_assert_double_eq(stepped.time[i], filtered.time[i]);
            double error = apart(t.P, filtered.theta + (size_t)i * t.P, stepped.theta + (size_t)i * t.P, t.theta_0);
            ck_assert_msg(error < (sizeof(real) == 8 ? 1e-7 : 2e-3), "period %g, step %d: %g", filter_periods[k],
                          (int)stepped.step[i], error);
            /* and f_lin on the held-out inputs */
            ck_assert_double_eq_tol(filtered.loss[i] / stepped.loss[i], 1, sizeof(real) == 8 ? 1e-7 : 2e-3);
        }
        mem_free(stepped.theta);
        mem_free(filtered.theta);
        toy_free(&t);
    }
}
END_TEST

START_TEST(a_hundred_thousand_steps_of_a_segment_are_where_stepping_is)
{
    struct toy t;
    struct record stepped, filtered;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, 100000);
    double lambda;
    spec.momentum = _i & 2 ? 0.5 : 0;
    spec.weight_decay = _i & 4 ? 1e-3 : 0;
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), spec);
    t.problem.filter_by = way(_i);
    t.training.steps = 150000;   /* a second segment of half the length */
    ck_assert_int_eq(stability_lambda_max(&t.problem, t.theta_0, &lambda, NULL), 0);
    t.problem.lr = 0.3 * (1 + spec.momentum) * N / lambda;
    run_with(&t, ENGINE_TANGENT, &stepped);
    run_with(&t, ENGINE_FILTER, &filtered);
    ck_assert_int_eq(stepped.n, filtered.n);
    for (int i = 1; i < stepped.n; i++) {
        double error = apart(t.P, filtered.theta + (size_t)i * t.P, stepped.theta + (size_t)i * t.P, t.theta_0);
        /* 100,000 roundings of a float wander */
        ck_assert_msg(error < (sizeof(real) == 8 ? 1e-7 : 3e-2), "step %d: %g", (int)stepped.step[i], error);
    }
    mem_free(stepped.theta);
    mem_free(filtered.theta);
    toy_free(&t);
}
END_TEST

struct losses { int n; double loss[200], lr[200]; bool refresh[200]; };

static int keep_loss(void *context, const struct step_record *record)
{
    struct losses *losses = context;
    ck_assert_int_eq(record->step, losses->n);
    ck_assert_ptr_null(record->batch);
    ck_assert_uint_eq(record->batch_size, N);
    losses->refresh[losses->n] = record->refresh;
    losses->lr[losses->n] = record->lr;
    losses->loss[losses->n++] = record->loss;
    return losses->n == 130 ? 1 : 0;
}

START_TEST(who_wants_steps_is_told_of_each_and_can_stop)
{
    struct toy t;
    static struct losses stepped, filtered;
    struct trainer_hooks hooks = {.context = &stepped, .after_step = keep_loss};
    stepped.n = filtered.n = 0;
    toy_create(&t, architecture(_i), filter_setting(_i, 40));
    t.problem.filter_by = way(_i / 3);
    t.training.steps = 150;
    ck_assert_int_eq(toy_train(&t, &hooks).end, TRAINING_STOPPED);
    real *theta = mem_alloc(t.P, sizeof *theta, NULL);
    memcpy(theta, t.theta, t.P * sizeof *theta);
    t.training.engine = ENGINE_FILTER;
    hooks.context = &filtered;
    struct training_outcome outcome = toy_train(&t, &hooks);
    ck_assert_int_eq(outcome.end, TRAINING_STOPPED);
    ck_assert_int_eq(outcome.steps_done, 130);
    ck_assert_double_le(apart(t.P, t.theta, theta, t.theta_0), sizeof(real) == 8 ? 1e-7 : 2e-3);
    for (int i = 0; i < 130; i++) {
        ck_assert(filtered.refresh[i] == stepped.refresh[i] && filtered.lr[i] == stepped.lr[i]);
        ck_assert_double_eq_tol(filtered.loss[i] / stepped.loss[i], 1, sizeof(real) == 8 ? 1e-8 : 1e-4);
    }
    mem_free(theta);
    toy_free(&t);
}
END_TEST

START_TEST(a_run_that_diverges_does_so_at_the_step_at_which_stepping_does)
{
    static const double beyond[] = {1.02, 1.2, 1.7, 30};
    struct toy t;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    double lambda;
    spec.momentum = _i & 2 ? 0.5 : 0;
    spec.weight_decay = _i & 4 ? 0.01 : 0;
    spec.steps = 100000;
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), spec);
    t.problem.filter_by = way(_i);
    ck_assert_int_eq(stability_lambda_max(&t.problem, t.theta_0, &lambda, NULL), 0);
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        t.problem.lr = beyond[i] * 2 * (1 + spec.momentum) / (lambda / N + spec.weight_decay);
        t.training.engine = ENGINE_TANGENT;
        struct training_outcome stepped = toy_train(&t, NULL);
        t.training.engine = ENGINE_FILTER;
        struct training_outcome filtered = toy_train(&t, NULL);
        ck_assert_int_eq(stepped.end, TRAINING_DIVERGED);
        ck_assert_int_eq(filtered.end, TRAINING_DIVERGED);
        /* single: what overflows first may be an activation's tangent and not an output */
        ck_assert_int_le(llabs(stepped.steps_done - filtered.steps_done),
                         sizeof(real) == 8 ? 0 : 2 + stepped.steps_done / 50);
    }
    t.problem.lr = 1e30;   /* refreshed, it is the network that overflows */
    t.training.refresh_period = 3;
    ck_assert_int_eq(toy_train(&t, NULL).end, TRAINING_DIVERGED);
    toy_free(&t);
}
END_TEST

/* Targets that the network has already: a residual of nothing. */
START_TEST(a_converged_model_stays_where_it_is)
{
    struct toy t;
    struct score score;
    real f[N * C];
    float target[N * C + 4 * C] = {0};
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), filter_setting(0, 7));
    t.problem.filter_by = way(_i);
    struct moment moment = {.theta = t.theta_0, .theta_s = t.theta_0};
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TRAIN, &score, NULL, f, NULL), 0);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < C; c++)
            target[t.split.row[PART_TRAIN][i] * C + c] = (float)f[i * C + c];
    t.set.task = TASK_REGRESSION;
    t.set.train.target = target;
    mem_free((void *)t.set.train.label);
    t.set.train.label = NULL;
    t.training.engine = ENGINE_FILTER;
    ck_assert_int_eq(toy_train(&t, NULL).end, TRAINING_COMPLETED);
    /* in single the residual is zero; in double the targets' rounding is */
    ck_assert_double_le(apart(t.P, t.theta, t.theta_0, t.theta_0), 1e-6);
    if (sizeof(real) == 4)
        ck_assert_mem_eq(t.theta, t.theta_0, t.P * sizeof(real));
    toy_free(&t);
}
END_TEST

/* Identity 2 and 6 in the eigenvectors of an explicit Theta; NC = 69 is less than the space could take, and two
 * equal rows make Theta singular. */
START_TEST(a_segment_is_the_spectral_filter_of_the_explicit_kernel)
{
    enum { ROWS = N * C };
    static const int64_t steps[] = {1, 2, 7, 100, 1000, 100000, 100000000};
    struct toy t;
    toy_create(&t, toy_network(2, ACTIVATION_TANH, (enum parameterisation)(_i % 2)), toy_training(TRAINER_LINEARISED, INFINITY));
    t.problem.filter_by = way(_i / 2);
    t.split.row[PART_TRAIN][3] = t.split.row[PART_TRAIN][8];
    t.training.engine = ENGINE_FILTER;
    real x[N * TOY_FEATURES], y[ROWS];
    double *J = mem_alloc(ROWS * t.P, sizeof *J, NULL), f[ROWS], values[ROWS];
    double *theta = mem_alloc(ROWS * ROWS, sizeof *theta, NULL), *vectors = mem_alloc(ROWS * ROWS, sizeof *theta, NULL);
    double *expected = mem_alloc(t.P, sizeof *expected, NULL);
    gather_inputs(&t.split, PART_TRAIN, NULL, 0, N, x);
    gather_targets(&t.split, PART_TRAIN, NULL, 0, N, y);
    toy_jacobian(t.net, t.theta_0, x, N, J, f);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++)
            for (size_t p = 0; p < t.P; p++)
                theta[i * ROWS + j] += J[i * t.P + p] * J[j * t.P + p];
    ck_assert_int_eq(eigen_symmetric(ROWS, theta, values, vectors, NULL), 0);
    t.problem.lr = (double)(real)(N / values[ROWS - 1]);
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        for (size_t p = 0; p < t.P; p++)
            expected[p] = 0;
        for (size_t e = 0; e < ROWS; e++) {
            double lambda = fmax(values[e], 0), z = t.problem.lr * lambda / N, along = 0;
            double h = z > 0 ? (z < 1 ? -expm1((double)steps[k] * log1p(-z)) : 1) / lambda : (double)steps[k] * t.problem.lr / N;
            for (size_t i = 0; i < ROWS; i++)
                along += vectors[e * ROWS + i] * (f[i] - (double)y[i]);
            for (size_t i = 0; i < ROWS; i++)
                for (size_t p = 0; p < t.P; p++)
                    expected[p] -= h * along * vectors[e * ROWS + i] * J[i * t.P + p];
        }
        t.training.steps = steps[k];
        ck_assert_int_eq(toy_train(&t, NULL).end, TRAINING_COMPLETED);
        double difference = 0, norm = 0;
        for (size_t p = 0; p < t.P; p++) {
            double change = (double)t.theta[p] - (double)t.theta_0[p];
            difference += (change - expected[p]) * (change - expected[p]);
            norm += expected[p] * expected[p];
        }
        ck_assert_msg(sqrt(difference / norm) < (sizeof(real) == 8 ? (steps[k] > 100000 ? 1e-5 : 1e-7) : steps[k] > 1000 ? 0.1 : 1e-3),
                      "%d steps: %g", (int)steps[k], sqrt(difference / norm));
    }
    mem_free(J);
    mem_free(theta);
    mem_free(vectors);
    mem_free(expected);
    toy_free(&t);
}
END_TEST

START_TEST(a_run_gives_back_all_memory)
{
    struct toy t;
    toy_create(&t, architecture(2), filter_setting(5, 30));
    t.problem.filter_by = way(_i);
    t.training.engine = ENGINE_FILTER;
    size_t before = mem_in_use();
    toy_train(&t, NULL);
    ck_assert_uint_eq(mem_in_use(), before);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, it_is_where_stepping_is_at_every_moment, 0, WAYS * FILTER_SETTINGS);
    tcase_add_loop_test(tests, a_hundred_thousand_steps_of_a_segment_are_where_stepping_is, 0, 8);
    tcase_add_loop_test(tests, who_wants_steps_is_told_of_each_and_can_stop, 0, FILTER_SETTINGS);
    tcase_add_loop_test(tests, a_run_that_diverges_does_so_at_the_step_at_which_stepping_does, 0, 8);
    tcase_add_loop_test(tests, a_converged_model_stays_where_it_is, 0, WAYS);
    tcase_add_loop_test(tests, a_segment_is_the_spectral_filter_of_the_explicit_kernel, 0, 4);
    tcase_add_loop_test(tests, a_run_gives_back_all_memory, 0, WAYS);
}

UNIT_MAIN("filter", add)
