/* The phases of a run, and the loop that every rank goes round. */
#include "farm/farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "farm/campaign.h"
#include "farm/deadline.h"
#include "farm/master.h"
#include "farm/message.h"
#include "farm/shm.h"
#include "farm/signals.h"
#include "farm/vigil.h"
#include "farm/watch.h"
#include "farm/worker.h"
#include "math/blas_setup.h"

/* One rank. */
struct rank {
    const struct farm_options *options;
    struct wire wire;
    struct spawner spawner;
    struct campaign campaign;        /* rank 0 only */
    struct text setup;               /* as TAG_SETUP brought it */
    struct message_setup said;       /* what it says; its texts are in setup */
    char run[17];                    /* id of the run */
    struct store *store;
    int leader;                      /* rank that prepares the data of this node */
    int guard;                       /* of the shared memory names; -1: none */
    int nodes;
    bool trains;
    struct deadline deadline;
    struct energy energy;            /* of this node, counted by its leader */
    double began;                    /* clock_seconds() */
    unsigned char *blocks;           /* of results */
    struct worker worker;
    struct master master;
};

/* The lowest rank of each node. */
static int find_leader(int rank, int *nodes)
{
    MPI_Comm node;
    int leader = rank;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node);
    MPI_Bcast(&leader, 1, MPI_INT, 0, node);
    MPI_Comm_free(&node);
    MPI_Allreduce(&(int){leader == rank}, nodes, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return leader;
}

/* A sweep file's errors are lines of their own, as compilers write them. */
static int report(const struct error *err)
{
    int code = error_exit_code(err->code);
    size_t length = strlen(err->text);
    fprintf(stderr, "%s%s%s", err->code == ERROR_SWEEP ? "" : "relin run: ", err->text,
            length && err->text[length - 1] == '\n' ? "" : "\n");
    return code;
}

/* --- rank 0 prepares, and tells the others --------------------------------------- */

static int check_ranks(const struct rank *rank, struct error *err)
{
    if (rank->trains || rank->wire.size > 1)
        return 0;
    return error_set(err, ERROR_USAGE, "--no-train-on-master: expected at least 2 ranks (mpirun -n 2), got 1");
}

static void open_campaign(struct rank *rank)
{
    struct error err = {0};
    struct text message = {0};
    int code = 0;
    shm_new_run(rank->run);
    shm_remove_dead();
    rank->guard = shm_guard(rank->run, 0, &err);
    if (rank->guard < 0 || check_ranks(rank, &err)
        || campaign_open(&rank->campaign, rank->options, rank->run, rank->wire.size, &err))
        code = report(&err);
    else
        campaign_describe(&rank->campaign, rank->options, rank->run, &message);
    for (int to = 0; to < rank->wire.size; to++)
        wire_send(&rank->wire, to, TAG_SETUP, -1, code, message.chars, message.length);
    text_free(&message);
}

static int receive_setup(struct rank *rank)
{
    struct wire_message message;
    wire_await(&rank->wire, 0, TAG_SETUP, &message);
    if (message.head.code)
        return (int)message.head.code;
    text_add_bytes(&rank->setup, (const char *)message.tail, message.size);
    if (!message_setup(rank->setup.chars, rank->setup.length, &rank->said)) {
        struct error err;
        error_set(&err, ERROR_INTERNAL, "rank %d: what rank 0 says of the run cannot be read: do all nodes have the same relin?",
                  rank->wire.rank);
        return report(&err);
    }
    snprintf(rank->run, sizeof rank->run, "%.16s", rank->said.head.run);
    return 0;
}

/* --- every rank makes itself ready ------------------------------------------------ */

/* On rank 0's own node the data is there; elsewhere the node's leader makes it. */
static int publish_on_node(struct rank *rank, struct error *err)
{
    const char *text = rank->said.sets;
    if (rank->leader != rank->wire.rank || rank->wire.rank == 0)
        return 0;
    for (size_t i = 0; i < rank->said.head.n_sets; i++) {
        struct job job = {0};
        int failed = job_parse(&job, text, err)
                     || sets_publish(&job.data, rank->said.root, rank->run, rank->leader, i, err);
        job_free(&job);
        if (failed)
            return -1;
        text += strlen(text) + 1;
    }
    return 0;
}

static int make_blocks(struct rank *rank, struct error *err)
{
    char name[SHM_NAME_SIZE];
    const struct result_layout *layout = &rank->said.layout;
    size_t size = result_size(layout), n = spawner_blocks(layout);
    shm_name(name, rank->run, rank->wire.rank, "result", 0);
    rank->blocks = shm_create(name, n * size, err);
    if (!rank->blocks)
        return -1;
    for (size_t i = 0; i < n; i++)
        result_bind(&rank->worker.results[i], layout, rank->blocks + i * size);
    rank->worker.n_blocks = (int)n;
    return 0;
}

static int prepare_rank(struct rank *rank, struct error *err)
{
    if (rank->wire.rank > 0) {
        if (rank->leader == rank->wire.rank)
            shm_remove_dead();
        rank->guard = shm_guard(rank->run, rank->wire.rank, err);
        if (rank->guard < 0)
            return -1;
    }
    if (publish_on_node(rank, err))
        return -1;
    return rank->trains ? make_blocks(rank, err) : 0;
}

/* The spawner maps data and blocks; then their names can go, and nothing is left whoever dies. */
static int prepare_spawner(struct rank *rank, struct error *err)
{
    struct spawner_setup setup;
    char name[SHM_NAME_SIZE];
    memset(&setup, 0, sizeof setup);
    snprintf(setup.run, sizeof setup.run, "%s", rank->run);
    setup.rank = rank->wire.rank;
    setup.data_rank = rank->leader;
    setup.n_sets = rank->said.head.n_sets;
    setup.layout = rank->said.layout;
    snprintf(setup.checkpoints.result, sizeof setup.checkpoints.result, "%s", rank->said.path);
    setup.checkpoints.interval = rank->said.head.checkpoint;
    setup.grace = rank->said.head.grace;
    snprintf(setup.folder, sizeof setup.folder, "%s", rank->said.folder);
    snprintf(setup.data_root, sizeof setup.data_root, "%s", rank->said.root);
    int failed = rank->trains ? spawner_prepare(&rank->spawner, &setup, err) : 0;
    shm_name(name, rank->run, rank->wire.rank, "result", 0);
    if (rank->trains)
        shm_unlink(name);
    return failed;
}

/* Tells rank 0 how a step of getting ready went, and hears from it how it went for all. */
static int agree(struct rank *rank, int failed, const struct error *err)
{
    struct wire_message message;
    int code = 0;
    wire_send(&rank->wire, 0, TAG_READY, -1, failed ? error_exit_code(err->code) : 0, err->text,
              strlen(err->text) + 1);
    if (rank->wire.rank == 0) {
        for (int i = 0; i < rank->wire.size; i++) {
            wire_await(&rank->wire, MPI_ANY_SOURCE, TAG_READY, &message);
            if (message.head.code) {
                code = (int)message.head.code;
                fprintf(stderr, "relin run: rank %d: %s\n", message.from, (const char *)message.tail);
            }
        }
        for (int to = 0; to < rank->wire.size; to++)
            wire_send(&rank->wire, to, TAG_GO, -1, code, NULL, 0);
    }
    wire_await(&rank->wire, 0, TAG_GO, &message);
    return (int)message.head.code;
}

static int get_ready(struct rank *rank)
{
    struct error err = {0};
    int code = agree(rank, prepare_rank(rank, &err), &err);   /* now the data is on every node */
    if (!code)
        code = agree(rank, prepare_spawner(rank, &err), &err);
    if (rank->leader == rank->wire.rank)
        sets_unname(rank->run, rank->leader, rank->said.head.n_sets);
    if (code)
        return code;
    rank->store = store_open(rank->said.path, MPI_COMM_WORLD, &err);
    int failed = !rank->store;
    if (!failed && rank->wire.rank == 0) {
        rank->master = (struct master){.wire = &rank->wire, .store = rank->store, .campaign = &rank->campaign,
                                        .deadline = &rank->deadline, .slowest = rank->spawner.slowest, .energy = &rank->energy,
                                        .nodes = rank->nodes, .began = rank->began};
        failed = master_start(&rank->master, rank->options, &err);
    }
    code = agree(rank, failed, &err);
    rank->worker.abandon = code;   /* a file that some have open cannot be closed together */
    return code;
}

/* --- the loop --------------------------------------------------------------------- */

/* In one round; then what they have brought is written and answered together. */
enum { ROUND_MESSAGES = 256 };

static void loop(struct rank *rank)
{
    struct worker *worker = &rank->worker;
    struct master *master = rank->wire.rank == 0 ? &rank->master : NULL;
    struct wire_message message;
    double last = clock_seconds();
    worker->wire = &rank->wire;
    worker->store = rank->store;
    worker->spawner = &rank->spawner;
    worker->energy = rank->leader == rank->wire.rank ? &rank->energy : NULL;
    worker->retired = !rank->trains;
    worker->job_wall = rank->said.head.job_wall;
    worker->patience = rank->said.head.patience;
    worker->n_sets = rank->said.head.n_sets;
    worker_start(worker);
    while (!worker->orphaned && !(master && master->evicted) && !(worker->finished && (!master || master->finished))) {
        bool active = false;
        for (int i = 0; i < ROUND_MESSAGES && wire_receive(&rank->wire, &message); i++) {
            active = true;
            if (wire_is_for_master(message.tag, &rank->wire))
                master_handle(master, &message);
            else
                worker_handle(worker, &message);
        }
        active |= worker_step(worker);
        if (master)
            active |= master_step(master);
        wire_sent(&rank->wire);
        if (active)
            last = clock_seconds();   /* and look again at once: more is likely on its way */
        else
            wire_sleep(last, !worker->retired && worker_find(worker, TASK_RUNNING, -1) ? rank->spawner.socket : -1);
    }
    if (master && master->lost)   /* perhaps only after TAG_STOP */
        worker->abandon = true;
    worker_end(worker);
}

static void summarise(struct rank *rank, struct farm_summary *summary)
{
    const struct master *master = &rank->master;
    size_t jobs = rank->campaign.sweep.n_jobs;
    summary->jobs = jobs;
    summary->done = master->n_done;
    summary->failed = master->n_failed;
    summary->diverged = master->n_diverged;
    summary->reused = rank->campaign.n_reused;
    summary->skipped = master->n_skipped;
    summary->left = jobs - master->n_done - master->n_failed - master->n_skipped;
    snprintf(summary->output, sizeof summary->output, "%s", rank->said.path);
    master_end(&rank->master);
}

static int run(struct rank *rank, struct farm_summary *summary)
{
    int code = 0;
    if (rank->wire.rank == 0)
        open_campaign(rank);
    code = receive_setup(rank);
    if (!code)
        code = get_ready(rank);
    if (code)
        return code;
    vigil_pause();
    loop(rank);
    if (rank->worker.orphaned) {
        log_error("rank 0 has died or been silent for %.3g s: this rank ends; the same command resumes the sweep",
                  rank->said.head.patience);
        rank->worker.abandon = true;
        return 75;
    }
    if (rank->wire.rank == 0 && rank->master.evicted) {
        master_end(&rank->master);
        rank->worker.abandon = true;
        return error_exit_code(ERROR_LOCKED);
    }
    if (rank->wire.rank > 0)
        return rank->worker.exit_code;
    summarise(rank, summary);
    return rank->master.exit_code;
}

static void close_rank(struct rank *rank)
{
    bool abandon = rank->worker.abandon;
    store_close(rank->store, abandon);
    if (rank->wire.rank == 0) {
        campaign_close(&rank->campaign);
        watch_end(&rank->master);
    }
    if (rank->blocks)
        munmap(rank->blocks, spawner_blocks(&rank->said.layout) * result_size(&rank->said.layout));
    if (rank->guard >= 0)
        shm_remove(rank->run, rank->wire.rank);
    text_free(&rank->setup);
    wire_close(&rank->wire, abandon);
}

/* HDF5 files are looked at by the spawner's children: ranks must not fork. */
static void inspect_by_spawner(void *spawner, const char *path, struct inspection *inspection)
{
    spawner_inspect(spawner, path, inspection);
}

int farm_run(int *argc, char ***argv, const struct farm_options *options, struct farm_summary *summary,
             bool *is_root)
{
    double start = clock_seconds();
    struct rank rank = {.options = options, .guard = -1, .began = start};
    struct error err = {0};
    char who[32];
    *summary = (struct farm_summary){0};
    *is_root = false;
    energy_start(&rank.energy, NULL);
    /* one thread: the spawner and the ranks need no BLAS, children start what their job says */
    blas_set_threads(1);
    deadline_start(&rank.deadline, start, options->walltime);
    enum log_level level = log_level_wanted();
    log_setup(level, NULL);   /* the spawner's and its children's */
    if (spawner_start(&rank.spawner, &err))
        return report(&err);
    inspect_by(inspect_by_spawner, &rank.spawner);
    vigil_begin();
    signals_catch();   /* before MPI_Init: mpirun may pass USR1 on while ranks still meet */
    wire_prepare();
    MPI_Init(argc, argv);
    if (wire_open(&rank.wire, MPI_COMM_WORLD, &err))
        return report(&err);
    *is_root = rank.wire.rank == 0;
    vigil_start(&rank.wire);
    snprintf(who, sizeof who, "rank %d", rank.wire.rank);
    log_setup(level, rank.wire.size > 1 ? who : NULL);
    rank.trains = rank.wire.rank > 0 || options->train_on_master;
    rank.leader = find_leader(rank.wire.rank, &rank.nodes);
    int code = run(&rank, summary);
    summary->seconds = clock_seconds() - start;
    if (*is_root && summary->jobs && options->tell)
        options->tell(summary);
    vigil_close(code);
    close_rank(&rank);
    spawner_end(&rank.spawner);
    inspect_by(NULL, NULL);
    deadline_end(&rank.deadline);
    if (rank.worker.abandon || store_is_stuck()) {   /* MPI_Finalize would wait for the lost, or crash */
        fflush(NULL);
        _exit(code);
    }
    MPI_Finalize();
    vigil_pause();
    return code;
}
