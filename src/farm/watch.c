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
    if (!master->roster.ranks[rank].gone || peer->dead)
        return;
    roster_set_gone(&master->roster, rank, false);
    progress_clear(&master->progress);
    log_warning("rank %d is back: it gets jobs again", rank);
}

/* Only what ran there is suspect: what waited was not touched. */
static void lose(struct master *master, int rank, const char *why)
{
    roster_set_gone(&master->roster, rank, true);
    master->lost = true;
    progress_clear(&master->progress);
    log_warning("%s: its jobs are given to others", why);
    size_t row;
    while ((row = master->peers[rank].first) != NO_ROW) {   /* both take it from the list */
        if (master->campaign->status[row] == STATUS_RUNNING)
            setback_take(master, row, rank, FAILURE_LOST, why, NULL);
        else
            ledger_requeue(master, row, master->campaign->attempts[row]);
    }
}

void watch_peers(struct master *master, double now)
{
    double patience = master->campaign->sweep.limits.patience;
    bool look = now - master->looked > 1;
    char why[96];
    if (!look && now - master->watched < patience / 16)   /* all ranks: not in every round of the loop */
        return;
    master->watched = now;
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
        if (!master->roster.ranks[rank].gone)
            lose(master, rank, why);
    }
}

void watch_end(struct master *master)
{
    for (int rank = 1; master->peers && rank < master->wire->size; rank++) {
        const struct peer *peer = &master->peers[rank];
        long process = master->wire->process[rank];
        if (master->roster.ranks[rank].gone && !peer->dead && process && host_process_lives(process))
            kill((pid_t)process, SIGKILL);
    }
    mem_free(master->peers);
    master->peers = NULL;
    roster_free(&master->roster);
}
