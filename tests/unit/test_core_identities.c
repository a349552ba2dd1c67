/* The trainer against an explicit linear model and against identity 2's closed form. */
#include "data/gather.h"
#include "math/eigen.h"
#include "toy_settings.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

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

/* |f_theta - f_lin| / |f_lin - f_s| on a batch. */
static double explicit_gap(struct toy *t, const struct linear_model *m, const size_t *batch, size_t n)
{
    double gap = 0, way = 0;
    real *theta = mem_alloc(t->P, sizeof *theta, NULL);
    struct tape *tape = tape_create(t->net, 1, false, NULL);
    for (size_t p = 0; p < t->P; p++)
        theta[p] = (real)m->theta[p];
    for (size_t i = 0; i < n; i++) {
        const real *f = network_forward(t->net, theta, m->x + batch[i] * TOY_FEATURES, 1, tape);
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
static bool explicit_refresh(struct toy *t, const struct linear_model *m, const size_t *batch, size_t n, int64_t step,
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
static int explicit_train(struct toy *t, struct linear_model *m, int64_t *refreshes)
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
    {.kind = REFRESH_AT, .count = 3, .at = {1, 4, 13}},
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
