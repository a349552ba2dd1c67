/* The result file while a run writes it: MPI-IO, frozen metadata, independent raw writes only. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/memory.h"
#include "hdf.h"
#include "table.h"

enum { LITTLE_ROOM = 1 << 20 };   /* bytes, in which a write may not have had room */

struct store {
    struct rows rows;
    struct open_table attempts, runs;
    int sync;            /* a descriptor of its own, for fsync */
    bool dirty;          /* something was written since the last one */
};

struct store *store_open(const char *path, MPI_Comm comm, struct error *err)
{
    hdf_setup();
    struct store *store = mem_alloc(1, sizeof *store, err);
    if (!store)
        return NULL;
    store->sync = -1;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
    H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (file < 0) {
        hdf_error(err, ERROR_FILE, "%s: cannot be opened for writing by all ranks", path);
        mem_free(store);
        return NULL;
    }
    struct error damage;
    int status = rows_open(&store->rows, file, err);
    if (!status && (table_open(&store->attempts, file, &attempts_table, &damage) || table_open(&store->runs, file, &runs_table, &damage))) {
        table_close(&store->attempts);   /* results matter more: the run goes without, and relin verify tells */
        table_close(&store->runs);
    }
    if (!status && (store->sync = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        status = error_set_errno(err, ERROR_FILE, "cannot open");
    if (status) {
        error_prefix(err, "%s", path);
        store_close(store, false);
        return NULL;
    }
    return store;
}

const struct result_layout *store_layout(const struct store *store)
{
    return &store->rows.layout;
}

/* MPI tells that a write failed, and not why. */
static int judge(struct store *store, int failed, struct error *err)
{
    struct statvfs disk;
    store->dirty = true;
    if (failed && err && err->code == ERROR_FILE && fstatvfs(store->sync, &disk) == 0
        && (double)disk.f_bavail * (double)disk.f_frsize < LITTLE_ROOM)
        error_judge_space(err, ENOSPC);
    return failed;
}

int store_write_rows(struct store *store, size_t job, const struct result *result, struct error *err)
{
    return judge(store, rows_write_rows(&store->rows, job, result, err), err);
}

int store_write_record(struct store *store, size_t job, const struct result *result, struct error *err)
{
    return judge(store, rows_write_record(&store->rows, job, result, err), err);
}

int store_write_rows_of(struct store *store, size_t first, size_t n, const struct result *const *results,
                        struct error *err)
{
    return judge(store, rows_write_rows_of(&store->rows, first, n, results, err), err);
}

int store_write_records(struct store *store, size_t first, size_t n, const struct result *const *results,
                        struct error *err)
{
    return judge(store, rows_write_records(&store->rows, first, n, results, err), err);
}

int store_write_status(struct store *store, size_t job, enum job_status status, int32_t attempts,
                       struct error *err)
{
    uint8_t byte = (uint8_t)status;
    int failed = rows_write(&store->rows, job, VAR_ATTEMPTS, &attempts, err)
                 || rows_write(&store->rows, job, VAR_STATUS, &byte, err) ? -1 : 0;
    return judge(store, failed, err);
}

int store_write_one(struct store *store, size_t job, enum variable_id id, const struct result *result,
                    struct error *err)
{
    return rows_write(&store->rows, job, id, result_slab(result, id), err);
}

/* Of n rows from first on, those that there is room for. */
static size_t clip(const struct open_table *open, size_t first, size_t n)
{
    size_t room = open->room > first ? open->room - first : 0;
    return n < room ? n : room;
}

int store_write_attempts(struct store *store, size_t first, size_t n, struct attempt *attempts, struct error *err)
{
    n = clip(&store->attempts, first, n);
    for (size_t i = 0; i < n; i++)
        attempts[i].crc = attempt_crc(&attempts[i]);
    return n ? judge(store, table_write(&store->attempts, first, n, attempts, err), err) : 0;
}

int store_write_run(struct store *store, size_t index, struct run_record *run, struct error *err)
{
    run->crc = run_crc(run);
    return clip(&store->runs, index, 1) ? judge(store, table_write(&store->runs, index, 1, run, err), err) : 0;
}

int store_sync(struct store *store, struct error *err)
{
    if (!store->dirty)
        return 0;
    store->dirty = false;
    if (fsync(store->sync))
        return error_set_errno(err, ERROR_FILE, "rows of the last half minute may not have come to disk: a later run "
                               "checks them, and `relin verify` names those that have not");
    return 0;
}

void store_close(struct store *store, bool abandon)
{
    if (!store)
        return;
    if (store->sync >= 0)
        close(store->sync);
    /* H5Fclose is collective and would wait for the dead; nothing is lost, since nothing is cached */
    if (!abandon) {
        rows_close(&store->rows);
        table_close(&store->attempts);
        table_close(&store->runs);
        H5Fclose(store->rows.file);
    }
    mem_free(store);
}
