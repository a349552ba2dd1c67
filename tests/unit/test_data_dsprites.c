/* dSprites archives: read right, and divided without leaks. */
#include "dsprites_files.h"

/* The row of the file behind a row of a pool. */
static size_t origin(const struct data_pool *pool, size_t row)
{
    const unsigned char *x = (const unsigned char *)pool->x + row * IMAGE;
    size_t number = 0;
    for (size_t k = 0; k < IMAGE; k++) {
        ck_assert(x[k] == 0 || x[k] == 255);
        number |= (size_t)(x[k] == 255) << k;
    }
    return number;
}

START_TEST(every_row_is_in_one_pool_with_its_shape_and_sprites_stay_together)
{
    unsigned pool_of[ROWS] = {0};
    prepare();
    for (int all = 0; all < 4; all++)   /* stored and deflated each way round */
        members[all].deflate = _i % 2 == all % 2;
    write_archive("a.npz");
    ck_assert_msg(load(TASK_CLASSIFICATION, TARGET_AUTO) == 0, "%s", err.text);
    ck_assert(set.outputs == 3 && set.n_dims == 3 && set.shape[0] == 1 && set.shape[1] == SIDE && set.train.bytes);
    ck_assert_uint_eq(set.train.rows + set.test.rows, ROWS);
    ck_assert(set.test.rows > ROWS / 10 && set.test.rows < ROWS / 3);
    const struct data_pool *pools[2] = {&set.train, &set.test};
    for (unsigned p = 0; p < 2; p++)
        for (size_t i = 0; i < pools[p]->rows; i++) {
            size_t row = origin(pools[p], i);
            ck_assert(row < ROWS && pool_of[row] == 0);
            ck_assert_int_eq(pools[p]->label[i], (int32_t)(row % 3));
            ck_assert(i == 0 || row > origin(pools[p], i - 1));   /* the file's order */
            pool_of[row] = 1 + p;
        }
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < i; j++)
            if (latents[i][1] == latents[j][1] && latents[i][2] == latents[j][2] && latents[i][4] == latents[j][4]
                && latents[i][5] == latents[j][5])
                ck_assert_uint_eq(pool_of[i], pool_of[j]);
    dataset_close(&set);
}
END_TEST

START_TEST(a_part_of_the_rows_is_divided_as_the_whole)
{
    static bool in_test[ROWS];
    prepare();
    write_archive("a.npz");
    ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_AUTO), 0);
    for (size_t i = 0; i < set.test.rows; i++)
        in_test[origin(&set.test, i)] = true;
    dataset_close(&set);
    static double half[ROWS / 2][6];
    static unsigned char half_images[ROWS / 2 * IMAGE];
    for (size_t i = 0; i < ROWS / 2; i++) {   /* the odd rows, last first, without the colour below */
        size_t row = ROWS - 1 - 2 * i;
        memcpy((double *)half + 5 * i, latents[row] + 1, 5 * sizeof(double));
        memcpy(half_images + i * IMAGE, images + row * IMAGE, IMAGE);
    }
    put_member(1, "latents_values.npy", "{'shape': (120, 5), 'descr': '<f8', 'fortran_order': False}\n", half,
               ROWS / 2 * 5 * sizeof(double));
    put_member(2, "imgs.npy", "{\"descr\": \"|u1\", 'fortran_order': False, 'shape': (120, 4, 4,)}\n", half_images,
               sizeof half_images);
    write_archive("a.npz");
    ck_assert_msg(load(TASK_CLASSIFICATION, TARGET_AUTO) == 0, "%s", err.text);
    for (size_t i = 0; i < set.train.rows; i++)
        ck_assert(!in_test[origin(&set.train, i)]);
    for (size_t i = 0; i < set.test.rows; i++)
        ck_assert(in_test[origin(&set.test, i)]);
    dataset_close(&set);
}
END_TEST

START_TEST(targets_are_the_latents_and_orientation_is_continuous)
{
    static const int turns[4] = {0, 4, 2, 1};
    static const struct { enum data_target target; size_t outputs; } cases[] = {
        {TARGET_AUTO, 2}, {TARGET_ORIENTATION, 2}, {TARGET_SCALE, 1}, {TARGET_POSITION, 2}};
    prepare();
    write_archive("a.npz");
    ck_assert_msg(load(TASK_REGRESSION, cases[_i].target) == 0, "%s", err.text);
    ck_assert_uint_eq(set.outputs, cases[_i].outputs);
    for (size_t i = 0; i < set.train.rows; i++) {
        const double *row = latents[origin(&set.train, i)];
        const float *y = set.train.target + i * set.outputs;
        double angle = turns[(int)row[1]] * row[3];
        if (cases[_i].target == TARGET_SCALE)
            ck_assert(y[0] == (float)row[2]);
        else if (cases[_i].target == TARGET_POSITION)
            ck_assert(y[0] == (float)row[4] && y[1] == (float)row[5]);
        else
            ck_assert(fabs((double)y[0] - cos(angle)) < 1e-6 && fabs((double)y[1] - sin(angle)) < 1e-6);
    }
    dataset_close(&set);
}
END_TEST

START_TEST(a_target_must_fit_the_task)
{
    prepare();
    write_archive("a.npz");
    ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_SCALE), -1);
    ck_assert_str_eq(err.text, "data.target: expected shape with data.task classification, got scale");
    ck_assert_int_eq(load(TASK_REGRESSION, TARGET_SHAPE), -1);
    ck_assert_str_eq(err.text, "data.target: expected orientation, scale or position with data.task regression, got shape");
    files_empty(root);
    files_write_tiny(root, "-idx%d-ubyte");
    ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_SHAPE), -1);
    ck_assert_msg(strstr(err.text, "data.target: expected only with dSprites (.npz)"), "%s", err.text);
}
END_TEST

START_TEST(the_target_is_in_the_identity_of_the_set)
{
    struct text plain = {0}, scale = {0};
    struct data_spec spec = tiny_spec(TASK_REGRESSION, TARGET_AUTO);
    dataset_identity(&spec, &plain);
    ck_assert_str_eq(plain.chars, "set=tiny task=regression");
    spec.target = TARGET_SCALE;
    dataset_identity(&spec, &scale);
    ck_assert_str_eq(scale.chars, "set=tiny task=regression target=scale");
    text_free(&plain);
    text_free(&scale);
}
END_TEST

START_TEST(a_file_is_a_set_by_its_own_name_and_the_whole_set_is_preferred)
{
    struct data_spec spec = tiny_spec(TASK_CLASSIFICATION, TARGET_AUTO);
    struct text out = {0};
    prepare();
    write_archive("b.npz");
    strcpy(spec.set, "b");
    ck_assert_msg(dataset_load(&set, &spec, root, &err) == 0, "%s", err.text);
    dataset_close(&set);
    files_write_raw(root, "a.npz", "x", 1);
    refuse("a.npz", "zip archive");   /* the first of the alphabet */
    write_archive("dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz");
    ck_assert_msg(load(TASK_CLASSIFICATION, TARGET_AUTO) == 0, "%s", err.text);
    dataset_close(&set);
    dataset_list(root, false, &out);
    const char *first = strstr(out.chars, "\na "), *second = strstr(out.chars, "\nb ");
    ck_assert_msg(first && second && strstr(first, "cannot be used") && strstr(second, "rows of 1x4x4, 3 classes"), "%s", out.chars);
    text_free(&out);
}
END_TEST

/* --- real files --- */

struct print { uint32_t crc; unsigned pool; size_t row; };

static int by_crc(const void *a, const void *b)
{
    uint32_t x = ((const struct print *)a)->crc, y = ((const struct print *)b)->crc;
    return (x > y) - (x < y);
}

static const unsigned char *picture(const struct print *p)
{
    return (const unsigned char *)(p->pool ? set.test.x : set.train.x) + p->row * set.train.features;
}

/* No picture, whatever its latents, is in both pools; returns how many are twice in one. */
static size_t check_disjoint(void)
{
    size_t n = set.train.rows + set.test.rows, twice = 0;
    struct print *prints = calloc(n, sizeof *prints);
    for (size_t i = 0; i < n; i++) {
        bool test = i >= set.train.rows;
        prints[i] = (struct print){0, test, test ? i - set.train.rows : i};
        prints[i].crc = (uint32_t)crc32(0, picture(&prints[i]), (uInt)set.train.features);
    }
    qsort(prints, n, sizeof *prints, by_crc);
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j-- > 0 && prints[j].crc == prints[i].crc;)
            if (memcmp(picture(&prints[i]), picture(&prints[j]), set.train.features) == 0) {
                ck_assert_uint_eq(prints[i].pool, prints[j].pool);
                twice++;
            }
    free(prints);
    return twice;
}

START_TEST(the_parts_of_dsprites_are_read_whole)
{
    static const struct { const char *name; size_t rows; } parts[] = {{"dsprites_subset", 20000}, {"dsprites_downsampled", 46080}};
    const char *data = getenv("RELIN_DATA");
    char path[300];
    struct data_spec spec = tiny_spec(TASK_REGRESSION, TARGET_POSITION);
    strcpy(spec.set, parts[_i].name);
    snprintf(path, sizeof path, "%s/dsprites/%s.npz", data ? data : "", parts[_i].name);
    if (!data || access(path, R_OK) != 0) {
        printf("skip: no dsprites/%s.npz under RELIN_DATA\n", parts[_i].name);
        return;
    }
    ck_assert_msg(dataset_load(&set, &spec, data, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(set.train.rows + set.test.rows, parts[_i].rows);
    ck_assert_double_eq_tol((double)set.test.rows / (double)parts[_i].rows, 0.2, 0.02);
    ck_assert(set.shape[1] == 64 && set.shape[2] == 64 && set.outputs == 2);
    ck_assert_uint_gt(check_disjoint(), 5);   /* so the parts do have equal pictures */
    /* the sprite is where its position says: x to the right, y downwards, 1 pixel in 64 off by the margin */
    for (size_t i = 0; i < set.train.rows; i += 501) {
        const unsigned char *x = (const unsigned char *)set.train.x + i * 4096;
        double mass = 0, across = 0, down = 0;
        for (size_t k = 0; k < 4096; k++) {
            mass += x[k];
            across += x[k] * ((double)(k % 64) + 0.5) / 64;
            down += x[k] * ((double)(k / 64) + 0.5) / 64;
        }
        ck_assert(mass > 0);
        ck_assert_double_eq_tol(across / mass, 0.25 + 0.5 * (double)set.train.target[2 * i], 0.06);
        ck_assert_double_eq_tol(down / mass, 0.25 + 0.5 * (double)set.train.target[2 * i + 1], 0.06);
    }
    dataset_close(&set);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make, clean);
    tcase_add_checked_fixture(tests, empty, NULL);
    tcase_add_loop_test(tests, every_row_is_in_one_pool_with_its_shape_and_sprites_stay_together, 0, 2);
    tcase_add_test(tests, a_part_of_the_rows_is_divided_as_the_whole);
    tcase_add_loop_test(tests, targets_are_the_latents_and_orientation_is_continuous, 0, 4);
    tcase_add_test(tests, a_target_must_fit_the_task);
    tcase_add_test(tests, the_target_is_in_the_identity_of_the_set);
    tcase_add_test(tests, a_file_is_a_set_by_its_own_name_and_the_whole_set_is_preferred);
    tcase_add_loop_test(tests, the_parts_of_dsprites_are_read_whole, 0, 2);
}

UNIT_MAIN("dSprites", add)
