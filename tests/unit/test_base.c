#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/share.h"
#include "base/text.h"
#include "unit.h"

START_TEST(bytes_are_utf8_or_not)
{
    static const char *const good[] = {"", "a\n\x7f", "\xc2\x80", "\xe2\x82\xac", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80", "\xff", "\xc1\xbf", "\xc2", "\xc2" "a", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                                      "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(text_is_utf8(good[i]), "good %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!text_is_utf8(bad[i]), "bad %zu", i);
}
END_TEST

START_TEST(an_error_carries_code_and_text_and_a_prefix)
{
    struct error err;
    ck_assert_int_eq(error_set(&err, ERROR_DATA, "expected %d, got %d", 1, 2), -1);
    ck_assert_int_eq(error_prefix(&err, "file %s", "a.yaml"), -1);
    ck_assert_str_eq(err.text, "file a.yaml: expected 1, got 2");
    ck_assert_int_eq(error_exit_code(err.code), 2);
    ck_assert_int_eq(error_exit_code(ERROR_INTERRUPTED), 75);
    ck_assert_int_eq(error_set(NULL, ERROR_DATA, "nobody listens"), -1);
}
END_TEST

START_TEST(memory_is_zeroed_aligned_counted_and_overflow_is_an_error)
{
    struct error err = {0};
    size_t before = mem_in_use();
    unsigned char *block = mem_alloc(1000, 3, &err);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % 64, 0);
    for (int i = 0; i < 3000; i++)
        ck_assert_uint_eq(block[i], 0);
    ck_assert_uint_eq(mem_in_use(), before + 3000);
    ck_assert_uint_ge(mem_peak(), before + 3000);
    mem_free(block);
    ck_assert_uint_eq(mem_in_use(), before);
    ck_assert_ptr_null(mem_alloc(SIZE_MAX / 2, 3, &err));
    ck_assert_int_eq(err.code, ERROR_MEMORY);
    mem_free(NULL);
}
END_TEST

START_TEST(philox_gives_the_published_known_answer)
{
    /* Random123's kat_vectors: philox4x32 10, counter 0, key 0 */
    struct random r;
    random_start(&r, 0, 0, 0);
    ck_assert_uint_eq(random_u32(&r), 0x6627e8d5u);
    ck_assert_uint_eq(random_u32(&r), 0xe169c58du);
    ck_assert_uint_eq(random_u32(&r), 0xbc57ac4cu);
    ck_assert_uint_eq(random_u32(&r), 0x9b00dbd8u);
}
END_TEST

START_TEST(streams_differ_and_repeat)
{
    struct random a, b, c;
    random_start(&a, 7, RANDOM_INIT, 1);
    random_start(&b, 7, RANDOM_INIT, 2);
    random_start(&c, 7, RANDOM_INIT, 1);
    int equal = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t x = random_u32(&a);
        equal += x == random_u32(&b);
        ck_assert_uint_eq(x, random_u32(&c));
    }
    ck_assert_int_lt(equal, 3);
}
END_TEST

START_TEST(uniform_normal_and_below_have_their_moments)
{
    struct random r;
    random_start(&r, 3, RANDOM_SET, 0);
    double sum = 0, squares = 0, uniform = 0;
    int counts[3] = {0};
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double z = random_normal(&r);
        sum += z;
        squares += z * z;
        double u = random_uniform(&r);
        ck_assert(u >= 0 && u < 1);
        uniform += u;
        counts[random_below(&r, 3)]++;
    }
    ck_assert(fabs(sum / N) < 0.02);
    ck_assert(fabs(squares / N - 1) < 0.03);
    ck_assert(fabs(uniform / N - 0.5) < 0.01);
    for (int i = 0; i < 3; i++)
        ck_assert(abs(counts[i] - N / 3) < 700);
}
END_TEST

START_TEST(a_shuffle_is_a_permutation)
{
    struct random r;
    size_t index[50], seen[50] = {0};
    for (size_t i = 0; i < 50; i++)
        index[i] = i;
    random_start(&r, 1, RANDOM_BATCH, 0);
    random_shuffle(&r, index, 50);
    size_t moved = 0;
    for (size_t i = 0; i < 50; i++) {
        seen[index[i]]++;
        moved += index[i] != i;
    }
    for (size_t i = 0; i < 50; i++)
        ck_assert_uint_eq(seen[i], 1);
    ck_assert_uint_gt(moved, 30);
}
END_TEST

START_TEST(hash_and_crc_give_known_answers)
{
    char hex[HASH_HEX_SIZE];
    hash_hex("abc", 3, hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea");
    ck_assert_uint_eq(hash_crc32(0, "123456789", 9), 0xcbf43926u);
}
END_TEST

START_TEST(numbers_are_written_shortest_and_read_back)
{
    struct text t = {0};
    text_add_json_number(&t, 0.1);
    text_add(&t, " ");
    text_add_json_number(&t, 3000);
    text_add(&t, " ");
    text_add_json_number(&t, INFINITY);
    text_add(&t, " ");
    text_add_number(&t, -INFINITY);
    text_add(&t, " ");
    text_add_json_value(&t, -INFINITY);
    text_add(&t, " ");
    text_add_json_value(&t, NAN);
    text_add(&t, " ");
    text_add_json_string(&t, "a\"b\\\n\x01é");
    ck_assert_str_eq(t.chars, "0.1 3000 \"inf\" -inf \"-inf\" null \"a\\\"b\\\\\\n\\u0001é\"");
    text_free(&t);
}
END_TEST

START_TEST(whole_numbers_are_written_as_printf_does)
{
    const long long numbers[] = {0, 7, -7, 10, 1234567890123456789, LLONG_MAX, LLONG_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct text text = {0};
        char printed[32];
        snprintf(printed, sizeof printed, "a%lld", numbers[i]);
        text_add_string(&text, "a");
        text_add_whole(&text, numbers[i]);
        ck_assert_str_eq(text.chars, printed);
        text_free(&text);
    }
}
END_TEST

START_TEST(equal_blocks_are_one_until_nobody_holds_them)
{
    enum { BLOCKS = 1000 };
    const int *shared[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        const int block[3] = {i % 250, 1, 2};
        shared[i] = share_hold(block, sizeof block);
        ck_assert(shared[i] == shared[i % 250] && shared[i] != block);
        ck_assert_int_eq(shared[i][0], i % 250);
    }
    const int shorter[2] = {0, 1};
    const void *other = share_hold(shorter, sizeof shorter);
    ck_assert_ptr_ne(other, shared[0]);
    share_drop(other);
    ck_assert_ptr_null(share_hold(NULL, 0));
    share_drop(NULL);
    for (int i = 0; i < BLOCKS; i++) {
        ck_assert_int_eq(shared[i][0], i % 250);   /* held by the later ones still */
        share_drop(shared[i]);
    }
}
END_TEST

START_TEST(fields_and_words_are_quoted_where_they_must_be)
{
    struct text t = {0};
    const char *values[] = {"plain text", "a,b", "say \"so\"", "two\nlines", ""};
    for (size_t i = 0; i < 5; i++) {
        text_add(&t, i ? "|" : "");
        text_add_csv(&t, values[i]);
    }
    ck_assert_str_eq(t.chars, "plain text|\"a,b\"|\"say \"\"so\"\"\"|\"two\nlines\"|");
    text_free(&t);
    const char *words[] = {"a/b.yaml", "K=1,2", "two words", "it's", "50% $HOME", ""};
    for (size_t i = 0; i < 6; i++) {
        text_add(&t, i ? "|" : "");
        text_add_shell_word(&t, words[i]);
    }
    ck_assert_str_eq(t.chars, "a/b.yaml|K=1,2|'two words'|'it'\\''s'|'50% $HOME'|''");
    text_free(&t);
}
END_TEST

START_TEST(distance_counts_edits)
{
    ck_assert_uint_eq(text_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(text_distance("", "abc"), 3);
    ck_assert_uint_eq(text_distance("same", "same"), 0);
}
END_TEST

START_TEST(durations_are_read_in_units_and_as_slurm_writes_them)
{
    static const struct { const char *text; double seconds; } good[] = {
        {"90", 90}, {"90s", 90}, {"1.5m", 90}, {"2h", 7200}, {"1d", 86400}, {"04:00:00", 14400}, {"1:00:30", 3630},
        {"2-12:00:00", 216000}, {"100:00:00", 360000}};
    static const char *const bad[] = {"", "m", "5 m", "5x", "1:30", "1:00:00h", "1-2", "a:00:00", "1:00:0x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(clock_parse_duration(good[i].text) == good[i].seconds, "%s", good[i].text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(isnan(clock_parse_duration(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(durations_are_for_people)
{
    char text[40];
    clock_duration(3.14, text, sizeof text);
    ck_assert_str_eq(text, "3.1 s");
    clock_duration(200, text, sizeof text);
    ck_assert_str_eq(text, "3 min 20 s");
    clock_duration(7500, text, sizeof text);
    ck_assert_str_eq(text, "2 h 5 min");
    clock_duration(NAN, text, sizeof text);
    ck_assert_str_eq(text, "?");
    clock_iso(0, text, sizeof text);
    ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, bytes_are_utf8_or_not);
    tcase_add_test(tests, an_error_carries_code_and_text_and_a_prefix);
    tcase_add_test(tests, memory_is_zeroed_aligned_counted_and_overflow_is_an_error);
    tcase_add_test(tests, philox_gives_the_published_known_answer);
    tcase_add_test(tests, streams_differ_and_repeat);
    tcase_add_test(tests, uniform_normal_and_below_have_their_moments);
    tcase_add_test(tests, a_shuffle_is_a_permutation);
    tcase_add_test(tests, hash_and_crc_give_known_answers);
    tcase_add_test(tests, numbers_are_written_shortest_and_read_back);
    tcase_add_test(tests, whole_numbers_are_written_as_printf_does);
    tcase_add_test(tests, equal_blocks_are_one_until_nobody_holds_them);
    tcase_add_test(tests, fields_and_words_are_quoted_where_they_must_be);
    tcase_add_test(tests, distance_counts_edits);
    tcase_add_test(tests, durations_are_for_people);
    tcase_add_test(tests, durations_are_read_in_units_and_as_slurm_writes_them);
}

UNIT_MAIN("base", add)
