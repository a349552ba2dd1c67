#include "farm/ledger.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

static const double moment = 0.02;   /* seconds */

void ledger_break_off(struct master *master, const struct error *err)
{
    progress_clear(&master->progress);
    log_error("%s: %s; stopping", master->campaign->path, err->text);
    master->broken = error_exit_code(err->code);
}

void ledger_set_status(struct master *master, size_t row, enum job_status status, int32_t attempts)
{
    struct error err = {0};
    unsigned char *now = &master->campaign->status[row];
    master->n_running += (status == STATUS_RUNNING) - (*now == STATUS_RUNNING);
    *now = (unsigned char)status;
    master->campaign->attempts[row] = attempts;
    if (store_write_status(master->store, row, status, attempts, &err))
        ledger_break_off(master, &err);
}

/* The next run asks whether the job had got on since then. */
static void write_start(struct master *master, size_t row)
{
    struct error err = {0};
    *result_f64(&master->record, VAR_START_TIME) = master->rows[row].since;
    if (store_write_one(master->store, row, VAR_START_TIME, &master->record, &err))
        ledger_break_off(master, &err);
    ledger_set_status(master, row, STATUS_RUNNING, master->campaign->attempts[row]);
}

/* Of the oldest start. */
static void tell_start(struct master *master)
{
    struct starts *starts = &master->starts;
    size_t row = starts->rows[starts->first];
    bool runs = master->campaign->status[row] == STATUS_RUNNING && master->rows[row].started == starts->when[starts->first];
    starts->first = (starts->first + 1) % MASTER_STARTS;
    starts->n--;
    if (runs)
        write_start(master, row);
}

void ledger_start(struct master *master, size_t row, int32_t attempts)
{
    struct starts *starts = &master->starts;
    if (starts->n == MASTER_STARTS)
        tell_start(master);
    size_t at = (starts->first + starts->n++) % MASTER_STARTS;
    starts->rows[at] = row;
    starts->when[at] = master->rows[row].started;
    master->n_running += master->campaign->status[row] != STATUS_RUNNING;
    master->campaign->status[row] = STATUS_RUNNING;
    master->campaign->attempts[row] = attempts;
}

void ledger_tell_starts(struct master *master)
{
    struct starts *starts = &master->starts;
    double now = starts->n ? clock_seconds() : 0;
    while (starts->n && now - starts->when[starts->first] > moment)
        tell_start(master);
}

void ledger_give(struct master *master, size_t row, int rank)
{
    struct row *state = &master->rows[row];
    size_t *first = &master->peers[rank].first;
    state->owner = rank;
    state->previous = NO_ROW;
    state->next = *first;
    if (*first != NO_ROW)
        master->rows[*first].previous = row;
    *first = row;
    roster_hold(&master->roster, rank, +1);
}

void ledger_release(struct master *master, size_t row)
{
    struct row *state = &master->rows[row];
    if (state->owner < 0)
        return;
    *(state->previous == NO_ROW ? &master->peers[state->owner].first : &master->rows[state->previous].next) = state->next;
    if (state->next != NO_ROW)
        master->rows[state->next].previous = state->previous;
    roster_hold(&master->roster, state->owner, -1);
    state->owner = -1;
}

void ledger_requeue(struct master *master, size_t row, int32_t attempts)
{
    if (master->campaign->status[row] == STATUS_RUNNING || attempts != master->campaign->attempts[row])
        ledger_set_status(master, row, STATUS_PENDING, attempts);
    ledger_release(master, row);
    queue_push(&master->queue, row);
}

void ledger_warn(struct master *master, size_t row, int rank, const char *what, const char *why)
{
    char label[256], on[32] = "";
    job_label(&master->campaign->sweep.jobs[row], label, sizeof label);
    if (rank >= 0)
        snprintf(on, sizeof on, " on rank %d", rank);
    progress_clear(&master->progress);
    log_warning("job %zu (%s)%s: %s: %s", row, label, on, what, why);
}
