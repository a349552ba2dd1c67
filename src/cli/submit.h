/* relin submit, in parts: what to ask for, the script that asks for it, and Slurm's own programs. */
#ifndef RELIN_CLI_SUBMIT_H
#define RELIN_CLI_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct error;
struct forecast;

enum { SUBMIT_LINES_MOST = 64 };

/* Lines of one option that may be given several times. */
struct submit_lines {
    const char *line[SUBMIT_LINES_MOST];
    size_t n;
};

struct submission {
    /* as given; NULL: not */
    const char *sweep, *output;
    struct submit_lines from;    /* result files that the plan learns from */
    const char *const *overrides;
    size_t n_overrides;
    const char *until;           /* the rule by which seeds are added */
    const char *partition, *account, *qos, *constraint, *reservation, *nodes, *mem, *time, *job_name, *dependency,
        *launcher, *throttle;
    struct submit_lines extra, setup;
    bool dry_run;
    /* 0: not given, then chosen (submit_choose) */
    size_t tasks, cpus, parts;
    double minutes;              /* of the time limit */
    size_t drain;                /* seconds before the limit */
    size_t megabytes;            /* a core; 0 where mem is given */
    size_t n_first;              /* with a rule: jobs that run in any case */
    size_t merge_megabytes;      /* of the job that joins the parts */
    char chosen_nodes[32];       /* "1-3", or "" */
    /* paths, absolute; the caller frees */
    char *program, *sweep_path, *file, *stem, *folder;   /* stem: file without .h5 */
};

/* "90" (minutes), "30:00", "4:00:00", "1-12", "1-12:30", "1-12:30:00" as sbatch reads it. Minutes, or NAN. */
double submit_minutes(const char *text);

/* Fills what was not given: from the plan's predictions and, where Slurm answers, the size of the partition's
 * nodes and its longest time. first: the jobs that are sure to run, for which tasks are chosen; all: those that may,
 * for which time and memory are. Returns 0, or -1 with *err filled. */
int submit_choose(struct submission *s, const struct forecast *first, const struct forecast *all, struct error *err);

/* The batch script; and, for an array, the one of the job that joins its files. */
void submit_script(const struct submission *s, struct text *script);
void submit_merge_script(const struct submission *s, struct text *script);

/* Runs a program to its end, without a shell. argv ends with NULL. out and complaint get what it wrote to stdout
 * and stderr. Returns its exit code, 127 where there is no such program, or -1 with *err filled. */
int submit_call(char *const argv[], struct text *out, struct text *complaint, struct error *err);

/* Does Slurm still run the job? True where it does not say. */
bool submit_runs(const char *job);

/* What to do about sbatch's own words, or NULL. */
const char *submit_advice(const char *complaint);

#endif
