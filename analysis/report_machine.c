/* Who ran what when, how well the workers were used, what cells cost. Times of a job are those of its last attempt. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "must.h"
#include "print.h"
#include "report.h"
#include "report_series.h"

/* More stretches than this cannot be told apart in the picture: neighbours become one. */
enum { STRETCHES_MOST = 1500, BINS = 200 };

/* A stretch of time in which a worker was busy. */
struct stretch {
    uint32_t file;
    double worker, from, to, cpu;
    size_t job;                        /* observation: the first of them */
    size_t jobs, failed, diverged;
};

struct work {
    struct variable_rows start, wall, cpu, worker, predicted, memory, flops, energy;
};

static int load_work(const struct report *r, struct work *w, struct error *err)
{
    const struct { const char *name; struct variable_rows *v; } wanted[] = {
        {"start_time", &w->start}, {"wall_seconds", &w->wall}, {"cpu_seconds", &w->cpu}, {"worker", &w->worker},
        {"predicted_seconds", &w->predicted}, {"max_rss_bytes", &w->memory}, {"flops", &w->flops}, {"energy_joules", &w->energy}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (lookup_load(r->lookup, wanted[i].name, wanted[i].v, err) != 0)
            return -1;
    return 0;
}

static void release_work(const struct report *r, struct work *w)
{
    struct variable_rows *all[] = {&w->start, &w->wall, &w->cpu, &w->worker, &w->predicted, &w->memory, &w->flops, &w->energy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        lookup_release(r->lookup, all[i]);
}

/* --- stretches ------------------------------------------------------------- */

static int compare_stretches(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->worker != y->worker)
        return x->worker < y->worker ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

/* One a job that ran, by worker and time. */
static struct stretch *list_stretches(const struct report *r, const struct work *w, size_t *n)
{
    const struct observations *o = r->cells->of;
    struct stretch *s = must(calloc(o->n + 1, sizeof *s));
    *n = 0;
    for (size_t i = 0; i < o->n; i++) {
        double start = lookup_value(r->lookup, &w->start, i, 0), wall = lookup_value(r->lookup, &w->wall, i, 0);
        if (isfinite(start) && start > 0 && wall >= 0 && isfinite(wall))
            s[(*n)++] = (struct stretch){r->lookup->file[i], lookup_value(r->lookup, &w->worker, i, 0), start, start + wall,
                                         lookup_value(r->lookup, &w->cpu, i, 0), i, 1, o->at[i].status == STATUS_FAILED,
                                         o->at[i].diverged};
    }
    if (*n > 1)
        qsort(s, *n, sizeof *s, compare_stretches);
    return s;
}

/* Neighbours of one worker with less than `gap` seconds between them become one. Returns how many are left. */
static size_t merge_stretches(struct stretch *s, size_t n, double gap)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct stretch *last = kept ? &s[kept - 1] : NULL;
        if (last && last->file == s[i].file && last->worker == s[i].worker && s[i].from - last->to < gap) {
            last->to = fmax(last->to, s[i].to);
            last->cpu += s[i].cpu;
            last->jobs += s[i].jobs;
            last->failed += s[i].failed;
            last->diverged += s[i].diverged;
        } else {
            s[kept++] = s[i];
        }
    }
    return kept;
}

static double first_start(const struct stretch *s, size_t n)
{
    double first = INFINITY;
    for (size_t i = 0; i < n; i++)
        first = fmin(first, s[i].from);
    return first;
}

static double last_end(const struct stretch *s, size_t n)
{
    double last = -INFINITY;
    for (size_t i = 0; i < n; i++)
        last = fmax(last, s[i].to);
    return last;
}

static int show_timeline(struct report *r, const struct stretch *s, size_t n, double first, char **hosts, struct error *err)
{
    static const struct table_column columns[] = {
        {"worker", "worker", true}, {"host", "host", true}, {"from", "from (s)", false}, {"to", "to (s)", false},
        {"jobs", "jobs", false}, {"failed", "failed", false}, {"diverged", "diverged", false}, {"cpu_seconds", "processor time (s)", false}};
    static const struct picture picture = {
        "timeline", "Who was busy when",
        "A line a worker, a bar a job (its last attempt), in seconds since the first start; hatched: a job of it failed or diverged. "
        "Of many jobs those that follow closely are drawn as one bar.", NULL};
    struct table t = {.id = "timeline", .title = "Busy workers"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        table_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    for (size_t i = 0; i < n; i++) {
        char worker[64];
        if (r->n_files > 1)
            snprintf(worker, sizeof worker, "file %u, rank %.0f", s[i].file + 1, s[i].worker);
        else
            snprintf(worker, sizeof worker, "rank %.0f", s[i].worker);
        table_add_text(&t, worker);
        table_add_text(&t, hosts[s[i].job]);
        table_add_number(&t, s[i].from - first);
        table_add_number(&t, s[i].to - first);
        table_add_number(&t, (double)s[i].jobs);
        table_add_number(&t, (double)s[i].failed);
        table_add_number(&t, (double)s[i].diverged);
        table_add_number(&t, s[i].cpu);
    }
    int result = report_show(r, &t, &picture, 1, "No job has started yet.", err);
    table_free(&t);
    return result;
}

/* --- efficiency ------------------------------------------------------------ */

static int compare_from(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* The time during which any worker was busy: what lies between two runs of one file is none of it. */
static double time_at_work(const struct stretch *s, size_t n)
{
    struct stretch *sorted = must(malloc((n + 1) * sizeof *sorted));
    double sum = 0, until = -INFINITY;
    memcpy(sorted, s, n * sizeof *s);
    qsort(sorted, n, sizeof *sorted, compare_from);
    for (size_t i = 0; i < n; i++) {
        sum += fmax(0, sorted[i].to - fmax(sorted[i].from, until));
        until = fmax(until, sorted[i].to);
    }
    free(sorted);
    return sum;
}

static void add_quantity(struct table *t, const char *name, double value, const char *unit)
{
    table_add_text(t, name);
    table_add_number(t, value);
    table_add_text(t, unit);
}

static void show_efficiency(struct report *r, const struct work *w, const struct stretch *s, size_t n)
{
    struct table t = {.id = "efficiency", .title = "Efficiency"};
    double busy = 0, cpu = 0, flops = 0, joules = NAN, off = NAN, work = time_at_work(s, n);
    size_t workers = 0, predicted = 0;
    double *ratios = must(malloc((n + 1) * sizeof *ratios));
    for (size_t i = 0; i < n; i++) {
        double asked = lookup_value(r->lookup, &w->predicted, s[i].job, 0), energy = lookup_value(r->lookup, &w->energy, s[i].job, 0);
        double count = lookup_value(r->lookup, &w->flops, s[i].job, 0);
        workers += i == 0 || s[i].file != s[i - 1].file || s[i].worker != s[i - 1].worker;
        busy += s[i].to - s[i].from;
        cpu += isfinite(s[i].cpu) ? s[i].cpu : 0;
        flops += isfinite(count) ? count : 0;
        if (isfinite(energy))
            joules = isnan(joules) ? energy : joules + energy;
        if (asked > 0 && s[i].to > s[i].from)
            ratios[predicted++] = (s[i].to - s[i].from) / asked;
    }
    struct stats_summary spread;
    stats_summarise(ratios, predicted, &spread);
    free(ratios);
    off = spread.median;
    table_add_column(&t, "quantity", "quantity", true);
    table_add_column(&t, "value", "value", false);
    table_add_column(&t, "unit", "unit", true);
    add_quantity(&t, "jobs that ran", (double)n, "");
    add_quantity(&t, "workers", (double)workers, "");
    add_quantity(&t, "time during which any job ran", work, "s");
    add_quantity(&t, "busy time of all workers", busy, "s");
    add_quantity(&t, "utilisation: busy time over workers times that time", busy / ((double)workers * work), "1");
    add_quantity(&t, "processor time of the jobs", cpu, "s");
    add_quantity(&t, "processor time over busy time", cpu / busy, "1");
    add_quantity(&t, "floating-point operations by the cost model", flops, "1");
    add_quantity(&t, "their rate in processor time", flops / cpu / 1e9, "GFLOP/s");
    add_quantity(&t, "measured over predicted wall time, median of the jobs", off, "1");
    add_quantity(&t, "energy, where readable", joules, "J");
    report_show_table(r, &t);
    table_free(&t);
}

/* How many workers were busy, on average, in each of so many slices of the time. */
static int show_utilisation(struct report *r, const struct stretch *s, size_t n, double first, double last, struct error *err)
{
    static const struct picture picture = {"utilisation", "Busy workers over time",
                                           "Mean number of workers with a job in each slice of the time.", NULL};
    struct table t = {.id = "utilisation", .title = "Utilisation"};
    double busy[BINS] = {0}, slice = isfinite(last - first) ? (last - first) / BINS : 0;
    table_add_column(&t, "group", "what", true);
    table_add_column(&t, "curve", "curve", true);
    table_add_column(&t, "seconds", "from (s)", false);
    table_add_column(&t, "busy", "busy workers", false);
    for (size_t i = 0; i < n && slice > 0; i++)
        for (size_t b = (size_t)fmin(BINS - 1, (s[i].from - first) / slice); b < BINS && first + (double)b * slice < s[i].to; b++)
            busy[b] += fmax(0, fmin(s[i].to, first + (double)(b + 1) * slice) - fmax(s[i].from, first + (double)b * slice)) / slice;
    for (size_t b = 0; b < BINS && slice > 0; b++) {
        table_add_text(&t, "all workers");
        table_add_text(&t, "busy");
        table_add_number(&t, (double)b * slice);
        table_add_number(&t, busy[b]);
    }
    int result = report_show(r, &t, &picture, 1, "No job has started yet.", err);
    table_free(&t);
    return result;
}

/* --- cost ------------------------------------------------------------------ */

static double *collect(const struct report *r, const struct cell *cell, const struct variable_rows *v, size_t *n)
{
    double *values = must(malloc((cell->count + 1) * sizeof *values));
    *n = 0;
    for (size_t i = cell->first; i < cell->first + cell->count; i++) {
        double value = lookup_value(r->lookup, v, i, 0);
        if (r->cells->of->at[i].status == STATUS_DONE && isfinite(value))
            values[(*n)++] = value;
    }
    return values;
}

static void add_cost(const struct report *r, const char *group, const char *curve, const struct cell *cell,
                     const struct variable_rows *seconds, const struct work *w, struct table *t)
{
    struct stats_summary wall, memory, flops;
    size_t n;
    double *values = collect(r, cell, seconds, &n);
    stats_summarise(values, n, &wall);
    free(values);
    values = collect(r, cell, &w->memory, &n);
    stats_summarise(values, n, &memory);
    free(values);
    values = collect(r, cell, &w->flops, &n);
    stats_summarise(values, n, &flops);
    free(values);
    struct text schedule = {0};
    if (cell->schedule)
        print_schedule(cell->schedule, &schedule);
    table_add_text(t, group);
    table_add_text(t, curve);
    table_add_text(t, schedule.chars ? schedule.chars : "");
    table_add_number(t, cell->schedule ? NAN : cell->period);
    table_add_number(t, (double)wall.n);
    table_add_number(t, wall.mean);
    table_add_number(t, wall.low);
    table_add_number(t, wall.high);
    table_add_number(t, memory.most / 1048576);
    table_add_number(t, flops.mean);
    text_free(&schedule);
}

static int show_cost(struct report *r, const struct work *w, struct error *err)
{
    static const struct table_column columns[] = {
        {"group", "group", true}, {"curve", "curve", true}, {"schedule", "schedule", true}, {"refresh_period", "K (steps)", false},
        {"n", "n", false}, {"seconds", "wall time (s)", false}, {"seconds_low", "95 % low", false},
        {"seconds_high", "95 % high", false}, {"memory", "peak memory (MiB)", false}, {"flops", "operations", false}};
    static const struct picture picture = {"cost", "Wall time of a job against K",
                                           "Means over the jobs that are done; bars are 95 % t intervals. Open points: as predicted "
                                           "when the job was handed out.", "seconds"};
    const struct cells *c = r->cells;
    struct table t = {.id = "cost", .title = "Cost"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        table_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    for (size_t g = 0; g < c->n_groups; g++) {
        struct text name = {0};
        cells_name_group(c, &c->group[g], &name);
        for (int k = 0; k <= 1; k++)
            for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++)
                if (!c->cell[i].solves) {
                    add_cost(r, name.chars, k ? "predicted" : "measured", &c->cell[i], k ? &w->predicted : &w->wall, w, &t);
                    if (g >= GROUPS_DRAWN)
                        table_hide_row(&t);
                }
        text_free(&name);
    }
    int result = report_show(r, &t, &picture, 1, "No job has ended yet.", err);
    table_free(&t);
    return result;
}

/* --- all ------------------------------------------------------------------- */

static int show_work(struct report *r, const struct work *w, char **hosts, struct error *err)
{
    size_t n;
    struct stretch *s = list_stretches(r, w, &n);
    double first = first_start(s, n), last = last_end(s, n);
    int result = 0;
    if (n > 0) {
        show_efficiency(r, w, s, n);
        result = show_utilisation(r, s, n, first, last, err);
        for (double gap = (last - first) / 4000; n > STRETCHES_MOST && gap < last - first; gap *= 2)
            n = merge_stretches(s, n, gap);
    }
    if (result == 0)
        result = show_timeline(r, s, n, first, hosts, err);
    free(s);
    return result == 0 ? show_cost(r, w, err) : result;
}

int report_machine(struct report *r, struct error *err)
{
    struct work w = {0};
    char **hosts = NULL;
    int result = load_work(r, &w, err);
    if (result == 0)
        result = lookup_load_texts(r->lookup, "host", &hosts, err);
    report_section(r, "machine", "Utilisation, cost and efficiency", NULL);
    if (result == 0)
        result = show_work(r, &w, hosts, err);
    release_work(r, &w);
    lookup_free_texts(r->lookup, hosts);
    return result;
}
