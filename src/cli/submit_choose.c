/* What to ask Slurm for: tasks, memory and time, from what the plan predicts of the jobs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/predict.h"
#include "plan/simulate.h"
#include "submit.h"

/* Cores are worth asking for as long as they are busy for most of the time, and for no less than some minutes. */
static const double LEAST_EFFICIENCY = 0.9, SHORT_ENOUGH = 600;
/* The prediction may be out by half; programs must start, data be read. */
static const double TIME_MARGIN = 1.5, START_SECONDS = 120;
/* Longer allocations wait longer, and what is not done in this time goes on in the next. */
static const double MOST_MINUTES = 240, LEAST_MINUTES = 5;
enum { MOST_TASKS = 4096, DRAIN_SECONDS = 120 };
/* Beside its arrays a job has its rank, its spawner and the libraries. */
static const double PROCESS_BYTES = 200e6, MEMORY_MARGIN = 1.25;

double submit_minutes(const char *text)
{
    unsigned days = 0, part[3] = {0};
    int length = 0, n;
    const char *dash = strchr(text, '-');
    if (dash && (sscanf(text, "%4u-%n", &days, &length) != 1 || text + length != dash + 1))
        return NAN;
    const char *rest = dash ? dash + 1 : text;
    if (!*rest || strspn(rest, "0123456789:") != strlen(rest) || (n = sscanf(rest, "%6u:%6u:%6u", &part[0], &part[1], &part[2])) < 1)
        return NAN;
    size_t colons = 0;
    for (const char *p = rest; *p; p++)
        colons += *p == ':';
    if (colons + 1 != (size_t)n || rest[strlen(rest) - 1] == ':')
        return NAN;
    double hours, minutes, seconds = 0;
    if (dash) {                 /* days-hours[:minutes[:seconds]] */
        hours = 24.0 * days + part[0];
        minutes = part[1];
        seconds = part[2];
    } else {                    /* minutes[:seconds], or hours:minutes:seconds */
        hours = n == 3 ? part[0] : 0;
        minutes = n == 3 ? part[1] : part[0];
        seconds = n == 3 ? part[2] : part[1];
    }
    double all = 60 * hours + minutes + seconds / 60;
    return all > 0 ? all : NAN;
}

/* --- the cluster -------------------------------------------------------------------- */

/* Of the partition's nodes, the smallest; NAN or 0 where Slurm does not say. */
struct nodes {
    size_t cores;
    double minutes;             /* the longest time that it allows */
};

/* A partition that is none, or no Slurm at all, is told by sbatch. */
static struct nodes ask_nodes(const struct submission *s)
{
    struct nodes nodes = {0, NAN};
    struct text out = {0}, complaint = {0};
    char *argv[] = {"sinfo", "--noheader", "--format=%P %c %l", s->partition ? "--partition" : NULL,
                    (char *)s->partition, NULL};
    if (submit_call(argv, &out, &complaint, NULL) == 0) {
        char *rest = NULL;
        for (char *line = strtok_r(out.chars, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            char name[128], limit[64];
            unsigned long cores;
            /* without --partition the one marked * is taken */
            if (sscanf(line, "%127s %lu%*[+] %63s", name, &cores, limit) != 3
                && sscanf(line, "%127s %lu %63s", name, &cores, limit) != 3)
                continue;
            if (!s->partition && !strchr(name, '*'))
                continue;
            if (!nodes.cores || cores < nodes.cores)
                nodes.cores = cores;
            nodes.minutes = fmin(submit_minutes(limit), nodes.minutes);
        }
    }
    text_free(&out);
    text_free(&complaint);
    return nodes;
}

/* --- the choice --------------------------------------------------------------------- */

/* As many as are busy for 90 % of the time, twice as many as were too slow at a time. */
static int choose_tasks(struct submission *s, size_t n_jobs, const struct sweep_cost *cost, struct error *err)
{
    struct schedule_estimate now, next;
    size_t tasks = 1, parts = s->parts ? s->parts : 1;
    if (simulate_hand_out(n_jobs, cost->seconds, parts, cost->threads, &now, err))
        return -1;
    while (now.makespan > SHORT_ENOUGH && 2 * tasks * parts <= n_jobs && 2 * tasks <= MOST_TASKS) {
        if (simulate_hand_out(n_jobs, cost->seconds, 2 * tasks * parts, cost->threads, &next, err))
            return -1;
        if (next.efficiency < LEAST_EFFICIENCY)
            break;
        tasks *= 2;
        now = next;
    }
    s->tasks = tasks;
    return 0;
}

static int choose_time(struct submission *s, size_t n_jobs, const struct sweep_cost *cost, double most, struct error *err)
{
    struct schedule_estimate e;
    if (simulate_hand_out(n_jobs, cost->seconds, s->tasks * (s->parts ? s->parts : 1), cost->threads, &e, err))
        return -1;
    double minutes = (TIME_MARGIN * e.makespan + START_SECONDS + DRAIN_SECONDS) / 60;
    s->minutes = 5 * ceil(fmin(fmax(minutes, LEAST_MINUTES), MOST_MINUTES) / 5);
    if (s->minutes > most)
        s->minutes = floor(most);
    return 0;
}

int submit_choose(struct submission *s, size_t n_jobs, const struct sweep_cost *cost, struct error *err)
{
    struct nodes nodes = ask_nodes(s);
    if (s->parts > n_jobs)
        return error_set(err, ERROR_USAGE, "--array: expected at most as many parts as jobs, %zu, got %zu", n_jobs, s->parts);
    if (!s->cpus)
        s->cpus = cost->threads;
    if (!s->tasks && choose_tasks(s, n_jobs, cost, err))
        return -1;
    if (!s->time && choose_time(s, n_jobs, cost, nodes.minutes, err))
        return -1;
    if (s->minutes > nodes.minutes)
        return error_set(err, ERROR_USAGE, "--time: the partition allows at most %.0f minutes, got %.0f: ask for less, the "
                         "job goes on by itself", nodes.minutes, s->minutes);
    if (!s->drain) {
        s->drain = DRAIN_SECONDS;
        if ((double)s->drain > s->minutes * 60 / 2)
            s->drain = (size_t)(s->minutes * 60 / 2);
    }
    if ((double)s->drain >= s->minutes * 60)
        return error_set(err, ERROR_USAGE, "--drain: expected less than the time limit of %.0f s, got %zu", s->minutes * 60,
                         s->drain);
    if (!s->mem) {              /* the data is there once a node, at the worst for a task alone on it */
        double bytes = MEMORY_MARGIN * (cost->bytes + cost->data_bytes) + PROCESS_BYTES;
        s->megabytes = 64 * (size_t)ceil(bytes / (double)s->cpus / 64e6);
    }
    s->merge_megabytes = 64 * (size_t)ceil((2 * PROCESS_BYTES + MEMORY_MARGIN * cost->data_bytes) / 64e6);
    if (!s->nodes && nodes.cores >= s->cpus) {
        size_t per_node = nodes.cores / s->cpus, most = (s->tasks + per_node - 1) / per_node;
        snprintf(s->chosen_nodes, sizeof s->chosen_nodes, most > 1 ? "1-%zu" : "%zu", most);
    }
    return 0;
}
