#include "farm/feed.h"

#include <string.h>

#include "base/text.h"
#include "farm/ledger.h"

/* A rank holds as many rows as it can do in this time: it must not wait for rank 0 between two of them. */
static const double feed_seconds = 0.05;

static void hand_out(struct master *master, int to)
{
    size_t row = queue_pop(&master->queue);
    const struct job *job = &master->campaign->sweep.jobs[row];
    struct row *state = &master->rows[row];
    struct text *message = &master->message;
    struct wire_job wire = {
        .predicted = queue_predict(&master->queue, row),
        .attempts = master->campaign->attempts[row],
        .set = master->campaign->sets.of_job[row],
        .order = master->handed++,
    };
    message->length = 0;
    text_add_bytes(message, (const char *)&wire, sizeof wire);
    text_add_bytes(message, job->text, strlen(job->text) + 1);
    state->handed = wire.predicted;
    master->n_prefetched += master->roster.ranks[to].held > 0;
    account_handed(master, row, master->roster.ranks[to].held == 0);
    ledger_give(master, row, to);
    wire_send(master->wire, to, TAG_JOB, (int64_t)row, 0, message->chars, message->length);
}

/* What waits has taken ranks down with it: rank 0, without which the run ends, takes it only where it is alone. */
static bool spares_rank_0(const struct master *master)
{
    const struct queue *queue = &master->queue;
    return queue->length && master->rows[queue->rows[queue->length - 1]].lost > 0 && roster_others(&master->roster);
}

/* How many rows a rank may hold. More than FEED_LEAST only of jobs that are known to be short, and only a small part of
 * what waits: a prediction may be wrong, and the rest must do to keep everybody busy until the end. */
static int allowance(const struct master *master)
{
    const struct queue *queue = &master->queue;
    double seconds = queue_predict(queue, queue->rows[queue->length - 1]);
    size_t share = queue->length / (4 * (size_t)(master->roster.n_ready ? master->roster.n_ready : 1));
    if (!(queue->measured > 0) || share <= FEED_LEAST || seconds * FEED_LEAST >= feed_seconds)
        return FEED_LEAST;
    double fit = seconds > 0 ? feed_seconds / seconds : WIRE_MOST_ROWS;
    int most = fit < WIRE_MOST_ROWS ? (int)fit : WIRE_MOST_ROWS;
    return share < (size_t)most ? (int)share : most;
}

bool feed(struct master *master)
{
    bool active = false;
    while (master->queue.length) {
        int most = allowance(master);
        /* who has half of many left gets the rest at once: neighbours in the file are written together */
        int below = master->queue.length <= (size_t)master->wire->size ? 1 : most > FEED_LEAST ? most / 2 + 1 : FEED_LEAST;
        int to = roster_least(&master->roster, below, !spares_rank_0(master));
        if (to < 0)
            break;
        int n = most > FEED_LEAST && below > 1 ? most - master->roster.ranks[to].held : 1;
        for (int i = 0; i < n && master->queue.length && (to > 0 || !spares_rank_0(master)); i++)
            hand_out(master, to);
        active = true;
    }
    return active;
}

void feed_recall(struct master *master)
{
    if (master->queue.length || !master->n_prefetched || roster_least(&master->roster, 1, true) < 0)
        return;
    for (int rank = 0; rank < master->wire->size; rank++)
        if (master->roster.ranks[rank].held > 1 && !master->roster.ranks[rank].gone)
            wire_send(master->wire, rank, TAG_RECALL, -1, 0, NULL, 0);
    master->n_prefetched = 0;
}
