#include "farm/setback.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "farm/checkpoints.h"
#include "farm/ledger.h"
#include "farm/policy.h"
#include "farm/reserve.h"

enum { REASON_SIZE = 256 };

/* Has the job written a checkpoint since then? */
static bool has_got_on(const struct master *master, size_t row, double since)
{
    return checkpoints_written(master->campaign->path, master->campaign->sweep.jobs[row].id) > since;
}

/* A record without results. */
static void set_aside(struct master *master, size_t row, int rank, enum failure_class class, const char *why,
                      const struct wire_failure *how)
{
    struct error err = {0};
    struct result *record = &master->record;
    result_clear(record);
    result_set_text(record, VAR_OUTCOME, failure_word(class));
    result_set_text(record, VAR_ERROR, why);
    *result_i32(record, VAR_ATTEMPTS) = master->campaign->attempts[row];
    *result_i32(record, VAR_WORKER) = rank;
    if (how) {
        result_set_text(record, VAR_HOST, how->host);
        result_set_text(record, VAR_CPU_MODEL, how->cpu_model);
        *result_f64(record, VAR_START_TIME) = how->start_time;
        *result_f64(record, VAR_WALL_SECONDS) = how->wall_seconds;
        *result_f64(record, VAR_CPU_SECONDS) = how->cpu_seconds;
    }
    *result_f64(record, VAR_PREDICTED_SECONDS) = master->rows[row].handed;
    *(unsigned char *)result_slab(record, VAR_STATUS) = STATUS_FAILED;
    uint32_t crc = result_crc(record);
    memcpy(result_slab(record, VAR_CRC), &crc, sizeof crc);
    if (store_write_rows(master->store, row, record, &err) || store_write_record(master->store, row, record, &err)) {
        ledger_break_off(master, &err);
        if (master->rows[row].owner >= 0) {   /* the run ends; a later one may */
            ledger_release(master, row);
            queue_push(&master->queue, row);
        }
        return;
    }
    master->n_running -= master->campaign->status[row] == STATUS_RUNNING;
    master->campaign->status[row] = STATUS_FAILED;
    master->n_failed++;
    reserve_settle(master, row, NULL);
    ledger_release(master, row);
    ledger_warn(master, row, rank, "failed for good", why);
}

/* What the file says of a row that will run again: how its last attempt ended, for status and the next run. */
static void write_down(struct master *master, size_t row, const char *word, const char *why)
{
    struct error err = {0};
    struct result *record = &master->record;
    result_clear(record);
    result_set_text(record, VAR_OUTCOME, word);
    result_set_text(record, VAR_ERROR, why);
    if (store_write_one(master->store, row, VAR_OUTCOME, record, &err)
        || store_write_one(master->store, row, VAR_ERROR, record, &err))
        ledger_break_off(master, &err);
}

/* Counts it. Returns whether it was one too many. */
static bool count(struct master *master, size_t row, enum failure_class class, bool got_on)
{
    const struct sweep_limits *limits = &master->campaign->sweep.limits;
    struct row *state = &master->rows[row];
    bool own = failure_is_own(class);
    state->failed[class] = !own && got_on ? 0 : state->failed[class] + 1;
    if (class != FAILURE_LOST)
        return state->failed[class] >= failure_limit(limits, class);
    state->lost = got_on ? 0 : state->lost + 1;
    return state->failed[class] >= limits->attempts || state->lost >= failure_limit(limits, class);
}

void setback_take(struct master *master, size_t row, int rank, enum failure_class class, const char *why,
                  const struct wire_failure *how)
{
    char reason[REASON_SIZE];
    struct row *state = &master->rows[row];
    int32_t attempts = master->campaign->attempts[row];
    account_ended(master, row, class == FAILURE_LOST ? ATTEMPT_LOST : ATTEMPT_FAILED, how ? how->start_time : NAN,
                  how ? how->wall_seconds : NAN);
    bool own = failure_is_own(class), got_on = !own && has_got_on(master, row, state->since);
    bool last = count(master, row, class, got_on);
    if (class == FAILURE_LOST)
        policy_describe_loss(state->lost, why, reason, sizeof reason);
    else
        snprintf(reason, sizeof reason, "%s", why);
    if (last) {
        set_aside(master, row, rank, class, reason, how);
        return;
    }
    write_down(master, row, failure_word(class), reason);
    ledger_warn(master, row, rank, own ? "this attempt failed, the job will run again" : "the job will run again", reason);
    ledger_requeue(master, row, own || attempts == 0 ? attempts : attempts - 1);
    if (class == FAILURE_LOST && !got_on)   /* it may take the next rank too: first what does not */
        queue_demote(&master->queue, row);
}

/* Returns whether the row was set aside. */
static bool resume_lost(struct master *master, size_t row)
{
    struct campaign *campaign = master->campaign;
    char reason[REASON_SIZE];
    struct row *state = &master->rows[row];
    int32_t attempts = campaign->attempts[row];
    bool got_on = has_got_on(master, row, campaign->found[row].start_time);
    state->lost = got_on ? 0 : state->lost + 1;
    policy_describe_loss(state->lost, "the run ended while it ran", reason, sizeof reason);
    if (state->lost >= failure_limit(&campaign->sweep.limits, FAILURE_LOST)) {
        set_aside(master, row, -1, FAILURE_LOST, reason, NULL);
        return true;
    }
    write_down(master, row, failure_word(FAILURE_LOST), reason);
    ledger_set_status(master, row, STATUS_PENDING, attempts ? attempts - 1 : 0);
    if (!got_on && reserve_has_turn(master, row))
        queue_demote(&master->queue, row);
    return false;
}

void setback_resume(struct master *master)
{
    for (size_t row = 0; row < master->campaign->sweep.n_jobs; row++) {
        const struct found_row *found = &master->campaign->found[row];
        if (master->campaign->status[row] != STATUS_PENDING)
            continue;
        master->rows[row].lost = found->losses;
        if (found->status == STATUS_RUNNING && resume_lost(master, row) && reserve_has_turn(master, row))
            queue_remove(&master->queue, row);
        else if (found->status == STATUS_FAILED)   /* it may try again */
            ledger_set_status(master, row, STATUS_PENDING, master->campaign->attempts[row]);
    }
}
