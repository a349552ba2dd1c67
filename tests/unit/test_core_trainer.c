/* What the trainers do, and that the linearised one at K = 1 is SGD (identity 1). */
#include "nn/cost.h"
#include "toy_settings.h"

enum { N = TOY_TRAIN, C = TOY_OUTPUTS };

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
    struct trainer_hooks hooks = {.context = w, .at_moment = watch_moment, .before_refresh = watch_refresh, .after_step = watch_step};
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

static double change(struct toy *t, struct training_spec spec)
{
    t->training = spec;
    toy_train(t, NULL);
    double sum = 0;
    for (size_t p = 0; p < t->P; p++)
        sum += fabs((double)t->theta[p] - (double)t->theta_0[p]);
    return sum;
}

START_TEST(momentum_reset_at_every_step_is_no_momentum_and_kept_is_something_else)
{
    struct toy t;
    struct training_spec none = toy_training((enum trainer_kind)_i, 1), reset = none, kept;
    reset.momentum = 0.8;
    reset.momentum_at_refresh = MOMENTUM_RESET;
    kept = reset;
    kept.momentum_at_refresh = MOMENTUM_KEEP;
    toy_create(&t, architecture(1), none);
    double without = change(&t, none);
    ck_assert_double_eq(change(&t, reset), without);
    ck_assert_double_gt(change(&t, kept), 1.1 * without);
    toy_free(&t);
}
END_TEST

START_TEST(curve_time_is_the_sum_of_the_rates_so_far)
{
    struct toy t;
    struct watch w = {0};
    double sum = 0;
    toy_create(&t, architecture(1), setting(_i, TRAINER_LINEARISED, 3));
    watched(&t, &w);
    for (int64_t step = 0; step < t.training.steps; step++)
        sum += training_lr(&t.training, t.training.lr, step);
    ck_assert_double_eq_tol(w.curve.time, sum, 1e-12);
    toy_free(&t);
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

/* 75 rows, some of them several times; batches of 40, or full. */
static void create_large(struct toy *t, int i, enum trainer_kind trainer, size_t budget)
{
    enum { ROWS = 75 };
    struct training_spec spec = setting(i, trainer, trainer == TRAINER_STANDARD ? 1 : 5);
    spec.batch = spec.batch == BATCH_FULL ? BATCH_FULL : 40;
    if (i % 3 == 0 && trainer == TRAINER_LINEARISED)
        spec.refresh = (struct refresh_schedule){.kind = REFRESH_GAP, .every = 2, .gap = 0.02};
    toy_create(t, architecture(i), spec);
    mem_free(t->split.row[PART_TRAIN]);
    t->split.row[PART_TRAIN] = mem_alloc(ROWS, sizeof(size_t), NULL);
    for (size_t row = 0; row < ROWS; row++)
        t->split.row[PART_TRAIN][row] = row * 5 % (TOY_TRAIN + 4);
    t->split.count[PART_TRAIN] = ROWS;
    t->problem.tape_budget = budget;
}

/* With no budget at all, blocks have the least of rows there is: 32 + 32 + 11, and 32 + 8. */
START_TEST(a_batch_whose_activations_do_not_fit_is_stepped_in_blocks_to_the_same_end)
{
    struct toy whole, blocks;
    struct watch a = {0}, b = {0};
    double expected[200];
    enum trainer_kind trainer = _i & 64 ? TRAINER_LINEARISED : TRAINER_STANDARD;
    create_large(&whole, _i, trainer, 0);
    create_large(&blocks, _i, trainer, 1);
    ck_assert_uint_le(whole.P, sizeof expected / sizeof *expected);
    watched(&whole, &a);
    watched(&blocks, &b);
    ck_assert_int_eq(a.curve.refreshes, b.curve.refreshes);
    ck_assert_mem_eq(a.curve.refresh_at, b.curve.refresh_at, sizeof a.curve.refresh_at);
    for (size_t p = 0; p < whole.P; p++)
        expected[p] = (double)whole.theta[p];
    ck_assert_double_le(toy_distance(whole.P, blocks.theta, expected), sizeof(real) == 4 ? 2e-5 : 1e-13);
    for (int s = 0; s < a.curve.steps; s++)
        ck_assert_double_eq_tol(a.curve.loss[s], b.curve.loss[s], sizeof(real) == 4 ? 2e-5 : 1e-13);
    toy_free(&whole);
    toy_free(&blocks);
}
END_TEST

START_TEST(blocks_take_less_memory_than_the_batch)
{
    size_t peak[2];
    for (int i = 0; i < 2; i++) {
        struct toy t;
        create_large(&t, 65, TRAINER_LINEARISED, i == 0 ? 0 : 1);
        size_t before = mem_in_use();
        mem_reset_peak();
        toy_train(&t, NULL);
        peak[i] = mem_peak() - before;
        toy_free(&t);
    }
    ck_assert_uint_le(4 * peak[1], 3 * peak[0]);
}
END_TEST

START_TEST(a_block_has_all_rows_that_fit_and_never_under_32)
{
    ck_assert_uint_eq(block_rows(100, 256, 25600), 256);
    ck_assert_uint_eq(block_rows(100, 1000000, 25600), 256);
    ck_assert_uint_eq(block_rows(100, 256, 25599), 255);
    ck_assert_uint_eq(block_rows(100, 256, 10), 32);
    ck_assert_uint_eq(block_rows(100, 7, 10), 7);
    ck_assert_uint_eq(block_rows(1e30, 1000, SIZE_MAX), 32);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_batch_whose_activations_do_not_fit_is_stepped_in_blocks_to_the_same_end, 0, 128);
    tcase_add_test(tests, blocks_take_less_memory_than_the_batch);
    tcase_add_test(tests, a_block_has_all_rows_that_fit_and_never_under_32);
    tcase_add_loop_test(tests, the_linearised_trainer_at_K_1_is_SGD_bit_for_bit, 0, SETTINGS);
    tcase_add_loop_test(tests, refreshes_come_at_multiples_of_K_and_never_at_the_end, 0, 4);
    tcase_add_loop_test(tests, a_period_of_T_or_more_equals_never, 0, 8);
    tcase_add_loop_test(tests, momentum_reset_at_every_step_is_no_momentum_and_kept_is_something_else, 0, 2);
    tcase_add_loop_test(tests, curve_time_is_the_sum_of_the_rates_so_far, 0, 6);
    tcase_add_test(tests, batches_are_the_same_for_every_K_and_visit_each_row_once_an_epoch);
    tcase_add_loop_test(tests, a_loss_that_is_not_finite_ends_the_run_as_diverged, 0, 2);
    tcase_add_test(tests, a_hook_can_stop_the_run_quietly_or_as_an_error);
    tcase_add_test(tests, a_centred_model_starts_from_the_zero_function);
    tcase_add_test(tests, no_steps_leave_the_parameters_as_they_were);
    tcase_add_test(tests, a_run_gives_back_all_memory_and_holds_no_more_than_it_says);
}

UNIT_MAIN("trainer", add)
