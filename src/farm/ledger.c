#include "farm/ledger.h"

#include <stdio.h>

#include "base/error.h"
#include "base/log.h"

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

void ledger_release(struct master *master, size_t row)
{
    int32_t *owner = &master->rows[row].owner;
    if (*owner >= 0)
        master->peers[*owner].held--;
    *owner = -1;
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
