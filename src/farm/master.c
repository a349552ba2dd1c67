/* Termination: every row is in exactly one place: settled (done or failed), in the queue, or
 * held by one rank. A held row comes back by exactly one of RECORD, FAILED, RETURNED, or by its
 * rank's death or silence; each class of failure is bounded by its limit, and losses by the number of ranks
 * or, of one that comes back, by limits.attempts. A recall
 * (feed.h) brings rows back that were not begun, and comes only when a rank has nothing to do and rows were
 * prefetched since the last one: that rank takes one of them, or a busy one does in its turn, so what is recalled
 * gets less each time. A record that came is settled in the same round of the loop, before anything else is looked at
 * (settle), and its row is held until then. By a rule (reserve.h) further rows come into the queue only when rows were
 * settled, in the same round, each once; when nothing is held and the queue is empty, every row that has its turn is
 * settled, so every cell is decided, and the rest is skipped. So the
 * queue empties or the run drains, holders run dry, and the master stops: it sends STOP, the
 * last message to each worker, which answers BYE, its last one. Messages of a pair of ranks keep
 * their order, also those that travel in one envelope, so after BYE nothing of that rank is on its way and the
 * loop can end.
 *
 * What a message, or a round of the loop, costs does not grow with the number of ranks or rows: who is free is in
 * lists (roster.h), and so is what each rank holds. All ranks are looked at only at fixed times, rows at the
 * progress, of those that ranks hold. */
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
#include "farm/feed.h"
#include "farm/ledger.h"
#include "farm/message.h"
#include "farm/reserve.h"
#include "farm/setback.h"
#include "farm/settle.h"
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

/* --- messages ------------------------------------------------------------------ */

static void handle_started(struct master *master, const struct wire_message *message)
{
    size_t row = row_of(master, message);
    if (row == SIZE_MAX)
        return;
    account_started(master, row);
    ledger_start(master, row, (int32_t)message->head.code);
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
    size_t row = row_of(master, message);
    if (row == SIZE_MAX)
        return;
    if (batch_is_full(&master->batch))
        settle(master);
    if (message_record(message->tail, message->size, batch_next(&master->batch)))
        batch_keep(&master->batch, row);
    else
        lose_unreadable(master, message, row);
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
    roster_set_able(&master->roster, message->from, false);
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
    for (int rank = 0; rank < master->wire->size; rank++)
        for (size_t row = master->peers[rank].first; row != NO_ROW; row = master->rows[row].next) {
            double rest = queue_predict(&master->queue, row);
            if (master->campaign->status[row] == STATUS_RUNNING)
                rest -= now - master->rows[row].started;
            left += rest > 0 ? rest : 0;
        }
    return master->roster.n_ready ? left / master->roster.n_ready : -1;
}

static struct progress_counts count(const struct master *master)
{
    return (struct progress_counts){
        .jobs = reserve_jobs(master),
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
    if (master->n_done + master->n_failed + master->n_skipped < n_jobs(master))
        return master->draining || master->lost ? 75 : 70;   /* 70: every rank has retired */
    return master->n_failed ? 3 : 0;
}

static void stop_when_dry(struct master *master)
{
    if (master->roster.held || (master->queue.length && !master->draining && master->roster.n_ready))
        return;
    master->stopping = true;
    master->exit_code = verdict(master);
    for (int rank = 0; rank < master->wire->size; rank++)
        wire_send(master->wire, rank, TAG_STOP, master->lost, master->exit_code, NULL, 0);
}

/* Who is past is not looked at again. */
static bool all_said_bye(struct master *master)
{
    int *rank = &master->n_farewells;
    while (*rank < master->wire->size && (master->peers[*rank].bye || master->roster.ranks[*rank].gone))
        ++*rank;
    return *rank == master->wire->size;
}

bool master_step(struct master *master)
{
    bool active = false;
    if (is_evicted(master))
        return true;
    settle(master);
    reserve_step(master);
    ledger_tell_starts(master);
    keep_time(master);
    if (master->broken || (!master->draining && !master->stopping && deadline_is_near(master->deadline, *master->slowest)))
        drain(master);
    if (!master->draining && !master->stopping)
        active = feed(master);
    if (!master->draining && !master->stopping)
        feed_recall(master);
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
    if (!rows || !master->peers || !master->rows || !block || batch_init(&master->batch, &master->campaign->layout, err)
        || roster_init(&master->roster, master->wire->size, options->train_on_master, err)) {
        mem_free(rows);
        mem_free(block);
        return -1;
    }
    result_bind(&master->record, &master->campaign->layout, block);
    master->pinged = master->synced = clock_seconds();
    for (int rank = 0; rank < master->wire->size; rank++)
        master->peers[rank] = (struct peer){.first = NO_ROW, .heard = master->pinged};
    for (size_t row = 0; row < n; row++) {
        master->rows[row].owner = -1;
        master->n_done += status[row] == STATUS_DONE;
        master->n_failed += status[row] == STATUS_FAILED;
        if (status[row] == STATUS_PENDING && reserve_has_turn(master, row))
            rows[waiting++] = row;
    }
    master->n_diverged = master->campaign->n_diverged;
    int failed = queue_init(&master->queue, rows, waiting, master->campaign->seconds, options->order, err);
    mem_free(rows);
    progress_start(&master->progress, options->progress);
    if (!failed && master->campaign->by_until)
        failed = queue_room(&master->queue, n, err);
    if (!failed && !(failed = account_start(master, err))) {
        setback_resume(master);
        reserve_start(master);
    }
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
    batch_free(&master->batch);
    text_free(&master->message);
}
