/* The filter engine against the tangent engine, which steps, and against closed forms. */
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
enum { FILTER_SETTINGS = 60 };

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
        toy_create(&t, architecture(_i), filter_setting(_i, filter_periods[k]));
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
        }
        mem_free(stepped.theta);
        mem_free(filtered.theta);
        toy_free(&t);
    }
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, it_is_where_stepping_is_at_every_moment, 0, FILTER_SETTINGS);
}

UNIT_MAIN("filter", add)
