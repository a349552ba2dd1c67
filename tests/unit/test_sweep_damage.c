/* Damaged and hostile sweep files: read or refused with a reason, never a crash, a leak or a hang. */
#include "base/clock.h"
#include "base/text.h"
#include "sweep_text.h"

static const char whole[] =
    "name: damaged\n"
    "data: {set: teacher, train: 100, validation: 50, test: all, inputs: 4}\n"
    "architectures:\n"
    "  a: &net {widths: [8], sigma_w: auto}\n"
    "  b: {widths: [8, 4], activation: tanh, parameterisation: ntk}\n"
    "  c: *net\n"
    "training: {steps: 100, lr: {of_limit: 0.5}, schedule: {cosine: {final: 0.1}, warmup: 5}}\n"
    "kernels: {probe: 4, snapshots: 3}\n"
    "limits: {job_wall: 2h}\n"
    "grid:\n"
    "- {architecture: [a, b], refresh_period: [1, 2..50 log 3, inf], seed: 0..3, exclude: {seed: [1..2], architecture: 'a*'}}\n"
    "- zip: [{architecture: [b, c], training.momentum: [0, 0.9]}, {seed: 0..1, data.train: [50, 60]}]\n"
    "- {architectures.a.widths: [[3], []], include: [{seed: 3}, {architecture: a}], seed: 3}\n";

static uint64_t state;

static size_t below(size_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(state >> 33) % n;
}

/* The start of line number `line`. */
static size_t line_start(const char *text, size_t length, size_t line)
{
    size_t i = 0;
    while (line && i < length)
        line -= text[i++] == '\n';
    return i;
}

static void remove_bytes(struct text *t, size_t from, size_t to)
{
    memmove(t->chars + from, t->chars + to, t->length - to + 1);
    t->length -= to - from;
}

static void mutate(struct text *t)
{
    static const char marks[] = "{}[]:,'\"-&*!|>%@#\n ?\t.0a9~<";
    size_t at = below(t->length), line = line_start(t->chars, t->length, below(13));
    size_t next = line + strcspn(t->chars + line, "\n");
    next += t->chars[next] == '\n';
    switch (below(7)) {
    case 0: t->chars[at] ^= (char)(1 << below(8)); break;
    case 1: t->chars[at] = marks[below(sizeof marks - 1)]; break;
    case 2: remove_bytes(t, at, at + 1); break;
    case 3: remove_bytes(t, line, next); break;
    case 4: {   /* a line twice, the second at the end */
        char *copy = strndup(t->chars + line, next - line);
        text_add(t, "%s", copy);
        free(copy);
        break;
    }
    case 5: t->chars[t->length = at] = 0; break;
    case 6: memmove(t->chars + at, t->chars + below(at + 1), t->length - at < 9 ? t->length - at : 9); break;
    }
    if (t->length == 0)
        text_add(t, " ");
}

static size_t load_damaged(const char *text, size_t length, double most_seconds)
{
    struct sweep sweep;
    struct error err = {0};
    char path[64];
    double start = clock_seconds();
    int status = load_bytes(&sweep, text, length, NULL, path, &err);
    if (status)
        ck_assert_msg(err.text[0] && error_exit_code(err.code) == 2, "no reason for\n%s", text);
    else
        ck_assert_uint_gt(sweep.n_jobs, 0);
    sweep_free(&sweep);
    ck_assert_msg(clock_seconds() - start < most_seconds, "took %g s:\n%.2000s", clock_seconds() - start, text);
    return status == 0;
}

START_TEST(a_mutated_file_is_read_or_refused_with_a_reason)
{
    size_t right = 0, tries = 800;
    ck_assert_uint_eq(load_damaged(whole, strlen(whole), 10), 1);
    for (size_t i = 0; i < tries; i++) {
        struct text t = {0};
        state = (uint64_t)_i * 1000003 + i;
        text_add(&t, "%s", whole);
        for (size_t k = 1 + below(3); k-- > 0;)
            mutate(&t);
        right += load_damaged(t.chars, t.length, 10);
        text_free(&t);
    }
    /* were none or all of them right, the mutations would test nothing */
    ck_assert_uint_gt(right, tries / 100);
    ck_assert_uint_lt(right, tries / 2);
}
END_TEST

START_TEST(every_truncation_is_read_or_refused)
{
    for (size_t length = 0; length < strlen(whole); length++)
        load_damaged(whole, length, 10);
}
END_TEST

static void repeat(struct text *t, const char *piece, size_t times)
{
    while (times-- > 0)
        text_add(t, "%s", piece);
}

/* Each took minutes or all memory in a program that read it without bounds. */
START_TEST(hostile_files_are_refused_at_once)
{
    struct text t[7] = {0};
    repeat(&t[0], "[", 300000);
    repeat(&t[1], "{a: ", 300000);
    repeat(&t[2], "- ", 300000);
    for (int i = 0; i < 100000; i++)
        text_add(&t[3], "key%d: 1\n", i);
    text_add(&t[4], "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        text_add(&t[4], "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            text_add(&t[4], "%s*a%d", k ? ", " : "", i - 1);
        text_add(&t[4], "]\n");
    }
    text_add(&t[5], "data: &a [*a, *a, *a]\n");
    text_add(&t[6], BEGIN "grid: {seed: [");
#ifdef __SANITIZE_ADDRESS__   /* two million values take a minute there */
    repeat(&t[6], "x, ", 1000);
#else
    repeat(&t[6], "0..999999, ", 1000);
#endif
    text_add(&t[6], "1]}\n");
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        ck_assert_uint_eq(load_damaged(t[i].chars, t[i].length, 60), 0);
        text_free(&t[i]);
    }
}
END_TEST

START_TEST(the_text_of_a_job_may_be_damaged_too)
{
    struct sweep sweep;
    load_right(&sweep, whole, NULL);
    for (size_t i = 0; i < 2000; i++) {
        struct text t = {0};
        struct job job;
        struct error err = {0};
        state = i;
        text_add(&t, "%s", sweep.jobs[i % sweep.n_jobs].text);
        mutate(&t);
        if (job_parse(&job, t.chars, &err))
            ck_assert_msg(err.text[0] != 0, "no reason for\n%s", t.chars);
        job_free(&job);
        text_free(&t);
    }
    sweep_free(&sweep);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_mutated_file_is_read_or_refused_with_a_reason, 0, 3);
    tcase_add_test(tests, every_truncation_is_read_or_refused);
    tcase_add_test(tests, hostile_files_are_refused_at_once);
    tcase_add_test(tests, the_text_of_a_job_may_be_damaged_too);
}

UNIT_MAIN("damaged sweep files", add_tests)
