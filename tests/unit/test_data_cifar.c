/* CIFAR-10's binary version: read right, or refused with the file, what was expected and what was found. */
#include "base/error.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data_files.h"
#include "unit.h"

enum { IMAGE = 3072, RECORD = 3073 };

static char root[64];
static struct error err;
static struct dataset set;

static void make(void) { files_make(root); }
static void clean(void) { files_remove(root); }
static void empty(void) { files_empty(root); }

static unsigned char pixel(int batch, size_t row, size_t k) { return (unsigned char)(k * 31 + row * 7 + (size_t)batch * 101); }
static unsigned char label(int batch, size_t row) { return (unsigned char)((row * 3 + (size_t)batch) % 10); }

static unsigned char bytes[32 * RECORD];

/* Batch 1 to 5, or 0 for the test batch; the file is cut to size. */
static void write_batch(int batch, size_t rows, size_t size)
{
    char name[32] = "test_batch.bin";
    if (batch)
        snprintf(name, sizeof name, "data_batch_%d.bin", batch);
    for (size_t i = 0; i < rows; i++) {
        bytes[i * RECORD] = label(batch, i);
        for (size_t k = 0; k < IMAGE; k++)
            bytes[i * RECORD + 1 + k] = pixel(batch, i, k);
    }
    files_write_raw(root, name, bytes, size);
}

static int load(enum data_task task)
{
    struct data_spec spec = {.set = "tiny", .train = DATA_ALL, .test = DATA_ALL, .task = task};
    memset(&err, 0, sizeof err);
    return dataset_load(&set, &spec, root, &err);
}

static void refuse(const char *first, const char *second)
{
    size_t held = mem_in_use();
    ck_assert_int_eq(load(TASK_CLASSIFICATION), -1);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_uint_eq(mem_in_use(), held);
    ck_assert_msg(strstr(err.text, first) && strstr(err.text, second), "no '%s', '%s' in: %s", first, second, err.text);
}

START_TEST(the_batches_that_are_there_are_read_in_order)
{
    static const struct { int batch; size_t rows; } batches[] = {{2, 12}, {5, 8}};
    size_t row = 0;
    write_batch(5, 8, 8 * RECORD);
    write_batch(2, 12, 12 * RECORD);
    write_batch(0, 5, 5 * RECORD);
    ck_assert_msg(load(TASK_CLASSIFICATION) == 0, "%s", err.text);
    ck_assert(set.outputs == 10 && set.n_dims == 3 && set.shape[0] == 3 && set.shape[1] == 32 && set.shape[2] == 32);
    ck_assert(set.train.bytes && set.train.rows == 20 && set.test.rows == 5);
    for (size_t b = 0; b < 2; b++)
        for (size_t i = 0; i < batches[b].rows; i++, row++) {
            ck_assert_int_eq(set.train.label[row], label(batches[b].batch, i));
            for (size_t k = 0; k < IMAGE; k++)
                ck_assert_uint_eq(((const unsigned char *)set.train.x)[row * IMAGE + k], pixel(batches[b].batch, i, k));
        }
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(set.test.label[i], label(0, i));
    ck_assert_uint_eq(((const unsigned char *)set.test.x)[4 * IMAGE + 99], pixel(0, 4, 99));
    dataset_close(&set);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_with_its_size)
{
    static const size_t sizes[] = {0, 1, 3072, 3074, 3 * RECORD - 1, 3 * RECORD + 1};
    char got[40];
    int batch = _i % 2 ? 0 : 3;
    write_batch(3, 4, 4 * RECORD);
    write_batch(0, 4, 4 * RECORD);
    write_batch(batch, 4, sizes[_i / 2]);
    snprintf(got, sizeof got, "bytes, got %zu: truncated", sizes[_i / 2]);
    refuse(batch ? "data_batch_3.bin: expected records of 3073 bytes" : "test_batch.bin: expected records of 3073 bytes", got);
}
END_TEST

START_TEST(a_missing_file_and_a_wrong_label_are_named)
{
    write_batch(0, 4, 4 * RECORD);
    refuse("expected one or more of data_batch_1.bin to data_batch_5.bin", "got none");
    files_empty(root);
    write_batch(1, 4, 4 * RECORD);
    refuse("expected a file test_batch.bin", "got none");
    write_batch(0, 4, 4 * RECORD);
    bytes[2 * RECORD] = 10;
    files_write_raw(root, "data_batch_1.bin", bytes, 4 * RECORD);
    refuse("data_batch_1.bin: record 2: expected a label of 0 to 9", "got 10");
}
END_TEST

START_TEST(a_folder_in_place_of_a_batch_and_regression_are_refused)
{
    char path[128];
    write_batch(0, 4, 4 * RECORD);
    write_batch(1, 4, 4 * RECORD);
    ck_assert_int_eq(load(TASK_REGRESSION), -1);
    ck_assert_msg(strstr(err.text, "expected data.task classification"), "%s", err.text);
    snprintf(path, sizeof path, "%s/tiny/data_batch_2.bin", root);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    refuse("data_batch_2.bin", "regular file");
}
END_TEST

START_TEST(the_folder_of_the_official_archive_is_the_set_cifar_10)
{
    char command[192];
    struct text out = {0};
    struct data_spec spec = {.set = "cifar-10", .train = DATA_ALL, .test = DATA_ALL};
    write_batch(0, 4, 4 * RECORD);
    write_batch(1, 4, 4 * RECORD);
    snprintf(command, sizeof command, "mv '%s/tiny' '%s/cifar-10-batches-bin'", root, root);
    ck_assert_int_eq(system(command), 0);
    ck_assert_msg(dataset_load(&set, &spec, root, &err) == 0, "%s", err.text);
    dataset_close(&set);
    strcpy(spec.set, "cifar-10-batches-bin");
    ck_assert_msg(dataset_load(&set, &spec, root, &err) == 0, "%s", err.text);
    dataset_close(&set);
    dataset_list(root, false, &out);
    ck_assert_msg(strstr(out.chars, "\ncifar-10 ") && strstr(out.chars, "4 + 4 rows of 3x32x32, 10 classes"), "%s", out.chars);
    text_free(&out);
    strcpy(spec.set, "cifar10");
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "did you mean cifar-10?"), "%s", err.text);
}
END_TEST

START_TEST(the_real_files_are_read_whole)
{
    const char *data = getenv("RELIN_DATA");
    char path[300];
    struct data_spec spec = {.set = "cifar-10", .train = DATA_ALL, .test = DATA_ALL};
    snprintf(path, sizeof path, "%s/cifar-10-batches-bin/test_batch.bin", data ? data : "");
    if (!data || access(path, R_OK) != 0) {
        printf("skip: no cifar-10-batches-bin under RELIN_DATA\n");
        return;
    }
    ck_assert_msg(dataset_load(&set, &spec, data, &err) == 0, "%s", err.text);
    ck_assert(set.train.rows >= 5000 && set.test.rows >= 1000);
    /* what everybody's CIFAR-10 begins with: a frog, and in the test batch a cat */
    ck_assert(set.train.label[0] == 6 && set.test.label[0] == 3);
    ck_assert(((const unsigned char *)set.train.x)[0] == 59 && ((const unsigned char *)set.train.x)[1] == 43);
    ck_assert_uint_eq(((const unsigned char *)set.test.x)[0], 158);
    dataset_close(&set);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, clean);
    tcase_add_checked_fixture(tests, empty, NULL);
    tcase_add_test(tests, the_batches_that_are_there_are_read_in_order);
    tcase_add_loop_test(tests, a_file_cut_anywhere_is_refused_with_its_size, 0, 12);
    tcase_add_test(tests, a_missing_file_and_a_wrong_label_are_named);
    tcase_add_test(tests, a_folder_in_place_of_a_batch_and_regression_are_refused);
    tcase_add_test(tests, the_folder_of_the_official_archive_is_the_set_cifar_10);
    tcase_add_test(tests, the_real_files_are_read_whole);
}

UNIT_MAIN("CIFAR-10", add)
