/* The file of a state: what was carried comes back, and anything else is refused. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checkpoint.h"
#include "base/error.h"
#include "unit.h"

static char folder[64], path[128];
static struct error err;

static void open_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/relin-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state", folder);
    memset(&err, 0, sizeof err);
}

static void close_folder(void)
{
    checkpoint_remove(path);
    ck_assert_int_eq(rmdir(folder), 0);   /* nothing else is left */
}

struct state { double numbers[20]; int n; };

static int carry(struct checkpoint *c, struct state *state)
{
    checkpoint_carry(c, state->numbers, sizeof state->numbers);
    checkpoint_carry(c, NULL, 0);
    checkpoint_carry(c, &state->n, sizeof state->n);
    int answer = checkpoint_is_read(c) ? checkpoint_check(c, true, &err)
               : checkpoint_seal(c, &err) || checkpoint_save(c, &err) ? -1 : 0;
    checkpoint_free(c);
    return answer;
}

static void write_state(int n)
{
    struct state state = {.numbers = {1, 2, 3}, .n = n};
    struct checkpoint *c = checkpoint_write(path, "mine", &err);
    ck_assert_ptr_nonnull(c);
    checkpoint_begin(c);
    ck_assert_msg(carry(c, &state) == 0, "%s", err.text);
}

static int read_state(const char *identity)
{
    struct state state = {.n = -1};
    struct checkpoint *c = checkpoint_read(path, identity, &err);
    if (!c)
        return -1;
    ck_assert_msg(carry(c, &state) == 0, "%s", err.text);
    ck_assert(state.numbers[2] == 3 && state.numbers[19] == 0);
    return state.n;
}

START_TEST(what_was_carried_comes_back_and_the_last_one_counts)
{
    write_state(7);
    ck_assert_int_eq(read_state("mine"), 7);
    write_state(8);
    ck_assert_int_eq(read_state("mine"), 8);
    ck_assert_int_eq(err.code, ERROR_NONE);
    checkpoint_remove(path);
    ck_assert_int_eq(read_state("mine"), -1);
    ck_assert_int_eq(err.code, ERROR_NONE);   /* no file is no error */
    checkpoint_free(NULL);
}
END_TEST

START_TEST(the_folder_is_made)
{
    snprintf(path, sizeof path, "%s/new/state", folder);
    write_state(7);
    ck_assert_int_eq(read_state("mine"), 7);
    checkpoint_remove(path);
    snprintf(path, sizeof path, "%s/new", folder);
    ck_assert_int_eq(rmdir(path), 0);
    snprintf(path, sizeof path, "%s/a/b/state", folder);   /* its folder only */
    struct state state = {.n = 1};
    struct checkpoint *c = checkpoint_write(path, "mine", &err);
    checkpoint_begin(c);
    ck_assert_int_eq(carry(c, &state), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/a/b/state.new"));
    snprintf(path, sizeof path, "%s/state", folder);
}
END_TEST

START_TEST(that_of_another_is_refused)
{
    write_state(7);
    ck_assert_int_eq(read_state("yours"), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "expected a checkpoint of 'yours', got one of 'mine'"));
}
END_TEST

START_TEST(a_file_torn_or_damaged_anywhere_is_refused)
{
    write_state(7);
    unsigned char bytes[512];
    FILE *file = fopen(path, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert(size >= 200 && size < sizeof bytes);
    for (size_t i = 0; i < 2 * size; i++) {
        size_t length = i < size ? i : size;
        if (i >= size)
            bytes[i - size] ^= 16;
        file = fopen(path, "wb");
        ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
        fclose(file);
        if (i >= size)
            bytes[i - size] ^= 16;
        memset(&err, 0, sizeof err);
        bool unused = i >= 2 * size - 4;   /* the tail's padding says nothing */
        ck_assert_msg((read_state("mine") == -1) == !unused, "%zu", i);
        ck_assert_int_eq(err.code, unused ? ERROR_NONE : ERROR_FORMAT);
        ck_assert(unused || strstr(err.text, path));
    }
}
END_TEST

START_TEST(another_kind_of_file_is_refused)
{
    FILE *file = fopen(path, "wb");
    fprintf(file, "%200s", "no checkpoint");
    fclose(file);
    ck_assert_int_eq(read_state("mine"), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "got another kind of file"));
}
END_TEST

START_TEST(fewer_or_more_bytes_than_were_written_are_told)
{
    struct state state = {.n = -1};
    double more = 5;
    write_state(7);
    struct checkpoint *c = checkpoint_read(path, "mine", &err);
    checkpoint_carry(c, &state.n, sizeof state.n);
    ck_assert_int_eq(checkpoint_check(c, false, &err), 0);
    ck_assert_int_eq(checkpoint_check(c, true, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "expected a state of another length"));
    for (int i = 0; i < 50; i++)
        checkpoint_carry(c, &more, sizeof more);
    ck_assert_int_eq(checkpoint_check(c, false, &err), -1);
    checkpoint_free(c);
}
END_TEST

START_TEST(a_number_outside_its_bounds_is_told_and_kept_out)
{
    int64_t seven = 7;
    struct checkpoint *c = checkpoint_write(path, "mine", &err);
    checkpoint_begin(c);
    checkpoint_carry_within(c, &seven, 0, 1);   /* what is written is our own */
    ck_assert(checkpoint_seal(c, &err) == 0 && checkpoint_save(c, &err) == 0);
    checkpoint_free(c);
    for (int64_t most = 6; most <= 7; most++) {
        int64_t n = 3;
        c = checkpoint_read(path, "mine", &err);
        checkpoint_carry_within(c, &n, 0, most);
        ck_assert_int_eq(n, most < 7 ? 3 : 7);
        ck_assert_int_eq(checkpoint_check(c, false, &err), most < 7 ? -1 : 0);
        if (most < 7)
            ck_assert_ptr_nonnull(strstr(err.text, "numbers that no job comes to"));
        checkpoint_free(c);
    }
}
END_TEST

START_TEST(a_disk_that_is_full_costs_the_new_one_and_not_the_old)
{
    struct state state = {.n = 9};
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
    write_state(7);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 100;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct checkpoint *c = checkpoint_write(path, "mine", &err);
    ck_assert_ptr_nonnull(c);
    checkpoint_begin(c);
    int answer = carry(c, &state);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(answer, -1);
    ck_assert_msg(strstr(err.text, "state.new") && strstr(err.text, "File too large"), "%s", err.text);
    char left[160];
    snprintf(left, sizeof left, "%s.new", path);
    ck_assert_int_ne(access(left, F_OK), 0);
    ck_assert_int_eq(read_state("mine"), 7);
}
END_TEST

/* What was sealed is there for a signal's handler, which is told where the state is half gathered. */
START_TEST(a_sealed_state_can_be_rescued_at_any_time_and_a_half_one_never)
{
    struct checkpoint *c = checkpoint_write(path, "mine", &err);
    double numbers[20] = {1, 2, 3};
    int n = 7;
    ck_assert_int_eq(checkpoint_rescue(NULL), -1);
    ck_assert_int_eq(checkpoint_rescue(c), -1);
    for (n = 7; n < 9; n++) {
        checkpoint_begin(c);
        checkpoint_carry(c, numbers, sizeof numbers);
        ck_assert_int_eq(checkpoint_rescue(c), 1);
        checkpoint_carry(c, &n, sizeof n);
        ck_assert_int_eq(checkpoint_seal(c, &err), 0);
        ck_assert_uint_gt(checkpoint_size(c), sizeof numbers);
        ck_assert_int_eq(read_state("mine"), n == 7 ? -1 : 7);   /* nothing was written meanwhile */
        ck_assert_int_eq(checkpoint_rescue(c), 0);
        ck_assert_int_eq(read_state("mine"), n);
    }
    checkpoint_free(c);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, open_folder, close_folder);
    tcase_add_test(tests, what_was_carried_comes_back_and_the_last_one_counts);
    tcase_add_test(tests, the_folder_is_made);
    tcase_add_test(tests, that_of_another_is_refused);
    tcase_add_test(tests, a_file_torn_or_damaged_anywhere_is_refused);
    tcase_add_test(tests, another_kind_of_file_is_refused);
    tcase_add_test(tests, fewer_or_more_bytes_than_were_written_are_told);
    tcase_add_test(tests, a_number_outside_its_bounds_is_told_and_kept_out);
    tcase_add_test(tests, a_disk_that_is_full_costs_the_new_one_and_not_the_old);
    tcase_add_test(tests, a_sealed_state_can_be_rescued_at_any_time_and_a_half_one_never);
}

UNIT_MAIN("checkpoint", add)
