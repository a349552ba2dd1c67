/* Refresh schedules and engines in sweep files: what is read, what is refused in which words, and which are one job. */
#include <math.h>

#include "base/text.h"
#include "sweep_text.h"

#define FORMS "a period (a whole number >= 1, or inf), {at: [steps]}, {log: n}, {first: m, every: k} or {gap: x, check: n}"

/* @ stands for the file. */
static const struct { const char *text, *override, *message; } refused[] = {
    {DATA NETS "training: {lr: 1, steps: 10, feature_updates: 12}\n", NULL,
     "@:1:1: training.feature_updates: expected a number that a constant period gives in 10 steps, got 12: nearest is 9 (refresh_period 1); or set training.steps to a multiple of 13"},
    {DATA NETS "training: {lr: 1, steps: 0}\ngrid: {architecture: a, feature_updates: [0, 2]}\n", NULL,
     "@:4:7: training.feature_updates: expected a number that a constant period gives in 0 steps, got 2: nearest is 0 (refresh_period 1); or set training.steps to a multiple of 3"},
    {DATA NETS "training: {lr: 1, steps: 10}\ngrid: {architecture: a, training.steps: [12, 10], feature_updates: [5]}\n", NULL,
     "@:4:7: training.feature_updates: expected a number that a constant period gives in 10 steps, got 5: nearest are 4 (refresh_period 2) and 9 (refresh_period 1); or set training.steps to a multiple of 6"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh_period: 2, refresh: {log: 3}}\n", NULL,
     "@:1:1: training.refresh: expected in place of refresh_period, got both: remove one"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: 2}\ngrid: {architecture: a, refresh_period: [1, 2]}\n", NULL,
     "@:4:7: training.refresh: expected in place of refresh_period, got both: remove one"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {log: 3}, feature_updates: 3}\n", NULL,
     "@:1:1: training.refresh: expected in place of feature_updates, got both: remove one"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {log: 3, every: 2}}\n", NULL,
     "@:3:39: training.refresh: expected " FORMS ", got {log: 3, every: 2}"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {frist: 3}}\n", NULL,
     "@:3:39: training.refresh: expected " FORMS ", got {frist: 3}"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {log: 3, gap: 2}}\n", NULL,
     "@:3:39: training.refresh: expected " FORMS ", got {log: 3, gap: 2}"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: 0}\n", NULL,
     "@:3:39: training.refresh: expected " FORMS ", got 0"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: [1, 2]}\n", NULL,
     "@:3:39: training.refresh: expected " FORMS ", got [1, 2]"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {log: x}}\n", NULL,
     "@:3:45: training.refresh: expected log: a whole number from 0 to 1e+12, got x"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {first: 2}}\n", NULL,
     "@:3:39: training.refresh: expected every: a whole number from 1 to 1e+12, got {first: 2}"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {first: 2, every: 0}}\n", NULL,
     "@:3:57: training.refresh: expected every: a whole number from 1 to 1e+12, got 0"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {at: 3}}\n", NULL,
     "@:3:44: training.refresh: expected at: a list of at most 64 steps, such as [100, 300, 1000], got 3"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {at: [3, 3]}}\n", NULL,
     "@:3:48: training.refresh: expected at: whole numbers >= 1 that increase, got 3"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {at: [0]}}\n", NULL,
     "@:3:45: training.refresh: expected at: whole numbers >= 1 that increase, got 0"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {gap: 0}}\n", NULL,
     "@:3:45: training.refresh: expected gap: a number > 0, at most 1e9, got 0"},
    {DATA NETS "training: {lr: 1, steps: 10, refresh: {gap: 0.1, check: 0.5}}\n", NULL,
     "@:3:57: training.refresh: expected check: a whole number from 1 to 1e+12, got 0.5"},
};

START_TEST(a_mistake_is_reported_in_these_words)
{
    struct sweep sweep;
    struct error err = {0};
    struct text wanted = {0};
    char path[64];
    const char *text = refused[_i].text;
    ck_assert_msg(load_bytes(&sweep, text, strlen(text), refused[_i].override, path, &err) == -1, "not refused:\n%s", text);
    for (const char *c = refused[_i].message; *c; c++)
        text_add(&wanted, *c == '@' ? "%s" : "%.1s", *c == '@' ? path : c);
    ck_assert_str_eq(err.text, wanted.chars);
    text_free(&wanted);
    sweep_free(&sweep);
}
END_TEST

/* as written, its label, whether feature_updates is what it counts */
static const struct { const char *refresh, *label; double updates; } written[] = {
    {"{at: [3, 50, 99]}", "at=3,50,99", 3}, {"{at: [3, 50, 100, 200]}", "at=3,50", 2}, {"{log: 10}", "log=10", 10},
    {"{first: 3, every: 20}", "first=3/20", 3}, {"{gap: 0.1}", "gap=0.1", NAN},
    {"{gap: 0.05, check: 10}", "gap=0.05/10", NAN}, {"7", "constant", 14}, {"inf", "constant", 0},
};

START_TEST(a_refresh_schedule_reads_back_from_the_text_of_its_job)
{
    struct sweep sweep;
    struct text text = {0}, label = {0};
    struct job job;
    struct error err = {0};
    text_add(&text, BEGIN "grid: {architecture: a, refresh: [%s]}\n", written[_i].refresh);
    load_right(&sweep, text.chars, NULL);
    ck_assert_uint_eq(sweep.n_axes, 0);   /* the file has the column schedule anyway */
    ck_assert_msg(job_parse(&job, sweep.jobs[0].text, &err) == 0, "%s", err.text);
    ck_assert_str_eq(job.id, sweep.jobs[0].id);
    ck_assert_str_eq(job.text, sweep.jobs[0].text);
    ck_assert_mem_eq(&job.training.refresh, &sweep.jobs[0].training.refresh, sizeof job.training.refresh);
    ck_assert(job.training.refresh_period == sweep.jobs[0].training.refresh_period);
    training_refresh_label(&job.training, &label);
    ck_assert_str_eq(label.chars, written[_i].label);
    double updates = training_feature_updates(&job.training);
    ck_assert(updates == written[_i].updates || (isnan(updates) && isnan(written[_i].updates)));
    job_free(&job);
    text_free(&text);
    text_free(&label);
    sweep_free(&sweep);
}
END_TEST

/* T = 100. Two ways to write one schedule are one job. */
static const char *const same_schedule[][2] = {
    {"refresh_period: 10", "refresh: 10"}, {"refresh_period: inf", "refresh: {log: 0}"},
    {"refresh_period: inf", "refresh: {at: []}"}, {"refresh_period: inf", "refresh: {at: [100, 300]}"},
    {"refresh_period: 10", "refresh: {first: 9, every: 10}"}, {"refresh_period: 10", "refresh: {first: 1000, every: 10}"},
    {"refresh_period: inf", "refresh: {first: 0, every: 10}"}, {"refresh_period: 1", "refresh: {log: 99}"},
    {"refresh_period: 1", "refresh: {first: 99, every: 1}"}, {"feature_updates: 3", "refresh: {first: 3, every: 25}"},
    {"refresh: {at: [50, 60]}", "refresh: {at: [50, 60, 170]}"}, {"refresh: {gap: 0.1}", "refresh: {gap: 1e-1, check: 1}"},
    {"refresh_period: inf", "refresh: {gap: 0.1, check: 100}"},
};

START_TEST(schedules_that_refresh_at_the_same_steps_are_one_job)
{
    struct sweep sweep;
    struct text text = {0};
    text_add(&text, BEGIN "grid: [{architecture: a, %s}, {architecture: a, %s}]\n", same_schedule[_i][0], same_schedule[_i][1]);
    load_right(&sweep, text.chars, NULL);
    ck_assert_uint_eq(sweep.n_jobs, 1);
    ck_assert_uint_eq(sweep.n_duplicates, 1);
    text_free(&text);
    sweep_free(&sweep);
}
END_TEST

START_TEST(feature_updates_are_an_axis_beside_steps)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: a, training.steps: [100, 1000, 5000], feature_updates: [0, 1, 3, 9, 19]}\n", NULL);
    ck_assert_uint_eq(sweep.n_jobs, 15);
    for (size_t i = 0; i < 15; i++) {
        const double updates[] = {0, 1, 3, 9, 19};
        const struct training_spec *t = &sweep.jobs[i].training;
        ck_assert_double_eq(training_feature_updates(t), updates[i % 5]);
        ck_assert(isinf(t->refresh_period) || t->refresh_period * (updates[i % 5] + 1) == (double)t->steps);
    }
    sweep_free(&sweep);
    load_right(&sweep, BEGIN "grid: {architecture: a, training.steps: [10000], feature_updates: [1, 3, 10, 30]}\n", NULL);
    const double expected[] = {1, 3, 10, 30};
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(training_feature_updates(&sweep.jobs[i].training), expected[i]);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_job_is_the_same_after_packing)
{
    static const char *const refresh[] = {"{at: [1, 3, 7]}", "{log: 3}", "{gap: 0.5}"};
    struct sweep sweep;
    struct text sweep_text = {0}, bytes = {0};
    struct job again;
    text_add(&sweep_text, BEGIN "grid: {architecture: a, training.steps: [100], training.refresh: [%s], seed: 0..2}\n", refresh[_i]);
    load_right(&sweep, sweep_text.chars, NULL);
    for (size_t i = 0; i < sweep.n_jobs; i++) {
        const struct job *job = &sweep.jobs[i];
        bytes.length = 0;
        job_pack(job, &bytes);
        job_unpack(&again, bytes.chars);
        ck_assert_mem_eq(again.network, job->network, sizeof *job->network);
        ck_assert_str_eq(again.text, job->text);
        ck_assert(again.text == bytes.chars + bytes.length - strlen(job->text) - 1);
        ck_assert((again.training.refresh.at == NULL) == (job->training.refresh.at == NULL));
        if (again.training.refresh.at)
            ck_assert_mem_eq(again.training.refresh.at, job->training.refresh.at, 3 * sizeof(int64_t));
        again.network = job->network;
        again.text = job->text;
        again.training.refresh.at = job->training.refresh.at;
        ck_assert_mem_eq(&again, job, sizeof again);
    }
    sweep_free(&sweep);
    text_free(&sweep_text);
    text_free(&bytes);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_job_is_the_same_after_packing, 0, 3);
    tcase_add_loop_test(tests, a_mistake_is_reported_in_these_words, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_loop_test(tests, a_refresh_schedule_reads_back_from_the_text_of_its_job, 0, (int)(sizeof written / sizeof *written));
    tcase_add_loop_test(tests, schedules_that_refresh_at_the_same_steps_are_one_job, 0, (int)(sizeof same_schedule / sizeof *same_schedule));
    tcase_add_test(tests, feature_updates_are_an_axis_beside_steps);
}

UNIT_MAIN("refresh schedules of sweep files", add_tests)
