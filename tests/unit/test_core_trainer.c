/* The trainers against method.md: identity 1, the explicit linear model, identity 2. */
#include "data/gather.h"
#include "math/eigen.h"
#include "train/loss.h"
#include "train/optimiser.h"
#include "toy.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

/* A setting per test index: every combination of loss, batch, momentum, decay, depth. */
static struct training_spec setting(int i, enum trainer_kind trainer, double refresh_period)
{
    struct training_spec spec = toy_training(trainer, refresh_period);
    spec.loss = i & 1 ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE;
    spec.batch = i & 2 ? 6 : BATCH_FULL;   /* 23 rows: three full batches and one of five */
    spec.momentum = i & 4 ? 0.8 : 0;
    spec.weight_decay = i & 8 ? 0.01 : 0;
    spec.centred = i & 16;
    spec.momentum_at_refresh = i & 32 ? MOMENTUM_RESET : MOMENTUM_KEEP;
    spec.schedule.kind = (enum schedule_kind)(i % 3);
    spec.schedule.every = 7;
    spec.schedule.factor = 0.5;
    spec.schedule.final = 0.1;
    spec.schedule.warmup = i % 5;
    return spec;
}
enum { SETTINGS = 64, SETTINGS_KEPT = 32 };

static struct network_spec architecture(int i)
{
    return toy_network((size_t)(i % 3), (enum activation)(i % 4), (enum parameterisation)(i / 4 % 2));
}

struct curve { int moments, refreshes, steps; int64_t refresh_at[64]; double loss[64], read_out[64], time; };
struct watch { struct toy *toy; struct curve curve; int stop_at; int answer; };

static int watch_moment(void *context, const struct moment *m)
{
    struct watch *w = context;
    struct score score;
    ck_assert_int_eq(m->step, w->curve.moments);
    ck_assert_int_eq(evaluate_part(&w->toy->problem, m, PART_TEST, &score, NULL, NULL, NULL), 0);
    w->curve.read_out[w->curve.moments++] = score.loss;
    w->curve.time = m->curve_time;
    return w->answer && m->step == w->stop_at ? w->answer : 0;
}

static int watch_refresh(void *context, const struct moment *m)
{
    struct watch *w = context;
    w->curve.refresh_at[w->curve.refreshes++] = m->step;
    for (size_t p = 0; m->delta && p < w->toy->P; p++)
        ck_assert(m->delta[p] == m->theta[p] - m->theta_s[p]);
    return 0;
}

static int watch_step(void *context, const struct step_record *record)
{
    struct watch *w = context;
    w->curve.loss[w->curve.steps++] = record->loss;
    return 0;
}

static struct training_outcome watched(struct toy *t, struct watch *w)
{
    struct trainer_hooks hooks = {w, watch_moment, watch_refresh, watch_step};
    w->toy = t;
    w->curve = (struct curve){0};
    return toy_train(t, &hooks);
}

START_TEST(the_linearised_trainer_at_K_1_is_SGD_bit_for_bit)
{
    struct toy a, b;
    struct watch wa = {0}, wb = {0};
    toy_create(&a, architecture(_i), setting(_i, TRAINER_STANDARD, 1));
    toy_create(&b, architecture(_i), setting(_i, TRAINER_LINEARISED, 1));
    watched(&a, &wa);
    watched(&b, &wb);
    ck_assert_mem_eq(a.theta, b.theta, a.P * sizeof(real));
    ck_assert_mem_eq(&wa.curve, &wb.curve, sizeof wa.curve);
    ck_assert(memcmp(a.theta, a.theta_0, a.P * sizeof(real)) != 0);
    ck_assert_mem_eq(a.theta_s, a.theta, a.P * sizeof(real));
    ck_assert_mem_eq(b.theta_s, b.theta, a.P * sizeof(real));
    toy_free(&a);
    toy_free(&b);
}
END_TEST

/* The trainer of method.md section 1 with an explicit Jacobian, in double but for the network. */
struct linear_model {
    real *x, *y, *theta_s;
    double *J, *f_s, *f_0, *theta, *v, *gradient;
};

static void explicit_linearise(struct toy *t, struct linear_model *m)
{
    for (size_t p = 0; p < t->P; p++)
        m->theta_s[p] = (real)m->theta[p];
    toy_jacobian(t->net, m->theta_s, m->x, N, m->J, m->f_s);
    if (t->training.momentum_at_refresh == MOMENTUM_RESET)
        memset(m->v, 0, t->P * sizeof *m->v);
}

static void explicit_outputs(struct toy *t, const struct linear_model *m, size_t row, double *f)
{
    for (size_t c = 0; c < C; c++) {
        f[c] = m->f_s[row * C + c] - (t->training.centred ? m->f_0[row * C + c] : 0);
        for (size_t p = 0; p < t->P; p++)
            f[c] += m->J[(row * C + c) * t->P + p] * (m->theta[p] - (double)m->theta_s[p]);
    }
}

static void explicit_step(struct toy *t, struct linear_model *m, const size_t *batch, size_t n, double lr)
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

static void explicit_create(struct toy *t, struct linear_model *m)
{
    *m = (struct linear_model){
        .x = mem_alloc(N * TOY_FEATURES, sizeof(real), NULL), .y = mem_alloc(N * C, sizeof(real), NULL),
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

static void explicit_free(struct linear_model *m)
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

/* The order of every epoch, drawn as the headers say. */
static void explicit_train(struct toy *t, struct linear_model *m)
{
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
        if (step > 0 && isfinite(spec->refresh_period) && step % (int64_t)spec->refresh_period == 0)
            explicit_linearise(t, m);
        explicit_step(t, m, order + at, N - at < size ? N - at : size, training_lr(spec, spec->lr, step));
    }
}

static const double periods[] = {1, 2, 5, 7, 19, INFINITY};
enum { PERIODS = sizeof periods / sizeof *periods };

START_TEST(training_equals_that_of_an_explicit_linear_model)
{
    for (int k = 0; k < PERIODS; k++) {
        struct toy t;
        struct linear_model m;
        toy_create(&t, architecture(_i), setting(_i, TRAINER_LINEARISED, periods[k]));
        explicit_create(&t, &m);
        toy_train(&t, NULL);
        explicit_train(&t, &m);
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

START_TEST(refreshes_come_at_multiples_of_K_and_never_at_the_end)
{
    static const struct { double period; int count; } cases[] = {
        {1, 19}, {2, 9}, {3, 6}, {5, 3}, {10, 1}, {19, 1}, {20, 0}, {1000, 0}, {INFINITY, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct toy t;
        struct watch w = {0};
        toy_create(&t, architecture(1), setting(_i, TRAINER_LINEARISED, cases[i].period));
        struct training_outcome outcome = watched(&t, &w);
        ck_assert_int_eq(outcome.end, TRAINING_COMPLETED);
        ck_assert_int_eq(outcome.steps_done, 20);
        ck_assert_int_eq(w.curve.moments, 21);
        ck_assert_int_eq(w.curve.steps, 20);
        ck_assert_int_eq(w.curve.refreshes, cases[i].count);
        ck_assert_double_eq(training_feature_updates(&t.training), cases[i].count);
        for (int j = 0; j < w.curve.refreshes; j++)
            ck_assert_int_eq(w.curve.refresh_at[j], (int64_t)cases[i].period * (j + 1));
        toy_free(&t);
    }
}
END_TEST

START_TEST(a_period_of_T_or_more_equals_never)
{
    struct toy a, b;
    struct watch wa = {0}, wb = {0};
    toy_create(&a, architecture(2), setting(_i, TRAINER_LINEARISED, INFINITY));
    toy_create(&b, architecture(2), setting(_i, TRAINER_LINEARISED, 20));
    watched(&a, &wa);
    watched(&b, &wb);
    ck_assert_mem_eq(a.theta, b.theta, a.P * sizeof(real));
    ck_assert_mem_eq(&wa.curve, &wb.curve, sizeof wa.curve);
    toy_free(&a);
    toy_free(&b);
}
END_TEST

struct batch_log { size_t rows[32][N], size[32]; int n; bool seen[N]; };

static int log_batch(void *context, const struct step_record *record)
{
    struct batch_log *log = context;
    log->size[log->n] = record->batch_size;
    memcpy(log->rows[log->n++], record->batch, record->batch_size * sizeof *record->batch);
    return 0;
}

START_TEST(batches_are_the_same_for_every_K_and_visit_each_row_once_an_epoch)
{
    static struct batch_log first, other;
    for (int k = 0; k < PERIODS; k++) {
        struct toy t;
        struct batch_log *log = k ? &other : &first;
        struct trainer_hooks hooks = {.context = log, .after_step = log_batch};
        memset(log, 0, sizeof *log);
        toy_create(&t, architecture(1), setting(2, TRAINER_LINEARISED, periods[k]));
        toy_train(&t, &hooks);
        if (k)
            ck_assert_mem_eq(&first, &other, sizeof first);
        toy_free(&t);
    }
    ck_assert_uint_eq(first.size[3], 5);
    for (int epoch = 0; epoch < 5; epoch++) {
        int count[N] = {0};
        for (int step = 4 * epoch; step < 4 * epoch + 4; step++)
            for (size_t i = 0; i < first.size[step]; i++)
                count[first.rows[step][i]]++;
        for (size_t i = 0; i < N; i++)
            ck_assert_int_eq(count[i], 1);
    }
    ck_assert(memcmp(first.rows[0], first.rows[4], sizeof(size_t) * 6) != 0);
}
END_TEST

START_TEST(a_loss_that_is_not_finite_ends_the_run_as_diverged)
{
    struct toy t;
    struct watch w = {0};
    /* half-MSE, whose loss is not bounded when every unit has died */
    toy_create(&t, architecture(1), setting(2 * _i, TRAINER_LINEARISED, 3));
    t.problem.lr = 1e30;
    t.training.steps = 50;
    struct training_outcome outcome = watched(&t, &w);
    ck_assert_int_eq(outcome.end, TRAINING_DIVERGED);
    ck_assert_int_gt(outcome.steps_done, 0);
    ck_assert_int_lt(outcome.steps_done, 50);
    ck_assert_int_eq(w.curve.steps, outcome.steps_done);
    toy_free(&t);
}
END_TEST

START_TEST(a_hook_can_stop_the_run_quietly_or_as_an_error)
{
    struct toy t;
    struct watch w = {.stop_at = 4, .answer = 1};
    toy_create(&t, architecture(1), setting(0, TRAINER_LINEARISED, 3));
    struct training_outcome outcome = watched(&t, &w);
    ck_assert_int_eq(outcome.end, TRAINING_STOPPED);
    ck_assert_int_eq(outcome.steps_done, 4);
    w = (struct watch){.stop_at = 2, .answer = -1, .toy = &t};
    struct trainer_hooks hooks = {.context = &w, .at_moment = watch_moment};
    ck_assert_int_eq(trainer_run(&t.problem, t.theta, t.theta_s, &hooks, &outcome, NULL), -1);
    toy_free(&t);
}
END_TEST

START_TEST(a_centred_model_starts_from_the_zero_function)
{
    struct toy t;
    struct moment moment;
    struct score score;
    real f_lin[N * C], f[N * C];
    toy_create(&t, architecture(2), setting(16, TRAINER_LINEARISED, 5));
    moment = (struct moment){.theta = t.theta_0, .theta_s = t.theta_0};
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TRAIN, &score, f_lin, f, NULL), 0);
    for (size_t i = 0; i < N * C; i++)
        ck_assert(f_lin[i] == 0 && f[i] == 0);
    ck_assert_double_eq_tol(score.loss, 0.5, 1e-12);
    toy_free(&t);
}
END_TEST

START_TEST(no_steps_leave_the_parameters_as_they_were)
{
    struct toy t;
    struct watch w = {0};
    toy_create(&t, architecture(1), setting(0, TRAINER_LINEARISED, INFINITY));
    t.training.steps = 0;
    ck_assert_int_eq(watched(&t, &w).end, TRAINING_COMPLETED);
    ck_assert_int_eq(w.curve.moments, 1);
    ck_assert_mem_eq(t.theta, t.theta_0, t.P * sizeof(real));
    toy_free(&t);
}
END_TEST

START_TEST(a_run_gives_back_all_memory_and_holds_no_more_than_it_says)
{
    struct toy t;
    toy_create(&t, architecture(2), setting(7, TRAINER_LINEARISED, 2));
    size_t before = mem_in_use();
    mem_reset_peak();
    toy_train(&t, NULL);
    ck_assert_uint_eq(mem_in_use(), before);
    double boundary = 0;
    for (size_t i = 0; i < t.net->n_layers; i++)
        boundary += (double)t.net->layers[i].outputs;
    /* delta, velocity, gradient; a batch of 6: boundaries, inputs, scratch, f, g, targets; the order */
    double numbers = 3 * (double)t.P + 6 * (boundary + TOY_FEATURES + 2 * (double)t.net->widest + 3 * C);
    ck_assert_double_le((double)(mem_peak() - before), numbers * sizeof(real) + N * 8 + 1024);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, the_linearised_trainer_at_K_1_is_SGD_bit_for_bit, 0, SETTINGS_KEPT);
    tcase_add_loop_test(tests, training_equals_that_of_an_explicit_linear_model, 0, SETTINGS);
    tcase_add_test(tests, both_ways_to_get_activations_are_in_use);
    tcase_add_loop_test(tests, full_batch_half_mse_follows_the_closed_form, 0, 8);
    tcase_add_loop_test(tests, refreshes_come_at_multiples_of_K_and_never_at_the_end, 0, 4);
    tcase_add_loop_test(tests, a_period_of_T_or_more_equals_never, 0, 8);
    tcase_add_test(tests, batches_are_the_same_for_every_K_and_visit_each_row_once_an_epoch);
    tcase_add_loop_test(tests, a_loss_that_is_not_finite_ends_the_run_as_diverged, 0, 2);
    tcase_add_test(tests, a_hook_can_stop_the_run_quietly_or_as_an_error);
    tcase_add_test(tests, a_centred_model_starts_from_the_zero_function);
    tcase_add_test(tests, no_steps_leave_the_parameters_as_they_were);
    tcase_add_test(tests, a_run_gives_back_all_memory_and_holds_no_more_than_it_says);
}

UNIT_MAIN("trainer", add)
