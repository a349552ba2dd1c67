#include "farm/watch.h"

#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/log.h"
#include "base/memory.h"
#include "farm/ledger.h"
#include "farm/setback.h"

void watch_hear(struct master *master, int rank)
{
    struct peer *peer = &master->peers[rank];
    peer->heard = clock_seconds();
    if (!peer->gone || peer->dead)
        return;
    peer->gone = false;
    progress_clear(&master->progress);
    log_warning("rank %d is back: it gets jobs again", rank);
}

/* Only what ran there is suspect: what waited was not touched. */
static void lose(struct master *master, int rank, const char *why)
{
    struct peer *peer = &master->peers[rank];
    peer->gone = master->lost = true;
    progress_clear(&master->progress);
    log_warning("%s: its jobs are given to others", why);
    for (size_t row = 0; row < master->campaign->sweep.n_jobs; row++)
        if (master->rows[row].owner == rank && master->campaign->status[row] == STATUS_RUNNING)
            setback_take(master, row, rank, FAILURE_LOST, why, NULL);
        else if (master->rows[row].owner == rank)
            ledger_requeue(master, row, master->campaign->attempts[row]);
}

void watch_peers(struct master *master, double now)
{
    double patience = master->campaign->sweep.limits.patience;
    bool look = now - master->looked > 1;
    char why[96];
    if (look)
        master->looked = now;
    for (int rank = 1; rank < master->wire->size; rank++) {
        struct peer *peer = &master->peers[rank];
        long process = master->wire->process[rank];
        if (peer->bye || peer->dead)
            continue;
        if (look && process && !host_process_lives(process)) {
            peer->dead = true;
            snprintf(why, sizeof why, "rank %d (process %ld) has died", rank, process);
        } else if (now - peer->heard > patience) {
            snprintf(why, sizeof why, "rank %d has been silent for %.3g s (limits.patience)", rank, now - peer->heard);
        } else {
            continue;
        }
        if (!peer->gone)
            lose(master, rank, why);
    }
}

void watch_end(struct master *master)
{
    for (int rank = 1; master->peers && rank < master->wire->size; rank++) {
        const struct peer *peer = &master->peers[rank];
        long process = master->wire->process[rank];
        if (peer->gone && !peer->dead && process && host_process_lives(process))
            kill((pid_t)process, SIGKILL);
    }
    mem_free(master->peers);
    master->peers = NULL;
}
