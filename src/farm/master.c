/* Termination: every row is in exactly one place: settled (done or failed), in the queue, or
 * held by one rank. A held row comes back by exactly one of RECORD, FAILED, RETURNED, or by its
 * rank's death or silence; each class of failure is bounded by its limit, and losses by the number of ranks
 * or, of one that comes back, by limits.attempts. So the
 * queue empties or the run drains, holders run dry, and the master stops: it sends STOP, the
 * last message to each worker, which answers BYE, its last one. Messages of a pair of ranks keep
 * their order, so after BYE nothing of that rank is on its way and the loop can end. */
#include "farm/master.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "farm/checkpoints.h"
#include "farm/ledger.h"
#include "farm/message.h"
#include "farm/setback.h"
#include "farm/watch.h"

/* --- rows ---------------------------------------------------------------------- */

static size_t n_jobs(const struct master *master)
{
    return master->campaign->sweep.n_jobs;
}

/* Another run has taken the file over, since this one was stopped, or its disk away, for so long. */
static bool is_evicted(struct master *master)
{
    struct error err;
    if (!master->evicted && store_lock_check(master->campaign->path, &err)) {
        progress_clear(&master->progress);
        log_error("%s", err.text);
        master->evicted = true;
    }
    return master->evicted;
}

/* The row of a message, or SIZE_MAX where the sender does not hold it: it was thought lost,
 * and the row was given to another. */
static size_t row_of(const struct master *master, const struct wire_message *message)
{
    int64_t row = message->head.row;
    return row >= 0 && (size_t)row < n_jobs(master) && master->rows[row].owner == message->from ? (size_t)row : SIZE_MAX;
}

static void hand_out(struct master *master, int to)
{
    size_t row = queue_pop(&master->queue);
    const struct job *job = &master->campaign->sweep.jobs[row];
    struct row *state = &master->rows[row];
    struct text message = {0};
    struct wire_job wire = {
        .predicted = queue_predict(&master->queue, row),
        .attempts = master->campaign->attempts[row],
        .set = master->campaign->sets.of_job[row],
        .order = master->handed++,
    };
    text_add_bytes(&message, (const char *)&wire, sizeof wire);
    text_add_bytes(&message, job->text, strlen(job->text) + 1);
    state->owner = to;
    state->handed = wire.predicted;
    account_handed(master, row, master->peers[to].held++ == 0);
    wire_send(master->wire, to, TAG_JOB, (int64_t)row, 0, message.chars, message.length);
    text_free(&message);
}

/* What waits has taken ranks down with it: rank 0, without which the run ends, takes it only where it is alone. */
static bool spares_rank_0(const struct master *master)
{
    const struct queue *queue = &master->queue;
    bool others = false;
    for (int rank = 1; rank < master->wire->size; rank++)
        others |= master->peers[rank].able && !master->peers[rank].gone;
    return others && queue->length && master->rows[queue->rows[queue->length - 1]].lost > 0;
}

/* One row for each worker first, then one more each, prefetched, unless the queue is so short
 * that a prefetched row would wait behind a long one while another rank is free. */
static bool feed(struct master *master)
{
    bool active = false;
    for (int level = 1; level <= 2; level++)
        for (int rank = 0; rank < master->wire->size; rank++) {
            struct peer *peer = &master->peers[rank];
            if (level == 2 && master->queue.length <= (size_t)master->wire->size)
                return active;
            if (!peer->able || peer->gone || peer->held >= level || !master->queue.length
                || (rank == 0 && spares_rank_0(master)))
                continue;
            hand_out(master, rank);
            active = true;
        }
    return active;
}

/* --- messages ------------------------------------------------------------------ */

static void handle_started(struct master *master, const struct wire_message *message)
{
    struct error err = {0};
    size_t row = row_of(master, message);
    if (row == SIZE_MAX)
        return;
    account_started(master, row);
    *result_f64(&master->record, VAR_START_TIME) = master->rows[row].since;   /* the next run asks whether it had got on since */
    if (store_write_one(master->store, row, VAR_START_TIME, &master->record, &err))
        ledger_break_off(master, &err);
    ledger_set_status(master, row, STATUS_RUNNING, (int32_t)message->head.code);
}

static void handle_ask(struct master *master, const struct wire_message *message)
{
    bool leave = row_of(master, message) != SIZE_MAX;
    wire_send(master->wire, message->from, TAG_LEAVE, message->head.row, leave, NULL, 0);
}

/* The end of a row, in a body that is none: as lost as with its rank. */
static void lose_unreadable(struct master *master, const struct wire_message *message, size_t row)
{
    setback_take(master, row, message->from, FAILURE_LOST, "its rank tells what cannot be read: do all nodes have the same relin?",
                 NULL);
}

static void handle_record(struct master *master, const struct wire_message *message)
{
    struct error err = {0};
    size_t row = row_of(master, message);
    if (row == SIZE_MAX)
        return;
    double began = clock_seconds();
    if (!message_record(message->tail, message->size, &master->record)) {
        lose_unreadable(master, message, row);
        return;
    }
    if (store_write_record(master->store, row, &master->record, &err)) {
        ledger_break_off(master, &err);
        ledger_requeue(master, row, master->campaign->attempts[row]);
        return;
    }
    account_committed(master, row, began);
    master->n_running -= master->campaign->status[row] == STATUS_RUNNING;
    master->campaign->status[row] = STATUS_DONE;
    master->n_done++;
    master->n_diverged += strcmp(result_text(&master->record, VAR_OUTCOME), "diverged") == 0;
    checkpoints_remove(master->campaign->path, master->campaign->sweep.jobs[row].id);
    queue_learn(&master->queue, row, *result_f64(&master->record, VAR_WALL_SECONDS));
    ledger_release(master, row);
}

static void handle_failed(struct master *master, const struct wire_message *message)
{
    size_t row = row_of(master, message);
    struct wire_failure how;
    const char *why;
    if (row == SIZE_MAX)
        return;
    if (message_failure(message->tail, message->size, message->head.code, &how, &why))
        setback_take(master, row, message->from, (enum failure_class)message->head.code, why, &how);
    else
        lose_unreadable(master, message, row);
}

static void handle_returned(struct master *master, const struct wire_message *message)
{
    size_t row = row_of(master, message);
    struct wire_times times = {NAN, 0};
    if (row == SIZE_MAX)
        return;
    if (message->size == sizeof times)   /* else the row comes back all the same */
        memcpy(&times, message->tail, sizeof times);
    account_ended(master, row, ATTEMPT_STOPPED, times.start_time, times.wall_seconds);
    /* to be stopped is no fault of the job: that start does not count */
    ledger_requeue(master, row, master->campaign->attempts[row] - (message->head.code != 0));
}

static void handle_retired(struct master *master, const struct wire_message *message)
{
    const char *why = message_text(message->tail, message->size);
    progress_clear(&master->progress);
    log_warning("rank %d runs no more jobs: %s", message->from, why);
    master->peers[message->from].able = false;
    if (message->head.code == error_exit_code(ERROR_SPACE)) {   /* no other rank would fare better */
        struct error err;
        error_set(&err, ERROR_SPACE, "%s", why);
        ledger_break_off(master, &err);
    }
}

/* Its last rows are on disk, or it says what code that is worth. */
static void handle_bye(struct master *master, const struct wire_message *message)
{
    master->peers[message->from].bye = true;
    account_hear(master, message);
    master->exit_code = message->head.code ? (int)message->head.code : master->exit_code;
}

static void drain(struct master *master)
{
    if (master->draining || master->stopping)
        return;
    master->draining = true;
    for (int rank = 0; rank < master->wire->size; rank++)
        wire_send(master->wire, rank, TAG_DRAIN, -1, 0, NULL, 0);
}

void master_handle(struct master *master, const struct wire_message *message)
{
    if (is_evicted(master))
        return;
    watch_hear(master, message->from);
    switch (message->tag) {
    case TAG_STARTED: handle_started(master, message); break;
    case TAG_ASK: handle_ask(master, message); break;
    case TAG_RECORD: handle_record(master, message); break;
    case TAG_FAILED: handle_failed(master, message); break;
    case TAG_RETURNED: handle_returned(master, message); break;
    case TAG_RETIRED: handle_retired(master, message); break;
    case TAG_SIGNAL: drain(master); break;
    case TAG_PING:
        deadline_hear(master->slowest, message->head.code);
        account_hear(master, message);
        break;
    case TAG_BYE: handle_bye(master, message); break;
    default: assert(!"a tag that is not for the master");
    }
}

/* --- time ---------------------------------------------------------------------- */

static double seconds_left(const struct master *master)
{
    double now = clock_seconds(), left = queue_waiting(&master->queue);
    size_t workers = 0;
    for (int rank = 0; rank < master->wire->size; rank++)
        workers += master->peers[rank].able && !master->peers[rank].gone;
    for (size_t row = 0; row < n_jobs(master); row++) {
        const struct row *state = &master->rows[row];
        if (state->owner < 0)
            continue;
        double rest = queue_predict(&master->queue, row);
        if (master->campaign->status[row] == STATUS_RUNNING)
            rest -= now - state->started;
        left += rest > 0 ? rest : 0;
    }
    return workers ? left / (double)workers : -1;
}

static struct progress_counts count(const struct master *master)
{
    return (struct progress_counts){
        .jobs = n_jobs(master),
        .done = master->n_done,
        .failed = master->n_failed,
        .running = master->n_running,
        /* an estimate needs something measured */
        .left = master->queue.measured > 0 ? seconds_left(master) : -1,
        .draining = master->draining,
    };
}

static void keep_time(struct master *master)
{
    struct error err = {0};
    double now = clock_seconds();
    watch_peers(master, now);
    if (now - master->pinged > wire_ping_seconds(master->campaign->sweep.limits.patience)) {
        master->pinged = now;
        for (int rank = 1; rank < master->wire->size && !master->stopping; rank++)
            if (!master->peers[rank].dead)
                wire_send(master->wire, rank, TAG_PING, -1, 0, NULL, 0);
    }
    if (now - master->synced > WIRE_SYNC_SECONDS) {
        master->synced = now;
        if (store_sync(master->store, &err))
            ledger_break_off(master, &err);
    }
    if (progress_due(&master->progress)) {
        struct progress_counts counts = count(master);
        progress_show(&master->progress, &counts);
    }
}

/* --- the end ------------------------------------------------------------------- */

static int verdict(const struct master *master)
{
    if (master->broken)
        return master->broken;
    if (master->n_done + master->n_failed < n_jobs(master))
        return master->draining || master->lost ? 75 : 70;   /* 70: every rank has retired */
    return master->n_failed ? 3 : 0;
}

static void stop_when_dry(struct master *master)
{
    bool able = false;
    for (int rank = 0; rank < master->wire->size; rank++) {
        if (master->peers[rank].held && !master->peers[rank].gone)
            return;
        able |= master->peers[rank].able && !master->peers[rank].gone;
    }
    if (master->queue.length && !master->draining && able)
        return;
    master->stopping = true;
    master->exit_code = verdict(master);
    for (int rank = 0; rank < master->wire->size; rank++)
        wire_send(master->wire, rank, TAG_STOP, master->lost, master->exit_code, NULL, 0);
}

static bool all_said_bye(const struct master *master)
{
    for (int rank = 0; rank < master->wire->size; rank++)
        if (!master->peers[rank].bye && !master->peers[rank].gone)
            return false;
    return true;
}

bool master_step(struct master *master)
{
    bool active = false;
    if (is_evicted(master))
        return true;
    keep_time(master);
    if (master->broken || (!master->draining && !master->stopping && deadline_is_near(master->deadline, *master->slowest)))
        drain(master);
    if (!master->draining && !master->stopping)
        active = feed(master);
    if (!master->stopping)
        stop_when_dry(master);
    master->finished = master->stopping && all_said_bye(master);
    account_step(master);
    return active;
}

int master_start(struct master *master, const struct farm_options *options, struct error *err)
{
    size_t n = n_jobs(master), waiting = 0;
    const unsigned char *status = master->campaign->status;
    size_t *rows = mem_alloc(n, sizeof *rows, err);
    master->peers = mem_alloc((size_t)master->wire->size, sizeof *master->peers, err);
    master->rows = mem_alloc(n, sizeof *master->rows, err);
    void *block = mem_alloc(1, result_size(&master->campaign->layout), err);
    if (!rows || !master->peers || !master->rows || !block) {
        mem_free(rows);
        mem_free(block);
        return -1;
    }
    result_bind(&master->record, &master->campaign->layout, block);
    master->pinged = master->synced = clock_seconds();
    for (int rank = 0; rank < master->wire->size; rank++)
        master->peers[rank] = (struct peer){.able = rank > 0 || options->train_on_master, .heard = master->pinged};
    for (size_t row = 0; row < n; row++) {
        master->rows[row].owner = -1;
        master->n_done += status[row] == STATUS_DONE;
        master->n_failed += status[row] == STATUS_FAILED;
        if (status[row] == STATUS_PENDING)
            rows[waiting++] = row;
    }
    master->n_diverged = master->campaign->n_diverged;
    int failed = queue_init(&master->queue, rows, waiting, master->campaign->seconds, options->order, err);
    mem_free(rows);
    progress_start(&master->progress, options->progress);
    if (!failed && !(failed = account_start(master, err)))
        setback_resume(master);
    return failed;
}

void master_end(struct master *master)
{
    struct progress_counts counts = count(master);
    progress_end(&master->progress, &counts);
    queue_free(&master->queue);
    mem_free(master->record.block);
    mem_free(master->rows);
    account_free(&master->account);
}
