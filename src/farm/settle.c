#include "farm/settle.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "farm/checkpoints.h"
#include "farm/cores.h"
#include "farm/ledger.h"
#include "farm/reserve.h"

/* Its record is in the file, which took so many seconds. */
static void settle_row(struct master *master, size_t row, const struct result *record, double seconds)
{
    account_committed(master, row, record, seconds);
    master->n_running -= master->campaign->status[row] == STATUS_RUNNING;
    master->campaign->status[row] = STATUS_DONE;
    master->n_done++;
    master->n_diverged += strcmp(result_text(record, VAR_OUTCOME), "diverged") == 0;
    if (master->has_checkpoints)
        checkpoints_remove(master->campaign->path, master->campaign->sweep.jobs[row].id);
    reserve_settle(master, row, record);
    cores_hear(master->campaign, row, record);
    queue_learn(&master->queue, row, *result_f64(record, VAR_WALL_SECONDS));
    ledger_release(master, row);
}

void settle(struct master *master)
{
    struct batch *batch = &master->batch;
    struct error err = {0};
    if (!batch->n)
        return;
    batch_sort(batch);
    master->has_checkpoints = checkpoints_any(master->campaign->path);
    for (size_t i = 0, n; i < batch->n; i += n) {
        double began = clock_seconds();
        n = batch_run(batch, i);
        int failed = store_write_records(master->store, batch->rows[i], n, batch->of + i, &err);
        double seconds = (clock_seconds() - began) / (double)n;
        if (failed)
            ledger_break_off(master, &err);
        for (size_t k = i; k < i + n; k++)
            if (failed)
                ledger_requeue(master, batch->rows[k], master->campaign->attempts[batch->rows[k]]);
            else
                settle_row(master, batch->rows[k], batch->of[k], seconds);
    }
    batch->n = 0;
}
