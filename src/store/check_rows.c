/* Every row of a result file: is it what was committed, and can it be? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read.h"
#include "store/check.h"
#include "sweep/job.h"

/* What is wrong with one row; the first thing is told. */
struct finding {
    char text[512];
};

static void find(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void find(struct finding *finding, const char *format, ...)
{
    va_list args;
    if (finding->text[0])
        return;
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

static bool among(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* Steps rise, and where they end only -1 follows. Returns how many there are. */
static size_t check_steps(struct finding *finding, const struct result *row, enum variable_id id)
{
    const int64_t *step = result_i64(row, id);
    size_t n = result_count(&row->layout, id), used = 0;
    if (!step)
        return 0;
    while (used < n && step[used] >= 0 && (used == 0 || step[used] > step[used - 1]))
        used++;
    for (size_t i = used; i < n; i++)
        if (step[i] != -1)
            find(finding, "%s: expected rising steps, then -1, got %lld at [%zu]", variables[id].name, (long long)step[i], i);
    return used;
}

static void check_accuracies(struct finding *finding, const struct result *row)
{
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        if (variables[id].type != TYPE_F64 || !strstr(variables[id].name, "accuracy") || strstr(variables[id].name, "jump")
            || !result_f64(row, id))
            continue;
        for (size_t k = 0; k < result_count(&row->layout, id); k++)
            if (result_f64(row, id)[k] < 0 || result_f64(row, id)[k] > 1)
                find(finding, "%s: expected 0 to 1, got %g at [%zu]", variables[id].name, result_f64(row, id)[k], k);
    }
}

static void check_ended(struct finding *finding, const struct result *row, bool failed)
{
    static const char *const outcomes[] = {"completed", "diverged", NULL};
    static const char *const engines[] = {"standard", "tangent", "kernel", "filter", "gauss-newton", "command", NULL};
    if (*result_i32(row, VAR_ATTEMPTS) < 1)
        find(finding, "attempts: expected at least 1 of a job that ended, got %d", (int)*result_i32(row, VAR_ATTEMPTS));
    if (failed) {
        if (!result_text(row, VAR_ERROR)[0])
            find(finding, "error: expected why the job failed, got nothing");
        return;
    }
    if (!among(result_text(row, VAR_OUTCOME), outcomes))
        find(finding, "outcome: expected completed or diverged, got '%.15s'", result_text(row, VAR_OUTCOME));
    if (!among(result_text(row, VAR_ENGINE), engines))
        find(finding, "engine: expected one that relin has, got '%.15s'", result_text(row, VAR_ENGINE));
    if (*result_i64(row, VAR_STEPS_DONE) < 0)
        find(finding, "steps_done: expected at least 0, got %lld", (long long)*result_i64(row, VAR_STEPS_DONE));
    check_steps(finding, row, VAR_STEP);
    size_t snapshots = check_steps(finding, row, VAR_SNAPSHOT_STEP);
    if (row->layout.snapshot && result_i32(row, VAR_N_SNAPSHOTS) && (size_t)*result_i32(row, VAR_N_SNAPSHOTS) != snapshots)
        find(finding, "n_snapshots: expected %zu, the number of snapshots with a step, got %d", snapshots,
             (int)*result_i32(row, VAR_N_SNAPSHOTS));
    check_accuracies(finding, row);
}

static void check_identity(struct finding *finding, const struct store_reader *reader, size_t row, const char *id)
{
    struct error err = {0};
    struct job job = {0};
    char *text = store_read_job_text(reader, row, &err);
    if (!text || job_parse(&job, text, &err))
        find(finding, "what it is: %.300s", err.text);
    else if (strcmp(job.id, id) != 0)
        find(finding, "what it is: its text has the id %s, job_id says '%.32s'", job.id, id);
    job_free(&job);
    free(text);
}

static void check_checksum(struct finding *finding, const struct result *row)
{
    uint32_t crc;
    memcpy(&crc, result_slab(row, VAR_CRC), sizeof crc);
    if (crc != result_crc(row))
        find(finding, "its checksum is %08x, that of its numbers %08x", crc, result_crc(row));
}

static void tell(struct store_check *check, size_t row, uint8_t state, const struct finding *finding)
{
    bool ended = state == STATUS_DONE || state == STATUS_FAILED;
    if (!finding->text[0])
        return;
    check->damaged++;
    check->damaged_done += state == STATUS_DONE;
    text_add(&check->report, "job %zu: damaged: %s%s\n", row, finding->text,
             ended && strncmp(finding->text, "its checksum", 12) == 0 ? "; `relin run` runs it again" : "");
}

int store_check_rows(const struct store_reader *reader, struct store_check *check, struct error *err)
{
    struct result result;
    char **ids = NULL;
    int status = -1;
    void *block = mem_alloc(1, result_size(store_read_layout(reader)), err);
    if (!block || store_read_texts(reader, "job_id", &ids, err))
        goto done;
    check->jobs = store_read_jobs(reader);
    result_bind(&result, store_read_layout(reader), block);
    for (size_t row = 0; row < check->jobs; row++) {
        struct finding finding = {0};
        uint8_t state;
        if (rows_read(&reader->rows, row, VAR_STATUS, &state, err))
            goto done;
        bool ended = state == STATUS_DONE || state == STATUS_FAILED;
        if (ended && store_read_result(reader, row, &result, err))
            goto done;
        if (state > STATUS_SKIPPED)
            find(&finding, "status: expected 0 to %d, got %d", STATUS_SKIPPED, state);
        else
            check->count[state]++;
        if (ended) {
            check_checksum(&finding, &result);
            check_ended(&finding, &result, state == STATUS_FAILED);
        }
        check_identity(&finding, reader, row, ids[row]);
        tell(check, row, state, &finding);
    }
    status = 0;
done:
    if (ids)
        store_free_texts(ids, store_read_jobs(reader));
    mem_free(block);
    return status;
}
