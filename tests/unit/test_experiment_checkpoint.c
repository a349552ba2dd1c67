/* Jobs that are stopped wherever they can be and go on, of every trainer and engine in both precisions: the bits of
 * a job never stopped. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checkpoint.h"
#include "experiment_frame.h"

enum { T = 24, ROUNDS = 40 };

/* Stops at the nth time it is asked. */
struct stopper { int64_t asked, at; };

static bool stop_at(void *context)
{
    struct stopper *stopper = context;
    return ++stopper->asked == stopper->at;
}

static char folder[64], path[128];

static void load_all(void)
{
    load();
    snprintf(folder, sizeof folder, "/tmp/relin-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/checkpoints/job", folder);
}

static void unload_all(void)
{
    char inner[96];
    unload();
    checkpoint_remove(path);
    snprintf(inner, sizeof inner, "%s/checkpoints", folder);
    rmdir(inner);
    ck_assert_int_eq(rmdir(folder), 0);   /* nothing else was left */
}

static bool file_is_there(void)
{
    return access(path, F_OK) == 0;
}

static struct job settled(enum engine engine, double K, enum loss loss, int64_t batch, double momentum, double decay)
{
    struct job job = make_job(K, T);
    job.training.trainer = TRAINER_LINEARISED;
    job.training.engine = engine;
    job.training.loss = loss;
    job.training.batch = batch;
    job.training.momentum = momentum;
    job.training.weight_decay = decay;
    job.training.lr = 0.1;
    job.training.evaluations = 6;
    return job;
}

enum { CASES = 15 };

static struct job make_case(int i)
{
    struct job job = settled(ENGINE_TANGENT, 7, LOSS_HALF_MSE, BATCH_FULL, 0.8, 0.01);
    switch (i) {
    case 0: job.training.trainer = TRAINER_STANDARD; job.training.refresh_period = 1; job.training.batch = 6; break;
    case 1: job = settled(ENGINE_TANGENT, 7, LOSS_CROSS_ENTROPY, 16, 0.8, 0.01); break;   /* with caches */
    case 2: job.training.centred = true; break;
    case 3: job.training.refresh_period = INFINITY; job.training.lr_of_limit = true; break;
    case 4: job = settled(ENGINE_TANGENT, 1, LOSS_HALF_MSE, 7, 0.9, 0); break;
    case 5:
        job.training.refresh = (struct refresh_schedule){.kind = REFRESH_GAP, .every = 2, .gap = 0.05};
        training_canonicalise_refresh(&job.training);
        break;
    case 6: job.training.momentum_at_refresh = MOMENTUM_RESET; job.stability = STABILITY_ALWAYS; break;
    case 7: job = settled(ENGINE_KERNEL, 9, LOSS_CROSS_ENTROPY, 6, 0.8, 0.01); break;
    case 8: job = settled(ENGINE_KERNEL, INFINITY, LOSS_HALF_MSE, BATCH_FULL, 0, 0); break;
    case 9: job.training.engine = ENGINE_KERNEL; job.training.centred = true; break;
    case 10: job.training.engine = ENGINE_FILTER; break;
    case 11: job = settled(ENGINE_FILTER, INFINITY, LOSS_HALF_MSE, BATCH_FULL, 0, 0); break;
    case 12:
        job.training.engine = ENGINE_FILTER;
        job.training.schedule = (struct schedule){.kind = SCHEDULE_COSINE, .final = 0.1, .warmup = 3};
        break;
    case 13: job.training.trainer = TRAINER_GAUSS_NEWTON; job.training.damping = NAN; job.training.steps = 6; break;
    case 14:
        job = settled(ENGINE_TANGENT, 5, LOSS_CROSS_ENTROPY, BATCH_FULL, 0, 0.01);
        job.training.trainer = TRAINER_GAUSS_NEWTON;
        job.training.damping = 2;
        job.training.steps = 6;
        break;
    default: ck_abort();
    }
    return job;
}

static struct result run_with(const struct job *job, struct stopper *stopper, double interval, const char *file)
{
    struct experiment_checkpoint checkpoint = {.path = file, .interval = interval, .stops = stopper ? stop_at : NULL,
                                               .context = stopper};
    struct experiment_observer observer = {.checkpoint = &checkpoint};
    return run(job, &observer);
}

static bool is_stopped(const struct result *result)
{
    return strcmp(result_text(result, VAR_OUTCOME), "stopped") == 0;
}

static void check_same(const struct result *expected, const struct result *got, const char *what, int64_t n)
{
    size_t bytes = result_size(&expected->layout);
    *result_f64(got, VAR_MAX_RSS_BYTES) = *result_f64(expected, VAR_MAX_RSS_BYTES);
    ck_assert_str_eq(result_text(expected, VAR_OUTCOME), "completed");
    ck_assert(isfinite(number(expected, VAR_TRAIN_LOSS, 0)));
    for (int id = 0; id < VAR_COUNT; id++) {
        const char *a = result_slab(expected, id), *b = result_slab(got, id);
        size_t size = a ? result_count(&expected->layout, id) * variable_type_size(variables[id].type) : 0;
        ck_assert_msg(size == 0 || memcmp(a, b, size) == 0, "%s %lld: %s differs", what, (long long)n, variables[id].name);
    }
    ck_assert(memcmp(expected->block, got->block, bytes) == 0);
}

/* _i: a case in one of the precisions. */
START_TEST(a_job_stopped_anywhere_goes_on_to_the_same_bits)
{
    struct job job = make_case(_i / 2);
    job.training.precision = _i % 2 ? PRECISION_DOUBLE : PRECISION_SINGLE;
    struct stopper count = {.at = -1};
    struct result plain = run(&job, NULL), counted = run_with(&job, &count, INFINITY, path);
    check_same(&plain, &counted, "only watched", 0);
    ck_assert(!file_is_there());
    ck_assert_int_ge(count.asked, job.training.engine == ENGINE_FILTER ? 4 : job.training.steps);
    for (int64_t n = 1; n <= count.asked; n += 1 + count.asked / 30) {
        struct stopper stopper = {.at = n};
        struct result first = run_with(&job, &stopper, INFINITY, path);
        ck_assert_msg(is_stopped(&first), "not stopped at call %lld of %lld", (long long)n, (long long)count.asked);
        ck_assert(file_is_there());
        struct stopper goes_on = {.at = -1};
        struct result rest = run_with(&job, &goes_on, INFINITY, path);
        check_same(&plain, &rest, "stopped at call", n);
        /* no step and no product is taken twice */
        ck_assert_msg(n + goes_on.asked <= count.asked + 2, "stopped at call %lld, %lld more, of %lld", (long long)n,
                      (long long)goes_on.asked, (long long)count.asked);
        checkpoint_remove(path);
        mem_free(first.block);
        mem_free(rest.block);
    }
    mem_free(plain.block);
    mem_free(counted.block);
}
END_TEST

START_TEST(a_job_stopped_again_and_again_ends_with_the_same_bits)
{
    struct job job = make_case(_i / 2);
    job.training.precision = _i % 2 ? PRECISION_DOUBLE : PRECISION_SINGLE;
    struct stopper count = {.at = -1};
    struct result plain = run_with(&job, &count, INFINITY, NULL), result = {0};
    int rounds = 0;
    int64_t each = 2 + count.asked / 11;   /* also between the products of a solve, which go on with those taken */
    do {
        struct stopper stopper = {.at = each};
        mem_free(result.block);
        result = run_with(&job, &stopper, INFINITY, path);
        rounds++;
    } while (is_stopped(&result) && rounds < ROUNDS);
    ck_assert_int_gt(rounds, 1);
    check_same(&plain, &result, "rounds", rounds);
    mem_free(plain.block);
    mem_free(result.block);
}
END_TEST

/* What is left after a kill: the last one written at its interval. */
START_TEST(checkpoints_at_intervals_change_nothing_and_are_gone_on_from)
{
    struct job job = make_case(_i / 2);
    job.training.precision = _i % 2 ? PRECISION_DOUBLE : PRECISION_SINGLE;
    struct result plain = run(&job, NULL), written = run_with(&job, NULL, 0, path);
    check_same(&plain, &written, "interval", 0);
    ck_assert(file_is_there());
    struct stopper count = {.at = -1};
    struct result again = run_with(&job, &count, INFINITY, path);
    check_same(&plain, &again, "gone on", 0);
    mem_free(plain.block);
    mem_free(written.block);
    mem_free(again.block);
}
END_TEST

START_TEST(a_diverged_job_that_was_stopped_diverges_at_the_same_step)
{
    struct job job = make_case(1);
    job.training.lr = 1e6;
    job.training.steps = 400;
    job.training.precision = PRECISION_SINGLE;
    job.training.loss = LOSS_HALF_MSE;
    struct result plain = run(&job, NULL);
    struct stopper stopper = {.at = 2};
    struct result first = run_with(&job, &stopper, INFINITY, path), rest = run_with(&job, NULL, INFINITY, path);
    ck_assert_str_eq(result_text(&plain, VAR_OUTCOME), "diverged");
    ck_assert(is_stopped(&first));
    *result_f64(&rest, VAR_MAX_RSS_BYTES) = *result_f64(&plain, VAR_MAX_RSS_BYTES);
    ck_assert(memcmp(plain.block, rest.block, result_size(&plain.layout)) == 0);
    mem_free(plain.block);
    mem_free(first.block);
    mem_free(rest.block);
}
END_TEST

/* Another job's, another engine's, a damaged one: told and left alone, the job begins at its beginning. */
START_TEST(a_checkpoint_that_does_not_fit_is_ignored_with_a_message)
{
    static char own[] = "{engine: tangent}", others[] = "{engine: kernel}";
    struct job job = make_case(1), other = make_case(1);
    job.text = own;
    other.text = own;
    if (_i == 0)
        snprintf(other.id, sizeof other.id, "fedcba9876543210");
    if (_i == 1)
        other.text = others;
    struct stopper stopper = {.at = 5}, count = {.at = -1};
    struct result plain = run_with(&job, &count, INFINITY, NULL), foreign = run_with(&other, &stopper, INFINITY, path);
    if (_i == 2)
        ck_assert_int_eq(truncate(path, 500), 0);
    char log[96], line[1024] = "";
    snprintf(log, sizeof log, "%s/log", folder);
    ck_assert_ptr_nonnull(freopen(log, "w", stderr));
    struct stopper again = {.at = -1};
    struct result result = run_with(&job, &again, INFINITY, path);
    FILE *file = fopen(log, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    fclose(file);
    unlink(log);
    ck_assert_msg(strstr(line, path) && strstr(line, "ignored: the job starts from its beginning"), "%s", line);
    ck_assert_msg(_i == 2 || strstr(line, "expected a checkpoint of 'job 0123456789abcdef, settings "), "%s", line);
    ck_assert_int_eq(again.asked, count.asked);
    check_same(&plain, &result, "ignored", _i);
    mem_free(plain.block);
    mem_free(foreign.block);
    mem_free(result.block);
}
END_TEST

/* A state of another length under the right identity: an error, and the file goes, so that the next attempt ends. */
START_TEST(a_state_of_another_length_fails_once)
{
    struct job job = make_case(1), longer = make_case(1);
    struct stopper stopper = {.at = 5};
    struct network_spec other = *longer.network;
    longer.network = &other;
    other.n_widths = 1;   /* neither id nor text says so: a mistake of ours would look like this */
    struct result first = run_with(&longer, &stopper, INFINITY, path), result = make_result();
    struct experiment_checkpoint checkpoint = {.path = path, .interval = INFINITY};
    struct experiment_observer observer = {.checkpoint = &checkpoint};
    ck_assert_int_eq(experiment_run(&job, &set, &result, &observer, &err), -1);
    ck_assert_msg(strstr(err.text, "expected a state of another length") || strstr(err.text, "expected the state of a job"), "%s",
                  err.text);
    ck_assert(!file_is_there());
    mem_free(first.block);
    mem_free(result.block);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load_all, unload_all);
    tcase_add_loop_test(tests, a_job_stopped_anywhere_goes_on_to_the_same_bits, 0, 2 * CASES);
    tcase_add_loop_test(tests, a_job_stopped_again_and_again_ends_with_the_same_bits, 0, 2 * CASES);
    tcase_add_loop_test(tests, checkpoints_at_intervals_change_nothing_and_are_gone_on_from, 0, 2 * CASES);
    tcase_add_test(tests, a_diverged_job_that_was_stopped_diverges_at_the_same_step);
    tcase_add_loop_test(tests, a_checkpoint_that_does_not_fit_is_ignored_with_a_message, 0, 3);
    tcase_add_test(tests, a_state_of_another_length_fails_once);
}

UNIT_MAIN("experiment checkpoints", add)
