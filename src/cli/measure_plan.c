/* relin measure: what each row lacks, and where it comes from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/measure.h"
#include "math/blas_setup.h"
#include "sweep/from_kernel.h"

/* --- one row ------------------------------------------------------------------------ */

/* The row's numbers, if they are what was committed. 1: damaged. */
static int read_row(struct measure *m, size_t row, struct error *err)
{
    uint32_t crc;
    if (store_read_result(m->reader, row, &m->stored, err))
        return -1;
    memcpy(&crc, result_slab(&m->stored, VAR_CRC), sizeof crc);
    return crc != result_crc(&m->stored);
}

/* The keys that the metrics need, on top of those that were set by hand. */
static int set_keys(const struct measure *m, const struct metric_set *metrics, struct job *job, struct error *err)
{
    char settings[METRIC_KEYS_MOST][METRIC_SETTING_SIZE];
    const char *list[METRIC_KEYS_MOST];
    if (job_measure(job, m->options->set, m->options->n_sets, err))
        return -1;
    size_t n = metric_settings(job, metrics, settings);
    for (size_t i = 0; i < n; i++)
        list[i] = settings[i];
    return job_measure(job, list, n, err);
}

/* Does only the path length, which the snapshots may hold, ask for other keys? Then setting that alone makes
 * the one job the other. */
static bool only_path_changes(const struct job *before, const struct job *after)
{
    char setting[METRIC_SETTING_SIZE];
    const char *settings = setting;
    struct job job = {0};
    snprintf(setting, sizeof setting, "kernels.path_points=%lld", (long long)after->kernels.path_points);
    bool only = job_parse(&job, before->text, NULL) == 0 && job_measure(&job, &settings, 1, NULL) == 0
                && strcmp(job.text, after->text) == 0;
    job_free(&job);
    return only;
}

/* Fills the task, whose job has its new keys. Returns whether there is anything to do. */
static bool decide(const struct measure *m, const struct metric_set *metrics, const struct job *before,
                   struct measure_task *task)
{
    bool missing = false;
    task->replay = !only_path_changes(before, &task->job);
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        if (!metrics->has[i] || metric_is_there(before, &m->stored, id, store_read_added(m->reader, id)))
            continue;
        missing = true;
        task->wanted[i] = 1;
        task->replay = task->replay || !from_kernel_can(&task->job, &m->stored, id);
    }
    return missing || strcmp(before->text, task->job.text) != 0;
}

static bool same_kernels(struct measure *m, size_t row)
{
    const char *core = result_text(&m->stored, VAR_BLAS_CORE);
    if (m->options->tolerance > 0
        || strncmp(core, blas_core_type(), variable_type_size(variables[VAR_BLAS_CORE].type) - 1) == 0)
        return true;
    if (!m->other_machine++)
        fprintf(stderr, "job %zu: ran with the BLAS kernels %s, here they are %s, so it would not come out bit for bit: "
                "set OPENBLAS_CORETYPE=%s if this processor has them, or allow rounding with --tolerance\n", row, core,
                blas_core_type(), core);
    return false;
}

/* before: the row's job as it is, parsed. */
static int plan_row(struct measure *m, const struct metric_set *metrics, size_t row, const struct job *before,
                    struct error *err)
{
    struct measure_task *task = &m->tasks[m->n_tasks];
    if (before->training.trainer == TRAINER_COMMAND) {
        if (!m->programs++)
            fprintf(stderr, "job %zu: is a program of the user's own, which alone can measure more: have it print the number, "
                    "add its name to metrics and run the sweep\n", row);
        return 0;
    }
    int damaged = read_row(m, row, err);
    if (damaged < 0)
        return -1;
    if (damaged) {
        m->damaged++;
        fprintf(stderr, "job %zu: its numbers do not fit their checksum; `relin run` runs it again\n", row);
        return 0;
    }
    *task = (struct measure_task){.row = row, .set = SIZE_MAX};
    if (job_parse(&task->job, before->text, err))
        return -1;
    int failed = set_keys(m, metrics, &task->job, err);
    bool there = !failed && !decide(m, metrics, before, task);
    m->there += there;
    if (failed || there || (task->replay && !same_kernels(m, row))) {
        job_free(&task->job);
        return failed ? error_prefix(err, "job %zu", row) : 0;
    }
    m->probe_changes = m->probe_changes || task->job.kernels.probe != before->kernels.probe;
    m->n_tasks++;
    return 0;
}

/* --- data --------------------------------------------------------------------------- */

/* The data set of a job, loaded once for all that share it. */
static int find_set(struct measure *m, const struct job *job, size_t *set, struct error *err)
{
    struct text identity = {0};
    dataset_identity(&job->data, &identity);
    size_t i = 0;
    while (i < m->n_sets && strcmp(m->set_identity[i], identity.chars) != 0)
        i++;
    *set = i;
    if (i < m->n_sets) {
        text_free(&identity);
        return 0;
    }
    m->set_identity[i] = identity.chars;
    if (dataset_load(&m->sets[i], &job->data, dataset_root(), err)) {
        text_free(&identity);
        return -1;
    }
    m->n_sets++;
    return 0;
}

static bool needs_data(const struct measure_task *task)
{
    if (task->replay)
        return true;
    for (int id = 0; id < VAR_COUNT; id++)
        if (task->wanted[id] && from_kernel_needs_data((enum variable_id)id))
            return true;
    return false;
}

/* Data and the axes of the new file. Where nothing is replayed the axes stay, and no data is needed but
 * for targets. */
static int prepare_tasks(struct measure *m, struct error *err)
{
    m->layout = *store_read_layout(m->reader);
    for (size_t i = 0; i < m->n_tasks; i++) {
        struct measure_task *task = &m->tasks[i];
        if (needs_data(task) && find_set(m, &task->job, &task->set, err))
            return -1;
        if (task->replay) {
            memset(m->layout.absent, 0, sizeof m->layout.absent);
            layout_extend(&m->layout, &task->job, &m->sets[task->set]);
        }
        for (int id = 0; id < VAR_COUNT; id++)
            if (task->wanted[id])
                result_set_absent(&m->layout, (enum variable_id)id, false);
    }
    for (size_t row = 0; m->probe_changes && row < store_read_jobs(m->reader); row++)
        if (find_set(m, &m->jobs[row], &m->job_set[row], err))
            return -1;
    return 0;
}

/* --- the file ----------------------------------------------------------------------- */

static int open_file(struct measure *m, struct error *err)
{
    m->reader = store_read_open(m->options->path, err);
    if (!m->reader)
        return -1;
    size_t n = store_read_jobs(m->reader);
    const struct result_layout *layout = store_read_layout(m->reader);
    void *block = mem_alloc(1, result_size(layout), err);
    if (!block)
        return -1;
    result_bind(&m->stored, layout, block);
    m->tasks = mem_alloc(n, sizeof *m->tasks, err);
    m->jobs = mem_alloc(n, sizeof *m->jobs, err);
    m->job_set = mem_alloc(n, sizeof *m->job_set, err);
    m->sets = mem_alloc(n, sizeof *m->sets, err);
    m->set_identity = mem_alloc(n, sizeof *m->set_identity, err);
    if (!m->tasks || !m->jobs || !m->job_set || !m->sets || !m->set_identity)
        return -1;
    for (size_t row = 0; row < n; row++) {
        char *text = store_read_job_text(m->reader, row, err);
        int failed = !text || job_parse(&m->jobs[row], text, err);
        free(text);
        if (failed)
            return error_prefix(err, "job %zu", row);
    }
    return 0;
}

static int plan_rows(struct measure *m, const struct metric_set *metrics, const bool *selected, struct error *err)
{
    size_t width;
    double *status;
    if (store_read_numbers(m->reader, "status", &status, &width, err))
        return -1;
    int failed = 0;
    for (size_t row = 0; row < store_read_jobs(m->reader) && !failed; row++) {
        if (!selected[row])
            continue;
        m->selected++;
        if (status[row] != STATUS_DONE)
            m->not_done++;
        else
            failed = plan_row(m, metrics, row, &m->jobs[row], err);
    }
    mem_free(status);
    if (!failed && m->selected == 0)
        failed = error_set(err, ERROR_USAGE, "expected jobs to measure, got none: no job fits all of --where");
    return failed;
}

int measure_plan(struct measure *m, const struct measure_options *options, struct error *err)
{
    struct metric_set metrics = {0};
    bool *selected = NULL;
    int status = -1;
    m->options = options;
    for (size_t i = 0; i < options->n_metrics; i++)
        if (metric_find(&metrics, options->metric[i], err))
            return -1;
    if (open_file(m, err) || !(selected = mem_alloc(store_read_jobs(m->reader), sizeof *selected, err)))
        goto done;
    memset(selected, true, store_read_jobs(m->reader));
    for (size_t i = 0; i < options->n_where; i++)
        if (store_read_where(m->reader, options->where[i], selected, err))
            goto done;
    status = plan_rows(m, &metrics, selected, err) || prepare_tasks(m, err) ? -1 : 0;
done:
    mem_free(selected);
    return status;
}

void measure_free(struct measure *m)
{
    for (size_t i = 0; i < m->n_tasks; i++)
        job_free(&m->tasks[i].job);
    for (size_t i = 0; i < m->n_sets; i++) {
        dataset_close(&m->sets[i]);
        free(m->set_identity[i]);
    }
    for (size_t row = 0; m->jobs && row < store_read_jobs(m->reader); row++)
        job_free(&m->jobs[row]);
    mem_free(m->tasks);
    mem_free(m->jobs);
    mem_free(m->job_set);
    mem_free(m->sets);
    mem_free(m->set_identity);
    mem_free(m->stored.block);
    store_read_close(m->reader);
}
