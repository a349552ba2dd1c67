#include "farm/reserve.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "farm/ledger.h"

bool reserve_has_turn(const struct master *master, size_t row)
{
    return !master->campaign->by_until || until_is_active(&master->campaign->until, row);
}

size_t reserve_jobs(const struct master *master)
{
    const struct campaign *campaign = master->campaign;
    if (!campaign->by_until)
        return campaign->sweep.n_jobs;
    size_t ended = master->n_done + master->n_failed;   /* more, where an earlier run had another rule */
    return ended > campaign->until.n_active ? ended : campaign->until.n_active;
}

void reserve_settle(struct master *master, size_t row, const struct result *record)
{
    struct until *until = &master->campaign->until;
    if (!master->campaign->by_until)
        return;
    bool counts = record && strcmp(result_text(record, VAR_OUTCOME), "completed") == 0;
    until_settle(until, row, counts ? *result_f64(record, until->rule.metric) : NAN);
}

/* What came of it, once. */
static void tell(struct master *master)
{
    const struct until *until = &master->campaign->until;
    size_t count[UNTIL_NO_PAIRS + 1] = {0};
    for (size_t c = 0; c < until->n_cells; c++)
        count[until->cells[c].state] += until->cells[c].baseline != c;
    progress_clear(&master->progress);
    log_info("of %zu cells %zu are narrow enough, %zu are not with %zu seeds, %zu have no pairs of runs; %zu jobs were not needed",
             count[UNTIL_NARROW] + count[UNTIL_OUT_OF_SEEDS] + count[UNTIL_NO_PAIRS], count[UNTIL_NARROW],
             count[UNTIL_OUT_OF_SEEDS], until->rule.max_seeds, count[UNTIL_NO_PAIRS], until->n_skipped);
}

static void skip(struct master *master)
{
    struct campaign *campaign = master->campaign;
    for (size_t i = 0; i < campaign->until.n_skip; i++) {
        size_t row = campaign->until.skip[i];
        master->n_skipped++;
        if (campaign->found[row].status == STATUS_SKIPPED)   /* the file says so */
            campaign->status[row] = STATUS_SKIPPED;
        else
            ledger_set_status(master, row, STATUS_SKIPPED, campaign->attempts[row]);
    }
    if (campaign->until.n_skip && !campaign->until.n_open)
        tell(master);
}

void reserve_start(struct master *master)
{
    if (master->campaign->by_until)
        skip(master);
}

void reserve_step(struct master *master)
{
    struct until *until = &master->campaign->until;
    if (!master->campaign->by_until || !until->n_dirty)
        return;
    until_step(until);
    queue_add(&master->queue, until->run, until->n_run);
    skip(master);
}
