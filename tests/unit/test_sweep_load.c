#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "sweep/sweep.h"
#include "unit.h"

/* A sweep that is right, but for what a test puts in place of its sections. */
#define DATA "data: {set: sprites, train: 100, validation: 50, test: 50}\n"
#define NETS "architectures: {a: {widths: [8]}, b: {widths: [8, 4], activation: tanh}}\n"
#define TRAINING "training: {steps: 100, lr: 0.1}\n"
#define BEGIN DATA NETS TRAINING

static char path[] = "/tmp/relin_test_sweep_XXXXXX";

static int load(struct sweep *sweep, const char *text, const char *const *overrides, size_t n, struct error *err)
{
    snprintf(path, sizeof path, "/tmp/relin_test_sweep_XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    int status = sweep_load(sweep, path, overrides, n, err);
    unlink(path);
    return status;
}

static void load_right(struct sweep *sweep, const char *text)
{
    struct error err = {0};
    int status = load(sweep, text, NULL, 0, &err);
    ck_assert_msg(status == 0, "%s\n%s", err.text, text);
}

static void load_overridden(struct sweep *sweep, const char *text, const char *override)
{
    struct error err = {0};
    int status = load(sweep, text, &override, 1, &err);
    ck_assert_msg(status == 0, "%s\n%s", err.text, text);
}

/* Where the mistake is, and words that the message must have, with | between. */
static const struct { const char *text, *place, *words; } mistakes[] = {
    {NETS TRAINING "grid: {architecture: a}\ndata: {sett: sprites}\n", ":4:8: ", "data.sett|known key|did you mean|set"},
    {NETS TRAINING "grid: {architecture: a}\ndata: {set: sprites, train: -1}\n", ":4:29: ", "data.train|whole number|-1"},
    {NETS TRAINING "grid: {architecture: a}\ndata: {set: sprites, train: many}\n", ":4:29: ", "data.train|many"},
    {NETS TRAINING "grid: {architecture: a}\ndata: {set: sprites, train: 1.5}\n", ":4:29: ", "data.train|1.5"},
    {NETS TRAINING "grid: {architecture: a}\ndata: {set: sprites, task: guess}\n", ":4:28: ", "data.task|classification|got guess"},
    {NETS TRAINING "grid: {architecture: a}\ndata: {train: 10}\n", ":", "data.set|expected"},
    {NETS TRAINING "grid: {architecture: a}\ndata: {set: mnist, inputs: 3}\n", ":3:", "data.inputs|only with data.set teacher|got data.set mnist"},
    {DATA TRAINING "architectures: {a: {widths: [0]}}\n", ":3:", "architectures.a.widths|got 0"},
    {DATA TRAINING "architectures: {a: {widths: [8], activation: rellu}}\n", ":3:46: ", "activation|tanh|got rellu|did you mean relu?"},
    {DATA TRAINING "architectures: {a: {widths: [8], bias: perhaps}}\n", ":3:40: ", "bias|true|perhaps"},
    {DATA TRAINING "architectures: {a: {type: cnm, widths: [8]}}\n", ":3:27: ", "type|mlp|got cnm|did you mean cnn?"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 0}\n", ":4:27: ", "training.lr|> 0|got 0"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: {of_limits: 1}}\n", ":4:2", "training.lr|of_limit"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10}\n", ":", "training.lr|expected"},
    {DATA NETS "grid: {architecture: a}\ntraining: {lr: 1}\n", ":", "steps|expected"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, momentum: 1}\n", ":4:40: ", "training.momentum|got 1"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, schedule: {cosin: {final: 0}}}\n", ":4:", "training.schedule|cosin"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, engine: kernels}\n", ":4:38: ", "training.engine|tangent|kernels"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, trainer: gauss-netwon}\n", ":4:39: ", "training.trainer|linearised|gauss-newton|gauss-netwon"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, damping: -1}\n", ":4:39: ", "training.damping|tied|>= 0|got -1"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, refresh: {lag: 4}}\n", ":4:39: ", "training.refresh|expected"},
    {DATA NETS "grid: {architecture: a}\ntraining: {steps: 10, lr: 1, lr: 2}\n", ":4:30: ", "lr"},
    {BEGIN "grid: {architecture: [a, c]}\n", ":4:26: ", "c|expected"},
    {BEGIN "grid: {architecture: a, refresh_period: [1, 0]}\n", ":4:45: ", "refresh_period|whole number >= 1 or inf|got 0"},
    {BEGIN "grid: {architecture: a, sed: 0..3}\n", ":4:25: ", "sed|did you mean seed"},
    {BEGIN "grid: {architecture: a, seed: 5..1}\n", ":4:31: ", "seed|range|5..1"},
    {BEGIN "grid: {architecture: a, seed: []}\n", ":4:", "seed|got"},
    {BEGIN "grid: {zip: {architecture: [a, b], seed: 0..2}}\n", ":4:", "zip"},
    {BEGIN "grid: {architecture: a, seed: 0..2, exclude: {seed: 0..2}}\n", ":", "expected"},
    {BEGIN "grid: {architecture: a, exclude: {sed: 1}}\n", ":4:", "exclude|sed"},
    {BEGIN "grid: 3\n", ":4:", "grid"},
    {BEGIN "grid: {architecture: a}\nlimits: {job_wall: 2x}\n", ":5:20: ", "limits.job_wall|2x"},
    {BEGIN "grid: {architecture: a}\nlimits: {attempts: 0}\n", ":5:20: ", "limits.attempts|got 0"},
    {BEGIN "grid: {architecture: a}\nkernel: {probe: 3}\n", ":5:1: ", "kernel|did you mean kernels"},
    {BEGIN "grid: {architecture: a\n", ":", "expected|got"},
    {"", ":", "expected"},
    {"- 1\n", ":", "expected"},
};

START_TEST(every_mistake_is_reported_at_its_place_with_what_was_expected)
{
    struct sweep sweep;
    struct error err = {0};
    int status = load(&sweep, mistakes[_i].text, NULL, 0, &err);
    ck_assert_msg(status == -1 && err.code == ERROR_SWEEP, "no mistake found in\n%s", mistakes[_i].text);
    ck_assert_msg(strstr(err.text, mistakes[_i].place) != NULL, "not at %s: %s", mistakes[_i].place, err.text);
    char words[256];
    snprintf(words, sizeof words, "%s", mistakes[_i].words);
    for (char *rest, *word = strtok_r(words, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
        ck_assert_msg(strstr(err.text, word) != NULL, "'%s' is not in: %s", word, err.text);
    sweep_free(&sweep);
}
END_TEST

START_TEST(all_mistakes_are_reported_at_once_in_the_order_of_the_file)
{
    struct sweep sweep;
    struct error err = {0};
    ck_assert_int_eq(load(&sweep, DATA NETS "grid: {architecture: a, seed: x}\ntraining: {steps: 10, lr: -1, momentum: 2}\n",
                          NULL, 0, &err), -1);
    const char *seed = strstr(err.text, "seed: "), *lr = strstr(err.text, "training.lr: ");
    const char *momentum = strstr(err.text, "training.momentum: ");
    ck_assert_msg(seed && lr && momentum && seed < lr && lr < momentum, "%s", err.text);
    sweep_free(&sweep);
}
END_TEST

START_TEST(cells_come_in_the_order_of_the_file_with_the_last_axis_fastest)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: [a, b], refresh_period: [1, inf], seed: 0..2}\n");
    ck_assert_uint_eq(sweep.n_jobs, 12);
    ck_assert_uint_eq(sweep.n_axes, 0);
    for (size_t i = 0; i < 12; i++) {
        ck_assert_int_eq(sweep.jobs[i].seed, (int64_t)(i % 3));
        ck_assert_str_eq(sweep.jobs[i].network->name, i < 6 ? "a" : "b");
        ck_assert(i / 3 % 2 ? isinf(sweep.jobs[i].training.refresh_period) : sweep.jobs[i].training.refresh_period == 1);
        ck_assert_int_eq(sweep.jobs[i].training.trainer, i / 3 % 2 ? TRAINER_LINEARISED : TRAINER_STANDARD);
        ck_assert_uint_eq(sweep.jobs[i].training.seed_batch, i % 3);
    }
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_log_range_is_rounded_and_without_repetition_for_whole_numbers)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: a, refresh_period: 1..4 log 9}\n");
    ck_assert_uint_eq(sweep.n_jobs, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(sweep.jobs[i].training.refresh_period, (double)(i + 1));
    sweep_free(&sweep);
    load_right(&sweep, BEGIN "grid: {architecture: a, training.lr: 0.01..1 log 3}\n");
    ck_assert_uint_eq(sweep.n_jobs, 3);
    ck_assert_double_eq_tol(sweep.jobs[1].training.lr, 0.1, 1e-12);
    ck_assert_double_eq(sweep.jobs[2].training.lr, 1);
    sweep_free(&sweep);
}
END_TEST

START_TEST(zipped_axes_advance_together)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {zip: {architecture: [a, b], data.train: [30, 60]}, seed: 0..1}\n");
    ck_assert_uint_eq(sweep.n_jobs, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(sweep.jobs[i].network->name, i < 2 ? "a" : "b");
        ck_assert_int_eq(sweep.jobs[i].data.train, i < 2 ? 30 : 60);
    }
    ck_assert_uint_eq(sweep.n_axes, 1);
    ck_assert_str_eq(sweep.axes[0].column, "data_train");
    ck_assert(sweep.axes[0].numeric && sweep.axes[0].integral);
    ck_assert_double_eq(sweep.axes[0].number[3], 60);
    sweep_free(&sweep);
}
END_TEST

START_TEST(patterns_keep_and_drop_cells)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: [a, b], seed: 0..3, exclude: {architecture: a, seed: [1, 2]}}\n");
    ck_assert_uint_eq(sweep.n_jobs, 6);
    sweep_free(&sweep);
    load_right(&sweep, BEGIN "grid: {architecture: [a, b], seed: 0..3, include: [{architecture: b}, {seed: 0}]}\n");
    ck_assert_uint_eq(sweep.n_jobs, 5);
    sweep_free(&sweep);
}
END_TEST

START_TEST(joined_grids_run_a_job_once)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: [{architecture: a, seed: 0..3}, {architecture: [a, b], seed: 2..5}]\n");
    ck_assert_uint_eq(sweep.n_jobs, 10);
    ck_assert_uint_eq(sweep.n_duplicates, 2);
    for (size_t i = 0; i < 10; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(sweep.jobs[i].id, sweep.jobs[k].id);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_period_beyond_the_last_step_is_never)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: a, refresh_period: [99, 100, 1000, .inf]}\n");
    ck_assert_uint_eq(sweep.n_jobs, 2);
    ck_assert_double_eq(sweep.jobs[0].training.refresh_period, 99);
    ck_assert(isinf(sweep.jobs[1].training.refresh_period));
    ck_assert_uint_eq(sweep.n_duplicates, 2);
    sweep_free(&sweep);
}
END_TEST

START_TEST(two_of_steps_period_and_updates_give_the_third)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: a, feature_updates: [0, 3, 99]}\n");
    ck_assert_uint_eq(sweep.n_jobs, 3);
    ck_assert(isinf(sweep.jobs[0].training.refresh_period));
    ck_assert_double_eq(sweep.jobs[1].training.refresh_period, 25);
    ck_assert_double_eq(sweep.jobs[2].training.refresh_period, 1);
    ck_assert_uint_eq(sweep.n_axes, 0);   /* a column of the file anyway */
    sweep_free(&sweep);
    load_right(&sweep, DATA NETS "training: {lr: 1, refresh_period: 7, feature_updates: 3}\ngrid: {architecture: a}\n");
    ck_assert_int_eq(sweep.jobs[0].training.steps, 28);
    ck_assert_double_eq(training_feature_updates(&sweep.jobs[0].training), 3);
    sweep_free(&sweep);
}
END_TEST

START_TEST(overrides_replace_values_and_axes)
{
    struct sweep sweep;
    load_overridden(&sweep, BEGIN "grid: {architecture: a, seed: 0..9}\n", "grid.seed=0..2");
    ck_assert_uint_eq(sweep.n_jobs, 3);
    ck_assert_ptr_nonnull(strstr(sweep.text, "grid.seed=0..2"));
    sweep_free(&sweep);
    load_overridden(&sweep, BEGIN "grid: {architecture: a}\n", "training.lr={of_limit: 0.5}");
    ck_assert(sweep.jobs[0].training.lr_of_limit);
    ck_assert_double_eq(sweep.jobs[0].training.lr, 0.5);
    sweep_free(&sweep);
    load_overridden(&sweep, BEGIN "grid: {architecture: a}\n", "architectures.a.widths=[5, 6]");
    ck_assert_uint_eq(sweep.jobs[0].network->n_widths, 2);
    ck_assert_int_eq(sweep.jobs[0].network->widths[1], 6);
    sweep_free(&sweep);
    load_overridden(&sweep, BEGIN "grid: {architecture: a}\n", "grid.data.train=[10, 20]");
    ck_assert_uint_eq(sweep.n_jobs, 2);
    sweep_free(&sweep);
}
END_TEST

START_TEST(an_override_of_what_is_an_axis_is_refused)
{
    struct sweep sweep;
    struct error err = {0};
    const char *override = "training.lr=3";
    ck_assert_int_eq(load(&sweep, BEGIN "grid: {architecture: a, training.lr: [1, 2]}\n", &override, 1, &err), -1);
    ck_assert_msg(strstr(err.text, "grid.training.lr") != NULL, "%s", err.text);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_job_reads_back_from_its_text)
{
    struct sweep sweep;
    load_right(&sweep, DATA NETS "training: {steps: 100, momentum: 0.9, batch: 10, precision: double, seeds: {init: 7}}\n"
               "grid:\n  architecture: [a, b]\n  refresh_period: [1, 7, inf]\n  seed: [0, 3]\n"
               "  training.lr: [0.1, {of_limit: 0.3}]\n  training.schedule: [constant, {cosine: {final: 0.1}, warmup: 5}]\n");
    ck_assert_uint_eq(sweep.n_jobs, 48);
    for (size_t i = 0; i < sweep.n_jobs; i++) {
        struct job job;
        struct error err = {0};
        ck_assert_msg(job_parse(&job, sweep.jobs[i].text, &err) == 0, "%s", err.text);
        ck_assert_str_eq(job.id, sweep.jobs[i].id);
        ck_assert_str_eq(job.text, sweep.jobs[i].text);
        ck_assert_int_eq(job.training.lr_of_limit, sweep.jobs[i].training.lr_of_limit);
        ck_assert_int_eq(job.training.schedule.warmup, sweep.jobs[i].training.schedule.warmup);
        ck_assert_uint_eq(job.training.seed_init, 7);
        ck_assert_int_eq(job.seed, sweep.jobs[i].seed);
        job_free(&job);
    }
    sweep_free(&sweep);
}
END_TEST

START_TEST(saying_a_default_does_not_change_a_job_and_another_value_does)
{
    static const char *const same[] = {"training: {steps: 100, lr: 0.1}\n",
                                       "training: {lr: 0.1, steps: 100, momentum: 0, batch: full, engine: auto}\n"};
    static const char *const other[] = {"training: {steps: 101, lr: 0.1}\n", "training: {steps: 100, lr: 0.2}\n",
                                        "training: {steps: 100, lr: {of_limit: 0.1}}\n",
                                        "training: {steps: 100, lr: 0.1, threads: 2}\n",
                                        "training: {steps: 100, lr: 0.1, seeds: {batch: 1}}\n",
                                        "training: {steps: 100, lr: 0.1}\nkernels: {probe: 3}\n"};
    char text[1024], id[HASH_HEX_SIZE];
    struct sweep sweep;
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s%sgrid: {architecture: a}\n", DATA NETS, same[i]);
        load_right(&sweep, text);
        if (i)
            ck_assert_str_eq(sweep.jobs[0].id, id);
        memcpy(id, sweep.jobs[0].id, sizeof id);
        sweep_free(&sweep);
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        snprintf(text, sizeof text, "%s%sgrid: {architecture: a}\n", DATA NETS, other[i]);
        load_right(&sweep, text);
        ck_assert_msg(strcmp(sweep.jobs[0].id, id) != 0, "same id with %s", other[i]);
        sweep_free(&sweep);
    }
}
END_TEST

/* Neither a crash nor silence: each damaged text is read, or refused with a reason. */
START_TEST(a_damaged_file_is_read_or_refused)
{
    static const char whole[] = BEGIN "grid: {architecture: [a, b], refresh_period: 1..10 log 3, seed: 0..1}\n";
    static const char marks[] = "{}[]:,'\"-&*!|>%@#\n ?\t.0a";
    char text[sizeof whole];
    for (size_t i = 0; i + 1 < sizeof whole; i += 3) {
        struct sweep sweep;
        struct error err = {0};
        memcpy(text, whole, sizeof whole);
        text[i] = marks[i / 3 % (sizeof marks - 1)];
        if (load(&sweep, text, NULL, 0, &err) != 0)
            ck_assert_msg(err.text[0] != 0 && err.code == ERROR_SWEEP, "no reason for\n%s", text);
        else
            ck_assert_uint_gt(sweep.n_jobs, 0);
        sweep_free(&sweep);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_mistake_is_reported_at_its_place_with_what_was_expected, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    tcase_add_test(tests, all_mistakes_are_reported_at_once_in_the_order_of_the_file);
    tcase_add_test(tests, cells_come_in_the_order_of_the_file_with_the_last_axis_fastest);
    tcase_add_test(tests, a_log_range_is_rounded_and_without_repetition_for_whole_numbers);
    tcase_add_test(tests, zipped_axes_advance_together);
    tcase_add_test(tests, patterns_keep_and_drop_cells);
    tcase_add_test(tests, joined_grids_run_a_job_once);
    tcase_add_test(tests, a_period_beyond_the_last_step_is_never);
    tcase_add_test(tests, two_of_steps_period_and_updates_give_the_third);
    tcase_add_test(tests, overrides_replace_values_and_axes);
    tcase_add_test(tests, an_override_of_what_is_an_axis_is_refused);
    tcase_add_test(tests, a_job_reads_back_from_its_text);
    tcase_add_test(tests, saying_a_default_does_not_change_a_job_and_another_value_does);
    tcase_add_test(tests, a_damaged_file_is_read_or_refused);
}

UNIT_MAIN("sweep files", add_tests)
