/* The engines against each other: whatever two of them can step must come out the same (method.md section 3), in
 * parameters, read-outs, losses and the log of refreshes, at moments within segments and at their ends. */
#include "draw.h"
#include "sweep/core_refresh.h"
#include "sweep/variables.h"

enum { MOMENTS = 12, REFRESHES = 64, READ = (TOY_TRAIN + TOY_TEST) * TOY_OUTPUTS, FEW = 6 };

/* Everything a run shows. */
struct shown {
    struct toy *toy;
    int64_t step[MOMENTS];               /* wanted, increasing */
    int n, seen;
    double *theta, *f_lin, *score;       /* (MOMENTS, P), (MOMENTS, READ), (MOMENTS, 4) */
    double time[MOMENTS];
    double *loss;                        /* (T), where steps are watched */
    struct training_outcome outcome;
    struct job job;
    struct result result;
    struct refresh_log log;
};

/* --- what is kept of a run --- */

static int64_t next_shown(void *context, int64_t step)
{
    const struct shown *s = context;
    for (int i = 0; i < s->n; i++)
        if (s->step[i] >= step)
            return s->step[i];
    return INT64_MAX;
}

static int show_moment(void *context, const struct moment *m)
{
    struct shown *s = context;
    struct toy *t = s->toy;
    size_t k = (size_t)s->seen, at = k * READ;
    real f_lin[READ];
    ck_assert_int_eq(m->step, s->step[s->seen++]);
    for (size_t p = 0; p < t->P; p++)
        s->theta[k * t->P + p] = (double)m->theta[p];
    for (enum data_part part = PART_TRAIN; part <= PART_TEST; part += PART_TEST) {
        struct score score;
        ck_assert_int_eq(evaluate_part(&t->problem, m, part, &score, f_lin, NULL, NULL), 0);
        for (size_t i = 0; i < t->split.count[part] * TOY_OUTPUTS; i++)
            s->f_lin[at++] = (double)f_lin[i];
        s->score[4 * k + part] = score.loss;
        s->score[4 * k + part + 1] = score.loss_network;
    }
    s->time[k] = m->curve_time;
    refresh_log_moment(&s->log, m);
    return 0;
}

static int show_refresh(void *context, const struct moment *m)
{
    struct shown *s = context;
    return refresh_log_record(&s->log, m, NULL);
}

static int show_step(void *context, const struct step_record *record)
{
    struct shown *s = context;
    s->loss[record->step] = record->loss;
    return 0;
}

/* The first steps, the last ones, and those about the middle and the ends of segments of K. */
static void want_moments(struct shown *s, int64_t K, int64_t T)
{
    const int64_t steps[MOMENTS] = {0, 1, 2, K / 2, K - 1, K, K + 1, 2 * K - 1, 2 * K, 2 * K + K / 3, T - 1, T};
    for (int i = 0; i < MOMENTS; i++)
        if (steps[i] >= 0 && steps[i] <= T && (s->n == 0 || steps[i] > s->step[s->n - 1]))
            s->step[s->n++] = steps[i];
}

static void show(struct toy *t, enum engine engine, bool watched, int64_t K, struct shown *s)
{
    struct result_layout layout = {.refresh = REFRESHES};
    const struct trainer_hooks hooks = {.context = s, .at_moment = show_moment, .next_moment = next_shown,
                                        .before_refresh = show_refresh, .after_step = watched ? show_step : NULL};
    *s = (struct shown){.toy = t, .theta = mem_alloc(MOMENTS * t->P, sizeof(double), NULL),
                        .f_lin = mem_alloc(MOMENTS * READ, sizeof(double), NULL),
                        .score = mem_alloc(MOMENTS * 4, sizeof(double), NULL)};
    if (watched)
        s->loss = mem_alloc((size_t)t->training.steps, sizeof(double), NULL);
    s->job.training = t->training;
    s->job.stability = STABILITY_ALWAYS;
    result_bind(&s->result, &layout, mem_alloc(result_size(&layout), 1, NULL));
    result_clear(&s->result);
    want_moments(s, K, t->training.steps);
    ck_assert_int_eq(refresh_log_create(&s->log, &t->problem, &s->job, &s->result, NULL), 0);
    t->training.engine = engine;
    s->outcome = toy_train(t, &hooks);
}

static void forget(struct shown *s)
{
    refresh_log_destroy(&s->log);
    void *const blocks[] = {s->theta, s->f_lin, s->score, s->loss, s->result.block};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
}

/* --- comparing two --- */

/* What two runs may be apart, relative to how far theta moved and to the largest f and loss. */
struct allowed { const char *label; int setting; double most; };

/* Every step rounds theta, or f_lin, in a direction of its own, which adds up like sqrt(T), and a refresh hands what
 * came of it on; after a few steps theta has moved by a thousandth of what is rounded. At most 0.4 of this was seen,
 * at T = 3 in either precision. */
static double of_stepping(int64_t steps)
{
    return (2000 + 400 * sqrt((double)steps)) * REAL_EPSILON;
}

/* The filter engine promises so much of alpha a segment (core_engine_filter.c), beside the roundings of others. */
static double of_filtering(int64_t steps)
{
    return of_stepping(steps) + 3 * fmax(1e-8, 30 * REAL_EPSILON);
}

static double apart(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sqrt(sum);
}

static double largest(size_t n, const double *x)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

static double furthest(size_t n, const double *x, const double *y)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, isfinite(x[i]) && isfinite(y[i]) ? fabs(x[i] - y[i]) : INFINITY);
    return worst;
}

#define within(what, difference, most) \
    ck_assert_msg((difference) <= (most), "%s, setting %d: %s %g apart, allowed %g", a.label, a.setting, what, difference, most)

/* The quotients of a refresh are as uncertain as the way theta went in the segment is short. */
static void compare_refreshes(const struct shown *x, const struct shown *y, struct allowed a)
{
    const enum variable_id quotients[] = {VAR_REFRESH_GAP, VAR_REFRESH_PARAMETER_CHANGE, VAR_REFRESH_CONVERGENCE,
                                          VAR_REFRESH_LOSS_JUMP, VAR_REFRESH_STABILITY_RATIO};
    ck_assert_int_eq(x->log.seen, y->log.seen);
    ck_assert_int_eq(x->log.written, y->log.written);
    for (size_t i = 0; i < (size_t)x->log.written; i++) {
        ck_assert_int_eq(result_i64(&x->result, VAR_REFRESH_STEP)[i], result_i64(&y->result, VAR_REFRESH_STEP)[i]);
        double way = result_f64(&y->result, VAR_REFRESH_PARAMETER_CHANGE)[i];
        ck_assert_double_gt(way, 0);
        for (size_t v = 0; v < sizeof quotients / sizeof *quotients; v++) {
            double here = result_f64(&x->result, quotients[v])[i], there = result_f64(&y->result, quotients[v])[i];
            within(variables[quotients[v]].name, fabs(here - there), (1 + fabs(there)) * a.most / fmin(way, 1));
        }
    }
}

static void compare(const struct shown *x, const struct shown *y, struct allowed a)
{
    size_t P = x->toy->P, n = (size_t)x->n;
    double moved = 0, worst = 0;
    ck_assert_int_eq(x->outcome.end, TRAINING_COMPLETED);
    ck_assert_int_eq(y->outcome.end, TRAINING_COMPLETED);
    ck_assert_int_eq(x->outcome.steps_done, y->outcome.steps_done);
    ck_assert_int_eq(x->seen, x->n);
    ck_assert_int_eq(y->seen, y->n);
    ck_assert_mem_eq(x->time, y->time, n * sizeof *x->time);
    for (size_t k = 0; k < n; k++) {
        moved = fmax(moved, apart(P, y->theta + k * P, y->theta));
        worst = fmax(worst, apart(P, x->theta + k * P, y->theta + k * P));
    }
    within("theta", worst / moved, a.most);
    within("f_lin", furthest(n * READ, x->f_lin, y->f_lin) / largest(n * READ, y->f_lin), a.most);
    within("scores", furthest(4 * n, x->score, y->score) / largest(4 * n, y->score), a.most);
    if (x->loss && y->loss) {
        size_t T = (size_t)x->toy->training.steps;
        within("losses", furthest(T, x->loss, y->loss) / largest(T, y->loss), a.most);
    }
    compare_refreshes(x, y, a);
}

/* Runs a problem with every engine that can step it, the filter also without a watcher of its steps, and compares
 * each with each. */
static void compare_engines(struct toy *t, int64_t K, int setting)
{
    struct shown tangent, kernel, filter, unwatched;
    struct allowed exact = {"kernel against tangent", setting, of_stepping(t->training.steps)};
    struct allowed filtered = {"filter against tangent", setting, of_filtering(t->training.steps)};
    show(t, ENGINE_TANGENT, true, K, &tangent);
    ck_assert_ptr_null(training_engine_refusal(&t->training, ENGINE_KERNEL));
    show(t, ENGINE_KERNEL, true, K, &kernel);
    compare(&kernel, &tangent, exact);
    bool filters = t->training.loss == LOSS_HALF_MSE && t->training.batch == BATCH_FULL;
    ck_assert_int_eq(!training_engine_refusal(&t->training, ENGINE_FILTER), filters);
    if (filters) {
        show(t, ENGINE_FILTER, true, K, &filter);
        show(t, ENGINE_FILTER, false, K, &unwatched);
        compare(&filter, &tangent, filtered);
        filtered.label = "filter against kernel";
        compare(&filter, &kernel, filtered);
        filtered.label = "filter without a watcher against tangent";
        compare(&unwatched, &tangent, filtered);
        forget(&filter);
        forget(&unwatched);
    }
    forget(&tangent);
    forget(&kernel);
}

/* --- problems --- */

/* Every combination of loss, batch and momentum's rule in the first 12, with decay in 24; centring and the
 * schedule come with the rest. */
enum { CORNERS = 24, SETTINGS = 144 };

static struct training_spec engine_setting(int i, int64_t rows, double period, int64_t steps)
{
    struct training_spec spec = toy_training(TRAINER_LINEARISED, period);
    int rest = (i + i / CORNERS) % 6;
    spec.steps = steps;
    spec.loss = i % 2 ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE;
    spec.batch = i / 2 % 2 ? rows / 4 + 3 : BATCH_FULL;   /* the last of an epoch is short */
    spec.momentum = i / 4 % 3 ? 0.8 : 0;
    spec.momentum_at_refresh = i / 4 % 3 == 2 ? MOMENTUM_RESET : MOMENTUM_KEEP;
    spec.weight_decay = i / 12 % 2 ? 0.02 : 0;
    spec.centred = rest % 2;
    spec.schedule.kind = (enum schedule_kind)(rest % 3);
    spec.schedule.every = steps / 5 + 1;
    spec.schedule.factor = 0.5;
    spec.schedule.final = 0.1;
    spec.schedule.warmup = i / CORNERS % 2 ? 0 : 3;
    return spec;
}

/* A tanh network of three units on few rows, and eta a quarter of what the full batch allows, less for a part of it. */
static void create_setting(struct toy *t, int i, size_t rows, double period, int64_t steps)
{
    struct network_spec network = toy_network(1, ACTIVATION_TANH, (enum parameterisation)(i % 5 < 2));
    struct training_spec spec = engine_setting(i, (int64_t)rows, period, steps), plain = spec;
    double lambda;
    network.widths[0] = 3;
    toy_create(t, network, spec);
    t->split.count[PART_TRAIN] = rows;
    plain.loss = LOSS_HALF_MSE;
    t->problem.spec = &plain;
    ck_assert_int_eq(stability_lambda_max(&t->problem, t->theta_0, &lambda, NULL), 0);
    t->problem.spec = &t->training;
    t->problem.lr = 0.5 * (1 + spec.momentum) * (double)rows / lambda;
    if (spec.batch != BATCH_FULL)
        t->problem.lr *= 0.5 * (double)spec.batch / (double)rows;
}

static int64_t two_and_a_half(int64_t K)
{
    return K < 8 ? 20 : 5 * K / 2;
}

START_TEST(every_two_engines_agree_on_short_segments)
{
    static const int64_t periods[] = {1, 2, 3, 10, 100};
    for (size_t k = 0; k < sizeof periods / sizeof *periods; k++) {
        struct toy t;
        create_setting(&t, _i, TOY_TRAIN, (double)periods[k], two_and_a_half(periods[k]));
        compare_engines(&t, periods[k], _i);
        toy_free(&t);
    }
}
END_TEST

static void agree_over(int i, int64_t K, int64_t T)
{
    struct toy t;
    create_setting(&t, i, FEW, (double)K, T);
    compare_engines(&t, K, i);
    toy_free(&t);
}

START_TEST(every_two_engines_agree_on_segments_of_a_thousand)
{
    agree_over(_i, 1000, 2500);
}
END_TEST

START_TEST(every_two_engines_agree_on_segments_of_ten_thousand)
{
    agree_over(_i, 10000, 15000);
}
END_TEST

START_TEST(every_two_engines_agree_on_segments_of_a_hundred_thousand)
{
    static const int settings[] = {0, 4 + CORNERS, 8, 12, 16, 3, 17};   /* the first five are for the filter, too */
    agree_over(settings[_i], 100000, 130000);
}
END_TEST

static const struct refresh_schedule schedules[] = {
    {.kind = REFRESH_AT, .count = 4, .at = (const int64_t[]){1, 2, 17, 40}},
    {.kind = REFRESH_LOG, .count = 5},
    {.kind = REFRESH_FIRST, .count = 3, .every = 4},
};

START_TEST(every_two_engines_agree_on_every_schedule_of_refreshes)
{
    for (size_t k = 0; k < sizeof schedules / sizeof *schedules; k++) {
        struct toy t;
        create_setting(&t, _i, TOY_TRAIN, INFINITY, 60);
        t.training.refresh = schedules[k];
        training_canonicalise_refresh(&t.training);
        ck_assert_int_eq(t.training.refresh.kind, schedules[k].kind);
        compare_engines(&t, 17, _i);
        toy_free(&t);
    }
}
END_TEST

START_TEST(every_two_engines_agree_on_random_networks)
{
    struct random r;
    struct toy t;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, draw_training(&r));
    compare_engines(&t, 5, _i);
    toy_free(&t);
}
END_TEST

START_TEST(a_schedule_by_the_gap_is_for_the_tangent_engine)
{
    struct training_spec spec = engine_setting(0, TOY_TRAIN, INFINITY, 20);
    spec.refresh = (struct refresh_schedule){.kind = REFRESH_GAP, .every = 1, .gap = 0.1};
    ck_assert_ptr_null(training_engine_refusal(&spec, ENGINE_TANGENT));
    ck_assert_ptr_nonnull(training_engine_refusal(&spec, ENGINE_KERNEL));
    ck_assert_ptr_nonnull(training_engine_refusal(&spec, ENGINE_FILTER));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, every_two_engines_agree_on_short_segments, 0, SETTINGS);
    tcase_add_loop_test(tests, every_two_engines_agree_on_segments_of_a_thousand, 0, CORNERS);
    tcase_add_loop_test(tests, every_two_engines_agree_on_segments_of_ten_thousand, 0, CORNERS);
    tcase_add_loop_test(tests, every_two_engines_agree_on_segments_of_a_hundred_thousand, 0, 7);
    tcase_add_loop_test(tests, every_two_engines_agree_on_every_schedule_of_refreshes, 0, SETTINGS);
    tcase_add_loop_test(tests, every_two_engines_agree_on_random_networks, 0, DRAWS_ALL);
    tcase_add_test(tests, a_schedule_by_the_gap_is_for_the_tangent_engine);
}

UNIT_MAIN("engines", add)
