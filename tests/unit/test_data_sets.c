/* The procedural sets, and sets in shared memory. */
#include <complex.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/segment.h"
#include "unit.h"

static struct error err;
static char name[64];

static struct data_spec sprites_spec(void)
{
    return (struct data_spec){.set = "sprites", .train = 100, .test = 100, .pool = 600, .set_seed = 4, .image_size = 32};
}

static struct data_spec teacher_spec(enum teacher_kind kind, enum data_task task)
{
    return (struct data_spec){.set = "teacher", .train = 100, .test = 100, .task = task, .pool = 20000, .set_seed = 2,
                              .teacher = kind, .inputs = 12, .outputs = 3, .indices = 5};
}

static struct dataset load(const struct data_spec *spec)
{
    struct dataset set;
    ck_assert_msg(dataset_load(&set, spec, NULL, &err) == 0, "%s", err.text);
    return set;
}

static bool same_pool(const struct dataset *a, const struct data_pool *p, const struct data_pool *q, size_t rows)
{
    size_t y = a->task == TASK_CLASSIFICATION ? sizeof(int32_t) : a->outputs * sizeof(float);
    return memcmp(p->x, q->x, rows * p->features * (p->bytes ? 1 : sizeof(float))) == 0
           && memcmp(p->label ? (const void *)p->label : p->target, q->label ? (const void *)q->label : q->target,
                     rows * y) == 0;
}

static size_t white_pixels(const struct data_pool *pool, size_t i)
{
    const unsigned char *x = (const unsigned char *)pool->x + i * pool->features;
    size_t white = 0, black = 0;
    for (size_t k = 0; k < pool->features; k++) {
        white += x[k] == 255;
        black += x[k] == 0;
    }
    ck_assert_uint_eq(white + black, pool->features);
    return white;
}

START_TEST(sprites_are_black_and_white_and_of_the_area_their_shape_can_have)
{
    /* of the unit disc's shapes: square 2, ellipse pi/2, heart 3.66/1.4243^2; radius 0.15 to 0.3 of the side */
    static const double area[3] = {2, M_PI / 2, 3.66 / (1.4243 * 1.4243)};
    struct data_spec spec = sprites_spec();
    spec.image_size = _i ? 64 : 32;
    struct dataset set = load(&spec);
    double side = (double)spec.image_size;
    ck_assert_uint_eq(set.outputs, 3);
    ck_assert_uint_eq(set.train.features, (size_t)(spec.image_size * spec.image_size));
    for (size_t i = 0; i < set.train.rows; i++) {
        double white = (double)white_pixels(&set.train, i), unit = area[set.train.label[i]];
        ck_assert_double_gt(white, 0.8 * unit * 0.15 * 0.15 * side * side);
        ck_assert_double_lt(white, 1.1 * unit * 0.3 * 0.3 * side * side);
    }
    dataset_close(&set);
}
END_TEST

START_TEST(sprites_of_each_shape_are_about_a_third)
{
    struct data_spec spec = sprites_spec();
    struct dataset set = load(&spec);
    size_t count[3] = {0};
    for (size_t i = 0; i < 600; i++)
        count[set.train.label[i]]++;
    for (int c = 0; c < 3; c++)   /* 200 +- 5 standard deviations */
        ck_assert_uint_lt((size_t)labs((long)count[c] - 200), 58);
    dataset_close(&set);
}
END_TEST

/* Direction of a moment of the white pixels about their centre, y upwards: sum of dz^power, or of |dz|^2 dz
 * where power is 1. It turns with the shape, `power` times as fast. */
static double complex moment_direction(const unsigned char *x, int side, int power)
{
    double complex centre = 0, sum = 0;
    double n = 0;
    for (int k = 0; k < side * side; k++)
        if (x[k])
            n++, centre += k % side - I * (k / side);
    for (int k = 0; k < side * side; k++)
        if (x[k]) {
            double complex dz = k % side - I * (k / side) - centre / n;
            sum += power == 1 ? cabs(dz) * cabs(dz) * dz : cpow(dz, power);
        }
    return sum / cabs(sum);
}

/* From outside of the code that paints: a square's fourth moment points against 4t (its corners are at
 * odd multiples of an eighth turn), an ellipse's second along 2t, a heart's first along its own axis,
 * which is a quarter turn after t (the lobes outweigh the tip). */
START_TEST(the_orientation_target_is_the_orientation_of_the_picture)
{
    static const int power[3] = {4, 2, 1};
    static const double complex turn[3] = {-1, 1, -I};
    /* A wrong target is off by 1.3 on average. What pixels leave, seen on these 600: at most 0.14, 0.06 and
     * 0.34 (a heart's third moment is weak), less the larger the shape; on average 0.01, 0.01 and 0.08. */
    static const double worst[3] = {0.2, 0.1, 0.5}, worst_mean[3] = {0.03, 0.03, 0.12};
    double sum[3] = {0}, count[3] = {0};
    struct data_spec shape_spec = sprites_spec(), spec = sprites_spec();
    spec.task = TASK_REGRESSION;
    shape_spec.image_size = spec.image_size = 64;
    struct dataset shape = load(&shape_spec), set = load(&spec);
    ck_assert_uint_eq(set.outputs, 2);
    for (size_t i = 0; i < set.train.rows; i++) {
        int32_t c = shape.train.label[i];
        double complex target = set.train.target[2 * i] + I * set.train.target[2 * i + 1];
        double complex seen = moment_direction((const unsigned char *)set.train.x + i * 4096, 64, power[c]) * turn[c];
        ck_assert_double_eq_tol(cabs(target), 1, 1e-6);
        ck_assert_msg(cabs(target - seen) < worst[c], "example %zu, shape %d: %g off", i, c, cabs(target - seen));
        sum[c] += cabs(target - seen);
        count[c]++;
    }
    for (int c = 0; c < 3; c++)
        ck_assert_double_lt(sum[c] / count[c], worst_mean[c]);
    dataset_close(&set);
    dataset_close(&shape);
}
END_TEST

START_TEST(a_procedural_set_is_the_same_again_and_another_with_another_seed)
{
    struct data_spec spec = _i ? teacher_spec(TEACHER_NETWORK, TASK_REGRESSION) : sprites_spec();
    spec.pool = 300;
    struct dataset a = load(&spec), b = load(&spec);
    spec.set_seed++;
    struct dataset c = load(&spec);
    ck_assert(same_pool(&a, &a.train, &b.train, 300) && same_pool(&a, &a.test, &b.test, 300));
    ck_assert(!same_pool(&a, &a.train, &c.train, 1));
    dataset_close(&a);
    dataset_close(&b);
    dataset_close(&c);
}
END_TEST

START_TEST(a_larger_pool_begins_with_the_smaller_and_test_examples_are_others)
{
    struct data_spec spec = _i ? teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION) : sprites_spec();
    spec.pool = 100;
    struct dataset a = load(&spec);
    spec.pool = 300;
    struct dataset b = load(&spec);
    ck_assert(same_pool(&a, &a.train, &b.train, 100) && same_pool(&a, &a.test, &b.test, 100));
    size_t size = b.train.features * (b.train.bytes ? 1 : sizeof(float));
    size_t shared = 0;
    for (size_t i = 0; i < 300; i++)
        for (size_t j = 0; j < 300; j++)
            shared += memcmp((const char *)b.train.x + i * size, (const char *)b.test.x + j * size, size) == 0;
    ck_assert_uint_eq(shared, 0);
    dataset_close(&a);
    dataset_close(&b);
}
END_TEST

static void moments(const float *values, size_t stride, size_t n, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i * stride];
        squares += (double)values[i * stride] * (double)values[i * stride];
    }
    *mean = sum / (double)n;
    *variance = squares / (double)n - *mean * *mean;
}

/* 5 standard errors of 20,000 draws; fourth moments of products of Hermite polynomials are large. */
START_TEST(inputs_and_targets_of_the_teacher_have_mean_0_and_variance_1)
{
    struct data_spec spec = teacher_spec(_i ? TEACHER_NETWORK : TEACHER_MULTI_INDEX, TASK_REGRESSION);
    struct dataset set = load(&spec);
    double mean, variance;
    ck_assert_uint_eq(set.outputs, 3);
    for (size_t k = 0; k < 12; k++) {
        moments((const float *)set.train.x + k, 12, 20000, &mean, &variance);
        ck_assert_double_eq_tol(mean, 0, 0.036);
        ck_assert_double_eq_tol(variance, 1, 0.05);
    }
    for (size_t o = 0; o < 3; o++) {
        moments(set.test.target + o, 3, 20000, &mean, &variance);
        ck_assert_double_eq_tol(mean, 0, 0.04);
        ck_assert_double_eq_tol(variance, 1, 0.15);
    }
    dataset_close(&set);
}
END_TEST

/* Over many outputs every term has a share: one that is not normalised, or not orthogonal to the others,
 * shifts the average. */
START_TEST(the_variance_of_the_teacher_is_1_on_average_over_many_outputs)
{
    struct data_spec spec = teacher_spec(_i ? TEACHER_NETWORK : TEACHER_MULTI_INDEX, TASK_REGRESSION);
    double mean, variance, sum = 0;
    spec.outputs = 200;
    spec.indices = 3;
    struct dataset set = load(&spec);
    for (size_t o = 0; o < 200; o++) {
        moments(set.test.target + o, 200, 20000, &mean, &variance);
        sum += variance / 200;
    }
    ck_assert_double_eq_tol(sum, 1, 0.05);
    dataset_close(&set);
}
END_TEST

/* With one direction the only term is h_1(z) = z: the target is linear in x, along a unit vector. */
START_TEST(a_multi_index_teacher_of_one_direction_is_linear)
{
    struct data_spec spec = teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION);
    spec.inputs = 3;
    spec.indices = spec.outputs = 1;
    struct dataset set = load(&spec);
    const float *x = set.train.x, *y = set.train.target;
    /* that vector from rows 0, 1 and 2 by Cramer's rule, and then y of row 3 */
    double m[9], det, w[3];
    for (int k = 0; k < 9; k++)
        m[k] = (double)x[k];
    det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
    for (int k = 0; k < 3; k++) {
        double c[9];
        memcpy(c, m, sizeof c);
        for (int i = 0; i < 3; i++)
            c[3 * i + k] = (double)y[i];
        w[k] = (c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6])
                + c[2] * (c[3] * c[7] - c[4] * c[6])) / det;
    }
    ck_assert_double_eq_tol(w[0] * w[0] + w[1] * w[1] + w[2] * w[2], 1, 1e-4);
    ck_assert_double_eq_tol(w[0] * (double)x[9] + w[1] * (double)x[10] + w[2] * (double)x[11], (double)y[3], 1e-4);
    dataset_close(&set);
}
END_TEST

START_TEST(noise_is_in_the_training_targets_only_and_of_its_size)
{
    struct data_spec spec = teacher_spec(TEACHER_NETWORK, TASK_REGRESSION);
    struct dataset clean = load(&spec);
    spec.noise = 0.5;
    struct dataset noisy = load(&spec);
    double squares = 0;
    for (size_t i = 0; i < 60000; i++) {
        double d = (double)(noisy.train.target[i] - clean.train.target[i]);
        squares += d * d / 60000;
    }
    ck_assert_double_eq_tol(sqrt(squares), 0.5, 0.01);
    ck_assert(same_pool(&clean, &clean.test, &noisy.test, 20000));
    ck_assert_mem_eq(clean.train.x, noisy.train.x, 20000 * 12 * sizeof(float));
    dataset_close(&clean);
    dataset_close(&noisy);
}
END_TEST

START_TEST(a_classifying_teacher_labels_by_the_largest_output)
{
    struct data_spec spec = teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION);
    struct dataset outputs = load(&spec);
    spec.task = TASK_CLASSIFICATION;
    struct dataset classes = load(&spec);
    for (size_t i = 0; i < 1000; i++) {
        const float *y = outputs.test.target + 3 * i;
        int32_t label = classes.test.label[i];
        ck_assert(y[label] >= y[0] && y[label] >= y[1] && y[label] >= y[2]);
    }
    dataset_close(&outputs);
    dataset_close(&classes);
}
END_TEST

START_TEST(settings_out_of_range_are_refused_by_name)
{
    struct dataset set;
    struct data_spec specs[7];
    static const char *const keys[7] = {"data.image_size", "data.pool", "data.indices", "data.outputs", "data.noise",
                                        "data.inputs", "data.pool"};
    specs[0] = specs[1] = sprites_spec();
    specs[0].image_size = 48;
    specs[1].pool = 0;
    specs[2] = specs[4] = specs[5] = specs[6] = teacher_spec(TEACHER_MULTI_INDEX, TASK_REGRESSION);
    specs[3] = teacher_spec(TEACHER_NETWORK, TASK_CLASSIFICATION);
    specs[2].indices = 13;
    specs[3].outputs = 1;
    specs[4].noise = (double)NAN;
    specs[5].inputs = -1;
    specs[6].pool = -7;
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(dataset_load(&set, &specs[i], NULL, &err), -1);
        ck_assert_int_eq(err.code, ERROR_DATA);
        ck_assert_msg(strstr(err.text, keys[i]) == err.text && strstr(err.text, "got"), "%s", err.text);
    }
}
END_TEST

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
        fputs("skipped: /dev/shm has no limit here\n", stderr);
        return;
    }
    spec.pool = (int64_t)((double)space.f_blocks * (double)space.f_frsize / 1024) + 1;   /* twice its size */
    ck_assert_int_eq(dataset_publish(&spec, NULL, name, &err), -1);
    ck_assert_int_eq(err.code, ERROR_MEMORY);
    ck_assert_msg(strstr(err.text, "/dev/shm") && strstr(err.text, "smaller set or pool"), "%s", err.text);
    ck_assert_int_eq(shm_open(name, O_RDONLY, 0), -1);   /* nothing is left */
}
END_TEST

START_TEST(identity_is_of_what_decides_the_pools_and_of_nothing_else)
{
    struct data_spec a = sprites_spec(), b = a, c = a;
    struct text ta = {0}, tb = {0}, tc = {0};
    b.train = 50;
    b.test = DATA_ALL;
    b.validation = 3;
    b.normalise = NORMALISE_NONE;
    b.noise = 2;   /* not a setting of sprites */
    c.image_size = 64;
    dataset_identity(&a, &ta);
    dataset_identity(&b, &tb);
    dataset_identity(&c, &tc);
    ck_assert_str_eq(ta.chars, tb.chars);
    ck_assert_str_ne(ta.chars, tc.chars);
    text_free(&ta);
    text_free(&tb);
    text_free(&tc);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, name_object, remove_object);
    tcase_add_checked_fixture(tests, remove_object, remove_object);
    tcase_add_loop_test(tests, sprites_are_black_and_white_and_of_the_area_their_shape_can_have, 0, 2);
    tcase_add_test(tests, sprites_of_each_shape_are_about_a_third);
    tcase_add_test(tests, the_orientation_target_is_the_orientation_of_the_picture);
    tcase_add_loop_test(tests, a_procedural_set_is_the_same_again_and_another_with_another_seed, 0, 2);
    tcase_add_loop_test(tests, a_larger_pool_begins_with_the_smaller_and_test_examples_are_others, 0, 2);
    tcase_add_loop_test(tests, inputs_and_targets_of_the_teacher_have_mean_0_and_variance_1, 0, 2);
    tcase_add_loop_test(tests, the_variance_of_the_teacher_is_1_on_average_over_many_outputs, 0, 2);
    tcase_add_test(tests, a_multi_index_teacher_of_one_direction_is_linear);
    tcase_add_test(tests, noise_is_in_the_training_targets_only_and_of_its_size);
    tcase_add_test(tests, a_classifying_teacher_labels_by_the_largest_output);
    tcase_add_test(tests, settings_out_of_range_are_refused_by_name);
    tcase_add_loop_test(tests, a_published_set_is_mapped_as_it_would_be_loaded, 0, 2);
    tcase_add_test(tests, publishing_again_replaces_the_set_and_leaves_old_mappings_whole);
    tcase_add_test(tests, what_is_not_a_complete_set_is_not_mapped);
    tcase_add_test(tests, a_set_is_not_mapped_before_its_maker_has_finished);
    tcase_add_test(tests, a_flipped_bit_in_the_header_is_refused);
    tcase_add_test(tests, a_set_larger_than_dev_shm_is_an_error_with_advice);
    tcase_add_test(tests, identity_is_of_what_decides_the_pools_and_of_nothing_else);
}

UNIT_MAIN("data sets", add)
