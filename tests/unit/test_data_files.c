/* Sets of IDX files: read right, or refused with a reason; never a crash. */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data_files.h"
#include "unit.h"

static char root[64];
static struct error err;
static struct dataset set;

/* Made and finally removed by the parent of the tests' processes, so a test that fails leaves nothing;
 * emptied before each test. */
static void make(void) { files_make(root); }
static void clean(void) { files_remove(root); }
static void empty(void) { files_empty(root); }

static const char plain_suffix[] = "-idx%d-ubyte", gzip_suffix[] = "-idx%d-ubyte.gz";

static struct data_spec tiny_spec(void)
{
    return (struct data_spec){.set = "tiny", .train = 20, .validation = 10, .test = TINY_TEST};
}

static int load(void)
{
    struct data_spec spec = tiny_spec();
    memset(&err, 0, sizeof err);
    return dataset_load(&set, &spec, root, &err);
}

/* Loading fails, and the message has all of these (NULL ends). */
static void refuse(const char *first, const char *second, const char *third)
{
    size_t held = mem_in_use();
    ck_assert_int_eq(load(), -1);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_ptr_null(set.map);
    ck_assert_uint_eq(mem_in_use(), held);
    const char *parts[] = {first, second, third};
    for (int i = 0; i < 3; i++)
        ck_assert_msg(!parts[i] || strstr(err.text, parts[i]), "no '%s' in: %s", parts[i], err.text);
}

static void check_tiny(void)
{
    ck_assert_msg(load() == 0, "%s", err.text);
    const struct data_pool *pools[2] = {&set.train, &set.test};
    ck_assert_uint_eq(set.train.rows, TINY_TRAIN);
    ck_assert_uint_eq(set.test.rows, TINY_TEST);
    ck_assert_uint_eq(set.outputs, TINY_CLASSES);
    ck_assert_int_eq(set.n_dims, 3);
    ck_assert(set.shape[0] == 1 && set.shape[1] == TINY_SIDE && set.shape[2] == TINY_SIDE);
    for (unsigned p = 0; p < 2; p++) {
        ck_assert(pools[p]->bytes && pools[p]->features == TINY_SIDE * TINY_SIDE);
        for (size_t i = 0; i < pools[p]->rows * pools[p]->features; i++)
            ck_assert_uint_eq(((const unsigned char *)pools[p]->x)[i], tiny_pixel(p, i));
        for (size_t i = 0; i < pools[p]->rows; i++)
            ck_assert_int_eq(pools[p]->label[i], tiny_label(i));
    }
    dataset_close(&set);
}

START_TEST(four_files_are_read_in_each_spelling_gzipped_or_not)
{
    static const char *const suffixes[] = {plain_suffix, gzip_suffix, ".idx%d-ubyte", ".idx%d-ubyte.gz"};
    files_write_tiny(root, suffixes[_i]);
    check_tiny();
}
END_TEST

START_TEST(two_gzip_members_in_a_row_are_one_file)
{
    unsigned char bytes[4096], head[2048];
    char path[128];
    files_write_tiny(root, plain_suffix);
    size_t size = files_read(root, "train-images-idx3-ubyte", bytes, sizeof bytes);
    files_write(root, "head.gz", bytes, 100);
    size_t length = files_read(root, "head.gz", head, sizeof head);
    files_write(root, "tail.gz", bytes + 100, size - 100);
    length += files_read(root, "tail.gz", head + length, sizeof head - length);
    files_write_raw(root, "train-images-idx3-ubyte.gz", head, length);
    snprintf(path, sizeof path, "%s/tiny/train-images-idx3-ubyte", root);
    ck_assert_int_eq(unlink(path), 0);
    check_tiny();
}
END_TEST

/* Images of floats with channels, targets of floats: a regression set. */
static void write_floats(float spoiled)
{
    unsigned char file[4096], big[2048];
    static const char *const names[2][2] = {{"train-images-idx4-float", "train-labels-idx2-float"},
                                            {"t10k-images-idx4-float", "t10k-labels-idx2-float"}};
    const uint32_t image_dims[4] = {30, 2, 1, 3}, target_dims[2] = {30, 2};
    for (int p = 0; p < 2; p++)
        for (int what = 0; what < 2; what++) {
            size_t n = what ? 60 : 180;
            for (size_t i = 0; i < n; i++) {
                float value = i == 7 && what == 0 ? spoiled : (float)i / 4 - 3;
                uint32_t bits;
                memcpy(&bits, &value, 4);
                for (int b = 0; b < 4; b++)
                    big[4 * i + (size_t)b] = (unsigned char)(bits >> (24 - 8 * b));
            }
            files_write(root, names[p][what], file,
                        files_idx(file, 13, what ? 2 : 4, what ? target_dims : image_dims, big, 4 * n));
        }
}

START_TEST(floats_of_any_dimensions_are_read_as_they_are)
{
    struct data_spec spec = tiny_spec();
    spec.task = TASK_REGRESSION;
    write_floats(0.5f);
    ck_assert_msg(dataset_load(&set, &spec, root, &err) == 0, "%s", err.text);
    ck_assert(!set.train.bytes && set.outputs == 2 && set.shape[0] == 2 && set.shape[1] == 1 && set.shape[2] == 3);
    ck_assert(((const float *)set.train.x)[7] == 0.5f);
    ck_assert(((const float *)set.test.x)[179] == 179.0f / 4 - 3);
    ck_assert(set.train.target[59] == 59.0f / 4 - 3);
    ck_assert_ptr_null(set.train.label);
    dataset_close(&set);
}
END_TEST

START_TEST(a_value_that_is_not_finite_is_refused_with_its_row)
{
    struct data_spec spec = tiny_spec();
    spec.task = TASK_REGRESSION;
    write_floats((float)NAN);
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "row 1, element 1: expected a finite number"), "%s", err.text);
}
END_TEST

START_TEST(labels_must_fit_the_task)
{
    struct data_spec spec = tiny_spec();
    spec.task = TASK_REGRESSION;
    files_write_tiny(root, plain_suffix);
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "expected floats (data.task: regression)"), "%s", err.text);
    files_empty(root);
    write_floats(0);
    refuse("train-labels-idx2-float", "expected one whole number a row", "2 floats");
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    char path[128];
    files_write_tiny(root, plain_suffix);
    snprintf(path, sizeof path, "%s/tiny/t10k-labels-idx1-ubyte", root);
    ck_assert_int_eq(unlink(path), 0);
    refuse("expected a file t10k-labels-idx1-ubyte", "got none", NULL);
}
END_TEST

START_TEST(as_many_labels_as_images_are_expected)
{
    unsigned char file[64];
    const uint32_t dims[1] = {11};
    files_write_tiny(root, plain_suffix);
    files_write(root, "t10k-labels-idx1-ubyte", file, files_idx(file, 8, 1, dims, "\0\1\2\0\1\2\0\1\2\0\1", 11));
    refuse("t10k-labels-idx1-ubyte", "each of the 12 images", "got 11");
}
END_TEST

START_TEST(a_test_label_beyond_the_classes_of_training_is_refused)
{
    unsigned char file[64];
    const uint32_t dims[1] = {12};
    files_write_tiny(root, plain_suffix);
    files_write(root, "t10k-labels-idx1-ubyte", file, files_idx(file, 8, 1, dims, "\0\1\2\0\1\2\0\1\2\0\1\3", 12));
    refuse("t10k-labels-idx1-ubyte: row 11", "a label of 0 to 2", "got 3");
}
END_TEST

START_TEST(a_class_without_rows_is_refused)
{
    unsigned char file[64], labels[TINY_TRAIN];
    const uint32_t dims[1] = {TINY_TRAIN};
    files_write_tiny(root, plain_suffix);
    for (size_t i = 0; i < TINY_TRAIN; i++)
        labels[i] = i == 4 ? 200 : tiny_label(i);
    files_write(root, "train-labels-idx1-ubyte", file, files_idx(file, 8, 1, dims, labels, TINY_TRAIN));
    refuse("train-labels-idx1-ubyte", "largest label of 200", "no row of class 3");
}
END_TEST

START_TEST(test_images_of_another_size_are_refused)
{
    unsigned char file[512], data[192] = {0};
    const uint32_t dims[3] = {12, 4, 2};
    files_write_tiny(root, plain_suffix);
    files_write(root, "t10k-images-idx3-ubyte", file, files_idx(file, 8, 3, dims, data, 96));
    refuse("t10k-images-idx3-ubyte", "16 numbers of bytes", "got 8");
}
END_TEST

START_TEST(a_header_that_promises_more_than_the_file_could_hold_is_not_believed)
{
    unsigned char file[600], data[480] = {0};
    const uint32_t huge[3] = {4000000000u, 28, 28}, endless[3] = {4294967295u, 4294967295u, 4294967295u};
    files_write_tiny(root, plain_suffix);
    files_write(root, "train-images-idx3-ubyte", file, files_idx(file, 8, 3, huge, data, 480));
    refuse("train-images-idx3-ubyte: expected 3136000000016 bytes", "at most 496", "truncated, or corrupt header");
    files_write(root, "train-images-idx3-ubyte.gz", file, files_idx(file, 8, 3, huge, data, 480));
    refuse("expected 3136000000016 bytes", NULL, NULL);
    files_write(root, "train-images-idx3-ubyte", file, files_idx(file, 8, 3, endless, data, 480));
    refuse("corrupt header", NULL, NULL);
}
END_TEST

START_TEST(bytes_behind_the_end_are_refused)
{
    unsigned char bytes[4096];
    const char *name = _i ? "train-images-idx3-ubyte.gz" : "train-images-idx3-ubyte";
    files_write_tiny(root, _i ? gzip_suffix : plain_suffix);
    size_t size = files_read(root, name, bytes, sizeof bytes);
    bytes[size] = 'x';
    files_write_raw(root, name, bytes, size + 1);
    refuse(name, "expected the end of the file", "further bytes");
}
END_TEST

START_TEST(a_file_cut_at_any_length_is_refused)
{
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
    unsigned char bytes[4096];
    files_write_tiny(root, _i < 2 ? plain_suffix : gzip_suffix);
    size_t size = files_read(root, names[_i], bytes, sizeof bytes);
    for (size_t length = 0; length < size; length++) {
        files_write_raw(root, names[_i], bytes, length);
        refuse(names[_i], "expected", "got");
    }
    files_write_raw(root, names[_i], bytes, size);
    check_tiny();
}
END_TEST

/* Each bit of the header alone: refused, or (a signed byte is a type as well) read without harm. */
START_TEST(a_flipped_bit_in_a_header_is_never_a_crash)
{
    unsigned char bytes[4096];
    const char *name = _i ? "train-labels-idx1-ubyte" : "train-images-idx3-ubyte";
    size_t read = 0;
    files_write_tiny(root, plain_suffix);
    size_t size = files_read(root, name, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * (_i ? 8u : 16u); bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        files_write_raw(root, name, bytes, size);
        if (load() == 0) {
            ck_assert_uint_eq(bit / 8, 2);
            read++;
            dataset_close(&set);
        } else {
            ck_assert_msg(strstr(err.text, "expected") && strstr(err.text, "got"), "%s", err.text);
        }
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_uint_le(read, 1);
}
END_TEST

/* A gzipped file with any one byte changed: refused by its check sum, or the change was in a
 * field that does not matter (time, system, name of the packed file). */
START_TEST(a_changed_byte_in_a_gzipped_file_never_changes_the_data)
{
    unsigned char bytes[4096];
    const char *name = "train-images-idx3-ubyte.gz";
    files_write_tiny(root, gzip_suffix);
    size_t size = files_read(root, name, bytes, sizeof bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x55;
        files_write_raw(root, name, bytes, size);
        if (load() == 0) {
            dataset_close(&set);
            check_tiny();
        }
        bytes[i] ^= 0x55;
    }
}
END_TEST

START_TEST(a_folder_in_place_of_a_file_is_refused)
{
    char path[128];
    files_write_tiny(root, gzip_suffix);
    snprintf(path, sizeof path, "%s/tiny/train-images-idx3-ubyte", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    refuse("train-images-idx3-ubyte", "regular file", NULL);
}
END_TEST

START_TEST(an_unknown_set_is_answered_with_what_there_is)
{
    struct data_spec spec = tiny_spec();
    files_write_tiny(root, gzip_suffix);
    strcpy(spec.set, "tinny");
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "sprites, teacher, tiny") && strstr(err.text, "did you mean tiny?"), "%s", err.text);
    ck_assert_int_eq(dataset_load(&set, &spec, NULL, &err), -1);
    ck_assert_msg(strstr(err.text, "RELIN_DATA is not set"), "%s", err.text);
    strcpy(spec.set, "../tiny");
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "plain name"), "%s", err.text);
}
END_TEST

START_TEST(more_rows_than_there_are_is_an_error_before_anything_is_read)
{
    struct data_spec spec = tiny_spec();
    spec.train = 25;
    files_write_tiny(root, gzip_suffix);
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "at most 30 rows") && strstr(err.text, "25 + 10"), "%s", err.text);
}
END_TEST

START_TEST(the_list_has_a_line_for_each_folder)
{
    struct text out = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/broken", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    files_write_tiny(root, gzip_suffix);
    dataset_list(root, false, &out);
    ck_assert_msg(strstr(out.chars, "30 + 12 rows of 1x4x4, 3 classes"), "%s", out.chars);
    ck_assert_msg(strstr(out.chars, "cannot be used"), "%s", out.chars);
    text_free(&out);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, clean);
    tcase_add_checked_fixture(tests, empty, NULL);
    tcase_add_loop_test(tests, four_files_are_read_in_each_spelling_gzipped_or_not, 0, 4);
    tcase_add_test(tests, two_gzip_members_in_a_row_are_one_file);
    tcase_add_test(tests, floats_of_any_dimensions_are_read_as_they_are);
    tcase_add_test(tests, a_value_that_is_not_finite_is_refused_with_its_row);
    tcase_add_test(tests, labels_must_fit_the_task);
    tcase_add_test(tests, a_missing_file_is_named);
    tcase_add_test(tests, as_many_labels_as_images_are_expected);
    tcase_add_test(tests, a_test_label_beyond_the_classes_of_training_is_refused);
    tcase_add_test(tests, a_class_without_rows_is_refused);
    tcase_add_test(tests, test_images_of_another_size_are_refused);
    tcase_add_test(tests, a_header_that_promises_more_than_the_file_could_hold_is_not_believed);
    tcase_add_loop_test(tests, bytes_behind_the_end_are_refused, 0, 2);
    tcase_add_loop_test(tests, a_file_cut_at_any_length_is_refused, 0, 4);
    tcase_add_loop_test(tests, a_flipped_bit_in_a_header_is_never_a_crash, 0, 2);
    tcase_add_test(tests, a_changed_byte_in_a_gzipped_file_never_changes_the_data);
    tcase_add_test(tests, a_folder_in_place_of_a_file_is_refused);
    tcase_add_test(tests, an_unknown_set_is_answered_with_what_there_is);
    tcase_add_test(tests, more_rows_than_there_are_is_an_error_before_anything_is_read);
    tcase_add_test(tests, the_list_has_a_line_for_each_folder);
}

UNIT_MAIN("data files", add)
