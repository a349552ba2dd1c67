/* relin measure: runs jobs again, checks them, and writes what they add. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "cli/measure.h"
#include "farm/child.h"
#include "farm/spawner.h"
#include "math/blas_setup.h"
#include "store/compare.h"
#include "sweep/from_kernel.h"

enum { COMMIT_SECONDS = 300, COMMIT_BYTES = 256 << 20, PATIENCE_SECONDS = 5, TELL_SECONDS = 10 };

struct slot {
    pid_t pid;                                /* 0: free */
    struct measure_task *task;
    void *block;                              /* shared with the child */
};

struct run {
    struct measure *measure;
    struct slot *slots;
    int n_slots;
    struct store_addition *additions;         /* finished, not yet in the file */
    struct measure_task **added;
    size_t n_additions, pending_replays;
    unsigned char from_kernel[VAR_COUNT];     /* of the additions */
    double committed, told;
    bool stopping;
};

/* --- writing ------------------------------------------------------------------------ */

static void describe(const struct run *run, struct text *what)
{
    struct text keys = {0};
    job_measured_keys(&run->added[0]->job, &keys);
    text_add(what, "%zu jobs", run->n_additions);
    if (keys.length)
        text_add(what, ", the first with %s", keys.chars);
    text_add(what, "; %zu run again on BLAS kernels %s", run->pending_replays, blas_core_type());
    if (run->measure->options->tolerance > 0)
        text_add(what, " within a tolerance of %g", run->measure->options->tolerance);
    text_add(what, ", %zu from stored kernels", run->n_additions - run->pending_replays);
    text_free(&keys);
}

/* All jobs of the file as they will be, for /probe. */
static int take_jobs(struct run *run, struct sweep *probes, const struct dataset ***sets, struct error *err)
{
    struct measure *m = run->measure;
    size_t n = store_read_jobs(m->reader);
    *sets = mem_alloc(n, sizeof **sets, err);
    if (!*sets)
        return -1;
    for (size_t i = 0; i < run->n_additions; i++) {
        struct job *job = &m->jobs[run->added[i]->row];
        char *text = run->added[i]->job.text;
        job_free(job);
        if (job_parse(job, text, err))
            return -1;
    }
    for (size_t row = 0; row < n; row++)
        (*sets)[row] = &m->sets[m->job_set[row]];
    *probes = (struct sweep){.n_jobs = n, .jobs = m->jobs};
    return 0;
}

static void clear_additions(struct run *run)
{
    for (size_t i = 0; i < run->n_additions; i++) {
        struct result *result = (struct result *)(uintptr_t)run->additions[i].result;
        mem_free(result->block);
        mem_free(result);
    }
    run->n_additions = run->pending_replays = 0;
    memset(run->from_kernel, 0, sizeof run->from_kernel);
}

static int commit(struct run *run, struct error *err)
{
    struct measure *m = run->measure;
    struct sweep probes;
    const struct dataset **sets = NULL;
    struct text what = {0};
    run->committed = clock_seconds();
    if (run->n_additions == 0)
        return 0;
    describe(run, &what);
    int status = m->probe_changes ? take_jobs(run, &probes, &sets, err) : 0;
    struct store_extension extension = {
        .layout = &m->layout, .additions = run->additions, .n = run->n_additions, .from_kernel = run->from_kernel,
        .probes = m->probe_changes ? &probes : NULL, .sets = sets,
        .command_line = m->options->command_line, .what = what.chars,
    };
    if (!status)
        status = store_lock_check(m->options->path, err);
    if (!status)
        status = store_extend(m->options->path, &extension, err);
    for (size_t i = 0; !status && i < run->n_additions; i++) {
        run->added[i]->state = MEASURE_WRITTEN;
        m->replayed += run->added[i]->replay;
        m->from_kernel += !run->added[i]->replay;
    }
    clear_additions(run);
    mem_free(sets);
    text_free(&what);
    return status;
}

/* Takes a result (its block and all) among the additions. */
static int add(struct run *run, struct measure_task *task, struct result *result, struct error *err)
{
    size_t i = run->n_additions++;
    run->additions[i] = (struct store_addition){.row = task->row, .result = result, .job_text = task->job.text};
    run->added[i] = task;
    run->pending_replays += task->replay;
    for (int id = 0; id < VAR_COUNT; id++)
        run->from_kernel[id] |= !task->replay && task->wanted[id];
    double bytes = (double)run->n_additions * (double)result_size(&run->measure->layout);
    return bytes > COMMIT_BYTES || clock_seconds() - run->committed > COMMIT_SECONDS ? commit(run, err) : 0;
}

static struct result *new_result(const struct measure *m, struct error *err)
{
    struct result *result = mem_alloc(1, sizeof *result, err);
    void *block = mem_alloc(1, result_size(&m->layout), err);
    if (!result || !block) {
        mem_free(result);
        mem_free(block);
        return NULL;
    }
    result_bind(result, &m->layout, block);
    return result;
}

static void drop_result(struct result *result)
{
    if (result)
        mem_free(result->block);
    mem_free(result);
}

/* --- one job ------------------------------------------------------------------------ */

static int measure_stored(struct run *run, struct measure_task *task, struct error *err)
{
    struct measure *m = run->measure;
    unsigned char marks[VAR_COUNT];
    struct result *result = new_result(m, err);
    if (!result || store_read_result(m->reader, task->row, &m->stored, err))
        goto failed;
    store_copy_result(&m->stored, result);
    if (from_kernel_compute(&task->job, task->set == SIZE_MAX ? NULL : &m->sets[task->set], &m->stored, task->wanted,
                            result, err))
        goto failed;
    for (int id = 0; id < VAR_COUNT; id++)
        marks[id] = task->wanted[id] || task->job.measured.from_kernel[id];
    if (job_mark_from_kernel(&task->job, marks, err))
        goto failed;
    return add(run, task, result, err);
failed:
    drop_result(result);
    return error_prefix(err, "job %zu", task->row);
}

/* The child has ended well: does it say again what is stored? */
static int check_again(struct run *run, struct measure_task *task, const struct result *again, struct error *err)
{
    static const unsigned char none[VAR_COUNT];
    struct measure *m = run->measure;
    struct comparison comparison = {0};
    struct result *merged = new_result(m, err);
    if (!merged || store_read_result(m->reader, task->row, &m->stored, err)) {
        drop_result(merged);
        return error_prefix(err, "job %zu", task->row);
    }
    compare_extend(&m->stored, again, m->options->tolerance, task->job.measured.from_kernel, merged, &comparison);
    int status = 0;
    if (comparison.differing) {
        fprintf(stderr, "job %zu: DIFFERS from what is stored in %zu of %zu numbers, so nothing is added\n%s", task->row,
                comparison.differing, comparison.numbers, comparison.report.chars);
        task->state = MEASURE_REFUSED;
        m->differing++;
        drop_result(merged);
    } else {
        status = job_mark_from_kernel(&task->job, none, err) || add(run, task, merged, err) ? -1 : 0;
    }
    text_free(&comparison.report);
    return status;
}

static int take_child(struct run *run, struct slot *slot, int status, struct error *err)
{
    struct measure_task *task = slot->task;
    struct result again;
    result_bind(&again, &run->measure->layout, slot->block);
    slot->pid = 0;
    slot->task = NULL;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE)
        return check_again(run, task, &again, err);
    task->state = MEASURE_REFUSED;
    run->measure->failed++;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_FAILED)
        fprintf(stderr, "job %zu: failed: %s\n", task->row, result_text(&again, VAR_ERROR));
    else
        fprintf(stderr, "job %zu: its process ended with %s %d\n", task->row, WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return 0;
}

/* --- all of them -------------------------------------------------------------------- */

static const int stop_signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};

/* Signals are not handled but waited for: between them nothing is interrupted. */
static void block_signals(sigset_t *waited)
{
    sigemptyset(waited);
    sigaddset(waited, SIGCHLD);
    for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
        sigaddset(waited, stop_signals[i]);
    sigprocmask(SIG_BLOCK, waited, NULL);
}

static void start(struct run *run, struct slot *slot, struct measure_task *task)
{
    pid_t parent = getpid();
    struct spawner_setup setup = {.layout = run->measure->layout, .checkpoints.interval = INFINITY};
    task->state = MEASURE_RUNNING;
    slot->task = task;
    fflush(NULL);
    slot->pid = fork();
    if (slot->pid == 0) {
        child_begin(parent, -1);
        _exit(child_run((int64_t)task->row, &task->job, &run->measure->sets[task->set], &setup, slot->block, NULL));
    }
    if (slot->pid < 0) {   /* for now: a later round tries again */
        slot->pid = 0;
        slot->task = NULL;
        task->state = MEASURE_WAITING;
    }
}

static bool start_waiting(struct run *run)
{
    bool running = false;
    for (int s = 0; s < run->n_slots; s++) {
        for (size_t i = 0; run->slots[s].pid == 0 && !run->stopping && i < run->measure->n_tasks; i++) {
            struct measure_task *task = &run->measure->tasks[i];
            if (task->replay && task->state == MEASURE_WAITING)
                start(run, &run->slots[s], task);
        }
        running = running || run->slots[s].pid > 0;
    }
    return running;
}

static int reap(struct run *run, struct error *err)
{
    for (int s = 0; s < run->n_slots; s++) {
        int status;
        if (run->slots[s].pid > 0 && waitpid(run->slots[s].pid, &status, WNOHANG) == run->slots[s].pid
            && take_child(run, &run->slots[s], status, err))
            return -1;
    }
    return 0;
}

static void kill_children(struct run *run)
{
    for (int s = 0; s < run->n_slots; s++)
        if (run->slots && run->slots[s].pid > 0) {
            kill(run->slots[s].pid, SIGKILL);
            waitpid(run->slots[s].pid, NULL, 0);
            run->slots[s].task->state = MEASURE_WAITING;
            run->slots[s].pid = 0;
        }
}

static void tell(struct run *run)
{
    const struct measure *m = run->measure;
    const char *progress = getenv("RELIN_PROGRESS");
    size_t waiting = 0;
    if (clock_seconds() - run->told < TELL_SECONDS || (progress && strcmp(progress, "none") == 0))
        return;
    run->told = clock_seconds();
    for (size_t i = 0; i < m->n_tasks; i++)
        waiting += m->tasks[i].state == MEASURE_WAITING || m->tasks[i].state == MEASURE_RUNNING;
    waiting -= run->n_additions;
    fprintf(stderr, "%zu of %zu jobs measured, %zu differ, %zu failed\n", m->n_tasks - waiting, m->n_tasks, m->differing,
            m->failed);
}

/* Waits for a child or a wish to stop. */
static void wait_signal(struct run *run, const sigset_t *waited)
{
    const struct timespec patience = {.tv_sec = PATIENCE_SECONDS};
    int signal = sigtimedwait(waited, NULL, &patience);
    run->stopping = run->stopping || (signal > 0 && signal != SIGCHLD);
}

static int run_tasks(struct run *run, struct error *err)
{
    struct measure *m = run->measure;
    sigset_t waited;
    block_signals(&waited);
    for (size_t i = 0; i < m->n_tasks; i++)
        if (!m->tasks[i].replay && measure_stored(run, &m->tasks[i], err))
            return -1;
    while (start_waiting(run)) {
        wait_signal(run, &waited);
        if (run->stopping)
            kill_children(run);
        else if (reap(run, err))
            return -1;
        tell(run);
    }
    return commit(run, err);
}

static int make_slots(struct run *run, struct error *err)
{
    run->n_slots = run->measure->options->at_once;
    run->slots = mem_alloc((size_t)run->n_slots, sizeof *run->slots, err);
    for (int s = 0; run->slots && s < run->n_slots; s++) {
        void *block = mmap(NULL, result_size(&run->measure->layout), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
        if (block == MAP_FAILED)
            return error_set_errno(err, ERROR_MEMORY, "no memory for the results of %d jobs at once", run->n_slots);
        run->slots[s].block = block;
    }
    return run->slots ? 0 : -1;
}

int measure_run(struct measure *m, struct error *err)
{
    struct run run = {.measure = m, .committed = clock_seconds(), .told = clock_seconds()};
    int status = -1;
    blas_set_threads(1);   /* a child starts what its job says; a parent with threads could not fork */
    run.additions = mem_alloc(m->n_tasks, sizeof *run.additions, err);
    run.added = mem_alloc(m->n_tasks, sizeof *run.added, err);
    if (run.additions && run.added && make_slots(&run, err) == 0)
        status = run_tasks(&run, err);
    kill_children(&run);
    for (int s = 0; run.slots && s < run.n_slots; s++)
        if (run.slots[s].block)
            munmap(run.slots[s].block, result_size(&m->layout));
    clear_additions(&run);
    for (size_t i = 0; i < m->n_tasks; i++)
        m->left += m->tasks[i].state == MEASURE_WAITING || m->tasks[i].state == MEASURE_RUNNING;
    mem_free(run.slots);
    mem_free(run.additions);
    mem_free(run.added);
    return status;
}
