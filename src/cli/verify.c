/* relin verify: are a file's rows what was committed, and does running a job again give its numbers? */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/host.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "math/blas_setup.h"
#include "store/compare.h"
#include "store/store.h"
#include "sweep/experiment.h"

enum { MOST_JOBS = 256, DEFAULT_SAMPLE = 3 };

struct options {
    const char *path, *job[MOST_JOBS];
    size_t n_jobs;
    int64_t sample;                  /* done jobs to run again; -1: all */
};

struct check {
    struct store_reader *reader;
    struct result stored, again;
    void *block[2];
    double *status;
    char **ids;
    size_t jobs, done, damaged, differing;
};

static const struct argp_option option_table[] = {
    {"job", 'j', "N|ID", 0, "Run this job again (a row from 0, or a job_id; may be repeated)", 0},
    {"sample", 's', "N|all", 0, "Run N done jobs again, spread over the file (default 3, or none with --job; 0: checksums only)", 0},
    {0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;
    char *end;
    switch (key) {
    case 'j':
        if (options->n_jobs == MOST_JOBS)
            argp_error(state, "--job: expected at most %d jobs", MOST_JOBS);
        options->job[options->n_jobs++] = value;
        return 0;
    case 's':
        if (strcmp(value, "all") == 0) {
            options->sample = -1;
            return 0;
        }
        options->sample = strtoll(value, &end, 10);
        if (*end || end == value || options->sample < 0)
            argp_error(state, "--sample: expected a whole number >= 0 or all, got '%s'", value);
        return 0;
    case ARGP_KEY_ARG:
        if (options->path)
            argp_error(state, "expected one FILE.h5, got also '%s'", value);
        options->path = value;
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a result file: relin verify FILE.h5"); return 0;
    case ARGP_KEY_END:
        if (options->sample == -2)
            options->sample = options->n_jobs ? 0 : DEFAULT_SAMPLE;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int open_check(struct check *check, const char *path, struct error *err)
{
    size_t width;
    check->reader = store_read_open(path, err);
    if (!check->reader)
        return -1;
    struct result_layout layouts[2] = {*store_read_layout(check->reader), *store_read_layout(check->reader)};
    struct result *results[2] = {&check->stored, &check->again};
    memset(layouts[1].absent, 0, sizeof layouts[1].absent);   /* a run today measures what an old file lacks */
    check->jobs = store_read_jobs(check->reader);
    for (int i = 0; i < 2; i++) {
        check->block[i] = mem_alloc(1, result_size(&layouts[i]), err);
        if (!check->block[i])
            return -1;
        result_bind(results[i], &layouts[i], check->block[i]);
    }
    return store_read_numbers(check->reader, "status", &check->status, &width, err)
           || store_read_texts(check->reader, "job_id", &check->ids, err) ? -1 : 0;
}

static void close_check(struct check *check)
{
    mem_free(check->block[0]);
    mem_free(check->block[1]);
    mem_free(check->status);
    store_free_texts(check->ids, check->jobs);
    store_read_close(check->reader);
}

/* Every done row against its checksum. */
static int check_rows(struct check *check, struct error *err)
{
    for (size_t job = 0; job < check->jobs; job++) {
        uint32_t crc;
        if (check->status[job] != STATUS_DONE)
            continue;
        if (store_read_result(check->reader, job, &check->stored, err))
            return -1;
        memcpy(&crc, result_slab(&check->stored, VAR_CRC), sizeof crc);
        check->done++;
        if (crc == result_crc(&check->stored))
            continue;
        check->damaged++;
        printf("job %zu: damaged: its checksum is %08x, that of its numbers %08x; `relin run` runs it again\n", job,
               crc, result_crc(&check->stored));
    }
    printf("checksums: %zu of %zu done jobs are as they were committed\n", check->done - check->damaged, check->done);
    return 0;
}

/* May this machine be asked for the same bits? If not, says why. */
static bool same_machine(const struct result *stored, char *why, size_t size)
{
    char model[128];
    host_cpu_model(model, sizeof model);
    const char *was = result_text(stored, VAR_CPU_MODEL), *core = result_text(stored, VAR_BLAS_CORE);
    if (strncmp(core, blas_core_type(), variable_type_size(variables[VAR_BLAS_CORE].type) - 1) != 0)
        snprintf(why, size, "BLAS kernels %s then, %s now", core, blas_core_type());
    else if (strncmp(was, model, variable_type_size(variables[VAR_CPU_MODEL].type) - 1) != 0)
        snprintf(why, size, "%.64s then, %s now", was, model);
    else
        return true;
    return false;
}

static void report(struct check *check, size_t row, const struct job *job)
{
    struct comparison comparison = {0};
    char label[256], why[256] = "";
    bool exact = same_machine(&check->stored, why, sizeof why);
    double rounding = job->training.precision == PRECISION_DOUBLE ? 1e-8 : 5e-3;
    compare_results(&check->stored, &check->again, exact ? 0 : rounding, job->measured.from_kernel, &comparison);
    job_label(job, label, sizeof label);
    printf("job %zu (%s): ", row, label);
    if (comparison.differing) {
        check->differing++;
        printf("DIFFERS in %zu of %zu numbers\n%s", comparison.differing, comparison.numbers, comparison.report.chars);
    } else if (exact) {
        printf("all %zu numbers again, bit for bit\n", comparison.numbers);
    } else {
        printf("all %zu numbers again to rounding (largest relative difference %.2g, allowed %.0e; not bit for bit: %s)\n",
               comparison.numbers, comparison.largest, rounding, why);
    }
    text_free(&comparison.report);
}

static int run_again(struct check *check, size_t row, struct error *err)
{
    struct job job = {0};
    struct dataset set = {0};
    int status = -1;
    char *text = store_read_job_text(check->reader, row, err);
    if (!text || job_parse(&job, text, err) || store_read_result(check->reader, row, &check->stored, err))
        goto done;
    if (strcmp(job.id, check->ids[row]) != 0) {
        error_set(err, ERROR_FORMAT, "the stored text of the job has the id %s, the file says %s", job.id, check->ids[row]);
        goto done;
    }
    if (dataset_load(&set, &job.data, dataset_root(), err))
        goto done;
    blas_set_threads((int)job.training.threads);
    result_clear(&check->again);
    if (experiment_run(&job, &set, &check->again, NULL, err))
        goto done;
    report(check, row, &job);
    status = 0;
done:
    if (status)
        error_prefix(err, "job %zu", row);
    dataset_close(&set);
    job_free(&job);
    free(text);
    return status;
}

static int run_named(struct check *check, const struct options *options, struct error *err)
{
    for (size_t i = 0; i < options->n_jobs; i++) {
        char *end;
        size_t row = 0;
        while (row < check->jobs && strcmp(check->ids[row], options->job[i]) != 0)
            row++;
        if (row == check->jobs) {
            row = strtoull(options->job[i], &end, 10);
            if (*end || end == options->job[i] || row >= check->jobs)
                return error_set(err, ERROR_USAGE, "--job: expected a row from 0 to %zu or a job_id of the file, got '%s'",
                                 check->jobs - 1, options->job[i]);
        }
        if (check->status[row] != STATUS_DONE)
            return error_set(err, ERROR_USAGE, "--job: expected a done job, but job %zu is not done", row);
        if (run_again(check, row, err))
            return -1;
    }
    return 0;
}

/* sample of the done jobs, evenly spread, the first and the last among them. */
static int run_sample(struct check *check, int64_t sample, struct error *err)
{
    size_t n = sample < 0 || (size_t)sample > check->done ? check->done : (size_t)sample, seen = 0, taken = 0;
    for (size_t row = 0; row < check->jobs && taken < n; row++) {
        if (check->status[row] != STATUS_DONE)
            continue;
        size_t next = n == 1 ? 0 : taken * (check->done - 1) / (n - 1);
        if (seen++ != next)
            continue;
        taken++;
        if (run_again(check, row, err))
            return -1;
    }
    return 0;
}

int command_verify(int argc, char **argv)
{
    static const struct argp argp = {
        option_table, parse_option, "FILE.h5",
        "Checks the checksum of every done job, runs jobs again from their stored text and compares every stored number. "
        "Exits with 0 if all agree and with 3, saying what differs, if not."
        "\v"
        "Numbers are compared bit for bit where processor and BLAS kernels are those of the stored run, else to "
        "rounding, which is said.\n\n"
        "Examples:\n"
        "  relin verify fashion-mnist.h5\n"
        "  relin verify fashion-mnist.h5 --sample all\n"
        "  relin verify fashion-mnist.h5 --job 17 --job 521c68e30ad7dfa4",
        NULL, NULL, NULL,
    };
    struct options options = {.sample = -2};
    struct check check = {0};
    struct error err = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &options))
        return 2;
    int code = 0;
    if (open_check(&check, options.path, &err) || check_rows(&check, &err) || run_named(&check, &options, &err)
        || run_sample(&check, options.sample, &err)) {
        fflush(stdout);
        fprintf(stderr, "relin verify: %s\n", err.text);
        code = error_exit_code(err.code);
    } else if (check.damaged || check.differing) {
        code = 3;
    }
    close_check(&check);
    return code;
}
