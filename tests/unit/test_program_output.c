/* What programs of the user's own print, line by line. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "sweep/program.h"
#include "sweep/sweep.h"
#include "unit.h"

static const char sweep_text[] =
    "trainer: {command: [./train, --lr, '{parameters.lr}']}\nparameters: {lr: 0.1}\nmetrics: [f1, perplexity]\n"
    "training: {evaluations: 5}\n";

static struct sweep sweep;
static struct result_layout layout;
static struct result result;
static struct program_output output;
static struct error err;

static void setup(void)
{
    static const struct dataset nothing;
    const struct dataset *set = &nothing;
    ck_assert_int_eq(sweep_load_text(&sweep, "s.yaml", sweep_text, strlen(sweep_text), NULL, 0, &err), 0);
    sweep_layout(&sweep, &set, &layout);
    ck_assert_uint_eq(layout.metric, 2);
    ck_assert_uint_eq(layout.eval, 5);
    result_bind(&result, &layout, mem_alloc(1, result_size(&layout), NULL));
    result_clear(&result);
    program_output_start(&output, &sweep.jobs[0], &result);
}

static void teardown(void)
{
    mem_free(result.block);
    sweep_free(&sweep);
}

static int feed(const char *text)
{
    return program_output_feed(&output, text, strlen(text), &err);
}

static void refused(const char *text, const char *what)
{
    setup();
    int failed = feed(text);
    if (!failed)
        failed = program_output_end(&output, &err);
    ck_assert_msg(failed == -1, "taken: %s", text);
    ck_assert_msg(strstr(err.text, what) != NULL, "%s\nsays %s\nnot %s", text, err.text, what);
    teardown();
}

START_TEST(points_go_to_the_curves_and_the_last_value_is_the_jobs)
{
    setup();
    ck_assert_int_eq(feed("{\"step\": 0, \"train_loss\": 1.5, \"f1\": 0.25, \"time\": 0}\n\n{\"step\": 10, \"train_loss\": 0.5}\n"
                          "{\"step\": 10, \"test_accuracy\": 0.75, \"perplexity\": 3}\r\n{\"feature_updates\": 12, \"f1\": 0.5, \"flops\": 1e9}"), 0);
    ck_assert_int_eq(program_output_end(&output, &err), 0);
    const int64_t *step = result_i64(&result, VAR_STEP);
    ck_assert_int_eq(step[0], 0);
    ck_assert_int_eq(step[1], 10);
    ck_assert_int_eq(step[2], -1);
    ck_assert(result_f64(&result, VAR_CURVE_TRAIN_LOSS)[0] == 1.5 && result_f64(&result, VAR_CURVE_TRAIN_LOSS)[1] == 0.5);
    ck_assert(isnan(result_f64(&result, VAR_CURVE_TEST_ACCURACY)[0]) && result_f64(&result, VAR_CURVE_TEST_ACCURACY)[1] == 0.75);
    ck_assert(*result_f64(&result, VAR_TRAIN_LOSS) == 0.5 && *result_f64(&result, VAR_TEST_ACCURACY) == 0.75);
    ck_assert(result_f64(&result, VAR_METRICS)[0] == 0.5 && result_f64(&result, VAR_METRICS)[1] == 3);
    ck_assert(result_f64(&result, VAR_CURVE_METRICS)[0] == 0.25 && isnan(result_f64(&result, VAR_CURVE_METRICS)[1]));
    ck_assert(isnan(result_f64(&result, VAR_CURVE_METRICS)[2]) && result_f64(&result, VAR_CURVE_METRICS)[3] == 3);
    ck_assert_int_eq(*result_i64(&result, VAR_REFRESHES_DONE), 12);
    ck_assert_int_eq(*result_i64(&result, VAR_STEPS_DONE), 10);
    ck_assert(*result_f64(&result, VAR_FLOPS) == 1e9);
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "completed");
    teardown();
}
END_TEST

START_TEST(bytes_may_come_in_any_pieces)
{
    static const char text[] = "{\"step\": 3, \"test_loss\": 0.125}\n{\"test_loss\": 2}\n";
    setup();
    for (size_t i = 0; text[i]; i++)
        ck_assert_int_eq(program_output_feed(&output, text + i, 1, &err), 0);
    ck_assert_int_eq(program_output_end(&output, &err), 0);
    ck_assert(result_f64(&result, VAR_CURVE_TEST_LOSS)[0] == 0.125 && *result_f64(&result, VAR_TEST_LOSS) == 2);
    teardown();
}
END_TEST

/* Of points 0..n-1 there must be multiples of a power of two, and the last. */
START_TEST(of_too_many_points_every_second_one_is_dropped_and_the_last_one_stays)
{
    for (int n = 1; n <= 40; n++) {
        setup();
        for (int i = 0; i < n; i++) {
            char line[80];
            snprintf(line, sizeof line, "{\"step\": %d, \"test_loss\": %d, \"f1\": %d}\n", 3 * i, i, i);
            ck_assert_int_eq(feed(line), 0);
        }
        int every = 1, at = 0;
        while ((n - 1) / every + 1 > 5 || ((n - 1) / every + 1 == 5 && (n - 1) % every != 0))
            every *= 2;
        for (int i = 0; i < n; i++) {
            if (i % every != 0 && i != n - 1)
                continue;
            ck_assert_int_eq(result_i64(&result, VAR_STEP)[at], 3 * i);
            ck_assert(result_f64(&result, VAR_CURVE_TEST_LOSS)[at] == i && result_f64(&result, VAR_CURVE_METRICS)[2 * at] == i);
            at++;
        }
        for (; at < 5; at++) {
            ck_assert_int_eq(result_i64(&result, VAR_STEP)[at], -1);
            ck_assert(isnan(result_f64(&result, VAR_CURVE_TEST_LOSS)[at]) && isnan(result_f64(&result, VAR_CURVE_METRICS)[2 * at]));
        }
        teardown();
    }
}
END_TEST

START_TEST(a_loss_that_is_not_finite_is_diverged_and_null_is_no_value)
{
    static const char *const losses[] = {"NaN", "Infinity", "-Infinity", "\"nan\"", "inf"};
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        char line[80];
        setup();
        snprintf(line, sizeof line, "{\"step\": 1, \"test_loss\": 1}\n{\"step\": 2, \"train_loss\": %s}\n", losses[i]);
        ck_assert_int_eq(feed(line), 0);
        ck_assert_int_eq(program_output_end(&output, &err), 0);
        ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "diverged");
        ck_assert(strstr(result_text(&result, VAR_ERROR), "line 2 of its output: train_loss is ") != NULL);
        ck_assert(isnan(*result_f64(&result, VAR_TRAIN_LOSS)));
        teardown();
    }
    setup();
    ck_assert_int_eq(feed("{\"f1\": null, \"test_accuracy\": null, \"perplexity\": NaN}\n"), 0);
    ck_assert_int_eq(program_output_end(&output, &err), 0);
    ck_assert(isnan(result_f64(&result, VAR_METRICS)[0]) && isnan(*result_f64(&result, VAR_TEST_ACCURACY)));
    ck_assert_str_eq(result_text(&result, VAR_OUTCOME), "completed");
    teardown();
}
END_TEST

START_TEST(whatever_else_is_refused_with_its_line)
{
    refused("", "it ended without a result: expected on its standard output lines such as {");
    refused("\n \n", "it ended without a result");
    refused("hello", "line 1 of its output: expected a JSON object such as {\"step\": 100, \"test_loss\": 0.3}, got 'hello'");
    refused("{}\nstep: 3\n", "line 2 of its output: expected a JSON object");
    refused("[1]\n", "line 1 of its output: expected a JSON object");
    refused("{\"step\": 1\n", "got '{\"step\": 1'");
    refused("{\"step\": 1} {\"step\": 2}\n", "line 1 of its output: expected a JSON object");
    refused("{\"step\": 1, \"step\": 2}\n", "line 1 of its output: expected a JSON object");
    refused("{\"F1\": 1}\n", "or one of the sweep's metrics, got 'F1': add it to metrics");
    refused("{\"curve_test_loss\": 1}\n", "got 'curve_test_loss'");
    refused("{\"status\": 1}\n", "got 'status'");
    refused("{\"test_loss\": \"0.3\"}\n", "test_loss: expected a number, got \"0.3\"");
    refused("{\"test_loss\": true}\n", "test_loss: expected a number, got true");
    refused("{\"f1\": [1, 2]}\n", "f1: expected a number, got [1, 2]");
    refused("{\"f1\": 0x10}\n", "f1: expected a number, got 0x10");
    refused("{\"test_accuracy\": 91}\n", "test_accuracy: expected a number from 0 to 1, got 91");
    refused("{\"test_accuracy\": NaN}\n", "test_accuracy: expected a number from 0 to 1, got NaN");
    refused("{\"learning_rate\": inf}\n", "learning_rate: expected a finite number, got inf");
    refused("{\"feature_updates\": 1.5}\n", "feature_updates: expected a whole number >= 0, got 1.5");
    refused("{\"step\": -1}\n", "step: expected a whole number >= 0, got -1");
    refused("{\"step\": 1.5}\n", "step: expected a whole number >= 0, got 1.5");
    refused("{\"step\": null}\n", "step: expected a whole number >= 0, got null");
    refused("{\"step\": 7}\n{\"step\": 6}\n", "line 2 of its output: step: expected at least 7, that of the line before, got 6");
    refused("{\"f1\": 1}\n\x01\x7f\xff\n", "line 2 of its output: expected a JSON object such as {\"step\": 100, \"test_loss\": 0.3}, got '\?\?\?'");
}
END_TEST

START_TEST(a_line_has_a_most)
{
    char *line = mem_alloc(1, PROGRAM_LINE_MOST + 100, NULL);
    setup();
    memset(line, ' ', PROGRAM_LINE_MOST);
    memcpy(line, "{\"f1\": 1}", 9);
    line[PROGRAM_LINE_MOST] = '\n';
    ck_assert_int_eq(program_output_feed(&output, line, PROGRAM_LINE_MOST + 1, &err), 0);
    memset(line, ' ', PROGRAM_LINE_MOST + 1);
    ck_assert_int_eq(program_output_feed(&output, line, PROGRAM_LINE_MOST + 1, &err), -1);
    ck_assert(strstr(err.text, "line 2 of its output: expected at most 65536 characters in a line, got more") != NULL);
    ck_assert_int_eq(program_output_feed(&output, "\0\n", 2, &err), -1);
    teardown();
    mem_free(line);
}
END_TEST

START_TEST(a_job_is_one_whatever_a_number_is_written_as_and_keeps_its_id_in_its_text)
{
    static const char *const same[] = {"parameters.lr=0.1", "parameters.lr=1e-1"}, *const other[] = {"parameters.lr='0.1'"};
    char ids[3][HASH_HEX_SIZE];
    for (int i = 0; i < 3; i++) {
        struct sweep s;
        struct job job;
        const char *const *setting = i < 2 ? &same[i] : other;
        ck_assert_int_eq(sweep_load_text(&s, "s.yaml", sweep_text, strlen(sweep_text), setting, 1, &err), 0);
        memcpy(ids[i], s.jobs[0].id, sizeof ids[i]);
        ck_assert_int_eq(job_parse(&job, s.jobs[0].text, &err), 0);
        ck_assert_str_eq(job.id, ids[i]);
        ck_assert_str_eq(job.text, s.jobs[0].text);
        job_free(&job);
        sweep_free(&s);
    }
    ck_assert_str_eq(ids[0], ids[1]);
    ck_assert_str_ne(ids[0], ids[2]);
    setup();
    struct text label = {0};
    program_describe(&sweep.jobs[0], &label);
    ck_assert_str_eq(label.chars, "./train --lr {parameters.lr} lr=0.1 seed 0");
    text_free(&label);
    teardown();
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, points_go_to_the_curves_and_the_last_value_is_the_jobs);
    tcase_add_test(tests, bytes_may_come_in_any_pieces);
    tcase_add_test(tests, of_too_many_points_every_second_one_is_dropped_and_the_last_one_stays);
    tcase_add_test(tests, a_loss_that_is_not_finite_is_diverged_and_null_is_no_value);
    tcase_add_test(tests, whatever_else_is_refused_with_its_line);
    tcase_add_test(tests, a_line_has_a_most);
    tcase_add_test(tests, a_job_is_one_whatever_a_number_is_written_as_and_keeps_its_id_in_its_text);
}

UNIT_MAIN("output of programs", add)
