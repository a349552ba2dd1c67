/* What the runs of a file used, out of its timeline: where the workers' time went, how good the prediction was, what a
 * result cost. Arithmetic only; `relin status --resources` prints it. */
#ifndef RELIN_PLAN_USAGE_H
#define RELIN_PLAN_USAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/until.h"
#include "store/timeline.h"
#include "sweep/sweep.h"

struct error;
struct store_reader;

/*  X(id, word, where a worker's time went). Their sum over a run is workers * wall. */
#define USES(X) \
    X(RESULTS, "results", "jobs that were done") \
    X(KEPT, "kept", "attempts that ended before they were done, up to their last checkpoint") \
    X(RUNNING, "running", "attempts that run now") \
    X(FAILED, "failed", "failed attempts, beyond their last checkpoint") \
    X(REPLAYED, "replayed", "lost and stopped attempts, beyond their last checkpoint: run again") \
    X(STARTUP, "startup", "from the run's start until everything was prepared") \
    X(BETWEEN, "between", "until the first job and between jobs: hand-out and commit") \
    X(TAIL, "tail", "without a job while others still ran") \
    X(CLOSING, "closing", "from the end of the last job to the run's end")

enum use {
#define X(id, word, meaning) USE_##id,
    USES(X)
#undef X
    USE_COUNT
};
extern const char *const use_words[USE_COUNT], *const use_meanings[USE_COUNT];

struct usage_run {
    struct run_record record;
    size_t workers, cores;           /* cores: of all ranks */
    size_t results, attempts;
    double wall;                     /* to its end, or until it was last heard of */
    double makespan;                 /* from everything prepared to the end of the last job */
    double seconds[USE_COUNT];       /* of workers */
    double first, last;              /* start of the first, end of the last attempt, Unix; NAN: none */
    double pause;                    /* from the last attempt of the run before to the first of this one; NAN: the first */
    bool live;
};

/* Jobs of one architecture and one refresh schedule. */
struct usage_cell {
    const char *architecture, *schedule;   /* schedule: "constant" where the period says it; borrowed */
    double refresh_period;
    size_t jobs, done, failed, running;
    size_t reserved;                       /* of the jobs, those that --until may do without */
    double squares;                        /* sum of the done jobs' squared seconds */
    double elapsed;                        /* of those that run, since their start */
    double seconds, longest, cpu_seconds;  /* of those done, all their attempts' kept time; the longest job; cpu_seconds as of last attempts */
    double wall_seconds;                   /* of their last attempts, to compare cpu_seconds with */
    double bytes, flops;                   /* the most; the sum */
};

struct usage {
    size_t jobs, done, failed, running, skipped;      /* skipped: not needed (relin run --until), and in no cell */
    size_t reserved;                       /* pending, and not needed yet: they run or are skipped, as --until decides */
    bool by_until;                         /* seeds are added by a rule: until has how far it has come, of the jobs of sweep */
    struct until until;
    struct sweep sweep;
    double recent;                         /* share of the live run's workers' last minute with a job; NAN: none is alive */
    struct usage_run *runs;
    size_t n_runs;
    struct usage_cell *cells;
    size_t n_cells;
    double seconds[USE_COUNT], all;        /* over all runs; sum of workers * wall */
    double core_seconds, makespan_seconds; /* sums of cores * wall, of workers * makespan */
    double joules;                         /* NAN: not told */
    double ratio[3];                       /* measured over predicted seconds: median, 5 %, 95 %; NAN: nothing to compare */
    size_t compared;
    double bytes, busy;                    /* peak of a job; processors busy in a job, mean */
    double job_seconds;                    /* of all done jobs */
    char **architectures, **schedules;     /* (jobs) the cells' texts */
};

/* The worker-seconds that led to something, over what the workers had from being prepared to the last job's end. */
double usage_efficiency(const double seconds[USE_COUNT], double worker_seconds);

/* One run's part of a reconciled timeline: sorted are the numbers of its n attempts, by worker, then start. now: Unix. */
void usage_of_run(const struct timeline *timeline, size_t run, const size_t *sorted, size_t n, double now,
                  struct usage_run *usage);

/* All of a file. live: its last run is alive. Returns 0, or -1 with *err filled. The caller frees, also after -1. */
int usage_read(const struct store_reader *reader, bool live, double now, struct usage *usage, struct error *err);
void usage_free(struct usage *usage);

/* What to ask for to run so many of such jobs on so many workers at once, by what was seen. */
struct usage_advice {
    size_t workers;
    double seconds;                        /* with time to start and to drain, NAN: nothing was seen */
    double bytes;                          /* a task */
    double cores;                          /* a task */
};
struct usage_advice usage_advise(const struct usage *usage, size_t jobs);

/* Seconds until the live run, or, where none wrote itself down, as many workers as have jobs, have no job left, and what they
 * may be out by (two standard deviations: of the times of the jobs that are left, and of what is known of their mean). NAN: none
 * is alive, or nothing was measured. A cell without a done job is taken for like the others. Jobs in reserve are not among those
 * that are left; most: with all of them. */
struct usage_estimate {
    double seconds, spread, most;
};
struct usage_estimate usage_left(const struct usage *usage);

#endif
