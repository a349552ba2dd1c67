/* The kernel engine against the tangent engine: the same training, stepped in function space. */
#include "data/gather.h"
#include "train/core_theta.h"
#include "toy_settings.h"
#include "math/blas.h"
#include "train/batches.h"
#include "train/function_space.h"
#include "zoo.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

/* Everything a run shows. */
struct log {
    double *loss, *lr;                /* (T) */
    double *f_lin, *theta, *time;     /* (moments, N C), (moments, P) of the moments; their curve_time */
    const struct toy *toy;
    int64_t every, moments, refreshes;
};

static int64_t log_next(void *context, int64_t step)
{
    const struct log *log = context;
    return (step + log->every - 1) / log->every * log->every;
}

static int log_moment(void *context, const struct moment *moment)
{
    struct log *log = context;
    const struct toy *t = log->toy;
    struct score score;
    real f_lin[N * C];
    ck_assert_int_eq(moment->step, log->moments * log->every);
    ck_assert_int_eq(evaluate_part(&t->problem, moment, PART_TRAIN, &score, f_lin, NULL, NULL), 0);
    for (size_t i = 0; i < N * C; i++)
        log->f_lin[(size_t)log->moments * N * C + i] = (double)f_lin[i];
    for (size_t p = 0; p < t->P; p++)
        log->theta[(size_t)log->moments * t->P + p] = (double)moment->theta[p];
    log->time[log->moments++] = moment->curve_time;
    return 0;
}

static int log_refresh(void *context, const struct moment *moment)
{
    struct log *log = context;
    (void)moment;
    log->refreshes++;
    return 0;
}

static int log_step(void *context, const struct step_record *record)
{
    struct log *log = context;
    log->loss[record->step] = record->loss;
    log->lr[record->step] = record->lr;
    return 0;
}

static struct training_outcome log_run(struct toy *t, enum engine engine, int64_t every, struct log *log)
{
    size_t T = (size_t)t->training.steps, moments = T / (size_t)every + 1;
    *log = (struct log){.loss = mem_alloc(T, sizeof(double), NULL), .lr = mem_alloc(T, sizeof(double), NULL),
                        .f_lin = mem_alloc(moments * N * C, sizeof(double), NULL),
                        .theta = mem_alloc(moments * t->P, sizeof(double), NULL),
                        .time = mem_alloc(moments, sizeof(double), NULL), .toy = t, .every = every};
    struct trainer_hooks hooks = {.context = log, .at_moment = log_moment, .next_moment = log_next, .before_refresh = log_refresh,
                                   .after_step = log_step};
    t->training.engine = engine;
    return toy_train(t, &hooks);
}

static void log_free(struct log *log)
{
    mem_free(log->loss);
    mem_free(log->lr);
    mem_free(log->f_lin);
    mem_free(log->theta);
    mem_free(log->time);
}

/* The largest difference over the largest value. */
static double difference(size_t n, const double *x, const double *y)
{
    double most = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(y[i]));
        worst = fmax(worst, fabs(x[i] - y[i]));
    }
    return worst / (most > 0 ? most : 1);
}

/* Trains with both engines and compares every loss, f_lin and theta at every moment, and the end. */
static void compare(struct network_spec network, struct training_spec spec, int64_t every, double tolerance)
{
    struct toy a, b;
    struct log tangent, kernel;
    toy_create(&a, network, spec);
    toy_create(&b, network, spec);
    struct training_outcome end_a = log_run(&a, ENGINE_TANGENT, every, &tangent);
    size_t before = mem_in_use();
    struct training_outcome end_b = log_run(&b, ENGINE_KERNEL, every, &kernel);
    ck_assert_int_eq(end_a.end, TRAINING_COMPLETED);
    ck_assert_int_eq(end_b.end, TRAINING_COMPLETED);
    ck_assert_int_eq(end_a.steps_done, end_b.steps_done);
    ck_assert_int_eq(tangent.refreshes, kernel.refreshes);
    ck_assert_int_eq(tangent.moments, kernel.moments);
    size_t T = (size_t)spec.steps, moments = (size_t)kernel.moments;
    ck_assert_double_le(difference(T, kernel.loss, tangent.loss), tolerance);
    ck_assert_int_eq(memcmp(kernel.lr, tangent.lr, T * sizeof(double)), 0);
    ck_assert_int_eq(memcmp(kernel.time, tangent.time, moments * sizeof(double)), 0);
    ck_assert_double_le(difference(moments * N * C, kernel.f_lin, tangent.f_lin), tolerance);
    ck_assert_double_le(difference(moments * a.P, kernel.theta, tangent.theta), tolerance);
    log_free(&kernel);
    ck_assert_uint_le(mem_in_use(), before);
    log_free(&tangent);
    toy_free(&a);
    toy_free(&b);
}

START_TEST(it_equals_the_tangent_engine_in_every_setting)
{
    for (int k = 0; k < PERIODS; k++)
        compare(architecture(_i), setting(_i, TRAINER_LINEARISED, periods[k]), 4, 2000 * REAL_EPSILON);
}
END_TEST

START_TEST(it_equals_the_tangent_engine_over_long_segments)
{
    static const double long_periods[] = {10, 100, 1000};
    for (int k = 0; k < 3; k++) {
        struct training_spec spec = setting(_i, TRAINER_LINEARISED, long_periods[k]);
        spec.steps = 1000 + 300;
        spec.lr = 0.01;
        compare(toy_network(1, ACTIVATION_TANH, PARAMETERISATION_NTK), spec, 130, 50000 * REAL_EPSILON);
    }
}
END_TEST

/* Identity 3: theta_{s+k} = theta_s - Phi_s^T alpha, alpha the sum of eta g over the steps. */
START_TEST(the_change_of_a_segment_is_in_the_span_of_the_features)
{
    struct toy t;
    struct log log;
    struct training_spec spec = setting(3, TRAINER_LINEARISED, INFINITY);   /* cross-entropy, mini-batches */
    toy_create(&t, toy_network(1, ACTIVATION_GELU, PARAMETERISATION_STANDARD), spec);
    double *J = mem_alloc(N * C * t.P, sizeof *J, NULL), *theta = mem_alloc(t.P, sizeof *theta, NULL);
    double f_s[N * C], f[N * C];
    real x[N * TOY_FEATURES], y[N * C];
    gather_inputs(&t.split, PART_TRAIN, NULL, 0, N, x);
    gather_targets(&t.split, PART_TRAIN, NULL, 0, N, y);
    toy_jacobian(t.net, t.theta_0, x, N, J, f_s);
    log_run(&t, ENGINE_KERNEL, 1, &log);
    struct batches batches;
    double alpha[N * C] = {0};
    ck_assert_int_eq(batches_create(&batches, N, spec.batch, spec.seed_batch, NULL), 0);
    for (int64_t step = 0; step < spec.steps; step++) {   /* g from the outputs that the moments showed */
        size_t n;
        const size_t *batch = batches_at(&batches, step, &n);
        for (size_t i = 0; i < n; i++) {
            const double *now = log.f_lin + (size_t)step * N * C + batch[i] * C;
            double sum = 0;
            for (size_t c = 0; c < C; c++)
                sum += exp(now[c]);
            for (size_t c = 0; c < C; c++)
                alpha[batch[i] * C + c] += training_lr(&spec, spec.lr, step) * (exp(now[c]) / sum - (double)y[batch[i] * C + c]) / (double)n;
        }
    }
    memcpy(f, f_s, sizeof f);
    for (size_t p = 0; p < t.P; p++) {
        theta[p] = (double)t.theta_0[p];
        for (size_t i = 0; i < N * C; i++)
            theta[p] -= J[i * t.P + p] * alpha[i];
    }
    ck_assert_double_le(toy_distance(t.P, t.theta, theta), 50 * REAL_EPSILON);   /* 1e-14 in double */
    for (size_t i = 0; i < N * C; i++)
        for (size_t p = 0; p < t.P; p++)
            f[i] += J[i * t.P + p] * (theta[p] - (double)t.theta_0[p]);
    ck_assert_double_le(difference(N * C, log.f_lin + (size_t)spec.steps * N * C, f), 500 * REAL_EPSILON);
    mem_free(batches.order);
    mem_free(J);
    mem_free(theta);
    log_free(&log);
    toy_free(&t);
}
END_TEST

static int64_t diverges_at(enum engine engine, int i, double lr, double period)
{
    struct toy t;
    struct training_spec spec = setting(i, TRAINER_LINEARISED, period);
    spec.loss = LOSS_HALF_MSE;
    spec.schedule = (struct schedule){.kind = SCHEDULE_CONSTANT};
    spec.lr = lr;
    spec.steps = 2000;
    spec.engine = engine;
    toy_create(&t, architecture(1), spec);
    struct training_outcome outcome = toy_train(&t, NULL);
    ck_assert_int_eq(outcome.end, TRAINING_DIVERGED);
    toy_free(&t);
    return outcome.steps_done;
}

START_TEST(divergence_is_reported_at_the_step_of_stepping)
{
    for (int period = 0; period < 2; period++)
        ck_assert_int_eq(diverges_at(ENGINE_KERNEL, _i, 9, period ? INFINITY : 700),
                         diverges_at(ENGINE_TANGENT, _i, 9, period ? INFINITY : 700));
}
END_TEST

static int stop_after_nine(void *context, const struct step_record *record)
{
    (void)context;
    return record->step == 8;
}

START_TEST(a_hook_can_stop_it_within_a_segment)
{
    struct toy a, b;
    struct training_outcome outcome;
    struct training_spec spec = setting(4, TRAINER_LINEARISED, INFINITY);
    toy_create(&a, architecture(1), spec);
    spec.steps = 9;
    spec.schedule.kind = SCHEDULE_CONSTANT;
    a.training.schedule = spec.schedule;
    toy_create(&b, architecture(1), spec);
    toy_train(&b, NULL);
    a.training.engine = ENGINE_KERNEL;
    struct trainer_hooks hooks = {.after_step = stop_after_nine};
    ck_assert_int_eq(trainer_run(&a.problem, a.theta, a.theta_s, &hooks, &outcome, NULL), 0);
    ck_assert_int_eq(outcome.end, TRAINING_STOPPED);
    ck_assert_int_eq(outcome.steps_done, 9);
    double theta[200];
    ck_assert_uint_le(a.P, 200);
    for (size_t p = 0; p < a.P; p++)
        theta[p] = (double)b.theta[p];
    ck_assert_double_le(toy_distance(a.P, a.theta, theta), 500 * REAL_EPSILON);
    toy_free(&a);
    toy_free(&b);
}
END_TEST

START_TEST(what_does_not_fit_the_machine_is_refused_before_it_starts)
{
    struct toy t;
    struct error err = {0};
    struct training_outcome outcome;
    struct training_spec spec = setting(0, TRAINER_LINEARISED, INFINITY);
    spec.engine = ENGINE_KERNEL;
    toy_create(&t, architecture(1), spec);
    t.split.count[PART_TRAIN] = 400000000;   /* no row is read: 5.8e18 bytes or more are asked for first */
    size_t before = mem_in_use();
    ck_assert_int_eq(trainer_run(&t.problem, t.theta, t.theta_s, NULL, &outcome, &err), -1);
    ck_assert_int_eq(err.code, ERROR_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.text, "training.engine: kernel: expected Theta of 400000000 training rows x 3 outputs to fit"));
    ck_assert_ptr_nonnull(strstr(err.text, sizeof(real) == 8 ? "got 1.15e+19 bytes" : "got 5.76e+18 bytes"));
    ck_assert_ptr_nonnull(strstr(err.text, "set training.engine to tangent"));
    ck_assert_uint_eq(mem_in_use(), before);
    t.split.count[PART_TRAIN] = N;
    toy_free(&t);
}
END_TEST

/* Theta e = Phi (Phi^T e) for the networks of every architecture. */
START_TEST(theta_is_that_of_every_architecture)
{
    enum { ROWS = 7 };
    const struct specimen *s = &zoo[_i];
    size_t features = image_features(s->input), side = ROWS * s->outputs;
    struct error err = {0};
    struct random r;
    float *x = mem_alloc(ROWS * features, sizeof *x, NULL);
    int32_t label[ROWS] = {0};
    size_t row[ROWS];
    random_start(&r, 5, RANDOM_SET, 0);
    for (size_t i = 0; i < ROWS * features; i++)
        x[i] = (float)random_normal(&r);
    for (size_t i = 0; i < ROWS; i++)
        row[i] = i;
    struct dataset set = {.train = {.rows = ROWS, .features = features, .x = x, .label = label},
                          .outputs = s->outputs, .task = TASK_CLASSIFICATION, .n_dims = 1, .shape = {features}};
    struct split split = {.set = &set, .channels = 1, .scale = {1}, .count = {[PART_TRAIN] = ROWS}, .row = {[PART_TRAIN] = row}};
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    struct network *net = network_create(&s->spec, s->input, s->outputs, &err);
    ck_assert_msg(net != NULL, "%s: %s", s->label, err.text);
    struct problem problem = {.net = net, .split = &split, .spec = &spec};
    real *theta = mem_alloc(net->n_parameters, sizeof *theta, NULL), *gradient = mem_alloc(net->n_parameters, sizeof *gradient, NULL);
    real *kernel = mem_alloc(side, side * sizeof *kernel, NULL), *f = mem_alloc(side, sizeof *f, NULL);
    real *e = mem_alloc(side, sizeof *e, NULL), *product = mem_alloc(side, sizeof *product, NULL);
    double *expected = mem_alloc(side, sizeof *expected, NULL);
    network_init(net, 3, theta);
    struct function_space *space = function_space_create(&problem, NULL);
    function_space_move(space, theta);
    for (size_t budget = 0; budget < 2; budget++) {   /* all rows at once, and one by one */
        toy_normal(&r, side, e);
        function_space_vjp(space, e, gradient);
        function_space_jvp(space, gradient, product);
        for (size_t i = 0; i < side; i++)
            expected[i] = (double)product[i];
        ck_assert_int_eq(theta_form(&problem, theta, budget, kernel, f, NULL), 0);
        blas_gemv(false, side, side, 1, kernel, side, e, 0, product);
        double error = toy_distance(side, product, expected);
        ck_assert_msg(error <= 500 * REAL_EPSILON, "%s: %g", s->label, error);
    }
    function_space_destroy(space);
    network_destroy(net);
    void *const blocks[] = {x, theta, gradient, kernel, f, e, product, expected};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
}
END_TEST

/* budget: a few rows a block, down to one. */
START_TEST(theta_is_the_product_of_the_jacobian_with_itself)
{
    static const size_t budgets[] = {0, 1, 9000, 30000};
    struct toy t;
    struct training_spec spec = setting(0, TRAINER_LINEARISED, INFINITY);
    toy_create(&t, architecture(_i % 8), spec);
    struct layer_ops plain = layer_dense;
    plain.ntk = NULL;
    for (size_t i = 0; _i >= 8 && i < t.net->n_layers; i += 4)   /* every other dense layer, by its gradients */
        t.net->layers[i].ops = &plain;
    double *J = mem_alloc(N * C * t.P, sizeof *J, NULL), *expected = mem_alloc(N * C, N * C * sizeof *expected, NULL);
    double outputs[N * C];
    real *kernel = mem_alloc(N * C, N * C * sizeof *kernel, NULL), f[N * C], x[N * TOY_FEATURES];
    gather_inputs(&t.split, PART_TRAIN, NULL, 0, N, x);
    toy_jacobian(t.net, t.theta_0, x, N, J, outputs);
    for (size_t i = 0; i < N * C; i++)
        for (size_t j = 0; j < N * C; j++)
            for (size_t p = 0; p < t.P; p++)
                expected[i * N * C + j] += J[i * t.P + p] * J[j * t.P + p];
    for (size_t b = 0; b < 4; b++) {
        ck_assert_int_eq(theta_form(&t.problem, t.theta_0, budgets[b], kernel, f, NULL), 0);
        ck_assert_double_le(toy_distance(N * C * N * C, kernel, expected), 20 * REAL_EPSILON);
        ck_assert_double_le(toy_distance(N * C, f, outputs), 20 * REAL_EPSILON);
        for (size_t i = 0; i < N * C; i++)
            for (size_t j = 0; j < i; j++)
                ck_assert(kernel[i * N * C + j] == kernel[j * N * C + i]);
    }
    mem_free(J);
    mem_free(expected);
    mem_free(kernel);
    toy_free(&t);
}
END_TEST

START_TEST(an_engine_that_cannot_is_refused)
{
    struct toy t;
    struct error err = {0};
    struct training_outcome outcome;
    struct training_spec spec = setting(0, TRAINER_LINEARISED, INFINITY);
    spec.engine = ENGINE_KERNEL;
    spec.augmented = true;
    toy_create(&t, architecture(1), spec);
    ck_assert_int_eq(trainer_run(&t.problem, t.theta, t.theta_s, NULL, &outcome, &err), -1);
    ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "training.engine: function space has one row for each training input"));
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, theta_is_that_of_every_architecture, 0, (int)(sizeof zoo / sizeof *zoo));
    tcase_add_loop_test(tests, theta_is_the_product_of_the_jacobian_with_itself, 0, 16);
    tcase_add_loop_test(tests, it_equals_the_tangent_engine_in_every_setting, 0, SETTINGS);
    tcase_add_loop_test(tests, it_equals_the_tangent_engine_over_long_segments, 0, 16);
    tcase_add_test(tests, the_change_of_a_segment_is_in_the_span_of_the_features);
    tcase_add_loop_test(tests, divergence_is_reported_at_the_step_of_stepping, 0, 16);
    tcase_add_test(tests, a_hook_can_stop_it_within_a_segment);
    tcase_add_test(tests, an_engine_that_cannot_is_refused);
    tcase_add_test(tests, what_does_not_fit_the_machine_is_refused_before_it_starts);
}

UNIT_MAIN("the kernel engine", add)
