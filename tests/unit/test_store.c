/* The result file: built, written by raw rows, read, brought up to date. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/store.h"
#include "unit.h"

enum { MOST_JOBS = 8 };

#ifdef __SANITIZE_ADDRESS__   /* the checks cost more than the work */
#define MOST_SECONDS 10e-3
#else
#define MOST_SECONDS 0.5e-3
#endif

/* A sweep of hand-made jobs on a small teacher set, and its file. */
struct fixture {
    struct sweep sweep;
    struct job jobs[MOST_JOBS];
    struct sweep_axis axis;
    double numbers[MOST_JOBS];
    struct dataset set;
    const struct dataset *sets[MOST_JOBS];
    struct result_layout layout;
    char path[64];
    unsigned char status[MOST_JOBS];
    int32_t attempts[MOST_JOBS];
    size_t reused;
    struct error err;
};

static const struct data_spec small_data = {
    .set = "teacher", .train = 12, .validation = 4, .test = 8, .task = TASK_REGRESSION, .pool = 40,
    .teacher = TEACHER_MULTI_INDEX, .inputs = 5, .outputs = 2, .indices = 2,
};

static const struct network_spec small_network = {.name = "mlp-é"};

/* Jobs first..first+n-1 of an endless list: seed 0, 1, ... with K 1, inf, 1, inf, ... */
static void sweep_of(struct fixture *f, size_t first, size_t n)
{
    f->sweep = (struct sweep){.name = "täst", .text = "name: täst\n", .resolved = "{}", .n_jobs = n, .jobs = f->jobs,
                              .n_axes = 1, .axes = &f->axis};
    f->axis = (struct sweep_axis){.path = "training.steps", .column = "training_steps", .numeric = true,
                                  .integral = true, .number = f->numbers};
    for (size_t i = 0; i < n; i++) {
        size_t number = first + i;
        struct job *job = &f->jobs[i];
        *job = (struct job){.seed = (int64_t)(number / 2), .data = small_data, .network = &small_network, .text = "{\"seed\": 0}"};
        job->training.refresh_period = number % 2 ? INFINITY : 1;
        job->training.trainer = number % 2 ? TRAINER_LINEARISED : TRAINER_STANDARD;
        job->training.steps = 10;
        job->kernels.probe = 3;
        snprintf(job->id, sizeof job->id, "%016zx", 1000 - number);
        f->numbers[i] = 10;
        f->sets[i] = &f->set;
    }
}

static const struct result_layout small_layout = {
    .eval = 5, .refresh = 2, .snapshot = 3, .layer = 2, .eigenvalue = 6, .probe = 6, .parameter = 0, .kernel = 1,
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){.layout = small_layout};
    snprintf(f->path, sizeof f->path, "/tmp/relin-test-store-%d.h5", (int)getpid());
    unlink(f->path);
    sweep_of(f, 0, 4);
    ck_assert_msg(dataset_load(&f->set, &small_data, NULL, &f->err) == 0, "%s", f->err.text);
}

static void teardown(struct fixture *f)
{
    dataset_close(&f->set);
    unlink(f->path);
}

static int build(struct fixture *f)
{
    struct store_provenance provenance = {.command_line = "test", .ranks = 1};
    return store_build(f->path, &f->sweep, f->sets, &f->layout, &provenance, f->status, f->attempts, &f->reused, &f->err);
}

#define BUILD(f) ck_assert_msg(build(f) == 0, "%s", (f)->err.text)

/* Every number a different one, so that a mix-up of rows, variables or axes shows. */
static void fill(struct result *result, size_t number)
{
    result_clear(result);
    for (int id = 0; id < VAR_COUNT; id++) {
        size_t n = result_count(&result->layout, (enum variable_id)id);
        for (size_t i = 0; i < n; i++) {
            double value = (double)(1 + number * 100 + (size_t)id * 10000 + i);
            if (variables[id].type == TYPE_F64)
                result_f64(result, (enum variable_id)id)[i] = value + 0.25;
            else if (variables[id].type == TYPE_F32)
                result_f32(result, (enum variable_id)id)[i] = (float)value;
            else if (variables[id].type == TYPE_I64)
                result_i64(result, (enum variable_id)id)[i] = (int64_t)value;
            else if (variables[id].type == TYPE_I32)
                result_i32(result, (enum variable_id)id)[i] = (int32_t)value;
        }
    }
    result_set_text(result, VAR_OUTCOME, "completed");
    result_set_text(result, VAR_HOST, "höst");
    *(uint8_t *)result_slab(result, VAR_STATUS) = STATUS_DONE;
    uint32_t crc = result_crc(result);
    memcpy(result_slab(result, VAR_CRC), &crc, sizeof crc);
}

/* Commits a row the way a run does. number: what it is filled with. */
static void commit(struct fixture *f, struct store *store, size_t job, size_t number)
{
    struct result result;
    void *block = mem_alloc(1, result_size(store_layout(store)), NULL);
    result_bind(&result, store_layout(store), block);
    fill(&result, number);
    ck_assert_msg(store_write_rows(store, job, &result, &f->err) == 0, "%s", f->err.text);
    ck_assert_msg(store_write_record(store, job, &result, &f->err) == 0, "%s", f->err.text);
    mem_free(block);
}

static struct store *open_store(struct fixture *f)
{
    struct store *store = store_open(f->path, MPI_COMM_SELF, &f->err);
    ck_assert_msg(store != NULL, "%s", f->err.text);
    return store;
}

static struct store_reader *open_reader(struct fixture *f)
{
    struct store_reader *reader = store_read_open(f->path, &f->err);
    ck_assert_msg(reader != NULL, "%s", f->err.text);
    return reader;
}

/* Row `job` of the file holds what fill() made for `number`, in the part both layouts have. */
static void expect_row(struct fixture *f, size_t job, size_t number)
{
    struct store_reader *reader = open_reader(f);
    struct result found, wanted;
    const struct result_layout *layout = store_read_layout(reader);
    found.block = wanted.block = NULL;
    void *a = mem_alloc(1, result_size(layout), NULL), *b = mem_alloc(1, result_size(&small_layout), NULL);
    result_bind(&found, layout, a);
    result_bind(&wanted, &small_layout, b);
    fill(&wanted, number);
    ck_assert_msg(store_read_result(reader, job, &found, &f->err) == 0, "%s", f->err.text);
    ck_assert_double_eq(*result_f64(&found, VAR_TEST_LOSS), *result_f64(&wanted, VAR_TEST_LOSS));
    ck_assert_str_eq(result_text(&found, VAR_HOST), "höst");
    for (size_t i = 0; i < small_layout.eval; i++)
        ck_assert_double_eq(result_f64(&found, VAR_CURVE_TEST_LOSS)[i], result_f64(&wanted, VAR_CURVE_TEST_LOSS)[i]);
    for (size_t s = 0; s < small_layout.snapshot; s++)
        for (size_t p = 0; p < small_layout.probe * small_layout.probe; p++)
            ck_assert_float_eq(result_f32(&found, VAR_KERNEL)[s * layout->probe * layout->probe + p],
                               result_f32(&wanted, VAR_KERNEL)[s * 36 + p]);
    uint32_t crc;
    memcpy(&crc, result_slab(&found, VAR_CRC), sizeof crc);
    ck_assert_uint_eq(crc, result_crc(&found));
    mem_free(a);
    mem_free(b);
    store_read_close(reader);
}

START_TEST(a_new_file_says_that_nothing_was_done)
{
    struct fixture f;
    double *values;
    size_t width;
    char **texts;
    const char *const *axes;
    setup(&f);
    BUILD(&f);
    ck_assert_uint_eq(f.reused, 0);
    struct store_reader *reader = open_reader(&f);
    ck_assert_uint_eq(store_read_jobs(reader), 4);
    ck_assert_mem_eq(store_read_layout(reader), &small_layout, sizeof small_layout);
    ck_assert_uint_eq(store_read_axes(reader, &axes), 4);
    ck_assert_str_eq(axes[0], "architecture");
    ck_assert_str_eq(axes[3], "training_steps");
    ck_assert_int_eq(store_read_numbers(reader, "curve_test_loss", &values, &width, &f.err), 0);
    ck_assert_uint_eq(width, 5);
    for (size_t i = 0; i < 20; i++)
        ck_assert(isnan(values[i]));
    mem_free(values);
    ck_assert_int_eq(store_read_numbers(reader, "refresh_period", &values, &width, &f.err), 0);
    ck_assert(values[0] == 1 && isinf(values[1]));
    mem_free(values);
    ck_assert_int_eq(store_read_texts(reader, "architecture", &texts, &f.err), 0);
    ck_assert_str_eq(texts[3], "mlp-é");
    store_free_texts(texts, 4);
    char *name = store_read_config(reader, "name", &f.err), *text = store_read_job_text(reader, 2, &f.err);
    ck_assert_str_eq(name, "täst");
    ck_assert_str_eq(text, "{\"seed\": 0}");
    free(name);
    free(text);
    ck_assert_int_eq(store_read_numbers(reader, "no_such", &values, &width, &f.err), -1);
    store_read_close(reader);
    teardown(&f);
}
END_TEST

START_TEST(rows_come_back_as_they_were_committed_and_a_resume_keeps_them)
{
    struct fixture f;
    setup(&f);
    BUILD(&f);
    struct store *store = open_store(&f);
    commit(&f, store, 2, 7);
    commit(&f, store, 0, 8);
    ck_assert_int_eq(store_write_status(store, 1, STATUS_RUNNING, 2, &f.err), 0);
    ck_assert_int_eq(store_sync(store, &f.err), 0);
    expect_row(&f, 2, 7);   /* while the file is open for writing */
    store_close(store, false);
    expect_row(&f, 0, 8);
    BUILD(&f);
    ck_assert_uint_eq(f.reused, 2);
    ck_assert_int_eq(f.status[0], STATUS_DONE);
    ck_assert_int_eq(f.status[1], STATUS_PENDING);
    ck_assert_int_eq(f.attempts[1], 2);
    ck_assert_int_eq(f.status[2], STATUS_DONE);
    ck_assert_int_eq(f.status[3], STATUS_PENDING);
    expect_row(&f, 2, 7);
    teardown(&f);
}
END_TEST

START_TEST(a_damaged_row_runs_again)
{
    struct fixture f;
    setup(&f);
    BUILD(&f);
    struct store *store = open_store(&f);
    commit(&f, store, 1, 3);
    commit(&f, store, 2, 4);
    /* numbers of another job under the checksum of this one */
    struct result result;
    void *block = mem_alloc(1, result_size(store_layout(store)), NULL);
    result_bind(&result, store_layout(store), block);
    fill(&result, 5);
    ck_assert_int_eq(store_write_rows(store, 1, &result, &f.err), 0);
    mem_free(block);
    store_close(store, false);
    BUILD(&f);
    ck_assert_uint_eq(f.reused, 1);
    ck_assert_int_eq(f.status[1], STATUS_PENDING);
    ck_assert_int_eq(f.status[2], STATUS_DONE);
    teardown(&f);
}
END_TEST

START_TEST(a_grown_grid_keeps_finished_rows_by_their_id_and_longer_axes_make_room)
{
    struct fixture f;
    setup(&f);
    BUILD(&f);
    struct store *store = open_store(&f);
    commit(&f, store, 1, 3);
    commit(&f, store, 3, 4);
    ck_assert_int_eq(store_write_status(store, 2, STATUS_RUNNING, 1, &f.err), 0);
    store_close(store, false);
    sweep_of(&f, 1, 6);   /* job 0 is gone, old row i is row i-1, three are new */
    f.layout.eval = 7;
    f.layout.snapshot = 4;
    f.layout.layer = 3;
    BUILD(&f);
    ck_assert_uint_eq(f.reused, 2);
    ck_assert_int_eq(f.status[0], STATUS_DONE);
    ck_assert_int_eq(f.status[1], STATUS_PENDING);
    ck_assert_int_eq(f.attempts[1], 1);
    ck_assert_int_eq(f.status[2], STATUS_DONE);
    ck_assert_int_eq(f.status[5], STATUS_PENDING);
    expect_row(&f, 0, 3);
    expect_row(&f, 2, 4);
    teardown(&f);
}
END_TEST

START_TEST(a_sweep_without_a_finished_job_is_refused_and_the_file_kept)
{
    struct fixture f;
    setup(&f);
    BUILD(&f);
    struct store *store = open_store(&f);
    commit(&f, store, 0, 3);
    commit(&f, store, 3, 4);
    store_close(store, false);
    sweep_of(&f, 1, 6);
    ck_assert_int_eq(build(&f), -1);
    ck_assert_int_eq(f.err.code, ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "got one without 1 of its 2, whose results would be lost"));
    sweep_of(&f, 0, 4);
    BUILD(&f);
    ck_assert_uint_eq(f.reused, 2);
    expect_row(&f, 0, 3);
    teardown(&f);
}
END_TEST

START_TEST(a_foreign_file_and_a_newer_one_are_refused)
{
    struct fixture f;
    setup(&f);
    FILE *file = fopen(f.path, "w");
    fputs("not a result file", file);
    fclose(file);
    ck_assert_int_eq(build(&f), -1);
    ck_assert_int_eq(f.err.code, ERROR_FOREIGN);
    ck_assert_ptr_nonnull(strstr(f.err.text, "expected a result file of relin"));
    unlink(f.path);
    ck_assert_ptr_null(store_read_open(f.path, &f.err));
    ck_assert_int_eq(f.err.code, ERROR_FILE);
    BUILD(&f);
    hid_t newer = H5Fopen(f.path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t version = H5Aopen(newer, "relin_format_version", H5P_DEFAULT);
    H5Awrite(version, H5T_NATIVE_INT32, &(int32_t){STORE_FORMAT_VERSION + 1});
    H5Aclose(version);
    H5Fclose(newer);
    ck_assert_int_eq(build(&f), -1);
    ck_assert_ptr_nonnull(strstr(f.err.text, "written in format version 2, this relin reads up to 1: use a newer relin"));
    teardown(&f);
}
END_TEST

START_TEST(a_commit_takes_at_most_half_a_millisecond)
{
    struct fixture f;
    enum { ROUNDS = 500 };
    setup(&f);
    f.layout.snapshot = f.layout.kernel = 0;   /* the record and its rows, kernels apart */
    BUILD(&f);
    struct store *store = open_store(&f);
    struct result result;
    void *block = mem_alloc(1, result_size(store_layout(store)), NULL);
    result_bind(&result, store_layout(store), block);
    fill(&result, 1);
    double record = 1e9, rows = 1e9;
    for (int i = 0; i < ROUNDS; i++) {   /* the shortest: this machine has other work too */
        double start = clock_seconds();
        store_write_rows(store, (size_t)i % 4, &result, &f.err);
        double middle = clock_seconds();
        store_write_record(store, (size_t)i % 4, &result, &f.err);
        double end = clock_seconds();
        rows = middle - start < rows ? middle - start : rows;
        record = end - middle < record ? end - middle : record;
    }
    printf("# commit: record %.3f ms, rows without kernels %.3f ms\n", 1e3 * record, 1e3 * rows);
    mem_free(block);
    store_close(store, false);
    teardown(&f);
    ck_assert_double_le(record, MOST_SECONDS);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, a_new_file_says_that_nothing_was_done);
    tcase_add_test(tests, rows_come_back_as_they_were_committed_and_a_resume_keeps_them);
    tcase_add_test(tests, a_damaged_row_runs_again);
    tcase_add_test(tests, a_grown_grid_keeps_finished_rows_by_their_id_and_longer_axes_make_room);
    tcase_add_test(tests, a_sweep_without_a_finished_job_is_refused_and_the_file_kept);
    tcase_add_test(tests, a_foreign_file_and_a_newer_one_are_refused);
    tcase_add_test(tests, a_commit_takes_at_most_half_a_millisecond);
}

/* In one process: MPI does not survive Check's fork. */
int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    tcase_set_timeout(tests, 120);
    add(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    MPI_Finalize();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
