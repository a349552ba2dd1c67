/* Files that are looked at in a child first: what it comes through, what it does not, and what is said of that. */
#include <check.h>
#include <hdf5.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/hdf.h"
#include "store/inspect.h"
#include "unit.h"

static char folder[64], path[96];
static struct inspection seen;
static struct error err;

static void make(void)
{
    hdf_setup();
    strcpy(folder, "/tmp/relin-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/\xc3\xa4 b.h5", folder);
    memset(&err, 0, sizeof err);
}

static void clean(void)
{
    inspect_by(NULL, NULL);
    unsetenv("RELIN_INSPECT_SECONDS");
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* A file with one dataset of floats, in chunks of `chunk` rows, through a filter (0: none); rows are written. */
static void write_file(hsize_t rows, hsize_t chunk, H5Z_filter_t filter, hsize_t written)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(1, &rows, NULL);
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk)
        H5Pset_chunk(properties, 1, &chunk);
    if (filter)
        ck_assert_int_ge(H5Pset_filter(properties, filter, H5Z_FLAG_MANDATORY, 0, NULL), 0);
    hid_t dataset = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    ck_assert_int_ge(dataset, 0);
    if (written) {
        float *values = calloc(written, sizeof *values);
        hid_t memory = H5Screate_simple(1, &written, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, (hsize_t[]){0}, NULL, &written, NULL);
        ck_assert_int_ge(H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, values), 0);
        H5Sclose(memory);
        free(values);
    }
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
    ck_assert_int_ge(H5Fclose(file), 0);
}

/* --- filters that misbehave when they unpack: libhdf5 calls them while it reads ---------- */

enum { CRASHES = 300, HANGS, EATS };

static size_t filter_function(unsigned flags, size_t n, size_t size, int kind)
{
    (void)n;
    if (!(flags & H5Z_FLAG_REVERSE))
        return size;
    if (kind == CRASHES)
        raise(SIGSEGV);
    while (kind == HANGS)
        pause();
    for (int i = 0; i < 64; i++) {   /* 6.4 GB, of which the child gets half a GB */
        char *block = malloc(100 << 20);
        if (!block)
            abort();   /* as a library may that does not look */
        memset(block, 1, 100 << 20);
    }
    return size;
}

#define FILTER(name, kind)                                                                                         \
    static size_t name(unsigned flags, size_t n_words, const unsigned words[], size_t n, size_t *size, void **buffer) \
    {                                                                                                              \
        (void)n_words, (void)words, (void)size, (void)buffer;                                                      \
        return filter_function(flags, 0, n, kind);                                                                 \
    }
FILTER(crash, CRASHES)
FILTER(hang, HANGS)
FILTER(eat, EATS)

static void register_filter(int id, H5Z_func_t function)
{
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, (H5Z_filter_t)id, 1, 1, "test", NULL, NULL, function};
    ck_assert_int_ge(H5Zregister(&filter), 0);
}

static void expect(enum inspect_end end, int detail)
{
    inspect_in_child(path, &seen);
    ck_assert_msg(seen.end == end && seen.detail == detail, "ended as %d, %d: %s", seen.end, seen.detail, seen.why);
}

static void refuse(const char *first, const char *second)
{
    ck_assert_int_eq(inspect_file(path, ERROR_DATA, &err), -1);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_msg(strncmp(err.text, path, strlen(path)) == 0 && strstr(err.text, first) && strstr(err.text, second),
                  "no '%s', '%s' in: %s", first, second, err.text);
}

START_TEST(whole_files_pass_in_any_layout)
{
    write_file(1000, 0, 0, 1000);
    expect(INSPECT_FINE, 0);
    write_file(1000, 64, H5Z_FILTER_DEFLATE, 1000);
    expect(INSPECT_FINE, 0);
    ck_assert_int_eq(inspect_file(path, ERROR_DATA, &err), 0);
}
END_TEST

START_TEST(what_is_no_hdf5_file_is_left_to_the_caller)
{
    FILE *file = fopen(path, "w");
    fputs("no HDF5\n", file);
    fclose(file);
    expect(INSPECT_FINE, 0);
    unlink(path);
    expect(INSPECT_FINE, 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);   /* and nobody waits for a writer */
    expect(INSPECT_FINE, 0);
}
END_TEST

START_TEST(a_crash_inside_libhdf5_is_an_error_of_the_file)
{
    register_filter(CRASHES, crash);
    write_file(100, 10, CRASHES, 100);
    expect(INSPECT_CRASHED, SIGSEGV);
    refuse("libhdf5 crashed on it (Segmentation fault)", "put a whole copy in its place");
}
END_TEST

START_TEST(what_takes_too_long_is_ended)
{
    register_filter(HANGS, hang);
    write_file(100, 10, HANGS, 100);
    setenv("RELIN_INSPECT_SECONDS", "1", 1);
    expect(INSPECT_TIMED_OUT, 1);
    refuse("did not come to an end of it within 1 s", "RELIN_INSPECT_SECONDS");
}
END_TEST

START_TEST(what_takes_too_much_memory_is_ended)
{
    register_filter(EATS, eat);
    write_file(100, 10, EATS, 100);
    expect(INSPECT_CRASHED, SIGABRT);
    refuse("libhdf5 crashed on it (Aborted)", "put a whole copy in its place");
}
END_TEST

START_TEST(sizes_that_the_file_cannot_hold_are_refused)
{
    write_file(1ull << 50, 1 << 20, H5Z_FILTER_DEFLATE, 0);
    expect(INSPECT_REFUSED, 0);
    refuse("dataset x: expected sizes that fit a file of", "dimensions of 4503599627370496 bytes");
    write_file(1ull << 61, 1 << 20, H5Z_FILTER_DEFLATE, 0);
    refuse("dataset x", "more than 9223372036854775807 bytes");
}
END_TEST

static int calls;
static int do_as_told(void *how, struct error *why)
{
    calls++;   /* in the child only */
    if (*(int *)how == SIGSEGV)
        raise(SIGSEGV);
    return *(int *)how ? error_set(why, ERROR_FORMAT, "refused") : 0;
}

START_TEST(a_call_is_tried_in_a_child_first)
{
    write_file(10, 0, 0, 10);
    ck_assert_int_eq(inspect_first(path, do_as_told, &(int){0}, ERROR_DATA, &err), 0);
    ck_assert_int_eq(inspect_first(path, do_as_told, &(int){1}, ERROR_DATA, &err), 0);   /* heard when it is called */
    ck_assert_int_eq(inspect_first(path, do_as_told, &(int){SIGSEGV}, ERROR_DATA, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "libhdf5 crashed on it (Segmentation fault)"));
    ck_assert_int_eq(calls, 0);
}
END_TEST

static int asked;
static void count_questions(void *context, const char *file, struct inspection *inspection)
{
    ck_assert_ptr_eq(context, &asked);
    ck_assert_str_eq(file, path);
    asked++;
    inspection->end = asked == 3 ? INSPECT_NO_CHILD : INSPECT_FINE;
}

START_TEST(a_file_that_passed_is_looked_at_again_only_when_it_changed)
{
    write_file(10, 0, 0, 10);
    inspect_by(count_questions, &asked);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(inspect_file(path, ERROR_DATA, &err), 0);
    ck_assert_int_eq(asked, 1);
    write_file(20, 0, 0, 20);
    ck_assert_int_eq(inspect_file(path, ERROR_DATA, &err), 0);
    ck_assert_int_eq(asked, 2);
    write_file(30, 0, 0, 30);
    ck_assert_int_eq(inspect_file(path, ERROR_DATA, &err), -1);
    ck_assert_int_eq(err.code, ERROR_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.text, "no process to be had to look at it first"));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, make, clean);
    tcase_add_test(tests, whole_files_pass_in_any_layout);
    tcase_add_test(tests, what_is_no_hdf5_file_is_left_to_the_caller);
    tcase_add_test(tests, a_crash_inside_libhdf5_is_an_error_of_the_file);
    tcase_add_test(tests, what_takes_too_long_is_ended);
    tcase_add_test(tests, what_takes_too_much_memory_is_ended);
    tcase_add_test(tests, sizes_that_the_file_cannot_hold_are_refused);
    tcase_add_test(tests, a_call_is_tried_in_a_child_first);
    tcase_add_test(tests, a_file_that_passed_is_looked_at_again_only_when_it_changed);
}

UNIT_MAIN("inspecting files", add)
