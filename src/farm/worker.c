#define _GNU_SOURCE
#include "farm/worker.h"

#include <assert.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "farm/child.h"
#include "farm/commit.h"
#include "farm/message.h"
#include "farm/policy.h"
#include "farm/signals.h"

void worker_start(struct worker *worker)
{
    worker->heard = worker->pinged = worker->synced = clock_seconds();
    host_name(worker->host, sizeof worker->host);
    host_cpu_model(worker->cpu_model, sizeof worker->cpu_model);
}

struct task *worker_find(struct worker *worker, enum task_state state, int64_t row)
{
    for (int i = 0; i < WORKER_TASKS; i++)
        if (worker->tasks[i].state == state && (row < 0 || worker->tasks[i].row == row))
            return &worker->tasks[i];
    return NULL;
}

void worker_drop(struct task *task)
{
    text_free(&task->packed);
    *task = (struct task){.state = TASK_NONE};
}

/* To rank 0: not run, or stopped before its end. */
void worker_give_back(struct worker *worker, struct task *task, bool started)
{
    struct wire_times times = {task->report.wall_seconds > 0 ? task->report.start_time : NAN, task->report.wall_seconds};
    wire_send(worker->wire, 0, TAG_RETURNED, task->row, started, &times, sizeof times);
    worker_drop(task);
}

/* To rank 0: the attempt failed. */
static void tell_failure(struct worker *worker, struct task *task, enum failure_class class, const char *why)
{
    struct text message = {0};
    struct wire_failure how = {.start_time = task->report.start_time, .wall_seconds = task->report.wall_seconds,
                               .cpu_seconds = task->report.cpu_seconds};
    snprintf(how.host, sizeof how.host, "%s", worker->host);
    snprintf(how.cpu_model, sizeof how.cpu_model, "%s", worker->cpu_model);
    text_add_bytes(&message, (const char *)&how, sizeof how);
    text_add_bytes(&message, why, strlen(why) + 1);
    wire_send(worker->wire, 0, TAG_FAILED, task->row, class, message.chars, message.length);
    text_free(&message);
    worker_drop(task);
}

/* What was not begun. */
static void give_back_waiting(struct worker *worker)
{
    struct task *task;
    while ((task = worker_find(worker, TASK_WAITING, -1)))
        worker_give_back(worker, task, false);
}

static void drain(struct worker *worker)
{
    worker->draining = true;
    give_back_waiting(worker);
    if (worker_find(worker, TASK_RUNNING, -1))
        spawner_stop(worker->spawner, signals_urgent());
}

/* This rank cannot go on: another one, or a later run, may. A mistake of its own counts against what runs as a loss. */
void worker_retire(struct worker *worker, enum error_code code, const char *why)
{
    struct task *task;
    worker->retired = true;
    commit_ask(worker);   /* what has ended is whole */
    give_back_waiting(worker);
    while ((task = worker_find(worker, TASK_RUNNING, -1)))
        if (code != ERROR_INTERNAL)
            worker_give_back(worker, task, true);
        else
            tell_failure(worker, task, FAILURE_LOST, why);
    wire_send(worker->wire, 0, TAG_RETIRED, -1, error_exit_code(code), why, strlen(why) + 1);
}

/* Predicted below so many seconds by the clock: where ranks are more than cores, short jobs take that. The child knows what
 * they took of the processor. */
static const double share_below = 0.1;

/* What failed before has a child of its own, as has what may leave processes or threads behind. */
static bool may_share(const struct wire_job *wire, const struct job *job)
{
    return wire->predicted < share_below && wire->attempts == 0 && job->training.trainer != TRAINER_COMMAND
           && job->training.threads == 1;
}

static void take_job(struct worker *worker, const struct wire_message *message)
{
    struct task *task = worker_find(worker, TASK_NONE, -1);
    const char *text;
    struct error err;
    struct wire_job job;
    struct job read;                 /* here and not in its child, where every page that this takes is a fault */
    assert(task);
    *task = (struct task){.row = message->head.row};
    if (!message_job(message->tail, message->size, worker->n_sets, &job, &text) || job_parse(&read, text, &err)) {
        worker_give_back(worker, task, false);
        worker_retire(worker, ERROR_INTERNAL, "rank 0 hands out jobs that cannot be read: do all nodes have the same relin?");
        return;
    }
    task->job = job;
    if (!worker->draining && !worker->retired) {
        job_pack(&read, &task->packed);
        task->shares = may_share(&job, &read);
        task->state = TASK_WAITING;
    } else {
        worker_give_back(worker, task, false);
    }
    job_free(&read);
}

/* Returns 0, or the exit code of a disk that does not take its rows. */
static int bring_to_disk(struct worker *worker)
{
    struct error err;
    worker->synced = clock_seconds();
    if (!store_sync(worker->store, &err))
        return 0;
    log_error("%s", err.text);
    if (!worker->retired && !worker->finished)
        worker_retire(worker, err.code, err.text);
    return error_exit_code(err.code);
}

/* To rank 0, with the energy that this node has used. */
static void tell(struct worker *worker, enum wire_tag tag, int64_t code)
{
    double joules = worker->energy ? energy_joules(worker->energy) : NAN;
    wire_send(worker->wire, 0, tag, -1, code, &joules, sizeof joules);
}

void worker_handle(struct worker *worker, const struct wire_message *message)
{
    worker->heard = clock_seconds();
    switch (message->tag) {
    case TAG_JOB: take_job(worker, message); break;
    case TAG_LEAVE: commit_hear(worker, message); break;
    case TAG_RECALL: give_back_waiting(worker); break;
    case TAG_DRAIN: drain(worker); break;
    case TAG_PING: break;
    case TAG_STOP:
        worker->finished = true;
        worker->abandon = message->head.row;
        worker->exit_code = (int)message->head.code;
        tell(worker, TAG_BYE, bring_to_disk(worker));
        break;
    default: assert(!"a tag that is not for workers");
    }
}

/* The child has ended. */
static void take_report(struct worker *worker, const struct spawner_report *report)
{
    struct task *task = worker_find(worker, TASK_RUNNING, report->row);
    bool done = WIFEXITED(report->status) && WEXITSTATUS(report->status) == CHILD_DONE;
    if (!task)
        return;
    task->report = *report;
    if (!done && report->stopped) {
        worker_give_back(worker, task, true);
        return;
    }
    if (!done) {
        char why[256];
        policy_describe(report, worker->job_wall, result_text(&worker->results[task->block], VAR_ERROR), why, sizeof why);
        tell_failure(worker, task, policy_classify(report), why);
        return;
    }
    commit_ended(worker, task);
}

int worker_free_block(const struct worker *worker)
{
    bool taken[SPAWNER_BLOCKS] = {false};
    for (int i = 0; i < WORKER_TASKS; i++)
        if (worker->tasks[i].state >= TASK_RUNNING)
            taken[worker->tasks[i].block] = true;
    for (int i = 0; i < worker->n_blocks; i++)
        if (!taken[i])
            return i;
    return -1;
}

/* Starts the next task when nothing runs and a block is free. */
static bool start_next(struct worker *worker)
{
    struct task *task = NULL;
    int block = worker_free_block(worker);
    for (int i = 0; i < WORKER_TASKS; i++) {
        struct task *other = &worker->tasks[i];
        if (other->state == TASK_RUNNING)
            return false;
        if (other->state == TASK_WAITING && (!task || other->job.order < task->job.order))
            task = other;
    }
    if (!task || block < 0)
        return false;
    struct spawner_order order = {.row = task->row, .block = block, .set = (int32_t)task->job.set,
                                  .wall = worker->job_wall, .shares = task->shares};
    if (spawner_run(worker->spawner, &order, &task->packed)) {
        worker_retire(worker, ERROR_INTERNAL, "its spawner cannot start a job");
        return true;
    }
    task->block = block;
    task->state = TASK_RUNNING;
    wire_send(worker->wire, 0, TAG_STARTED, task->row, task->job.attempts + 1, NULL, 0);
    return true;
}

static void watch_rank_0(struct worker *worker)
{
    double now = clock_seconds();
    if (signals_drain() && !worker->drain_told) {
        worker->drain_told = true;
        wire_send(worker->wire, 0, TAG_SIGNAL, -1, 0, NULL, 0);
    }
    if (signals_urgent() && !worker->hurried) {   /* no time to hear it from rank 0 */
        worker->hurried = true;
        drain(worker);
    }
    if (worker->wire->rank == 0)
        return;
    if (worker->alone) {
        worker->orphaned = !worker_find(worker, TASK_RUNNING, -1);
        return;
    }
    if (now - worker->pinged > wire_ping_seconds(worker->patience)) {
        worker->pinged = now;
        tell(worker, TAG_PING, (int64_t)(1e6 * *worker->spawner->slowest));
    }
    bool died = false;
    if (worker->wire->process[0] && now - worker->looked > 1) {
        worker->looked = now;
        died = !host_process_lives(worker->wire->process[0]);
    }
    if (died || now - worker->heard > worker->patience) {
        worker->alone = true;
        drain(worker);   /* the state of what runs, for the run that goes on */
    }
}

bool worker_step(struct worker *worker)
{
    struct spawner_report report;
    bool active = commit_granted(worker);
    watch_rank_0(worker);
    if (worker->retired)
        return active;
    int got = spawner_poll(worker->spawner, &report);
    if (got < 0) {
        worker_retire(worker, ERROR_INTERNAL, "its spawner has died");
        return true;
    }
    if (clock_seconds() - worker->synced > WIRE_SYNC_SECONDS && bring_to_disk(worker))
        return true;
    if (got > 0) {
        take_report(worker, &report);
        active = true;
    }
    if (!worker->draining && start_next(worker))
        active = true;
    commit_ask_when_due(worker);
    return active;
}

void worker_end(struct worker *worker)
{
    for (int i = 0; i < WORKER_TASKS; i++)
        text_free(&worker->tasks[i].packed);
}
