/* Every message about a sweep file, whole. */
#include "base/text.h"
#include "program_messages.h"

static void must_refuse(const struct refused *one)
{
    struct sweep sweep;
    struct error err = {0};
    struct text wanted = {0};
    char path[64];
    const char *text = one->text;
    ck_assert_msg(load_bytes(&sweep, text, strlen(text), one->override, path, &err) == -1, "not refused:\n%s", text);
    for (const char *c = one->message; *c; c++)
        text_add(&wanted, *c == '@' ? "%s" : "%.1s", *c == '@' ? path : c);
    ck_assert_str_eq(err.text, wanted.chars);
    ck_assert_int_eq(error_exit_code(err.code), 2);
    text_free(&wanted);
    sweep_free(&sweep);
}

START_TEST(a_mistake_is_reported_in_these_words)
{
    must_refuse(&refused[_i]);
}
END_TEST

START_TEST(so_is_one_about_a_program)
{
    must_refuse(&refused_programs[_i]);
}
END_TEST

START_TEST(more_mistakes_than_fit_are_counted)
{
    struct sweep sweep;
    struct error err = {0};
    struct text text = {0};
    char path[64];
    text_add(&text, BEGIN "kernels:\n");
    for (int i = 0; i < 300; i++)
        text_add(&text, "  nonsense%d: 1\n", i);
    ck_assert_int_eq(load_bytes(&sweep, text.chars, text.length, NULL, path, &err), -1);
    size_t lines = 0;
    for (const char *c = err.text; (c = strchr(c, '\n')); c++)
        lines++;
    char last[40];
    snprintf(last, sizeof last, "\n(and %zu more)", 300 - lines);
    ck_assert_msg(strlen(err.text) > strlen(last) && strcmp(err.text + strlen(err.text) - strlen(last), last) == 0,
                  "no '%s' at the end of: %s", last, err.text);
    text_free(&text);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_byte_that_is_not_utf8_is_reported_at_its_place)
{
    struct sweep sweep;
    struct error err = {0};
    char path[64], wanted[200];
    ck_assert_int_eq(load_bytes(&sweep, BEGIN "name: \xff\n", strlen(BEGIN) + 8, NULL, path, &err), -1);
    snprintf(wanted, sizeof wanted, "%s:4:7: expected YAML in UTF-8, got: invalid leading UTF-8 octet", path);
    ck_assert_str_eq(err.text, wanted);
    sweep_free(&sweep);
}
END_TEST

/* Job texts are read back, with the names in them. */
START_TEST(names_are_utf8_wherever_they_come_from_and_may_hold_any_character)
{
    struct sweep sweep;
    struct job again;
    struct error err = {0};
    char path[64];
    ck_assert_int_eq(load_bytes(&sweep, BEGIN, strlen(BEGIN), "architectures.\x95l.widths=[2]", path, &err), -1);
    ck_assert_str_eq(err.text, "command line: architectures.\x95l.widths: expected a key in UTF-8");
    sweep_free(&sweep);
    const char *text = "data: {set: sprites}\n"
                       "architectures: {\"\\x80\\x9f\\uFEFF\\uFFFE\\x01\\x7F\\u20AC\": {type: mlp, widths: [2]}}\n"
                       "training: {steps: 1, lr: 0.1}\n";
    ck_assert_msg(load_bytes(&sweep, text, strlen(text), NULL, path, &err) == 0, "%s", err.text);
    ck_assert_msg(job_parse(&again, sweep.jobs[0].text, &err) == 0, "%s: %s", sweep.jobs[0].text, err.text);
    ck_assert_str_eq(again.text, sweep.jobs[0].text);
    ck_assert_str_eq(again.id, sweep.jobs[0].id);
    job_free(&again);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_path_that_is_no_file_is_said_by_name)
{
    struct sweep sweep;
    struct error err = {0};
    ck_assert_int_eq(sweep_load(&sweep, "/nowhere/a.yaml", NULL, 0, &err), -1);
    ck_assert_str_eq(err.text, "/nowhere/a.yaml: could not be opened: No such file or directory");
    ck_assert_int_eq(error_exit_code(err.code), 2);
    sweep_free(&sweep);
    ck_assert_int_eq(sweep_load(&sweep, "/tmp", NULL, 0, &err), -1);
    ck_assert_str_eq(err.text, "/tmp: could not be read: Is a directory");
    sweep_free(&sweep);
}
END_TEST

/* Whatever their order: what decides is the grid that the overrides leave. */
START_TEST(overrides_of_a_key_and_of_the_grid_may_come_in_any_order)
{
    static const char *const freed[] = {"training.lr=3", "grid={seed: 1}"};
    static const char *const hidden[] = {"training.lr=3", "grid.training.lr=[1, 2]"};
    static const struct { const char *const *list; const char *message; } cases[] = {
        {freed, NULL},
        {hidden, "command line: training.lr: is an axis of the grid, which would win: set grid.training.lr=3"},
    };
    char path[] = "/tmp/relin_test_sweep_XXXXXX";
    static const char text[] = BEGIN "grid: {architecture: a, training.lr: [1, 2]}\n";
    int descriptor = mkstemp(path);
    ck_assert_int_eq(write(descriptor, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
    close(descriptor);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            const char *const list[] = {cases[i].list[swapped], cases[i].list[!swapped]};
            struct sweep sweep;
            struct error err = {0};
            int status = sweep_load(&sweep, path, list, 2, &err);
            ck_assert_msg(status == (cases[i].message ? -1 : 0), "%zu %d: %s", i, swapped, err.text);
            if (cases[i].message)
                ck_assert_str_eq(err.text, cases[i].message);
            else
                ck_assert_double_eq(sweep.jobs[0].training.lr, 3);
            sweep_free(&sweep);
        }
    unlink(path);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_mistake_is_reported_in_these_words, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_loop_test(tests, so_is_one_about_a_program, 0, (int)(sizeof refused_programs / sizeof *refused_programs));
    tcase_add_test(tests, more_mistakes_than_fit_are_counted);
    tcase_add_test(tests, a_byte_that_is_not_utf8_is_reported_at_its_place);
    tcase_add_test(tests, names_are_utf8_wherever_they_come_from_and_may_hold_any_character);
    tcase_add_test(tests, a_path_that_is_no_file_is_said_by_name);
    tcase_add_test(tests, overrides_of_a_key_and_of_the_grid_may_come_in_any_order);
}

UNIT_MAIN("messages of sweep files", add_tests)
