/* The farm: master, workers, spawners and their children. The only user of MPI beside the
 * store's communicator. */
#ifndef RELIN_FARM_FARM_H
#define RELIN_FARM_FARM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum farm_progress { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_LINES, PROGRESS_NONE };

struct farm_summary {
    size_t jobs, done, failed, diverged, reused, skipped, left;   /* skipped: not needed (until); left: not run, can be resumed */
    double seconds;
    char output[4096];
};

struct farm_options {
    const char *sweep_path;
    const char *output;                  /* NULL: name of the sweep + ".h5" in the current folder */
    const char *const *overrides;        /* key=value */
    size_t n_overrides;
    size_t part, parts;                  /* only part 1..parts of the jobs; parts 0: all */
    bool train_on_master;
    enum farm_progress progress;
    double walltime;                     /* seconds from the start in which the run must have ended; INFINITY: as Slurm says */
    const char *order;                   /* "longest", "file" or "random": order of hand-out (tests use it) */
    const char *command_line;
    void (*tell)(const struct farm_summary *summary);   /* on rank 0, at the end; after a rank's death farm_run does not return */
    unsigned retry;                      /* classes of failed jobs to run again (failure_parse_classes) */
    const char *until;                   /* the rule by which seeds are added (plan/until.h); NULL: that of the file, or none */
    const char *data_root;               /* RELIN_DATA, may be NULL */
};

/* Runs the whole sweep: starts the spawner, MPI, reads the sweep on rank 0, hands out, finalises MPI.
 * Every rank of mpirun calls it once, before any other thread or MPI call. Filled summary on rank 0
 * (is_root says so). Returns the program's exit code: 0, 2, 3, 70 or 75 (the same on all ranks). */
int farm_run(int *argc, char ***argv, const struct farm_options *options, struct farm_summary *summary,
             bool *is_root);

#endif
