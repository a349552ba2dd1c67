/* Who ran what when, what the workers' time was used for, what cells cost. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "must.h"
#include "plan/usage.h"
#include "print.h"
#include "report.h"
#include "report_stretches.h"

/* More stretches than this cannot be told apart in the picture. */
enum { STRETCHES_MOST = 1500, BINS = 200 };

struct work {
    struct variable_rows wall, cpu, predicted, memory, flops, energy;
};

static int load_work(const struct report *r, struct work *w, struct error *err)
{
    const struct { const char *name; struct variable_rows *v; } wanted[] = {
        {"wall_seconds", &w->wall}, {"cpu_seconds", &w->cpu},
        {"predicted_seconds", &w->predicted}, {"max_rss_bytes", &w->memory}, {"flops", &w->flops}, {"energy_joules", &w->energy}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (lookup_load(r->lookup, wanted[i].name, wanted[i].v, err) != 0)
            return -1;
    return 0;
}

static void release_work(const struct report *r, struct work *w)
{
    struct variable_rows *all[] = {&w->wall, &w->cpu, &w->predicted, &w->memory, &w->flops, &w->energy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        lookup_release(r->lookup, all[i]);
}

/* --- when ------------------------------------------------------------------ */

static int show_timeline(struct report *r, const struct stretches *s, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"worker", "worker", true}, {"from", "from (s)", false}, {"to", "to (s)", false}, {"attempts", "attempts", false},
        {"failed", "failed", false}, {"lost", "lost or stopped", false}};
    static const struct picture picture = {
        "timeline", "Who was busy when",
        "A line a worker, a bar an attempt of a job, in seconds since the first start; hatched: it failed, was lost or was stopped. "
        "Of many attempts those that follow closely are drawn as one bar.", NULL};
    struct sheet t = {.id = "timeline", .title = "Busy workers",
                      .note = s->whole ? NULL : "Files of before there was a timeline: of each job its last attempt only."};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    for (size_t i = 0; i < s->n; i++) {
        const struct stretch *one = &s->at[i];
        struct text worker = {0};
        if (r->asked->n_files > 1)
            text_add(&worker, "file %u, ", one->file + 1);
        text_add(&worker, "rank %.0f", one->worker);
        sheet_add_text(&t, worker.chars);
        sheet_add_number(&t, one->from - s->first);
        sheet_add_number(&t, one->to - s->first);
        sheet_add_number(&t, (double)one->attempts);
        sheet_add_number(&t, (double)one->failed);
        sheet_add_number(&t, (double)one->lost);
        text_free(&worker);
    }
    int result = report_show(r, &t, &picture, 1, "No job has started yet.", err);
    sheet_free(&t);
    return result;
}

/* How many workers were busy, on average, in each of so many slices of the time. */
static int show_utilisation(struct report *r, const struct stretches *s, struct error *err)
{
    static const struct picture picture = {"utilisation", "Busy workers over time",
                                           "Mean number of workers with a job in each slice of the time.", NULL};
    struct sheet t = {.id = "utilisation", .title = "Utilisation"};
    double busy[BINS] = {0}, slice = s->n && isfinite(s->last - s->first) ? (s->last - s->first) / BINS : 0;
    sheet_add_column(&t, "group", "what", true);
    sheet_add_column(&t, "curve", "curve", true);
    sheet_add_column(&t, "seconds", "from (s)", false);
    sheet_add_column(&t, "busy", "busy workers", false);
    for (size_t i = 0; i < s->n && slice > 0; i++) {
        double from = s->at[i].from - s->first, to = s->at[i].to - s->first;
        for (size_t b = (size_t)fmin(BINS - 1, from / slice); b < BINS && (double)b * slice < to; b++)
            busy[b] += fmax(0, fmin(to, (double)(b + 1) * slice) - fmax(from, (double)b * slice)) / slice;
    }
    for (size_t b = 0; b < BINS && slice > 0; b++) {
        sheet_add_text(&t, "all workers");
        sheet_add_text(&t, "busy");
        sheet_add_number(&t, (double)b * slice);
        sheet_add_number(&t, busy[b]);
    }
    int result = report_show(r, &t, &picture, 1, "No job has started yet.", err);
    sheet_free(&t);
    return result;
}

/* --- what it was used for -------------------------------------------------- */

static void add_quantity(struct sheet *t, const char *name, double value, const char *unit)
{
    sheet_add_text(t, name);
    sheet_add_number(t, value);
    sheet_add_text(t, unit);
}

static double sum_of(const struct report *r, const struct variable_rows *v)
{
    double sum = NAN;
    for (size_t i = 0; i < r->lookup->n; i++) {
        double value = lookup_value(r->lookup, v, i, 0);
        if (isfinite(value))
            sum = isnan(sum) ? value : sum + value;
    }
    return sum;
}

static void show_efficiency(struct report *r, const struct work *w, const struct stretches *s)
{
    struct sheet t = {.id = "efficiency", .title = "Efficiency"};
    double cpu = sum_of(r, &w->cpu), flops = sum_of(r, &w->flops);
    sheet_add_column(&t, "quantity", "quantity", true);
    sheet_add_column(&t, "value", "value", false);
    sheet_add_column(&t, "unit", "unit", true);
    add_quantity(&t, s->whole ? "attempts of jobs" : "jobs that ran", (double)s->n, "");
    add_quantity(&t, "workers", (double)s->workers, "");
    add_quantity(&t, "time during which any job ran", s->work, "s");
    add_quantity(&t, "busy time of all workers", s->busy, "s");
    add_quantity(&t, "utilisation: busy time over workers times that time", s->busy / ((double)s->workers * s->work), "1");
    add_quantity(&t, "processor time of the last attempts", cpu, "s");
    add_quantity(&t, "their wall time", sum_of(r, &w->wall), "s");
    add_quantity(&t, "floating-point operations by the cost model", flops, "1");
    add_quantity(&t, "their rate in processor time", flops / cpu / 1e9, "GFLOP/s");
    add_quantity(&t, "energy of single jobs, where readable", sum_of(r, &w->energy), "J");
    report_show_table(r, &t);
    sheet_free(&t);
}

/* Where the time of the workers went, as `relin status --resources` counts it. */
static void fill_uses(const struct report *r, size_t file, const struct usage *u, struct sheet *t)
{
    for (int use = 0; use < USE_COUNT; use++) {
        sheet_add_text(t, r->asked->files[file]);
        sheet_add_text(t, use_words[use]);
        sheet_add_text(t, use_meanings[use]);
        sheet_add_number(t, u->seconds[use]);
        sheet_add_number(t, u->all > 0 ? u->seconds[use] / u->all : NAN);
    }
    sheet_add_text(t, r->asked->files[file]);
    sheet_add_text(t, "efficiency");
    sheet_add_text(t, "what led to something, over all from being prepared to the end of the last job");
    sheet_add_number(t, NAN);
    sheet_add_number(t, usage_efficiency(u->seconds, u->makespan_seconds));
}

static int show_uses(struct report *r, struct error *err)
{
    static const struct picture picture = {"uses", "Where the time of the workers went",
                                           "Shares of what all workers had, from the start to the end of every run.", "share"};
    struct sheet t = {.id = "uses", .title = "Where the workers' time went"};
    struct store_lock_info lock;
    int result = 0;
    sheet_add_column(&t, "group", "file", true);
    sheet_add_column(&t, "use", "use", true);
    sheet_add_column(&t, "meaning", "meaning", true);
    sheet_add_column(&t, "seconds", "seconds of workers", false);
    sheet_add_column(&t, "share", "share", false);
    for (size_t f = 0; f < r->asked->n_files && result == 0; f++) {
        struct usage usage;
        bool live = store_lock_read(r->asked->files[f], &lock) && lock.live;
        result = usage_read(r->lookup->readers[f], live, clock_unix(), &usage, err);
        if (result == 0 && usage.n_runs)
            fill_uses(r, f, &usage, &t);
        usage_free(&usage);
    }
    if (result == 0 && t.n_rows)
        result = report_show(r, &t, &picture, 1, "", err);
    sheet_free(&t);
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
                     const struct variable_rows *seconds, const struct work *w, struct sheet *t)
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
    sheet_add_text(t, group);
    sheet_add_text(t, curve);
    sheet_add_text(t, schedule.chars ? schedule.chars : "");
    sheet_add_number(t, cell->schedule ? NAN : cell->period);
    sheet_add_number(t, (double)wall.n);
    sheet_add_number(t, wall.mean);
    sheet_add_number(t, wall.low);
    sheet_add_number(t, wall.high);
    sheet_add_number(t, memory.most / 1048576);
    sheet_add_number(t, flops.mean);
    text_free(&schedule);
}

static int show_cost(struct report *r, const struct work *w, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"group", "group", true}, {"curve", "curve", true}, {"schedule", "schedule", true}, {"refresh_period", "K (steps)", false},
        {"n", "n", false}, {"seconds", "wall time (s)", false}, {"seconds_low", "95 % low", false},
        {"seconds_high", "95 % high", false}, {"memory", "peak memory (MiB)", false}, {"flops", "operations", false}};
    static const struct picture picture = {"cost", "Wall time of a job against K",
                                           "Means over the jobs that are done; bars are 95 % t intervals. Open points: as predicted "
                                           "when the job was handed out.", "seconds"};
    const struct cells *c = r->cells;
    struct sheet t = {.id = "cost", .title = "Cost"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    for (size_t g = 0; g < c->n_groups; g++) {
        struct text name = {0};
        cells_name_group(c, &c->group[g], &name);
        for (int k = 0; k <= 1; k++)
            for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++)
                if (!c->cell[i].solves) {
                    add_cost(r, name.chars, k ? "predicted" : "measured", &c->cell[i], k ? &w->predicted : &w->wall, w, &t);
                    if (g >= GROUPS_DRAWN)
                        sheet_hide_row(&t);
                }
        text_free(&name);
    }
    int result = report_show(r, &t, &picture, 1, "No job has ended yet.", err);
    sheet_free(&t);
    return result;
}

/* --- all ------------------------------------------------------------------- */

static int show_work(struct report *r, const struct work *w, struct error *err)
{
    struct stretches s;
    int result = stretches_read(r, &s, err);
    if (result == 0 && s.n > 0) {
        show_efficiency(r, w, &s);
        result = show_uses(r, err);
        if (result == 0)
            result = show_utilisation(r, &s, err);
        stretches_merge(&s, STRETCHES_MOST);
    }
    if (result == 0)
        result = show_timeline(r, &s, err);
    free(s.at);
    return result == 0 ? show_cost(r, w, err) : result;
}

int report_machine(struct report *r, struct error *err)
{
    struct work w = {0};
    int result = load_work(r, &w, err);
    report_section(r, "machine", "Utilisation, cost and efficiency", NULL);
    if (result == 0)
        result = show_work(r, &w, err);
    release_work(r, &w);
    return result;
}
