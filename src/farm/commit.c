#include "farm/commit.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "farm/record.h"

/* A job is short below so many seconds, and its result may wait for twice as long. */
static const double short_job = 0.01;

/* Everything of the record that the child does not know; the checksum last. */
static void complete_record(const struct worker *worker, const struct task *task, struct result *result)
{
    const struct spawner_report *report = &task->report;
    *result_i32(result, VAR_ATTEMPTS) = (int32_t)task->job.attempts + 1;
    *result_i32(result, VAR_WORKER) = worker->wire->rank;
    result_set_text(result, VAR_HOST, worker->host);
    result_set_text(result, VAR_CPU_MODEL, worker->cpu_model);
    *result_f64(result, VAR_START_TIME) = report->start_time;
    *result_f64(result, VAR_WALL_SECONDS) = report->wall_seconds;
    *result_f64(result, VAR_CPU_SECONDS) = report->cpu_seconds;
    *result_f64(result, VAR_ENERGY_JOULES) = NAN;
    *result_f64(result, VAR_PREDICTED_SECONDS) = task->job.predicted;
    *(unsigned char *)result_slab(result, VAR_STATUS) = STATUS_DONE;
    uint32_t crc = result_crc(result);
    memcpy(result_slab(result, VAR_CRC), &crc, sizeof crc);
}

static bool by_row(const struct task *a, const struct task *b)
{
    return a->row < b->row;
}

/* The tasks of a state, by row. Returns how many. */
static int collect(struct worker *worker, enum task_state state, struct task *tasks[SPAWNER_BLOCKS])
{
    int n = 0;
    for (int i = 0; i < WORKER_TASKS && n < SPAWNER_BLOCKS; i++) {
        struct task *task = &worker->tasks[i];
        if (task->state != state)
            continue;
        int at = n++;
        for (; at > 0 && by_row(task, tasks[at - 1]); at--)
            tasks[at] = tasks[at - 1];
        tasks[at] = task;
    }
    return n;
}

void commit_ended(struct worker *worker, struct task *task)
{
    task->state = TASK_ENDED;
    if (!worker->n_ended++)
        worker->first_ended = clock_seconds();
    if (task->report.wall_seconds >= short_job)
        commit_ask(worker);
}

void commit_ask(struct worker *worker)
{
    struct task *tasks[SPAWNER_BLOCKS];
    if (!worker->n_ended)
        return;
    int n = collect(worker, TASK_ENDED, tasks);
    for (int i = 0; i < n; i++) {
        tasks[i]->state = TASK_ASKING;
        wire_send(worker->wire, 0, TAG_ASK, tasks[i]->row, 0, NULL, 0);
    }
    worker->n_ended = 0;
}

void commit_ask_when_due(struct worker *worker)
{
    if (worker->n_ended
        && (2 * worker->n_ended >= worker->n_blocks || !worker_find(worker, TASK_RUNNING, -1)
            || clock_seconds() - worker->first_ended > 2 * short_job))
        commit_ask(worker);
}

void commit_hear(struct worker *worker, const struct wire_message *message)
{
    struct task *task = worker_find(worker, TASK_ASKING, message->head.row);
    if (!task)
        return;
    if (message->head.code) {
        task->state = TASK_GRANTED;
        worker->n_granted++;
    } else {
        worker_drop(task);
    }
}

/* The rows of n neighbouring jobs, then their records on the way to rank 0. */
static int commit(struct worker *worker, struct task **tasks, int n, struct error *err)
{
    const struct result *results[SPAWNER_BLOCKS];
    for (int i = 0; i < n; i++) {
        complete_record(worker, tasks[i], &worker->results[tasks[i]->block]);
        results[i] = &worker->results[tasks[i]->block];
    }
    size_t size = record_size(&results[0]->layout);
    unsigned char *record = mem_alloc(1, size, err);
    if (!record || store_write_rows_of(worker->store, (size_t)tasks[0]->row, (size_t)n, results, err)) {
        mem_free(record);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        record_pack(results[i], record);
        wire_send(worker->wire, 0, TAG_RECORD, tasks[i]->row, 0, record, size);
        worker_drop(tasks[i]);
    }
    mem_free(record);
    return 0;
}

bool commit_granted(struct worker *worker)
{
    struct task *tasks[SPAWNER_BLOCKS];
    struct error err = {0};
    bool failed = false;
    if (!worker->n_granted)
        return false;
    int total = collect(worker, TASK_GRANTED, tasks), n;
    bool large = worker->n_blocks < SPAWNER_BLOCKS;
    for (int i = 0; i < total; i += n) {
        n = 1;
        while (!large && i + n < total && tasks[i + n]->row == tasks[i]->row + n)
            n++;
        failed = failed || commit(worker, tasks + i, n, &err);
        for (int k = i; k < i + n && failed; k++)
            worker_give_back(worker, tasks[k], true);
    }
    worker->n_granted = 0;
    if (failed)
        worker_retire(worker, err.code, err.text);
    return true;
}
