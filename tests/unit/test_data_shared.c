/* Sets in shared memory: published, mapped, refused. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/segment.h"
#include "data_sets.h"

static char name[64];

/* Named and finally removed by the parent of the tests' processes, so a test that fails leaves nothing. */
static void name_object(void) { snprintf(name, sizeof name, "/relin-test-%ld", (long)getpid()); }
static void remove_object(void) { shm_unlink(name); }

START_TEST(a_published_set_is_mapped_as_it_would_be_loaded)
{
    struct data_spec spec = _i ? teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION) : sprites_spec();
    struct dataset loaded = load(&spec), mapped;
    size_t held = mem_in_use();
    ck_assert_msg(dataset_publish(&spec, NULL, name, &err) == 0, "%s", err.text);
    ck_assert_msg(dataset_map(&mapped, name, &err) == 0, "%s", err.text);
    ck_assert(mapped.outputs == loaded.outputs && mapped.task == loaded.task && mapped.n_dims == loaded.n_dims);
    ck_assert_mem_eq(mapped.shape, loaded.shape, sizeof loaded.shape);
    ck_assert_uint_eq(mapped.train.rows, loaded.train.rows);
    ck_assert(same_pool(&loaded, &loaded.train, &mapped.train, loaded.train.rows));
    ck_assert(same_pool(&loaded, &loaded.test, &mapped.test, loaded.test.rows));
    ck_assert_uint_eq(mem_in_use(), held);   /* shared, not copied */
    dataset_close(&mapped);
    dataset_close(&mapped);                  /* a closed set may be closed */
    dataset_close(&loaded);
}
END_TEST

START_TEST(publishing_again_replaces_the_set_and_leaves_old_mappings_whole)
{
    struct data_spec spec = sprites_spec();
    struct dataset old, new;
    ck_assert_int_eq(dataset_publish(&spec, NULL, name, &err), 0);
    ck_assert_int_eq(dataset_map(&old, name, &err), 0);
    struct dataset expected = load(&spec);
    spec.set_seed = 99;
    ck_assert_int_eq(dataset_publish(&spec, NULL, name, &err), 0);
    ck_assert_int_eq(dataset_map(&new, name, &err), 0);
    ck_assert(same_pool(&old, &old.train, &expected.train, 600));
    ck_assert(!same_pool(&old, &old.train, &new.train, 600));
    dataset_close(&old);
    dataset_close(&new);
    dataset_close(&expected);
}
END_TEST

static void refuse_map(const char *part)
{
    struct dataset set;
    ck_assert_int_eq(dataset_map(&set, name, &err), -1);
    ck_assert_msg(strstr(err.text, part) && strstr(err.text, name), "no '%s' in: %s", part, err.text);
    ck_assert_ptr_null(set.map);
}

START_TEST(what_is_not_a_complete_set_is_not_mapped)
{
    struct data_spec spec = sprites_spec();
    refuse_map("could not be opened");
    int file = shm_open(name, O_RDWR | O_CREAT, 0600);
    refuse_map("empty object");
    ck_assert_int_eq(ftruncate(file, 8192), 0);
    refuse_map("something else");
    close(file);
    ck_assert_int_eq(dataset_publish(&spec, NULL, name, &err), 0);
    file = shm_open(name, O_RDWR, 0);
    struct stat status;
    ck_assert_int_eq(fstat(file, &status), 0);
    ck_assert_int_eq(ftruncate(file, status.st_size - 1), 0);
    refuse_map("damaged");
    close(file);
}
END_TEST

START_TEST(a_set_is_not_mapped_before_its_maker_has_finished)
{
    struct set_shape shape = {.rows = {5, 4}, .outputs = 2, .n_dims = 1, .shape = {3}};
    struct pool_memory memory[POOL_COUNT];
    struct dataset set;
    size_t size = segment_size(&shape);
    int file = shm_open(name, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(file, (off_t)size), 0);
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ck_assert(map != MAP_FAILED);
    segment_begin(map, size, &shape, memory);
    refuse_map("maker has not finished");
    segment_complete(map);
    ck_assert_msg(dataset_map(&set, name, &err) == 0, "%s", err.text);
    dataset_close(&set);
    munmap(map, size);
    close(file);
}
END_TEST

START_TEST(a_flipped_bit_in_the_header_is_refused)
{
    struct data_spec spec = sprites_spec();
    struct dataset set;
    spec.pool = spec.train = spec.test = 3;
    ck_assert_int_eq(dataset_publish(&spec, NULL, name, &err), 0);
    int file = shm_open(name, O_RDWR, 0);
    unsigned char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ck_assert(map != MAP_FAILED);
    ck_assert_int_eq(dataset_map(&set, name, &err), 0);
    size_t header = (size_t)((const char *)set.train.x - (const char *)set.map), refused = 0;
    dataset_close(&set);
    for (size_t bit = 0; bit < 8 * header; bit++) {
        map[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (dataset_map(&set, name, &err) != 0)
            refused++;
        else
            dataset_close(&set);
        map[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_uint_ge(refused, 8 * (header - 64));   /* the last block of 64 bytes may be padding */
    ck_assert_int_eq(dataset_map(&set, name, &err), 0);
    dataset_close(&set);
    munmap(map, 4096);
    close(file);
}
END_TEST

START_TEST(a_set_larger_than_dev_shm_is_an_error_with_advice)
{
    struct statvfs space;
    struct data_spec spec = sprites_spec();
    if (statvfs("/dev/shm", &space) != 0 || space.f_blocks == 0) {
        fputs("skip: /dev/shm has no limit here\n", stderr);
        return;
    }
    spec.pool = (int64_t)((double)space.f_blocks * (double)space.f_frsize / 1024) + 1;   /* twice its size */
    ck_assert_int_eq(dataset_publish(&spec, NULL, name, &err), -1);
    ck_assert_int_eq(err.code, ERROR_MEMORY);
    ck_assert_msg(strstr(err.text, "/dev/shm") && strstr(err.text, "smaller set or pool"), "%s", err.text);
    ck_assert_int_eq(shm_open(name, O_RDONLY, 0), -1);   /* nothing is left */
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, name_object, remove_object);
    tcase_add_checked_fixture(tests, remove_object, remove_object);
    tcase_add_loop_test(tests, a_published_set_is_mapped_as_it_would_be_loaded, 0, 2);
    tcase_add_test(tests, publishing_again_replaces_the_set_and_leaves_old_mappings_whole);
    tcase_add_test(tests, what_is_not_a_complete_set_is_not_mapped);
    tcase_add_test(tests, a_set_is_not_mapped_before_its_maker_has_finished);
    tcase_add_test(tests, a_flipped_bit_in_the_header_is_refused);
    tcase_add_test(tests, a_set_larger_than_dev_shm_is_an_error_with_advice);
}

UNIT_MAIN("shared data sets", add)
