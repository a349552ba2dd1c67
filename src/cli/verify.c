/* relin verify: is a file whole, are its rows what was committed, and does running a job again give its numbers? */
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
#include "store/check.h"
#include "store/compare.h"
#include "store/inspect.h"
#include "store/store.h"
#include "sweep/experiment.h"

enum { MOST_JOBS = 256 };

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
    struct store_check found;
    size_t jobs, differing;
};

static const struct argp_option option_table[] = {
    {"job", 'j', "N|ID", 0, "Run this job again (a row from 0, or a job_id; may be repeated)", 0},
    {"sample", 's', "N|all", 0, "Run N done jobs again, spread over the file (default 0: nothing is run)", 0},
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
    text_free(&check->found.report);
    mem_free(check->block[0]);
    mem_free(check->block[1]);
    mem_free(check->status);
    store_free_texts(check->ids, check->jobs);
    store_read_close(check->reader);
}

/* What is left, and whether somebody is at it. */
static void print_verdict(const struct store_check *found, const char *path)
{
    struct store_lock_info lock;
    bool alive = store_lock_read(path, &lock) && lock.live;
    size_t running = found->count[STATUS_RUNNING], left = found->count[STATUS_PENDING] + running;
    printf("%zu jobs: %zu done, %zu failed for good, %zu left", found->jobs, found->count[STATUS_DONE],
           found->count[STATUS_FAILED], left);
    if (found->count[STATUS_SKIPPED])
        printf(", %zu skipped", found->count[STATUS_SKIPPED]);
    if (alive)
        printf("; a run is alive on %s and may be writing\n", lock.host);
    else if (running)
        printf("; %zu say running though no run is alive: they were lost, and run again\n", running);
    else
        printf("\n");
}

/* For a child, to whom check is its own: the parent does it afterwards, from the same memory (store/inspect.h). */
static int look_through(void *context, struct error *err)
{
    struct check *check = context;
    struct store_check found = {0};
    int failed = store_check_structure(check->reader, &found, err) || store_check_rows(check->reader, &found, err);
    text_free(&found.report);
    store_read_close(check->reader);
    return failed;
}

/* Everything that needs no training. */
static int check_file(struct check *check, const char *path, struct error *err)
{
    struct store_check *found = &check->found;
    if (inspect_first(path, look_through, check, ERROR_FORMAT, err)
        || store_check_structure(check->reader, found, err) || store_check_rows(check->reader, found, err))
        return -1;
    fputs(found->report.chars ? found->report.chars : "", stdout);
    if (found->faults)
        printf("structure: %zu faults: the file was changed or damaged outside its rows; put a whole copy in its place, or "
               "do what is said of them\n",
               found->faults);
    else
        printf("structure: %zu datasets are as FORMAT.md says\n", found->datasets);
    size_t done = found->count[STATUS_DONE];
    printf("checksums: %zu of %zu done jobs are as they were committed\n", done - found->damaged_done, done);
    print_verdict(found, path);
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
    if (job.training.trainer == TRAINER_COMMAND) {
        char label[256];
        job_label(&job, label, sizeof label);
        printf("job %zu (%s): is a program of the user's own, not run again: whether it gives the same numbers is its own matter\n",
               row, label);
        status = 0;
        goto done;
    }
    if (dataset_load(&set, &job.data, dataset_root(), err)
        || layout_check(store_read_layout(check->reader), &job, &set, err))
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
    size_t done = check->found.count[STATUS_DONE];
    size_t n = sample < 0 || (size_t)sample > done ? done : (size_t)sample, seen = 0, taken = 0;
    for (size_t row = 0; row < check->jobs && taken < n; row++) {
        if (check->status[row] != STATUS_DONE)
            continue;
        size_t next = n == 1 ? 0 : taken * (done - 1) / (n - 1);
        if (seen++ != next)
            continue;
        taken++;
        if (run_again(check, row, err))
            return -1;
    }
    return 0;
}

/* No result file is a mistake of who names it; a torn or damaged one is what is looked for. */
static int code_of(const struct error *err, bool opening)
{
    switch (err->code) {
    case ERROR_FOREIGN: return 2;
    case ERROR_FORMAT: return 3;
    case ERROR_FILE: return opening ? 2 : 70;
    default: return error_exit_code(err->code);
    }
}

int command_verify(int argc, char **argv)
{
    static const struct argp argp = {
        option_table, parse_option, "FILE.h5",
        "Checks a result file: every dataset against the format, every job's text against its id, every committed row "
        "against its checksum and for numbers that cannot be. With --sample or --job it also runs jobs again from their "
        "stored text and compares every stored number."
        "\v"
        "Without these options nothing is run and no data is needed; a file that a run is writing may be checked, too. "
        "A row that is damaged is named; `relin run` with the sweep file runs it again.\n\n"
        "Numbers of jobs that are run again are compared bit for bit where processor and BLAS kernels are those of the "
        "stored run, else to rounding, which is said.\n\n"
        "Exit codes: 0 whole, and all agree; 3 torn or damaged, or a job run again differs, each named; 2 bad usage, no "
        "result file, or one of a newer relin; 70 a file that cannot be read, or a job that cannot be run.\n\n"
        "Examples:\n"
        "  relin verify fashion-mnist.h5\n"
        "  relin verify fashion-mnist.h5 --sample 3\n"
        "  relin verify fashion-mnist.h5 --sample all\n"
        "  relin verify fashion-mnist.h5 --job 17 --job 521c68e30ad7dfa4",
        NULL, NULL, NULL,
    };
    struct options options = {0};
    struct check check = {0};
    struct error err = {0};
    if (argp_parse(&argp, argc, argv, 0, NULL, &options))
        return 2;
    bool opening = open_check(&check, options.path, &err) != 0;
    int code = 0;
    if (opening || check_file(&check, options.path, &err) || run_named(&check, &options, &err)
        || run_sample(&check, options.sample, &err)) {
        fflush(stdout);
        fprintf(stderr, "relin verify: %s\n", err.text);
        code = code_of(&err, opening);
    } else if (check.found.damaged || check.found.faults || check.differing) {
        code = 3;
    }
    close_check(&check);
    return code;
}
