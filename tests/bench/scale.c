/* What a row costs rank 0 with 10, 100, 1,000 and 10,000 workers: the real master, over a wire that stands for src/farm/wire.c
 * and whose workers answer at once; no MPI, one process (make bench-farm). One line of JSON. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "farm/master.h"
#include "farm/record.h"
#include "farm/watch.h"
#include "nowhere.h"

enum { JOBS = 60000, ROUND_MESSAGES = 256, ANSWERS = 1 << 20 };

/* --- a wire with nobody behind it: what workers would answer waits in a ring --- */

struct answer {
    int from;
    enum wire_tag tag;
    int64_t row;
};

static struct answer ring[ANSWERS];
static size_t first, n_answers;

static void answer(int from, enum wire_tag tag, int64_t row)
{
    assert(n_answers < ANSWERS);
    ring[(first + n_answers++) % ANSWERS] = (struct answer){from, tag, row};
}

void wire_send(struct wire *wire, int to, enum wire_tag tag, int64_t row, int64_t code, const void *tail, size_t size)
{
    (void)wire, (void)code, (void)tail, (void)size;
    if (tag == TAG_JOB) {
        answer(to, TAG_STARTED, row);
        answer(to, TAG_ASK, row);
    } else if (tag == TAG_LEAVE) {
        answer(to, TAG_RECORD, row);
    } else if (tag == TAG_STOP) {
        answer(to, TAG_BYE, -1);
    }
}

double wire_ping_seconds(double patience)
{
    return patience / 5;
}

/* --- */

static struct campaign campaign = {.layout = {.eval = 2}};
static unsigned char *record;
static size_t record_bytes;

/* Rank 0's processor time for a row, in microseconds, without making and freeing what it keeps of each rank. */
static double measure(int workers)
{
    static const struct farm_options options = {.order = "file", .progress = PROGRESS_NONE};
    struct deadline deadline = {.end = INFINITY, .answers = -1};
    static volatile double slowest;
    struct error err = {0};
    struct wire wire = {.size = workers + 1, .process = calloc((size_t)workers + 1, sizeof(long))};
    struct master master = {.wire = &wire, .campaign = &campaign, .deadline = &deadline, .slowest = &slowest, .nodes = 1, .began = clock_seconds()};
    memset(campaign.status, STATUS_PENDING, JOBS);
    memset(campaign.attempts, 0, JOBS * sizeof *campaign.attempts);
    if (!wire.process || master_start(&master, &options, &err)) {
        fprintf(stderr, "scale: %s\n", err.text);
        exit(1);
    }
    double start = clock_cpu_seconds();
    while (!master.finished) {
        for (int i = 0; i < ROUND_MESSAGES && n_answers; i++) {
            struct answer next = ring[first];
            first = (first + 1) % ANSWERS;
            n_answers--;
            master_handle(&master, &(struct wire_message){.from = next.from, .tag = next.tag, .head = {next.row, 0},
                                                          .tail = record, .size = next.tag == TAG_RECORD ? record_bytes : 0});
        }
        master_step(&master);
    }
    double spent = clock_cpu_seconds() - start;
    assert(master.n_done == JOBS);
    master_end(&master);
    watch_end(&master);
    free(wire.process);
    return 1e6 * spent / JOBS;
}

int main(void)
{
    static const int workers[] = {10, 100, 1000, 10000};
    struct error err = {0};
    struct result one;
    struct job job = {.id = "0123456789abcdef", .text = (char[1024]){0}};
    memset(job.text, 'x', 1000);   /* about as long as that of a real one */
    campaign.sweep = (struct sweep){.n_jobs = JOBS, .jobs = calloc(JOBS, sizeof *campaign.sweep.jobs),
                                    .limits = {.patience = 60, .attempts = 3}};
    record_bind(&one, &campaign.layout, calloc(1, record_block_size(&campaign.layout)));
    *result_f64(&one, VAR_WALL_SECONDS) = 1e-4;
    *(unsigned char *)result_slab(&one, VAR_STATUS) = STATUS_DONE;
    record_bytes = record_size(&campaign.layout);
    record = calloc(1, record_bytes);
    record_pack(&one, record);
    if (!campaign.sweep.jobs || nowhere_prepare(&campaign, &err))
        return 1;
    for (size_t i = 0; i < JOBS; i++)
        campaign.sweep.jobs[i] = job;
    measure(10);   /* memory is touched for the first time */
    printf("{");
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        double best = INFINITY;
        for (int k = 0; k < 3; k++)
            best = fmin(best, measure(workers[i]));
        printf("%s\"%d\": %.3f", i ? ", " : "\"rank_0_us_per_row\": {", workers[i], best);
    }
    printf("}}\n");
    return 0;
}
