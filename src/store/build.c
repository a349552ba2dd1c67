/* Makes the result file of a sweep, or brings an existing one up to date. */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "old.h"
#include "seal.h"
#include "table.h"

enum { MOST_TOLD = 10 };

void old_close(struct old_file *old)
{
    if (!old->reader)
        return;
    by_id_free(&old->rows);
    mem_free(old->status);
    mem_free(old->skipped);
    mem_free(old->attempts);
    store_read_close(old->reader);
}

/* What a row is worth: done and failed ones stay if their content is what was committed. found: its status in the file. */
static int judge_row(struct old_file *old, size_t row, uint8_t found, struct result *result, struct error *err)
{
    uint32_t crc;
    old->status[row] = STATUS_PENDING;
    old->skipped[row] = found == STATUS_SKIPPED;
    if (found > STATUS_SKIPPED)
        log_warning("job %zu (%s): its status is %d, which says nothing; it will run again", row, old->rows.ids[row], found);
    if (found != STATUS_DONE && found != STATUS_FAILED)
        return 0;
    if (store_read_result(old->reader, row, result, err))
        return -1;
    memcpy(&crc, result_slab(result, VAR_CRC), sizeof crc);
    if (crc == result_crc(result))
        old->status[row] = found;
    else if (old->damaged++ < MOST_TOLD)
        log_warning("job %zu (%s): its numbers do not fit their checksum; it will run again", row, old->rows.ids[row]);
    return 0;
}

static int judge_rows(struct old_file *old, struct error *err)
{
    const struct result_layout *layout = store_read_layout(old->reader);
    struct result result;
    size_t width, n = store_read_jobs(old->reader);
    double *status = NULL, *attempts = NULL;
    void *block = mem_alloc(1, result_size(layout), err);
    int failed = !block || store_read_numbers(old->reader, "status", &status, &width, err)
                 || store_read_numbers(old->reader, "attempts", &attempts, &width, err) ? -1 : 0;
    if (!failed)
        result_bind(&result, layout, block);
    for (size_t row = 0; row < n && !failed; row++) {
        old->attempts[row] = (int32_t)attempts[row];
        failed = judge_row(old, row, (uint8_t)status[row], &result, err);
    }
    if (old->damaged > MOST_TOLD)
        log_warning("%zu more jobs do not fit their checksums and will run again: see relin verify", old->damaged - MOST_TOLD);
    mem_free(block);
    mem_free(status);
    mem_free(attempts);
    return failed;
}

int old_open(struct old_file *old, const char *path, struct error *err)
{
    old->reader = store_read_open(path, err);
    if (!old->reader)
        return -1;
    size_t n = store_read_jobs(old->reader);
    old->status = mem_alloc(n, 1, err);
    old->skipped = mem_alloc(n, sizeof *old->skipped, err);
    old->attempts = mem_alloc(n, sizeof *old->attempts, err);
    if (!old->status || !old->skipped || !old->attempts || by_id_read(&old->rows, old->reader, err))
        return -1;
    return judge_rows(old, err);
}

static void tell_broken(void *context, const char *column)
{
    (void)context;
    log_warning("%s of the result file is not what was written with it: made anew, from the sweep", column);
}

/* Is the file the one this sweep would get, and what it says of its jobs as it was written? Then it is kept. */
static bool same_file(const struct old_file *old, const struct sweep *sweep, const struct result_layout *wanted)
{
    struct text axes = {0};
    char *until = store_read_until(old->reader);
    bool same_rule = sweep->until && until ? strcmp(until, sweep->until) == 0 : !sweep->until && !until;
    free(until);
    if (!same_rule || seal_check(old->reader, tell_broken, NULL) > 0)
        return false;
    struct result_layout file_layout = *wanted, *layout = &file_layout;
    layout->kernel = result_count(wanted, VAR_KERNEL) > 0;   /* a matrix of no snapshots is not in a file */
    const char *const *names;
    size_t n_names = store_read_axes(old->reader, &names);
    if (store_read_jobs(old->reader) != sweep->n_jobs || !timeline_has_room(old->reader, sweep->n_jobs)
        || memcmp(store_read_layout(old->reader), layout, sizeof *layout) != 0)
        return false;
    for (size_t i = 0; i < sweep->n_jobs; i++)
        if (strcmp(old->rows.ids[i], sweep->jobs[i].id) != 0)
            return false;
    describe_axes(sweep, &axes);
    char *rest = NULL, *name = strtok_r(axes.chars, " ", &rest);
    size_t i = 0;
    while (name && i < n_names && strcmp(name, names[i]) == 0) {
        name = strtok_r(NULL, " ", &rest);
        i++;
    }
    bool same = !name && i == n_names;
    text_free(&axes);
    return same;
}

size_t old_find(struct old_file *old, size_t likely, const char *id)
{
    return by_id_find(&old->rows, likely, id);
}

/* Into a new skeleton, serially: nobody else has it open yet. */
static int copy_rows(struct old_file *old, const char *path, const struct sweep *sweep, struct error *err)
{
    struct result from, to;
    struct rows rows;
    int status = -1;
    void *block_from = NULL, *block_to = NULL;
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    if (file < 0)
        return hdf_error(err, ERROR_FILE, "%s: cannot be opened", path);
    if (rows_open(&rows, file, err) || skeleton_mark_added(file, store_read_layout(old->reader), &rows.layout, err))
        goto done;
    block_from = mem_alloc(1, result_size(store_read_layout(old->reader)), err);
    block_to = mem_alloc(1, result_size(&rows.layout), err);
    if (!block_from || !block_to)
        goto done;
    result_bind(&from, store_read_layout(old->reader), block_from);
    result_bind(&to, &rows.layout, block_to);
    for (size_t job = 0; job < sweep->n_jobs; job++) {
        size_t row = old_find(old, job, sweep->jobs[job].id);
        if (row == SIZE_MAX)
            continue;
        if (old->status[row] == STATUS_PENDING ? rows_write(&rows, job, VAR_ATTEMPTS, &old->attempts[row], err)
                                               : rows_carry(old->reader, row, &from, &rows, job, &to, err))
            goto done;
    }
    status = 0;
done:
    rows_close(&rows);
    mem_free(block_from);
    mem_free(block_to);
    if (hdf_close_file(file) && !status)
        status = hdf_error(err, ERROR_FILE, "%s: cannot be completed", path);
    return status;
}

/* Where an attempt's job is in the new file: context has a number for each row of the old one. */
static size_t row_of(void *context, size_t i, size_t row)
{
    (void)i;
    return ((const size_t *)context)[row];
}

/* What the old file's runs did goes along. */
static int make_timeline(struct old_file *old, const char *path, const struct sweep *sweep, struct error *err)
{
    const struct store_reader *reader = old->reader;
    size_t n = reader ? store_read_jobs(reader) : 0;
    size_t *moved = mem_alloc(n + 1, sizeof *moved, err);
    if (!moved)
        return -1;
    for (size_t i = 0; i < n; i++)
        moved[i] = SIZE_MAX;
    for (size_t job = 0; job < sweep->n_jobs; job++) {
        size_t row = n ? old_find(old, job, sweep->jobs[job].id) : SIZE_MAX;
        if (row != SIZE_MAX)
            moved[row] = job;
    }
    int status = timeline_make(path, sweep->n_jobs, &reader, reader != NULL, row_of, moved, err);
    mem_free(moved);
    return status;
}

/* Hours of work may be in finished rows: a sweep that has not all of them gets no say over the file. */
static int refuse_loss(struct old_file *old, const char *path, const struct sweep *sweep, struct error *err)
{
    size_t n_done = 0, n_kept = 0, n_common = 0;
    for (size_t row = 0; row < store_read_jobs(old->reader); row++)
        n_done += old->status[row] == STATUS_DONE;
    for (size_t job = 0; job < sweep->n_jobs; job++) {
        size_t row = old_find(old, job, sweep->jobs[job].id);
        n_kept += row != SIZE_MAX && old->status[row] == STATUS_DONE;
        n_common += row != SIZE_MAX;
    }
    if (n_common == 0 && old->damaged)
        return error_set(err, ERROR_USAGE, "%s: expected a file of this sweep, got one of another, with %zu jobs that had ended and "
                         "were damaged since: name another file with -o, or move this one away", path, old->damaged);
    if (n_kept == n_done)
        return 0;
    return error_set(err, ERROR_USAGE, "%s: expected a sweep with all jobs that are done in this file, got one without "
                     "%zu of its %zu, whose results would be lost: name another file with -o, or move this one away",
                     path, n_done - n_kept, n_done);
}

int store_build(const char *path, const struct sweep *sweep, const struct dataset *const *sets,
                const struct result_layout *layout, const struct store_provenance *provenance,
                unsigned char *status, int32_t *attempts, size_t *n_reused, struct error *err)
{
    struct old_file old = {0};
    struct text temporary = {0};
    int result = -1;
    hdf_setup();
    text_add(&temporary, "%s.new", path);
    bool exists = access(path, F_OK) == 0;
    if (exists && (store_check_one_name(path, err) || old_open(&old, path, err) || refuse_loss(&old, path, sweep, err)))
        goto done;
    if (!exists || !same_file(&old, sweep, layout)) {
        if (skeleton_write(temporary.chars, sweep, sets, layout, provenance, err)
            || (exists && copy_rows(&old, temporary.chars, sweep, err)) || make_timeline(&old, temporary.chars, sweep, err)
            || hdf_reserve(temporary.chars, err) || hdf_replace_file(temporary.chars, path, !exists, err)) {
            unlink(temporary.chars);
            goto done;
        }
    } else {
        unlink(temporary.chars);   /* half a file of a run that was killed while it wrote one */
    }
    *n_reused = 0;
    for (size_t job = 0; job < sweep->n_jobs; job++) {
        size_t row = exists ? old_find(&old, job, sweep->jobs[job].id) : SIZE_MAX;
        status[job] = row == SIZE_MAX ? STATUS_PENDING : old.status[row];
        attempts[job] = row == SIZE_MAX ? 0 : old.attempts[row];
        *n_reused += status[job] == STATUS_DONE;
    }
    result = 0;
done:
    old_close(&old);
    text_free(&temporary);
    return result;
}
