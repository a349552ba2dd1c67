/* One's own data in HDF5: read right, or refused with the file, the dataset and the reason. */
#include <hdf5.h>
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data_files.h"
#include "store/reader.h"
#include "unit.h"

enum { TRAIN = 12, TEST = 6, FEATURES = 8 };

static char root[64], path[128];
static struct error err;
static struct dataset set;

static void make(void)
{
    files_make(root);
    snprintf(path, sizeof path, "%s/tiny/mine.h5", root);
    store_register_reader();
    store_register_reader();   /* again is the same as once */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void clean(void) { files_remove(root); }
static void empty(void) { files_empty(root); }

/* One dataset of a file; values NULL: never written. rank 0: none. */
struct part {
    const char *name;
    hid_t file_type, memory_type;
    int rank;
    hsize_t dim[5];
    const void *values;
};

static void write_parts(const struct part *parts, size_t n)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(file >= 0);
    H5Gclose(H5Gcreate2(file, "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(H5Gcreate2(file, "test", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    for (size_t i = 0; i < n; i++) {
        if (!parts[i].name)
            continue;
        hid_t space = parts[i].rank ? H5Screate_simple(parts[i].rank, parts[i].dim, NULL) : H5Screate(H5S_SCALAR);
        hid_t dataset = H5Dcreate2(file, parts[i].name, parts[i].file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        ck_assert(dataset >= 0);
        if (parts[i].values)
            ck_assert(H5Dwrite(dataset, parts[i].memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, parts[i].values) >= 0);
        H5Dclose(dataset);
        H5Sclose(space);
    }
    H5Fclose(file);
}

static unsigned char bytes[TRAIN * FEATURES];
static double numbers[TRAIN * FEATURES];
static int64_t labels[TRAIN];

enum { TRAIN_X, TRAIN_Y, TEST_X, TEST_Y, PARTS };

/* Images of bytes (2, 2, 2) with labels. */
static void prepare(struct part parts[PARTS])
{
    for (size_t i = 0; i < TRAIN * FEATURES; i++) {
        bytes[i] = (unsigned char)(i * 5 + 1);
        numbers[i] = (double)i / 8 - 3;
    }
    for (size_t i = 0; i < TRAIN; i++)
        labels[i] = (int64_t)(i % 3);
    parts[TRAIN_X] = (struct part){"/train/x", H5T_STD_U8LE, H5T_NATIVE_UINT8, 4, {TRAIN, 2, 2, 2}, bytes};
    parts[TRAIN_Y] = (struct part){"/train/y", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, {TRAIN}, labels};
    parts[TEST_X] = (struct part){"/test/x", H5T_STD_U8LE, H5T_NATIVE_UINT8, 4, {TEST, 2, 2, 2}, bytes};
    parts[TEST_Y] = (struct part){"/test/y", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, {TEST}, labels};
}

static int load(enum data_task task)
{
    struct data_spec spec = {.set = "mine", .train = DATA_ALL, .test = DATA_ALL, .task = task};
    memset(&err, 0, sizeof err);
    return dataset_load(&set, &spec, root, &err);
}

static void refuse(enum data_task task, const char *first, const char *second)
{
    size_t held = mem_in_use();
    ck_assert_int_eq(load(task), -1);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_uint_eq(mem_in_use(), held);
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);   /* nothing stays open */
    ck_assert_msg(strstr(err.text, "mine.h5") && strstr(err.text, first) && strstr(err.text, second),
                  "no '%s', '%s' in: %s", first, second, err.text);
}

START_TEST(images_of_bytes_with_labels_are_read_as_they_are)
{
    struct part parts[PARTS];
    prepare(parts);
    if (_i)   /* labels of any whole type, in either order of bytes */
        parts[TRAIN_Y].file_type = H5T_STD_U16BE;
    write_parts(parts, PARTS);
    ck_assert_msg(load(TASK_CLASSIFICATION) == 0, "%s", err.text);
    ck_assert(set.train.bytes && set.n_dims == 3 && set.shape[0] == 2 && set.shape[2] == 2 && set.outputs == 3);
    ck_assert(set.train.rows == TRAIN && set.test.rows == TEST);
    ck_assert_mem_eq(set.train.x, bytes, sizeof bytes);
    for (size_t i = 0; i < TEST; i++)
        ck_assert(set.test.label[i] == labels[i]);
    dataset_close(&set);
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}
END_TEST

START_TEST(features_of_floats_with_targets_are_read_as_they_are)
{
    struct part parts[PARTS];
    prepare(parts);
    for (int p = 0; p < PARTS; p += 2) {
        parts[p] = (struct part){parts[p].name, p ? H5T_IEEE_F32BE : H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2,
                                 {p ? TEST : TRAIN, FEATURES}, numbers};
        parts[p + 1] = (struct part){parts[p + 1].name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, _i ? 2 : 1,
                                     {p ? TEST : TRAIN, 2}, numbers};
    }
    write_parts(parts, PARTS);
    ck_assert_msg(load(TASK_REGRESSION) == 0, "%s", err.text);
    ck_assert(!set.train.bytes && set.n_dims == 1 && set.shape[0] == FEATURES && set.outputs == (_i ? 2 : 1));
    for (size_t i = 0; i < TRAIN * FEATURES; i++)
        ck_assert(((const float *)set.train.x)[i] == (float)numbers[i]);
    for (size_t i = 0; i < TEST * set.outputs; i++)
        ck_assert(set.test.target[i] == (float)numbers[i]);
    dataset_close(&set);
    refuse(TASK_CLASSIFICATION, "/train/y: expected whole numbers (rows)", "got floats");
}
END_TEST

static const double spoiled[TRAIN * FEATURES] = {[11] = NAN}, huge[TRAIN * FEATURES] = {[70] = 1e300};
static const int64_t negative[TRAIN] = {0, 1, 2, 0, -1}, gap[TRAIN] = {0, 3, 1}, wide[TRAIN] = {0, 1, 2, 1LL << 40};

static const struct { int part; struct part with; enum data_task task; const char *message, *more; } wrong[] = {
    {TRAIN_X, {NULL, 0, 0, 0, {0}, NULL}, 0, "expected datasets /train/x", "got no /train/x"},
    {TEST_Y, {NULL, 0, 0, 0, {0}, NULL}, 0, "expected datasets /train/x", "got no /test/y"},
    {TRAIN_X, {"/train/x", 'B', 'B', 4, {TRAIN, 2, 2, 2}, NULL}, 0, "/train/x: expected values", "never written"},
    {TRAIN_X, {"/train/x", 'B', 'B', 3, {TRAIN, 4, 2}, bytes}, 0, "/train/x: expected (rows, features) or (rows, channels, height, width)", "got 3 dimensions"},
    {TRAIN_X, {"/train/x", 'B', 'B', 5, {TRAIN, 2, 2, 2, 1}, bytes}, 0, "/train/x: expected 1 to 4 dimensions", "got 5"},
    {TRAIN_X, {"/train/x", 'B', 'B', 0, {0}, bytes}, 0, "/train/x: expected 1 to 4 dimensions", "got 0"},
    {TRAIN_X, {"/train/x", 'B', 'B', 2, {TRAIN, 0}, NULL}, 0, "/train/x: dimension 1: expected 1 or more", "got 0"},
    {TRAIN_X, {"/train/x", 'L', 'L', 2, {TRAIN, 1}, labels}, 0, "/train/x: expected unsigned bytes or floats", "other whole numbers"},
    {TRAIN_X, {"/train/x", 'S', 'S', 2, {TRAIN, 2}, bytes}, 0, "/train/x: expected numbers", "another type"},
    {TRAIN_X, {"/train/x", 'B', 'B', 4, {1, 65, 1, 1}, bytes}, 0, "/train/x: expected at most 64 channels", "got 65"},
    {TEST_X, {"/test/x", 'B', 'B', 2, {TEST, 8}, bytes}, 0, "/test/x: expected rows of the same shape and type as /train/x", "8 numbers of bytes"},
    {TEST_X, {"/test/x", 'D', 'D', 4, {TEST, 2, 2, 2}, numbers}, 0, "/test/x: expected rows of the same shape", "8 of floats"},
    {TEST_Y, {"/test/y", 'L', 'L', 1, {TEST - 1}, labels}, 0, "/test/y: expected one of each of the 6 rows of /test/x", "got 5"},
    {TEST_Y, {"/test/y", 'L', 'L', 2, {TEST, 2}, labels}, 0, "/test/y: expected whole numbers (rows)", "2 dimensions"},
    {TRAIN_Y, {"/train/y", 'L', 'L', 1, {TRAIN}, labels}, TASK_REGRESSION, "/train/y: expected floats", "got whole numbers"},
    {TRAIN_Y, {"/train/y", 'L', 'L', 1, {TRAIN}, negative}, 0, "/train/y: row 4: expected a label of 0 to", "got -1"},
    {TRAIN_Y, {"/train/y", 'L', 'L', 1, {TRAIN}, wide}, 0, "/train/y: row 3: expected a label of 0 to", "got 2147483647"},
    {TRAIN_Y, {"/train/y", 'L', 'L', 1, {TRAIN}, gap}, 0, "/train/y: expected labels 0 to classes-1 that all occur", "no row of class 2"},
    {TEST_Y, {"/test/y", 'L', 'L', 1, {TEST}, gap}, 0, "/test/y: row 1: expected a label of 0 to 2", "got 3"},
};

static hid_t type_of(hid_t sign, bool memory)
{
    switch (sign) {
    case 'B': return memory ? H5T_NATIVE_UINT8 : H5T_STD_U8LE;
    case 'L': return memory ? H5T_NATIVE_INT64 : H5T_STD_I64LE;
    case 'D': return memory ? H5T_NATIVE_DOUBLE : H5T_IEEE_F64LE;
    default: return H5T_C_S1;
    }
}

START_TEST(a_dataset_that_is_not_what_it_should_be_is_refused)
{
    struct part parts[PARTS];
    prepare(parts);
    parts[wrong[_i].part] = wrong[_i].with;
    parts[wrong[_i].part].file_type = type_of(wrong[_i].with.file_type, false);
    parts[wrong[_i].part].memory_type = type_of(wrong[_i].with.memory_type, true);
    write_parts(parts, PARTS);
    refuse(wrong[_i].task, wrong[_i].message, wrong[_i].more);
}
END_TEST

START_TEST(values_that_are_not_finite_are_refused_with_their_row)
{
    struct part parts[PARTS];
    prepare(parts);
    for (int p = 0; p < PARTS; p += 2)
        parts[p] = (struct part){parts[p].name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, {p ? TEST : TRAIN, FEATURES}, numbers};
    parts[TRAIN_X].values = spoiled;
    write_parts(parts, PARTS);
    refuse(TASK_CLASSIFICATION, "/train/x: row 1, element 3: expected a finite number", "nan");
    parts[TRAIN_X].values = huge;
    write_parts(parts, PARTS);
    refuse(TASK_CLASSIFICATION, "/train/x: row 8, element 6: expected a finite number in the range of float", "inf");
    parts[TRAIN_X].values = numbers;
    parts[TRAIN_Y] = (struct part){"/train/y", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, {TRAIN, 2}, numbers};
    parts[TEST_Y] = (struct part){"/test/y", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, {TEST, 3}, numbers};
    write_parts(parts, PARTS);
    refuse(TASK_REGRESSION, "/test/y: expected 2 targets a row as in training", "got 3");
}
END_TEST

START_TEST(what_is_no_hdf5_file_or_half_of_one_is_refused)
{
    static unsigned char file[1 << 16];
    struct part parts[PARTS];
    prepare(parts);
    write_parts(parts, PARTS);
    size_t size = files_read(root, "mine.h5", file, sizeof file);
    files_write_raw(root, "mine.h5", "no HDF5", 7);
    refuse(TASK_CLASSIFICATION, "expected an HDF5 file", "cannot be opened");
    files_write_raw(root, "mine.h5", file, size / 2);
    refuse(TASK_CLASSIFICATION, "expected an HDF5 file", "truncated");
    files_write_raw(root, "mine.h5", file, 0);
    refuse(TASK_CLASSIFICATION, "expected an HDF5 file", "cannot be opened");
}
END_TEST

START_TEST(it_is_found_beside_folders_or_in_one_and_listed)
{
    char command[256];
    struct text out = {0};
    struct data_spec spec = {.set = "mime", .train = DATA_ALL, .test = DATA_ALL};
    struct part parts[PARTS];
    prepare(parts);
    write_parts(parts, PARTS);
    snprintf(command, sizeof command, "cp '%s' '%s/yours.h5'", path, root);
    ck_assert_int_eq(system(command), 0);
    dataset_list(root, false, &out);
    ck_assert_msg(strstr(out.chars, "\nmine ") && strstr(out.chars, "\nyours "), "%s", out.chars);
    ck_assert_msg(strstr(out.chars, "12 + 6 rows of 2x2x2, 3 classes") && strstr(out.chars, "tiny/mine.h5"), "%s", out.chars);
    ck_assert_msg(!strstr(out.chars, "cannot be used"), "%s", out.chars);   /* the folder is no set, but holds one */
    text_free(&out);
    ck_assert_int_eq(dataset_load(&set, &spec, root, &err), -1);
    ck_assert_msg(strstr(err.text, "did you mean mine?"), "%s", err.text);
    strcpy(spec.set, "yours");
    ck_assert_msg(dataset_load(&set, &spec, root, &err) == 0, "%s", err.text);
    dataset_close(&set);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, clean);
    tcase_add_checked_fixture(tests, empty, NULL);
    tcase_add_loop_test(tests, images_of_bytes_with_labels_are_read_as_they_are, 0, 2);
    tcase_add_loop_test(tests, features_of_floats_with_targets_are_read_as_they_are, 0, 2);
    tcase_add_loop_test(tests, a_dataset_that_is_not_what_it_should_be_is_refused, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tests, values_that_are_not_finite_are_refused_with_their_row);
    tcase_add_test(tests, what_is_no_hdf5_file_or_half_of_one_is_refused);
    tcase_add_test(tests, it_is_found_beside_folders_or_in_one_and_listed);
}

UNIT_MAIN("one's own data in HDF5", add)
