/* The master alone: rows handed out and taken back by the real master over the real wire, with workers that answer at once,
 * without children, and a file that takes everything and keeps nothing (nowhere.h).
 *
 *   mpirun -n RANKS handout SWEEP JOBS          rank 0 is the master, the others work (make bench-farm)
 *
 * Three phases, one line of JSON: how many rows a second; how long a worker waits for an answer while the queue is busy, one
 * job at a time; what part of a core the master takes while nothing happens. */
#include <assert.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "farm/master.h"
#include "farm/record.h"
#include "farm/watch.h"
#include "nowhere.h"

enum { IDLE_SECONDS = 2, LATENCY_JOBS = 5000, ROUND_MESSAGES = 256 };
enum phase { THROUGHPUT, LATENCY, IDLE, PHASES };

/* --- rank 0 --- */

struct figures {
    double seconds[PHASES], cpu[PHASES];
    size_t jobs[PHASES];
};

/* The master's side of the loop in src/farm/farm.c. */
static void serve(struct wire *wire, struct campaign *campaign, enum phase phase, size_t jobs, struct figures *figures)
{
    static const struct farm_options options = {.order = "file", .progress = PROGRESS_NONE};
    struct deadline deadline = {.end = INFINITY, .answers = -1};
    static volatile double slowest;
    struct master master = {.wire = wire, .campaign = campaign, .deadline = &deadline, .slowest = &slowest, .nodes = 1, .began = clock_seconds()};
    struct wire_message message;
    struct error err = {0};
    size_t all = campaign->sweep.n_jobs;
    campaign->sweep.n_jobs = jobs < all ? jobs : all;
    memset(campaign->status, STATUS_PENDING, all);
    memset(campaign->attempts, 0, all * sizeof *campaign->attempts);
    written = 0;
    if (master_start(&master, &options, &err)) {
        fprintf(stderr, "handout: %s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    double start = clock_seconds(), cpu = clock_cpu_seconds(), last = start;
    while (!master.finished) {
        bool active = false;
        for (int i = 0; i < ROUND_MESSAGES && wire_receive(wire, &message); i++) {
            active = true;
            if (message.tag == TAG_STOP || message.tag == TAG_RECALL)   /* to itself, who is no worker */
                wire_send(wire, 0, TAG_BYE, -1, 0, NULL, 0);
            else
                master_handle(&master, &message);
        }
        active |= master_step(&master);
        wire_sent(wire);
        if (active)
            last = clock_seconds();
        else
            wire_sleep(last, -1);
    }
    figures->seconds[phase] = clock_seconds() - start;
    figures->cpu[phase] = clock_cpu_seconds() - cpu;
    figures->jobs[phase] = written;
    master_end(&master);
    watch_end(&master);
    campaign->sweep.n_jobs = all;
}

/* --- a worker --- */

struct answers {
    double asked, *waits;            /* seconds from each question to its answer */
    size_t n, capacity;
};

/* A job: all that the real worker says of one, in its order. */
static void begin(struct wire *wire, int64_t row, struct answers *answers)
{
    wire_send(wire, 0, TAG_STARTED, row, 1, NULL, 0);
    wire_send(wire, 0, TAG_ASK, row, 0, NULL, 0);
    wire_sent(wire);
    answers->asked = clock_seconds();
}

static void work(struct wire *wire, enum phase phase, const unsigned char *record, size_t size, struct answers *answers)
{
    struct wire_message message;
    int64_t waiting[WIRE_MOST_ROWS];   /* of the latency phase: one job at a time */
    int n = 0;
    double last = clock_seconds();
    bool stopped = false, busy = false;
    while (!stopped) {
        bool active = false;
        for (int i = 0; i < ROUND_MESSAGES && wire_receive(wire, &message); i++) {
            active = true;
            if (message.tag == TAG_JOB && phase == THROUGHPUT) {
                wire_send(wire, 0, TAG_STARTED, message.head.row, 1, NULL, 0);
                wire_send(wire, 0, TAG_ASK, message.head.row, 0, NULL, 0);
            } else if (message.tag == TAG_JOB) {
                waiting[n++] = message.head.row;
            } else if (message.tag == TAG_LEAVE) {
                if (answers->n < answers->capacity)
                    answers->waits[answers->n++] = clock_seconds() - answers->asked;
                wire_send(wire, 0, TAG_RECORD, message.head.row, 0, record, size);
                busy = false;
            } else if (message.tag == TAG_STOP) {
                wire_send(wire, 0, TAG_BYE, -1, 0, NULL, 0);
                stopped = true;
            }   /* nothing else has a meaning here: what was recalled has begun */
        }
        if (!busy && n && (phase == LATENCY || clock_seconds() - last > IDLE_SECONDS)) {   /* idle: it just runs */
            begin(wire, waiting[0], answers);
            memmove(waiting, waiting + 1, (size_t)--n * sizeof *waiting);
            busy = active = true;
        }
        wire_sent(wire);
        if (active)
            last = clock_seconds();
        else
            wire_sleep(last, -1);
    }
    wire_flush(wire);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* --- */

static void tell(const struct figures *f, const struct answers *answers, int workers)
{
    double rate = (double)f->jobs[THROUGHPUT] / f->seconds[THROUGHPUT];
    printf("{\"workers\": %d, \"jobs\": %zu, \"handouts_per_second\": %.0f, \"master_cpu_us_per_handout\": %.3f, "
           "\"handouts_per_master_cpu_second\": %.0f, \"dispatch_us_median\": %.1f, \"dispatch_us_95\": %.1f, "
           "\"idle_cpu_share\": %.5f}\n", workers, f->jobs[THROUGHPUT], rate,
           1e6 * f->cpu[THROUGHPUT] / (double)f->jobs[THROUGHPUT], (double)f->jobs[THROUGHPUT] / f->cpu[THROUGHPUT],
           1e6 * answers->waits[answers->n / 2], 1e6 * answers->waits[answers->n * 95 / 100],
           f->cpu[IDLE] / f->seconds[IDLE]);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct wire wire;
    struct figures figures = {0};
    struct answers none = {0}, answers = {.capacity = LATENCY_JOBS, .waits = calloc(LATENCY_JOBS, sizeof(double))};
    struct campaign campaign = {.layout = {.eval = 2}};
    struct result record;
    char seeds[64];
    MPI_Init(&argc, &argv);
    if (argc != 3 || !answers.waits || wire_open(&wire, MPI_COMM_WORLD, &err) || wire.size < 2) {
        fprintf(stderr, "usage: mpirun -n RANKS handout SWEEP JOBS, with at least 2 ranks %s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    snprintf(seeds, sizeof seeds, "grid.seed=0..%ld", strtol(argv[2], NULL, 10) - 1);
    const char *overrides[] = {seeds};
    if (wire.rank == 0 && (sweep_load(&campaign.sweep, argv[1], overrides, 1, &err) || nowhere_prepare(&campaign, &err))) {
        fprintf(stderr, "handout: %s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    record_bind(&record, &campaign.layout, calloc(1, record_block_size(&campaign.layout)));
    *result_f64(&record, VAR_WALL_SECONDS) = 1e-4;
    *(unsigned char *)result_slab(&record, VAR_STATUS) = STATUS_DONE;
    size_t size = record_size(&campaign.layout);
    unsigned char *bytes = calloc(1, size);
    record_pack(&record, bytes);
    for (enum phase phase = 0; phase < PHASES; phase++) {
        size_t jobs = phase == THROUGHPUT ? SIZE_MAX : phase == LATENCY ? LATENCY_JOBS : (size_t)wire.size - 1;
        MPI_Barrier(wire.comm);
        if (wire.rank == 0)
            serve(&wire, &campaign, phase, jobs, &figures);
        else
            work(&wire, phase, bytes, size, phase == LATENCY ? &answers : &none);
    }
    if (wire.rank == 1) {
        qsort(answers.waits, answers.n, sizeof *answers.waits, ascending);
        MPI_Send(&answers.n, sizeof answers.n, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
        MPI_Send(answers.waits, (int)answers.n, MPI_DOUBLE, 0, 2, MPI_COMM_WORLD);
    } else if (wire.rank == 0) {
        MPI_Recv(&answers.n, sizeof answers.n, MPI_BYTE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Recv(answers.waits, LATENCY_JOBS, MPI_DOUBLE, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        tell(&figures, &answers, wire.size - 1);
    }
    wire_close(&wire, false);
    MPI_Finalize();
    return 0;
}
