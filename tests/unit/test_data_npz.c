/* Archives of numpy that are not what they should be: refused with a reason; never a crash, never other data. */
#include "dsprites_files.h"

static const struct { size_t member; const char *name, *header, *message, *more; } wrong[] = {
    {2, "pictures.npy", images_header, "expected a member imgs.npy", "got none"},
    {2, "imgs.npy", object_header, "imgs.npy: expected numbers, got Python objects", "never decoded"},
    {1, "latents_values.npy", object_header, "latents_values.npy: expected numbers, got Python objects", "pickled"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': True, 'shape': (240, 4, 4), }\n", "expected an array in C order", "Fortran"},
    {2, "imgs.npy", "{'descr': '>u2', 'fortran_order': False, 'shape': (240, 4, 4), }\n", "expected little-endian", "got >u2"},
    {2, "imgs.npy", "{'descr': '|S1', 'fortran_order': False, 'shape': (240, 4, 4), }\n", "expected little-endian", "got |S1"},
    {2, "imgs.npy", "{'descr': '|i1', 'fortran_order': False, 'shape': (240, 4, 4), }\n", "expected unsigned bytes", "another type"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (240, 16), }\n", "expected unsigned bytes (rows, height, width)", "2 dimensions"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (480, 4, 2), }\n", "an image for each of the 240 rows", "got 480"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (241, 4, 4), }\n", "bytes by its header", "corrupt"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 4, 4), }\n", "more than can be counted", "corrupt"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 4), }\n", "a shape of a possible size", "header"},
    {2, "imgs.npy", "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (240, 4, 4), }\n", "one type for descr, not a record", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, }\n", "the keys descr, fortran_order and shape, once each", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (240, 4, 4)}\n", "once each", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': 0, 'shape': (240, 4, 4)}\n", "True or False for fortran_order", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': [240, 4, 4]}\n", "a tuple for shape", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (240)}\n", "a comma in shape", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (-240, 4, 4)}\n", "a whole number in shape", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}\n", "at most 8 dimensions", "header"},
    {2, "imgs.npy", "{'descr': '|u1' 'fortran_order': False, 'shape': (240, 4, 4)}\n", "a comma between entries", "header"},
    {2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (240, 4, 4)} x\n", "nothing after the dictionary", "header"},
    {2, "imgs.npy", "{'descr': __import__('os'), 'fortran_order': False, 'shape': (240, 4, 4)}\n", "a quoted text", "header"},
    {2, "imgs.npy", "{'descr' '|u1', 'fortran_order': False, 'shape': (240, 4, 4)}\n", "a colon after a key", "header"},
    {2, "imgs.npy", "{'descr': '|u1\\', 'fortran_order': False, 'shape': (240, 4, 4)}\n", "the closing quote of a plain text", "header"},
    {2, "imgs.npy", "{'descr': '|u1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'shape': (240, 4, 4)}\n", "a short text", "header"},
    {2, "imgs.npy", "list()\n", "a dictionary", "header"},
    {1, "latents_values.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (360, 4), }\n", "expected shape (rows, 6) or (rows, 5)", "360 rows of 4"},
    {1, "latents_values.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (288, 5), }\n", "expected shape 1, 2 or 3", "row 1"},
};

START_TEST(a_member_that_is_not_what_it_should_be_is_refused)
{
    prepare();
    put_member(wrong[_i].member, wrong[_i].name, wrong[_i].header, wrong[_i].member == 2 ? (void *)images : latents,
               wrong[_i].member == 2 ? sizeof images : sizeof latents);
    write_archive("a.npz");
    refuse(wrong[_i].message, wrong[_i].more);
    ck_assert_ptr_nonnull(strstr(err.text, "a.npz: "));
}
END_TEST

START_TEST(values_that_are_no_sprite_are_refused_with_their_row)
{
    prepare();
    images[5 * IMAGE + 2] = 7;
    put_member(2, "imgs.npy", images_header, images, sizeof images);
    write_archive("a.npz");
    refuse("imgs.npy: row 5: expected pixels of 0 or 1", "got 7");
    prepare();
    latents[9][4] = NAN;
    put_member(1, "latents_values.npy", latents_header, latents, sizeof latents);
    write_archive("a.npz");
    refuse("latents_values.npy: row 9: expected scale, x and y from 0 to 1", "x nan");
    invent();
    for (size_t i = 0; i < ROWS; i++)
        memcpy(latents[i], latents[0], sizeof *latents);
    put_member(1, "latents_values.npy", latents_header, latents, sizeof latents);
    write_archive("a.npz");
    refuse("expected sprites enough for a training and a test pool", "0");
}
END_TEST

START_TEST(a_wrong_check_sum_is_refused)
{
    prepare();
    members[_i].wrong_crc = 1;
    write_archive("a.npz");
    refuse(_i == 1 ? "latents_values.npy" : "imgs.npy", "CRC error");
}
END_TEST

START_TEST(sizes_that_lie_are_not_believed)
{
    prepare();
    members[2].wrong_size = 2000000000;
    write_archive("a.npz");
    refuse("imgs.npy: expected sizes that fit", "2000003");
    members[2].wrong_size = 16;
    write_archive("a.npz");
    refuse("imgs.npy: expected", "bytes by its header");
    /* a header that agrees with the lie: there are fewer bytes */
    put_member(2, "imgs.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (241, 4, 4), }      \n", images, sizeof images);
    members[2].wrong_size = 16;
    write_archive("a.npz");
    refuse("a.npz: imgs.npy: expected", "got");
    prepare();
    members[1].wrong_size = -48;
    put_member(1, "latents_values.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (239, 6), }      \n", latents, sizeof latents);
    members[1].wrong_size = -48;
    members[1].deflate = true;
    write_archive("a.npz");
    refuse("latents_values.npy", "expected");
    prepare();
    members[1].deflate = false;
    members[1].wrong_size = 8;
    write_archive("a.npz");
    refuse("latents_values.npy: expected sizes that fit", "corrupt");
    prepare();
    members[2].method = 12;   /* bzip2 */
    write_archive("a.npz");
    refuse("imgs.npy: expected a stored or deflated member", "numpy.savez");
}
END_TEST

START_TEST(an_archive_cut_at_any_length_is_refused)
{
    prepare();
    size_t size = write_archive("a.npz");
    for (size_t length = 0; length < size; length += length < 200 || length > size - 400 ? 1 : 97) {
        files_write_raw(root, "a.npz", archive, length);
        ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_AUTO), -1);
        ck_assert_msg(strstr(err.text, "a.npz: expected a zip archive"), "%zu: %s", length, err.text);
    }
    files_write_raw(root, "a.npz", archive, size);
    ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_AUTO), 0);
    dataset_close(&set);
}
END_TEST

/* Any byte changed: refused, or it was one that does not matter; never a crash, never other data. */
START_TEST(a_changed_byte_never_changes_the_data)
{
    static unsigned char train[ROWS * IMAGE];
    prepare();
    size_t size = write_archive("a.npz"), refused = 0;
    ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_AUTO), 0);
    size_t rows = set.train.rows;
    memcpy(train, set.train.x, rows * IMAGE);
    dataset_close(&set);
    for (size_t i = 0; i < size; i += i > 400 && i < size - 500 ? 61 : 1) {
        archive[i] ^= 0x11;
        files_write_raw(root, "a.npz", archive, size);
        if (load(TASK_CLASSIFICATION, TARGET_AUTO) == 0) {
            ck_assert_uint_eq(set.train.rows, rows);
            ck_assert_mem_eq(set.train.x, train, rows * IMAGE);
            dataset_close(&set);
        } else {
            refused++;
        }
        archive[i] ^= 0x11;
    }
    ck_assert_uint_gt(refused, 200);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, clean);
    tcase_add_checked_fixture(tests, empty, NULL);
    tcase_add_loop_test(tests, a_member_that_is_not_what_it_should_be_is_refused, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tests, values_that_are_no_sprite_are_refused_with_their_row);
    tcase_add_loop_test(tests, a_wrong_check_sum_is_refused, 1, 3);
    tcase_add_test(tests, sizes_that_lie_are_not_believed);
    tcase_add_test(tests, an_archive_cut_at_any_length_is_refused);
    tcase_add_test(tests, a_changed_byte_never_changes_the_data);
}

UNIT_MAIN("numpy archives", add)
