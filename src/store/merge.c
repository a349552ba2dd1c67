/* Joins the files of parts of one sweep, row by row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "old.h"
#include "table.h"
#include "store/compare.h"

struct merge {
    const struct sweep *sweep;
    struct old_file *files;
    const char **names;
    size_t n;
    struct rows rows;                 /* of the new file */
    struct result *from;              /* (n), each bound to its file's layout */
    struct result to, other;          /* bound to the new layout */
    void **blocks;                    /* (n + 2) */
    struct store_merged *merged;
};

static int find_job(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Results of jobs that the sweep does not have would be lost. */
static int refuse_strangers(const struct merge *m, struct error *err)
{
    int status = 0;
    size_t n_jobs = m->sweep->n_jobs;
    const char **ids = mem_alloc(n_jobs, sizeof *ids, err);
    if (!ids)
        return -1;
    for (size_t i = 0; i < n_jobs; i++)
        ids[i] = m->sweep->jobs[i].id;
    qsort(ids, n_jobs, sizeof *ids, compare_ids);
    for (size_t f = 0; f < m->n && !status; f++) {
        const struct old_file *old = &m->files[f];
        size_t strangers = 0, done = 0;
        for (size_t row = 0; row < store_read_jobs(old->reader); row++) {
            done += old->status[row] == STATUS_DONE;
            strangers += old->status[row] == STATUS_DONE && !bsearch(old->rows.ids[row], ids, n_jobs, sizeof *ids, find_job);
        }
        if (strangers)
            status = error_set(err, ERROR_USAGE, "%s: expected jobs of the sweep '%s' only, got %zu others among the %zu that "
                               "are done: name with --sweep a file that has all their jobs (a list of grids joins them)",
                               m->names[f], m->sweep->name, strangers, done);
    }
    mem_free(ids);
    return status;
}

static int open_files(struct merge *m, const char *path, const char *const *files, size_t n, struct error *err)
{
    bool exists = access(path, F_OK) == 0;
    m->files = mem_alloc(n + 1, sizeof *m->files, err);
    m->names = mem_alloc(n + 1, sizeof *m->names, err);
    m->from = mem_alloc(n + 1, sizeof *m->from, err);
    m->blocks = mem_alloc(n + 3, sizeof *m->blocks, err);
    if (!m->files || !m->names || !m->from || !m->blocks)
        return -1;
    for (size_t i = 0; i < n + exists; i++) {
        m->names[m->n] = exists && i == 0 ? path : files[i - exists];
        struct old_file *old = &m->files[m->n++];
        if (old_open(old, m->names[m->n - 1], err))
            return -1;
        const struct result_layout *layout = store_read_layout(old->reader);
        if (!(m->blocks[m->n - 1] = mem_alloc(1, result_size(layout), err)))
            return -1;
        result_bind(&m->from[m->n - 1], layout, m->blocks[m->n - 1]);
    }
    return 0;
}

/* Two files that both have a job's result must agree. to has what the first says. */
static int refuse_contradiction(struct merge *m, size_t job, size_t first, size_t f, size_t row, struct error *err)
{
    struct comparison comparison = {0};
    int status = store_read_result(m->files[f].reader, row, &m->from[f], err);
    if (status)
        return -1;
    store_copy_result(&m->from[f], &m->other);
    compare_results(&m->to, &m->other, 0, NULL, &comparison);
    if (comparison.differing) {
        char label[128];
        job_label(&m->sweep->jobs[job], label, sizeof label);
        status = error_set(err, ERROR_USAGE, "%s and %s contradict each other on the job %s (%s):\n%.1000s"
                           "Another program or processor? `relin verify` runs jobs again: leave the wrong file out",
                           m->names[first], m->names[f], m->sweep->jobs[job].id, label, comparison.report.chars);
    }
    text_free(&comparison.report);
    return status;
}

/* A job without a result in any file: one of them may have done without it. */
static int leave_out(struct merge *m, size_t job, int32_t attempts, bool skipped, struct error *err)
{
    const uint8_t status = skipped ? STATUS_SKIPPED : STATUS_PENDING;
    if (skipped) {
        m->merged->skipped++;
    } else {
        if (m->merged->missing < STORE_MERGED_FIRST)
            m->merged->first[m->merged->missing] = job;
        m->merged->missing++;
    }
    return rows_write(&m->rows, job, VAR_ATTEMPTS, &attempts, err) || rows_write(&m->rows, job, VAR_STATUS, &status, err) ? -1 : 0;
}

static int merge_job(struct merge *m, size_t job, struct error *err)
{
    size_t best = SIZE_MAX, best_row = 0;
    int32_t attempts = 0;
    bool skipped = false;
    for (size_t f = 0; f < m->n; f++) {
        struct old_file *old = &m->files[f];
        size_t row = old_find(old, job, m->sweep->jobs[job].id);
        if (row == SIZE_MAX)
            continue;
        if (old->attempts[row] > attempts)
            attempts = old->attempts[row];
        skipped = skipped || old->skipped[row];
        if (old->status[row] == STATUS_PENDING)
            continue;
        bool first = best == SIZE_MAX || (m->files[best].status[best_row] == STATUS_FAILED && old->status[row] == STATUS_DONE);
        if (first) {
            best = f;
            best_row = row;
            if (rows_carry(old->reader, row, &m->from[f], &m->rows, job, &m->to, err))
                return error_prefix(err, "%s", m->names[f]);
        } else if (old->status[row] == STATUS_DONE && refuse_contradiction(m, job, best, f, row, err)) {
            return -1;
        }
    }
    if (best == SIZE_MAX)
        return leave_out(m, job, attempts, skipped, err);
    if (m->files[best].status[best_row] == STATUS_DONE)
        m->merged->done++;
    else
        m->merged->failed++;
    return 0;
}

static int fill(struct merge *m, const char *path, struct error *err)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    if (file < 0)
        return hdf_error(err, ERROR_FILE, "%s: cannot be opened", path);
    int status = rows_open(&m->rows, file, err);
    for (size_t f = 0; f < m->n && !status; f++)
        status = skeleton_mark_added(file, store_read_layout(m->files[f].reader), &m->rows.layout, err);
    if (!status && (!(m->blocks[m->n] = mem_alloc(1, result_size(&m->rows.layout), err))
                    || !(m->blocks[m->n + 1] = mem_alloc(1, result_size(&m->rows.layout), err))))
        status = -1;
    if (!status) {
        result_bind(&m->to, &m->rows.layout, m->blocks[m->n]);
        result_bind(&m->other, &m->rows.layout, m->blocks[m->n + 1]);
    }
    for (size_t job = 0; job < m->sweep->n_jobs && !status; job++)
        status = merge_job(m, job, err);
    rows_close(&m->rows);
    if (hdf_close_file(file) && !status)
        status = hdf_error(err, ERROR_FILE, "%s: cannot be completed", path);
    return status;
}

/* Where row `row` of file i is now. */
static size_t row_of(void *context, size_t i, size_t row)
{
    return ((size_t *const *)context)[i][row];
}

/* The runs of all files, one after the other. */
static int join_timelines(struct merge *m, const char *path, struct error *err)
{
    const struct store_reader **readers = mem_alloc(m->n + 1, sizeof *readers, err);
    size_t **moved = mem_alloc(m->n + 1, sizeof *moved, err);
    int status = readers && moved ? 0 : -1;
    for (size_t f = 0; f < m->n && !status; f++) {
        struct old_file *old = &m->files[f];
        size_t n = store_read_jobs(old->reader);
        readers[f] = old->reader;
        moved[f] = mem_alloc(n, sizeof **moved, err);
        status = moved[f] ? 0 : -1;
        for (size_t i = 0; i < n && !status; i++)
            moved[f][i] = SIZE_MAX;
        for (size_t job = 0; job < m->sweep->n_jobs && !status; job++) {
            size_t row = old_find(old, job, m->sweep->jobs[job].id);
            if (row != SIZE_MAX)
                moved[f][row] = job;
        }
    }
    if (!status)
        status = timeline_make(path, m->sweep->n_jobs, readers, m->n, row_of, moved, err);
    for (size_t f = 0; moved && f < m->n; f++)
        mem_free(moved[f]);
    mem_free(moved);
    mem_free(readers);
    return status;
}

static void free_merge(struct merge *m)
{
    for (size_t f = 0; f < m->n; f++)
        old_close(&m->files[f]);
    for (size_t i = 0; m->blocks && i < m->n + 2; i++)
        mem_free(m->blocks[i]);
    mem_free(m->files);
    mem_free(m->names);
    mem_free(m->from);
    mem_free(m->blocks);
}

int store_merge(const char *path, const char *const *files, size_t n, const struct sweep *sweep,
                const struct dataset *const *sets, const struct store_provenance *provenance,
                struct store_merged *merged, struct error *err)
{
    struct merge m = {.sweep = sweep, .merged = merged};
    struct result_layout layout;
    struct text temporary = {0};
    *merged = (struct store_merged){0};
    hdf_setup();
    text_add(&temporary, "%s.new", path);
    sweep_layout(sweep, sets, &layout);
    bool exists = access(path, F_OK) == 0;
    int status = (exists && store_check_one_name(path, err)) || open_files(&m, path, files, n, err) || refuse_strangers(&m, err) ? -1 : 0;
    if (!status) {
        status = skeleton_write(temporary.chars, sweep, sets, &layout, provenance, err)
                 || fill(&m, temporary.chars, err) || join_timelines(&m, temporary.chars, err) || hdf_reserve(temporary.chars, err)
                 || hdf_replace_file(temporary.chars, path, !exists, err) ? -1 : 0;
        if (status)
            unlink(temporary.chars);
    }
    free_merge(&m);
    text_free(&temporary);
    return status;
}
