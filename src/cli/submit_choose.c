/* What to ask Slurm for: tasks, memory and time, from what the plan predicts of the jobs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/choose.h"
#include "submit.h"

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

static int choose_tasks(struct submission *s, const struct forecast *forecast, struct error *err)
{
    struct allocation candidates[CHOOSE_CANDIDATES];
    size_t n, parts = s->parts ? s->parts : 1;
    if (choose_candidates(forecast, parts, candidates, &n, err))
        return -1;
    s->tasks = candidates[choose_balanced(candidates, n)].workers / parts;
    return 0;
}

static int choose_time(struct submission *s, const struct forecast *forecast, double most, struct error *err)
{
    struct allocation a = {.workers = s->tasks * (s->parts ? s->parts : 1)};
    if (forecast_allocations(forecast, &a, 1, err))
        return -1;
    s->minutes = choose_minutes(a.makespan_p95, s->drain ? (double)s->drain : CHOOSE_DRAIN_SECONDS);
    if (s->minutes > most)
        s->minutes = floor(most);
    return 0;
}

int submit_choose(struct submission *s, const struct forecast *first, const struct forecast *all, struct error *err)
{
    struct nodes nodes = ask_nodes(s);
    if (s->parts > all->n)
        return error_set(err, ERROR_USAGE, "--array: expected at most as many parts as jobs, %zu, got %zu", all->n,
                         s->parts);
    if (!s->cpus)
        s->cpus = all->threads;
    if (!s->tasks && choose_tasks(s, first, err))
        return -1;
    if (!s->time && choose_time(s, all, nodes.minutes, err))
        return -1;
    if (s->minutes > nodes.minutes)
        return error_set(err, ERROR_USAGE, "--time: the partition allows at most %.0f minutes, got %.0f: ask for less, the "
                         "job goes on by itself", nodes.minutes, s->minutes);
    if (!s->drain) {
        s->drain = CHOOSE_DRAIN_SECONDS;
        if ((double)s->drain > s->minutes * 60 / 2)
            s->drain = (size_t)(s->minutes * 60 / 2);
    }
    if ((double)s->drain >= s->minutes * 60)
        return error_set(err, ERROR_USAGE, "--drain: expected less than the time limit of %.0f s, got %zu", s->minutes * 60,
                         s->drain);
    if (!s->mem)
        s->megabytes = choose_megabytes(all->bytes, all->data_bytes, s->cpus);
    s->merge_megabytes = choose_merge_megabytes(all->data_bytes);
    if (!s->nodes && nodes.cores >= s->cpus) {
        size_t per_node = nodes.cores / s->cpus, most = (s->tasks + per_node - 1) / per_node;
        snprintf(s->chosen_nodes, sizeof s->chosen_nodes, most > 1 ? "1-%zu" : "%zu", most);
    }
    return 0;
}
