/* The timeline and the runs of a file: read, written, made. */
#include "store/timeline.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "read.h"
#include "table.h"

enum { RUNS_ROOM = 64, SPARE_ATTEMPTS = 1024, BLOCK = 4096 };   /* BLOCK: more than a run has in its memory at a time */

const struct attempt attempt_none = {.job = -1, .run = -1, .worker = -1, .start = NAN, .end = NAN, .kept = NAN};
const struct run_record run_none = {
    .start = NAN, .ready = NAN, .end = NAN, .last = NAN, .exit_code = -1, .ranks = -1, .workers = -1, .nodes = -1, .threads = -1,
    .requested_tasks = -1, .requested_cpus = -1, .requested_memory = NAN, .time_limit = NAN, .data_bytes = NAN,
    .rank_0_cpu_seconds = NAN, .jobs_waiting = -1, .hand_outs = -1, .dispatches = -1, .dispatch_seconds = NAN,
    .dispatch_longest = NAN, .commits = -1, .commit_seconds = NAN, .energy_joules = NAN,
};

/* Of all columns but the last, which is the checksum. */
static uint32_t row_crc(const struct table *table, const void *row)
{
    uint32_t crc = 0;
    for (size_t c = 0; c + 1 < table->n_columns; c++)
        crc = hash_crc32(crc, (const unsigned char *)row + table->columns[c].offset, variable_type_size(table->columns[c].type));
    return crc;
}

uint32_t attempt_crc(const struct attempt *attempt)
{
    return row_crc(&attempts_table, attempt);
}

uint32_t run_crc(const struct run_record *run)
{
    return row_crc(&runs_table, run);
}

/* --- reading ---------------------------------------------------------------------------- */

void timeline_free(struct timeline *timeline)
{
    mem_free(timeline->attempts);
    mem_free(timeline->runs);
    *timeline = (struct timeline){0};
}

/* Room in memory for a block of rows more. */
static int grow(struct timeline *t, size_t rows, struct error *err)
{
    size_t capacity = t->capacity;
    if (rows <= capacity)
        return 0;
    while (capacity < rows)
        capacity = 2 * capacity + BLOCK;
    struct attempt *attempts = mem_alloc(capacity, sizeof *attempts, err);
    if (!attempts)
        return -1;
    if (t->capacity)
        memcpy(attempts, t->attempts, t->capacity * sizeof *attempts);
    mem_free(t->attempts);
    t->attempts = attempts;
    t->capacity = capacity;
    return 0;
}

/* Those that are used are at the beginning: up to a block without any. */
static int read_attempts(const struct store_reader *reader, const struct open_table *open, struct timeline *t,
                         struct error *err)
{
    t->room_attempts = open->room;
    for (size_t first = 0; first < open->room && first < t->n_attempts + BLOCK; first += BLOCK) {
        size_t n = open->room - first < BLOCK ? open->room - first : BLOCK;
        if (grow(t, first + n, err) || table_read(open, first, n, t->attempts + first, err))
            return -1;
        for (size_t i = first; i < first + n; i++) {
            struct attempt *a = &t->attempts[i];
            if (a->job < 0 && a->crc == 0)
                continue;   /* not used */
            t->n_attempts = i + 1;
            if (a->crc != attempt_crc(a) || a->job < 0 || a->job >= (int64_t)reader->rows.jobs || a->run < 0
                || a->outcome >= ATTEMPT_OUTCOMES || !isfinite(a->start))
                *a = attempt_none;
        }
    }
    return 0;
}

static int read_runs(const struct open_table *open, struct timeline *t, struct error *err)
{
    t->room_runs = open->room;
    t->runs = mem_alloc(open->room, sizeof *t->runs, err);
    if (!t->runs || table_read(open, 0, open->room, t->runs, err))
        return -1;
    for (size_t i = 0; i < open->room; i++) {
        struct run_record *run = &t->runs[i];
        if (!isfinite(run->start) && run->crc == 0)
            continue;
        t->n_runs = i + 1;
        run->host[sizeof run->host - 1] = run->slurm_job[sizeof run->slurm_job - 1] = 0;
        if (run->crc != run_crc(run) || !isfinite(run->start))
            *run = run_none;
    }
    return 0;
}

int timeline_read(const struct store_reader *reader, struct timeline *timeline, struct error *err)
{
    struct open_table attempts, runs = {0};
    *timeline = (struct timeline){0};
    int status = table_open(&attempts, reader->rows.file, &attempts_table, err)
                 || table_open(&runs, reader->rows.file, &runs_table, err) ? -1 : 0;
    timeline->present = attempts.room && runs.room;
    if (!status && timeline->present)
        status = read_attempts(reader, &attempts, timeline, err) || read_runs(&runs, timeline, err) ? -1 : 0;
    table_close(&attempts);
    table_close(&runs);
    return status;
}

/* --- making one --------------------------------------------------------------------------- */

bool timeline_has_room(const struct store_reader *reader, size_t jobs)
{
    struct timeline t;
    struct error err;
    bool room = timeline_read(reader, &t, &err)   /* damaged: the run goes without, `relin verify` tells */
                || !t.present || (t.n_runs < t.room_runs && t.n_attempts + jobs + SPARE_ATTEMPTS / 4 <= t.room_attempts);
    timeline_free(&t);
    return room;
}

/* One old file's rows behind those that are there. */
static int carry(const struct open_table *attempts, const struct open_table *runs, const struct timeline *old, size_t i,
                 size_t *n_attempts, size_t *n_runs, size_t (*row_of)(void *, size_t, size_t), void *context,
                 struct error *err)
{
    size_t kept = 0;
    for (size_t k = 0; k < old->n_attempts; k++) {
        struct attempt a = old->attempts[k];
        size_t row = a.job < 0 ? SIZE_MAX : row_of(context, i, (size_t)a.job);
        if (row == SIZE_MAX)
            continue;
        a.job = (int64_t)row;
        a.run += (int32_t)*n_runs;
        a.crc = attempt_crc(&a);
        old->attempts[kept++] = a;
    }
    int status = (kept && table_write(attempts, *n_attempts, kept, old->attempts, err))
                 || (old->n_runs && table_write(runs, *n_runs, old->n_runs, old->runs, err)) ? -1 : 0;
    *n_attempts += kept;
    *n_runs += old->n_runs;
    return status;
}

int timeline_make(const char *path, size_t jobs, const struct store_reader *const *readers, size_t n,
                  size_t (*row_of)(void *context, size_t i, size_t row), void *context, struct error *err)
{
    struct open_table attempts = {0}, runs = {0};
    struct timeline *old = mem_alloc(n + 1, sizeof *old, err);
    size_t n_attempts = 0, n_runs = 0;
    int status = old ? 0 : -1;
    for (size_t i = 0; i < n && !status; i++) {
        struct error ignored;
        if (timeline_read(readers[i], &old[i], &ignored))   /* a damaged one is no reason to lose results */
            timeline_free(&old[i]);
        n_attempts += old[i].n_attempts;
        n_runs += old[i].n_runs;
    }
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
    hid_t file = status ? -1 : H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (!status && file < 0)
        status = hdf_error(err, ERROR_FILE, "%s: cannot be opened", path);
    if (!status)
        status = table_create(file, &attempts_table, n_attempts + 2 * jobs + SPARE_ATTEMPTS, err)
                 || table_create(file, &runs_table, n_runs + RUNS_ROOM, err)
                 || table_open(&attempts, file, &attempts_table, err) || table_open(&runs, file, &runs_table, err) ? -1 : 0;
    n_attempts = n_runs = 0;
    for (size_t i = 0; i < n && !status; i++)
        status = carry(&attempts, &runs, &old[i], i, &n_attempts, &n_runs, row_of, context, err);
    table_close(&attempts);
    table_close(&runs);
    if (file >= 0 && hdf_close_file(file) && !status)
        status = hdf_error(err, ERROR_FILE, "%s: cannot be completed", path);
    for (size_t i = 0; old && i < n; i++)
        timeline_free(&old[i]);
    mem_free(old);
    return status;
}
