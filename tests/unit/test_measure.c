/* What `relin measure` asks of a job, and how two results of it become one. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/compare.h"
#include "sweep/measure.h"
#include "sweep/where.h"
#include "sweep_text.h"

static struct sweep sweep;
static struct error err;

static void load(void)
{
    err = (struct error){0};
    load_right(&sweep, BEGIN "kernels: {snapshots: 0, path_points: 5, probe: 6}\n", NULL);
}

static void unload(void) { sweep_free(&sweep); }

/* A copy of the sweep's first job, with settings. */
static struct job measured(const char *const *settings, size_t n)
{
    struct job job;
    ck_assert_int_eq(job_parse(&job, sweep.jobs[0].text, &err), 0);
    ck_assert_msg(job_measure(&job, settings, n, &err) == 0, "%s", err.text);
    return job;
}

START_TEST(a_measured_job_keeps_its_id_and_comes_back_from_its_text)
{
    static const char *const settings[] = {"kernels.snapshots=4", "training.evaluations=9", "kernels.parameters=final"};
    struct job job = measured(settings, 3), again;
    ck_assert_str_eq(job.id, sweep.jobs[0].id);
    ck_assert_ptr_nonnull(strstr(job.text, "},\"measured\":{\"training.evaluations\":9,\"kernels.snapshots\":4,"
                                           "\"kernels.parameters\":\"final\"}}"));
    ck_assert_msg(job_parse(&again, job.text, &err) == 0, "%s", err.text);
    ck_assert_str_eq(again.id, job.id);
    ck_assert_str_eq(again.text, job.text);
    ck_assert_int_eq(again.kernels.snapshots, 4);
    ck_assert_int_eq(again.measured.evaluations, 9);
    ck_assert_int_eq(again.training.evaluations, sweep.jobs[0].training.evaluations);
    ck_assert_int_eq(again.measured.own_probe, 6);
    ck_assert_int_eq(again.kernels.parameters, PARAMETERS_FINAL);
    job_free(&job);
    job_free(&again);
}
END_TEST

START_TEST(a_setting_that_says_what_the_job_says_leaves_its_text_alone)
{
    static const char *const setting[] = {"kernels.probe=6"};
    struct job job = measured(setting, 1);
    ck_assert_str_eq(job.text, sweep.jobs[0].text);
    ck_assert(!job.measured.any);
    job_free(&job);
}
END_TEST

START_TEST(marks_of_stored_kernels_are_in_the_text_and_go_again)
{
    unsigned char marks[VAR_COUNT] = {0};
    struct job job = measured(NULL, 0), again;
    marks[VAR_CKA] = marks[VAR_EIGENVALUES] = 1;
    ck_assert_int_eq(job_mark_from_kernel(&job, marks, &err), 0);
    ck_assert_ptr_nonnull(strstr(job.text, "\"measured\":{\"from_kernel\":[\"cka\",\"eigenvalues\"]}}"));
    ck_assert_int_eq(job_parse(&again, job.text, &err), 0);
    ck_assert_mem_eq(again.measured.from_kernel, marks, sizeof marks);
    memset(marks, 0, sizeof marks);
    ck_assert_int_eq(job_mark_from_kernel(&again, marks, &err), 0);
    ck_assert_str_eq(again.text, sweep.jobs[0].text);
    job_free(&job);
    job_free(&again);
}
END_TEST

START_TEST(a_damaged_measured_section_is_refused)
{
    static const char *const wrong[][2] = {
        {"\"measured\":{\"training.lr\":1}", "measured: expected a key that only measures, got 'training.lr'"},
        {"\"measured\":{\"kernels.snapshots\":-1}", "kernels.snapshots: expected a whole number"},
        {"\"measured\":{\"from_kernel\":[\"nothing\"]}", "measured.from_kernel: expected a variable of /kernels"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct text text = {0};
        struct job job;
        text_add(&text, "%s", sweep.jobs[0].text);
        text.length--;
        text_add(&text, ",%s}", wrong[i][0]);
        ck_assert_int_eq(job_parse(&job, text.chars, &err), -1);
        ck_assert_msg(strstr(err.text, wrong[i][1]) != NULL, "%s", err.text);
        text_free(&text);
    }
}
END_TEST

START_TEST(a_metric_brings_the_keys_that_it_needs_and_that_are_off)
{
    char settings[METRIC_KEYS_MOST][METRIC_SETTING_SIZE];
    struct metric_set set = {0};
    ck_assert_int_eq(metric_find(&set, "cka", &err), 0);
    ck_assert_uint_eq(metric_settings(&sweep.jobs[0], &set, settings), 1);
    ck_assert_str_eq(settings[0], "kernels.snapshots=12");
    ck_assert_int_eq(metric_find(&set, "kernels/parameter_change", &err), 0);
    ck_assert_int_eq(metric_find(&set, "refresh_stability_ratio", &err), 0);
    ck_assert_int_eq(metric_find(&set, "kernel", &err), 0);   /* store: kernels is the default */
    ck_assert_uint_eq(metric_settings(&sweep.jobs[0], &set, settings), 3);
    set = (struct metric_set){0};
    ck_assert_int_eq(metric_find(&set, "kernel_path_length", &err), 0);
    ck_assert_uint_eq(metric_settings(&sweep.jobs[0], &set, settings), 0);
}
END_TEST

START_TEST(every_variable_that_rows_hold_can_be_named)
{
    for (int id = 0; id < VAR_COUNT; id++) {
        struct metric_set set = {0};
        char path[128];
        snprintf(path, sizeof path, "%s%s", variables[id].group == GROUP_KERNELS ? "kernels/" : "", variables[id].name);
        bool ours = variables[id].dims != DIMS_METRIC && variables[id].dims != DIMS_EVAL_METRIC;   /* not a program's */
        ck_assert_int_eq(metric_find(&set, path, &err), ours && variables[id].writer == WRITER_ROWS ? 0 : -1);
        ck_assert_int_eq(set.has[id], ours && variables[id].writer == WRITER_ROWS);
    }
}
END_TEST

START_TEST(evaluation_steps_are_the_union_of_both_sets)
{
    static const char *const setting[] = {"training.evaluations=7"};
    struct job job = measured(setting, 1);
    int64_t steps[64], own[64], more[64];
    ck_assert_uint_lt(job_most_evaluations(&job), 64);
    int64_t n = job_evaluation_steps(&job, steps, &err), n_own = training_log_steps(100, 24, own);
    int64_t n_more = training_log_steps(100, 7, more), found = 0;
    for (int64_t i = 0; i < n; i++) {
        ck_assert(i == 0 || steps[i] > steps[i - 1]);
        bool is_own = false, is_more = false;
        for (int64_t j = 0; j < n_own; j++)
            is_own = is_own || own[j] == steps[i];
        for (int64_t j = 0; j < n_more; j++)
            is_more = is_more || more[j] == steps[i];
        ck_assert(is_own || is_more);
        found += is_own + is_more;
    }
    ck_assert_int_eq(found, n_own + n_more);
    job_free(&job);
}
END_TEST

/* --- two results into one ------------------------------------------------------------ */

static const struct result_layout small = {.eval = 2, .refresh = 1, .snapshot = 2, .layer = 1, .eigenvalue = 2, .probe = 2,
                                           .kernel = 1};
static const struct result_layout large = {.eval = 4, .refresh = 1, .snapshot = 3, .layer = 2, .eigenvalue = 3, .probe = 3,
                                           .kernel = 1};

static struct result make(const struct result_layout *layout)
{
    struct result result;
    result_bind(&result, layout, mem_alloc(1, result_size(layout), NULL));
    result_clear(&result);
    result_set_text(&result, VAR_OUTCOME, "completed");
    *result_i32(&result, VAR_N_SNAPSHOTS) = 0;
    return result;
}

/* Curves: steps 0 and 9, of again 0, 3, 9, 20. */
static void make_pair(struct result *stored, struct result *again)
{
    *stored = make(&small);
    *again = make(&large);
    memcpy(result_i64(stored, VAR_STEP), (int64_t[]){0, 9}, 2 * sizeof(int64_t));
    memcpy(result_f64(stored, VAR_CURVE_TEST_LOSS), (double[]){1, 2}, 2 * sizeof(double));
    memcpy(result_i64(again, VAR_STEP), (int64_t[]){0, 3, 9, 20}, 4 * sizeof(int64_t));
    memcpy(result_f64(again, VAR_CURVE_TEST_LOSS), (double[]){1, 1.5, 2, 3}, 4 * sizeof(double));
    result_set_text(stored, VAR_HOST, "then");
    result_set_text(again, VAR_HOST, "now");
    *result_i32(again, VAR_N_SNAPSHOTS) = 1;
    *result_f64(again, VAR_KERNEL_TRACE) = 5;
}

static struct comparison extend(const struct result *stored, const struct result *again, double tolerance,
                                const unsigned char *from_kernel, struct result *merged)
{
    struct comparison c = {0};
    *merged = make(&large);
    compare_extend(stored, again, tolerance, from_kernel, merged, &c);
    return c;
}

static void release(struct result *a, struct result *b, struct result *c, struct comparison *comparison)
{
    mem_free(a->block);
    mem_free(b->block);
    mem_free(c->block);
    text_free(&comparison->report);
}

START_TEST(a_second_run_adds_what_it_measured_and_keeps_who_ran_the_first)
{
    struct result stored, again, merged;
    make_pair(&stored, &again);
    struct comparison c = extend(&stored, &again, 0, NULL, &merged);
    ck_assert_uint_eq(c.differing, 0);
    ck_assert_uint_gt(c.numbers, 4);
    ck_assert_double_eq(result_f64(&merged, VAR_CURVE_TEST_LOSS)[1], 1.5);
    ck_assert_double_eq(*result_f64(&merged, VAR_KERNEL_TRACE), 5);
    ck_assert_int_eq(*result_i32(&merged, VAR_N_SNAPSHOTS), 1);
    ck_assert_str_eq(result_text(&merged, VAR_HOST), "then");
    release(&stored, &again, &merged, &c);
}
END_TEST

START_TEST(one_bit_a_lost_step_and_a_lost_number_differ)
{
    struct result stored, again, merged;
    make_pair(&stored, &again);
    result_f64(&again, VAR_CURVE_TEST_LOSS)[2] = nextafter(2, 3);
    struct comparison c = extend(&stored, &again, 0, NULL, &merged);
    ck_assert_uint_eq(c.differing, 1);
    release(&stored, &again, &merged, &c);
    make_pair(&stored, &again);
    result_f64(&again, VAR_CURVE_TEST_LOSS)[2] = nextafter(2, 3);
    c = extend(&stored, &again, 1e-9, NULL, &merged);
    ck_assert_uint_eq(c.differing, 0);
    ck_assert_double_eq(result_f64(&merged, VAR_CURVE_TEST_LOSS)[2], 2);   /* what was stored stays */
    release(&stored, &again, &merged, &c);
    make_pair(&stored, &again);
    result_i64(&again, VAR_STEP)[2] = 8;
    result_f64(&again, VAR_CURVE_TEST_LOSS)[0] = NAN;
    c = extend(&stored, &again, 0, NULL, &merged);
    ck_assert_uint_eq(c.differing, 3);   /* the step, its loss, and the loss at 0 */
    release(&stored, &again, &merged, &c);
}
END_TEST

START_TEST(matrices_of_another_size_are_matched_by_their_indices)
{
    struct result stored, again, merged;
    make_pair(&stored, &again);
    *result_i32(&stored, VAR_N_SNAPSHOTS) = 1;
    for (size_t i = 0; i < 4; i++)
        result_f32(&stored, VAR_KERNEL)[4 + i] = (float)(i + 1);   /* snapshot 1 */
    float *kernel = result_f32(&again, VAR_KERNEL) + 9;
    kernel[0] = 1, kernel[1] = 2, kernel[3] = 3, kernel[4] = 4, kernel[8] = 7;
    struct comparison c = extend(&stored, &again, 0, NULL, &merged);
    ck_assert_msg(c.differing == 0, "%s", c.report.chars);
    ck_assert_float_eq(result_f32(&merged, VAR_KERNEL)[9 + 4], 4);
    ck_assert_float_eq(result_f32(&merged, VAR_KERNEL)[9 + 8], 7);
    release(&stored, &again, &merged, &c);
}
END_TEST

START_TEST(numbers_of_stored_kernels_give_way_to_exact_ones_nearby)
{
    unsigned char marks[VAR_COUNT] = {0};
    struct result stored, again, merged;
    marks[VAR_KERNEL_TRACE] = 1;
    make_pair(&stored, &again);
    *result_f64(&stored, VAR_KERNEL_TRACE) = 5.00001;
    struct comparison c = extend(&stored, &again, 0, marks, &merged);
    ck_assert_uint_eq(c.differing, 0);
    ck_assert_double_eq(*result_f64(&merged, VAR_KERNEL_TRACE), 5);
    release(&stored, &again, &merged, &c);
    make_pair(&stored, &again);
    *result_f64(&stored, VAR_KERNEL_TRACE) = 5.1;
    c = extend(&stored, &again, 0, marks, &merged);
    ck_assert_uint_eq(c.differing, 1);
    release(&stored, &again, &merged, &c);
}
END_TEST

START_TEST(a_variable_that_a_file_lacks_has_no_room_and_is_added)
{
    struct result_layout lacking = small;
    struct result stored, again, merged;
    result_set_absent(&lacking, VAR_KERNEL_TRACE, true);
    ck_assert_uint_eq(result_count(&lacking, VAR_KERNEL_TRACE), 0);
    ck_assert_uint_lt(result_size(&lacking), result_size(&small));
    make_pair(&stored, &again);
    mem_free(stored.block);
    stored = make(&lacking);
    ck_assert_ptr_null(result_slab(&stored, VAR_KERNEL_TRACE));
    struct comparison c = extend(&stored, &again, 0, NULL, &merged);
    ck_assert_double_eq(*result_f64(&merged, VAR_KERNEL_TRACE), 5);
    ck_assert_uint_eq(c.differing, 0);
    release(&stored, &again, &merged, &c);
    result_set_absent(&lacking, VAR_KERNEL_TRACE, false);
    ck_assert_mem_eq(&lacking, &small, sizeof small);
}
END_TEST

START_TEST(a_condition_names_an_axis_and_values)
{
    struct where where;
    ck_assert_int_eq(where_parse(&where, "training.momentum=0,1e-1", &err), 0);
    ck_assert_uint_eq(where.n, 2);
    ck_assert(where_names(where.axis, "training_momentum") && !where_names(where.axis, "training_momentums"));
    ck_assert(where_fits(where.value[1], "0.1", 0.1) && !where_fits(where.value[0], "0.1", 0.1));
    ck_assert(where_fits("inf", "inf", INFINITY) && !where_fits("small", "large", NAN));
    where_free(&where);
    ck_assert_int_eq(where_parse(&where, "seed", &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "--where: expected axis=value, got 'seed'"));
    where_free(&where);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_test(tests, a_measured_job_keeps_its_id_and_comes_back_from_its_text);
    tcase_add_test(tests, a_setting_that_says_what_the_job_says_leaves_its_text_alone);
    tcase_add_test(tests, marks_of_stored_kernels_are_in_the_text_and_go_again);
    tcase_add_test(tests, a_damaged_measured_section_is_refused);
    tcase_add_test(tests, a_metric_brings_the_keys_that_it_needs_and_that_are_off);
    tcase_add_test(tests, every_variable_that_rows_hold_can_be_named);
    tcase_add_test(tests, evaluation_steps_are_the_union_of_both_sets);
    tcase_add_test(tests, a_second_run_adds_what_it_measured_and_keeps_who_ran_the_first);
    tcase_add_test(tests, one_bit_a_lost_step_and_a_lost_number_differ);
    tcase_add_test(tests, matrices_of_another_size_are_matched_by_their_indices);
    tcase_add_test(tests, numbers_of_stored_kernels_give_way_to_exact_ones_nearby);
    tcase_add_test(tests, a_variable_that_a_file_lacks_has_no_room_and_is_added);
    tcase_add_test(tests, a_condition_names_an_axis_and_values);
}

UNIT_MAIN("measure", add)
