/* The result file: one shared HDF5 file of a sweep (FORMAT.md). The only user of hdf5.h.
 *
 * Life of a file: rank 0 builds the skeleton serially in a temporary file and renames it
 * (store_build); all ranks open it with MPI-IO (store_open); from then on only independent
 * raw writes. Order of a commit: rows, record, CRC, status. Readers open it serially without
 * locks while the sweep runs (store_read_open). */
#ifndef RELIN_STORE_STORE_H
#define RELIN_STORE_STORE_H

#include <mpi.h>

#include "sweep/sweep.h"

struct dataset;
struct error;
struct store;

enum { STORE_FORMAT_VERSION = 1 };

/* What the file records of the run: provenance. Texts are borrowed. */
struct store_provenance {
    const char *command_line;
    int ranks;
};

/* Builds the file for a sweep, or brings an existing one up to date: the same jobs: kept as it is;
 * more jobs: a new skeleton with finished rows copied by job_id, renamed over the old one; without
 * some that are done: refused, since their results would be lost. Rows
 * `running` and rows whose CRC does not fit become pending (in memory of *status; the file says so
 * when it is next written). status (n_jobs, caller's): enum job_status of each job;
 * attempts (n_jobs). probe inputs and indices are taken from each job's split. Refuses newer and
 * foreign files. Returns 0, or -1 with *err filled. */
int store_build(const char *path, const struct sweep *sweep, const struct dataset *const *sets,
                const struct result_layout *layout, const struct store_provenance *provenance,
                unsigned char *status, int32_t *attempts, size_t *n_reused, struct error *err);

/* Jobs of a sweep that are in an existing file step by the engines that were chosen when that was made, with
 * its predictions; a file of before there was a choice was stepped by the tangent engine. An engine that a
 * sweep asks for by name is left as it is, and no file is no error: store_build says what is wrong with one.
 * Returns 0, or -1 with *err filled. */
int store_adopt_engines(const char *path, struct sweep *sweep, struct error *err);

/* Collective over comm: opens for raw writes. Returns the store, or NULL with *err filled. */
struct store *store_open(const char *path, MPI_Comm comm, struct error *err);
/* The layout of an open file. */
const struct result_layout *store_layout(const struct store *store);
/* Independent: the variables of writer ROWS of one job. */
int store_write_rows(struct store *store, size_t job, const struct result *result, struct error *err);
/* Independent, rank 0 only: the variables of writer RECORD; CRC, then STATUS, last. */
int store_write_record(struct store *store, size_t job, const struct result *result, struct error *err);
/* Both of n neighbouring jobs, from `first` on, for little more than of one: first one variable of all, then the next;
 * CRC, then STATUS, of all last. */
int store_write_rows_of(struct store *store, size_t first, size_t n, const struct result *const *results,
                        struct error *err);
int store_write_records(struct store *store, size_t first, size_t n, const struct result *const *results,
                        struct error *err);
/* Of all these ERROR_SPACE where the disk is full: what was committed is whole. */
/* Only the status byte (running, pending) and, with it, attempts. */
int store_write_status(struct store *store, size_t job, enum job_status status, int32_t attempts,
                       struct error *err);
/* One variable of writer RECORD of a job that is not done, out of a bound result. */
int store_write_one(struct store *store, size_t job, enum variable_id id, const struct result *result,
                    struct error *err);
/* fsync of what this process has written since the last one, independent. Each rank does so for its own rows:
 * over the network they may wait in its node's memory. */
int store_sync(struct store *store, struct error *err);
/* Collective; with abandon (a rank is gone) only forgets. Accepts NULL. */
void store_close(struct store *store, bool abandon);

/* A file could not be closed, for instance on a full disk. HDF5 crashes when it tries once more at
 * the end of the process, or in MPI_Finalize: leave without the latter; the end of main is taken care of. */
bool store_is_stuck(void);

/* --- adding measurements to a file whose run is over (relin measure) --- */
struct store_addition {
    size_t row;
    const struct result *result;     /* bound to the extension's layout; its checksum is set */
    const char *job_text;            /* the job with what is measured now */
};
struct store_extension {
    const struct result_layout *layout;              /* at least as long as the file's in every axis */
    const struct store_addition *additions;
    size_t n;
    const unsigned char *from_kernel;                /* (VAR_COUNT), or NULL: variables to mark as such */
    const struct sweep *probes;                      /* NULL: /probe stays; else all jobs of the file, */
    const struct dataset *const *sets;               /* and their data sets */
    const char *command_line, *what;                 /* for history and /provenance */
};
/* A copy with the additions takes the file's place; a reader, or a kill, sees either. The caller holds the
 * lock. Rows that are not among the additions keep their numbers; what is new of them says "not measured".
 * Returns 0, or -1 with *err filled and the file as it was. */
int store_extend(const char *path, const struct store_extension *extension, struct error *err);
/* Jobs of a sweep that were measured in an existing file get their text from there, so that a run that
 * goes on keeps what was added. No file is no error. */
int store_adopt_measured(const char *path, struct sweep *sweep, struct error *err);

/* --- joining the files of parts of one sweep (relin merge) --- */
enum { STORE_MERGED_FIRST = 10 };
struct store_merged {
    size_t done, failed, missing;    /* jobs of the sweep; missing: not run, or not to the end, in any file */
    size_t skipped;                  /* not run since their cell did not need them, in some file */
    size_t first[STORE_MERGED_FIRST];   /* of those missing, the first */
};
/* Makes path anew for the whole sweep, with what is done or failed of its jobs in n files, joined by job_id; path
 * itself, where there is one, is the first of them. The result of a done row stands before a failed one; two done ones
 * must agree to the bit, but for where and when they ran. Refused, with path as it was: files with jobs of other
 * sweeps, results that contradict each other. The caller holds the lock of path, and has adopted engines and
 * measurements of all files. Returns 0, or -1 with *err filled. */
int store_merge(const char *path, const char *const *files, size_t n, const struct sweep *sweep,
                const struct dataset *const *sets, const struct store_provenance *provenance,
                struct store_merged *merged, struct error *err);

/* --- reading, serial, while a run writes or after --- */
struct store_reader;
/* Opens read-only without locks. Refuses what is not a relin file or is newer. NULL with *err filled. */
struct store_reader *store_read_open(const char *path, struct error *err);
void store_read_close(struct store_reader *reader);
size_t store_read_jobs(const struct store_reader *reader);
const struct result_layout *store_read_layout(const struct store_reader *reader);
/* Names of the sweep's axes: architecture, refresh_period, seed and further columns. The reader owns them. */
size_t store_read_axes(const struct store_reader *reader, const char *const **names);
bool store_read_has(const struct store_reader *reader, const char *name);
/* Numbers or texts a job of a (job, ...) dataset; 0: it is none. */
size_t store_read_width(const struct store_reader *reader, const char *name);
/* Was the variable's dataset added to a file whose program did not know it? Then rows may be without it. */
bool store_read_added(const struct store_reader *reader, enum variable_id id);
/* Whole (job) column, or (job, x) matrix row-major, of any numeric type as double; name may be
 * "kernels/...", or one of the user's own metrics, or curve_ and its name; values: store_read_jobs * width numbers;
 * width filled. The caller frees *values (mem_free). */
int store_read_numbers(const struct store_reader *reader, const char *name, double **values, size_t *width,
                       struct error *err);
/* Whole (job) text column. The caller frees *texts with store_free_texts. */
int store_read_texts(const struct store_reader *reader, const char *name, char ***texts, struct error *err);
void store_free_texts(char **texts, size_t n);
/* All of one job's ROWS and RECORD variables into a bound result. */
int store_read_result(const struct store_reader *reader, size_t job, struct result *result, struct error *err);
/* Clears selected (jobs) where a condition "AXIS=VALUE[,VALUE]" (sweep/where.h) does not hold; its axes are
 * the file's, trainer and schedule. Returns 0, or -1 with *err filled. */
int store_read_where(const struct store_reader *reader, const char *condition, bool *selected, struct error *err);
/* A result in another layout, overwritten: what both have room for; the rest says "not measured". */
void store_copy_result(const struct result *from, struct result *to);
/* The resolved JSON of one job; the sweep's text, resolved JSON and name; the caller frees with free(). */
char *store_read_job_text(const struct store_reader *reader, size_t job, struct error *err);
/* Those of n jobs from the first on, NULL where there is none. Returns 0, or -1 with *err filled; store_free_job_texts frees them. */
int store_read_job_texts(const struct store_reader *reader, size_t first, size_t n, char **texts, struct error *err);
void store_free_job_texts(char **texts, size_t n);
char *store_read_config(const struct store_reader *reader, const char *what, struct error *err);  /* "text", "resolved", "name" */
/* The rule by which seeds were added (plan/until.h), as words; NULL: there is none. The caller frees with free(). */
char *store_read_until(const struct store_reader *reader);
/* An attribute of /provenance (FORMAT.md); the caller frees with free(). NULL with *err filled. */
char *store_read_provenance(const struct store_reader *reader, const char *what, struct error *err);

/* Tells every attribute of /provenance, by name: texts, and whole numbers as texts. Returns 0, or -1 with *err filled. */
typedef void store_about_function(const char *name, const char *value, void *context);
int store_read_about(const struct store_reader *reader, store_about_function *tell, void *context, struct error *err);

/* --- the lock: FILE.h5.lock beside the file: host, pid, Slurm job, heartbeat (src/store/lock.c) --- */
/* Refuses (ERROR_LOCKED, says who) while a live run holds it, by whichever link or path; takes over where the
 * same Slurm job was requeued, the process on this host is gone, or the heartbeat is older than a minute. Of
 * many that try at once one gets it. From then on a thread lets its heart beat. One lock a process. */
int store_lock(const char *path, struct error *err);
/* Is it still ours? Quick: before every write. ERROR_LOCKED where another run has taken the file over, since
 * this one was stopped for so long: then nothing more may be written. */
int store_lock_check(const char *path, struct error *err);
void store_unlock(const char *path);

struct store_lock_info {
    char host[256], slurm_job[64];               /* "-": not under Slurm */
    long pid;                                    /* 0: a run that is just starting */
    int restart;                                 /* how often Slurm had requeued the job */
    double since, beat;                          /* start of the run, last heartbeat, in Unix seconds */
    char space[128];                             /* boot and container in which pid is a number; may be empty */
    unsigned long long started;                  /* of the process, in ticks since boot; 0: unknown */
    char id[17];                                 /* of this lock alone */
    bool live;                                   /* would store_lock refuse? */
};
/* Who holds the lock. False where there is none. */
bool store_lock_read(const char *path, struct store_lock_info *info);

/* --- names --- */
enum { STORE_PATH_SIZE = 4096 };
/* The file that path means where its last part is a symbolic link (also to a file that is not there yet): so
 * that its lock, its checkpoints and its successor lie beside the file. Else path itself. */
int store_resolve(const char *path, char real[STORE_PATH_SIZE], struct error *err);
/* Before a file is written: refuses one of several names (hard links). */
int store_check_one_name(const char *path, struct error *err);

#endif
