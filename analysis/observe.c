#include "observe.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "damping.h"
#include "metric.h"
#include "moment.h"
#include "must.h"
#include "observe_until.h"
#include "store/store.h"
#include "sweep/where.h"

/* --- axes and levels ------------------------------------------------------- */

size_t observe_find_axis(const struct observations *o, const char *name)
{
    for (size_t a = 0; a < o->n_axes; a++)
        if (where_names(name, o->axes[a].name))
            return a;
    return SIZE_MAX;
}

void observe_name_axes(const struct observations *o, struct text *out)
{
    for (size_t a = 0; a < o->n_axes; a++)
        text_add(out, "%s%s", a ? ", " : "", o->axes[a].name);
}

static uint32_t level_of(struct axis *axis, const char *label, double number)
{
    size_t known = names_find(&axis->known, label);
    if (known != SIZE_MAX)
        return (uint32_t)known;
    if ((axis->n_levels & (axis->n_levels - 1)) == 0)   /* full: 0, 1, 2, 4, ... */
        axis->levels = must(realloc(axis->levels, (axis->n_levels ? 2 * axis->n_levels : 1) * sizeof *axis->levels));
    axis->levels[axis->n_levels] = (struct level){must(strdup(label)), number};
    names_add(&axis->known, axis->levels[axis->n_levels].label, axis->n_levels);
    axis->numeric = axis->numeric && !isnan(number);
    return (uint32_t)axis->n_levels++;
}

/* The level of a number. Writing it as a label takes long, so the levels of a few numbers are kept. */
enum { RECENT = 256 };
struct recent {
    double number[RECENT];
    uint32_t level[RECENT];
    bool used[RECENT];
};

static uint32_t level_of_number(struct axis *axis, struct recent *recent, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    size_t at = (bits * 0x9e3779b97f4a7c15u) >> 56;
    if (!recent->used[at] || recent->number[at] != number) {
        struct text label = {0};
        text_add_number(&label, number);
        recent->level[at] = level_of(axis, label.chars, number);
        recent->number[at] = number;
        recent->used[at] = true;
        text_free(&label);
    }
    return recent->level[at];
}

/* What jobs of a file without this axis have there. */
static const char *level_without(const char *name)
{
    return strcmp(name, "schedule") == 0 ? "constant" : "-";
}

/* Finds or adds; jobs of files read before get level 0. */
static size_t need_axis(struct observations *o, const char *name, struct error *err)
{
    size_t a = observe_find_axis(o, name);
    if (a != SIZE_MAX)
        return a;
    if (o->n_axes == OBSERVE_AXES_MOST) {
        error_set(err, ERROR_FORMAT, "%s: expected at most %d axes in all files together", name,
                  OBSERVE_AXES_MOST);
        return SIZE_MAX;
    }
    o->axes[o->n_axes] = (struct axis){.name = must(strdup(name)), .numeric = true};
    if (o->n > 0)
        level_of(&o->axes[o->n_axes], level_without(name), NAN);
    return o->n_axes++;
}

static int compare_levels(const void *a, const void *b)
{
    const struct level *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Sorts the levels of a numeric axis and renumbers the observations. */
static void sort_levels(struct observations *o, size_t a)
{
    struct axis *axis = &o->axes[a];
    if (!axis->numeric || axis->n_levels < 2)
        return;
    uint32_t *place = must(malloc(axis->n_levels * sizeof *place));
    qsort(axis->levels, axis->n_levels, sizeof *axis->levels, compare_levels);
    for (size_t l = 0; l < axis->n_levels; l++) {
        place[names_find(&axis->known, axis->levels[l].label)] = (uint32_t)l;
        names_add(&axis->known, axis->levels[l].label, l);
    }
    for (size_t i = 0; i < o->n; i++)
        o->at[i].level[a] = place[o->at[i].level[a]];
    free(place);
}

/* --- columns of one file --------------------------------------------------- */

/* Reads one axis, of numbers or of texts, into the new observations. */
static int read_axis(struct observations *o, const struct store_reader *reader, const char *name,
                     struct observation *new, size_t n, struct error *err)
{
    size_t a = need_axis(o, name, err), width;
    if (a == SIZE_MAX)
        return -1;
    double *numbers = NULL;
    struct error not_numbers = {0};
    if (store_read_numbers(reader, name, &numbers, &width, &not_numbers) == 0) {
        struct recent recent = {0};
        for (size_t i = 0; i < n; i++)
            new[i].level[a] = level_of_number(&o->axes[a], &recent, numbers[i]);
        mem_free(numbers);
        return 0;
    }
    char **texts = NULL;
    if (store_read_texts(reader, name, &texts, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        new[i].level[a] = level_of(&o->axes[a], texts[i], NAN);
    store_free_texts(texts, n);
    return 0;
}

/* The kernel path length at the linearisation points; at K=1 the network itself is that at every step. */
static int read_path(const struct observations *o, const struct store_reader *reader, struct observation *new,
                     size_t n, struct error *err)
{
    static const char path[] = "kernels/kernel_path_length_linearised", own_path[] = "kernels/kernel_path_length";
    if (!store_read_has(reader, path))
        return 0;
    double *own;
    size_t width;
    if (metric_read_member(reader, path, new, n, offsetof(struct observation, path), err) != 0 ||
        store_read_numbers(reader, own_path, &own, &width, err) != 0)
        return -1;
    size_t k = observe_find_axis(o, "refresh_period");
    for (size_t i = 0; i < n; i++)
        if (isnan(new[i].path) && o->axes[k].levels[new[i].level[k]].number == 1)
            new[i].path = own[i];
    mem_free(own);
    return 0;
}

/* Status, outcome, identity. */
static int read_fate(const struct store_reader *reader, struct observation *new, size_t n, struct error *err)
{
    double *status = NULL;
    char **texts = NULL;
    size_t width;
    if (store_read_numbers(reader, "status", &status, &width, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        new[i].status = (enum job_status)status[i];
    mem_free(status);
    if (store_read_texts(reader, "outcome", &texts, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        new[i].diverged = new[i].status == STATUS_DONE && strcmp(texts[i], "diverged") == 0;
    store_free_texts(texts, n);
    if (store_read_texts(reader, "job_id", &texts, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        new[i].id = must(strdup(texts[i]));
    store_free_texts(texts, n);
    return 0;
}

/* The trainer tells jobs apart only where it is not what K implies. Gauss-Newton beside jobs where it is: these
 * stay one curve over K with its baseline K = 1, where SGD is the linearised trainer. */
static int read_trainer(struct observations *o, const struct store_reader *reader, struct observation *new, size_t n,
                        struct error *err)
{
    size_t k = observe_find_axis(o, "refresh_period"), a = observe_find_axis(o, "trainer");
    bool needed = a != SIZE_MAX, apart = false;
    char **texts;
    if (store_read_texts(reader, "trainer", &texts, err) != 0)
        return -1;
    for (size_t l = 0; needed && l < o->axes[a].n_levels; l++)
        apart = apart || strcmp(o->axes[a].levels[l].label, "standard") == 0;
    for (size_t i = 0; i < n; i++) {
        bool solves = strcmp(texts[i], "gauss-newton") == 0;
        const char *implied = o->axes[k].levels[new[i].level[k]].number == 1 ? "standard" : "linearised";
        apart = apart || (!solves && strcmp(texts[i], implied) != 0);
        needed = needed || solves || apart;
    }
    a = needed ? need_axis(o, "trainer", err) : SIZE_MAX;
    for (size_t i = 0; i < n && a != SIZE_MAX; i++) {
        bool merged = !apart && strcmp(texts[i], "standard") == 0;
        new[i].level[a] = level_of(&o->axes[a], merged ? "linearised" : texts[i], NAN);
    }
    store_free_texts(texts, n);
    return needed && a == SIZE_MAX ? -1 : 0;
}

/* The schedule only where it is not a constant period. */
static int read_schedule(struct observations *o, const struct store_reader *reader, struct observation *new, size_t n,
                         struct error *err)
{
    char **texts;
    if (store_read_texts(reader, "schedule", &texts, err) != 0)
        return -1;
    bool differs = observe_find_axis(o, "schedule") != SIZE_MAX;   /* an earlier file needs it */
    for (size_t i = 0; i < n; i++)
        differs = differs || strcmp(texts[i], "constant") != 0;
    store_free_texts(texts, n);
    return differs ? read_axis(o, reader, "schedule", new, n, err) : 0;
}

/* Columns that are no axes, by name: "engine", or "kernels/n_snapshots=2" up to the sign. */
static int read_columns(struct observations *o, const struct store_reader *reader, const struct reading *reading,
                        struct observation *new, size_t n, struct error *err)
{
    for (size_t k = 0; k < reading->n_columns; k++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(reading->columns[k], "="), reading->columns[k]);
        size_t a = observe_find_axis(o, name);
        bool own = strcmp(name, "trainer") == 0 || strcmp(name, "schedule") == 0;   /* axes where they must be */
        if (own || (a != SIZE_MAX && !o->axes[a].told) || !*name || !store_read_has(reader, name)
            || store_read_width(reader, name) != 1)
            continue;
        if (read_axis(o, reader, name, new, n, err) != 0)
            return -1;
        o->axes[observe_find_axis(o, name)].told = true;
    }
    return 0;
}

static int read_file(struct observations *o, const struct store_reader *reader, const struct reading *reading,
                     struct observation *new, size_t n, struct error *err)
{
    const char *const *names;
    size_t n_names = store_read_axes(reader, &names);
    for (size_t i = 0; i < n; i++) {
        new[i].evaluation = UINT32_MAX;
        new[i].value[READOUT_LINEAR] = new[i].value[READOUT_NETWORK] = new[i].path = new[i].loss_first =
            new[i].loss_half = new[i].loss_last = new[i].updates = new[i].learning_rate = new[i].damping = new[i].at =
            new[i].validation = NAN;
    }
    for (size_t a = 0; a < n_names; a++)
        if (strcmp(names[a], "trainer") != 0 && read_axis(o, reader, names[a], new, n, err) != 0)
            return -1;
    if (read_trainer(o, reader, new, n, err) != 0 || read_schedule(o, reader, new, n, err) != 0 ||
        read_columns(o, reader, reading, new, n, err) != 0)
        return -1;
    for (size_t a = 0; a < o->n_axes; a++) {   /* axes of earlier files that this one lacks */
        bool here = strcmp(o->axes[a].name, "trainer") == 0 || strcmp(o->axes[a].name, "schedule") == 0
                 || (o->axes[a].told && store_read_has(reader, o->axes[a].name));
        for (size_t b = 0; b < n_names; b++)
            here = here || strcmp(o->axes[a].name, names[b]) == 0;
        for (size_t i = 0; i < n && !here; i++)
            new[i].level[a] = level_of(&o->axes[a], "-", NAN);
    }
    if (read_fate(reader, new, n, err) != 0 || metric_read_updates(reader, new, n, err) != 0 ||
        damping_read(o, reader, new, n, err) != 0 ||
        moment_choose(o, reader, &reading->moment, new, n, err) != 0 ||
        metric_read(o, reader, reading, new, n, err) != 0)
        return -1;
    if (reading->moment.kind == MOMENT_END && read_path(o, reader, new, n, err) != 0)   /* it is that of the whole run */
        return -1;
    observe_until(o, reader, new, n);
    return metric_read_losses(reader, new, n, err);
}

/* --- files together -------------------------------------------------------- */

static bool same_number(double x, double y)
{
    return x == y || (isnan(x) && isnan(y));
}

/* One job of two files, finished in both: are the results the same? */
static void compare_rows(struct observations *o, const struct observation *x, const struct observation *y,
                         const char *const *paths)
{
    bool same = x->diverged == y->diverged && same_number(x->value[0], y->value[0]) && same_number(x->value[1], y->value[1]);
    if (same || o->n_conflicts++ > 0)
        return;
    struct text told = {0};
    text_add(&told, "%s: ", x->id);
    text_add_number(&told, x->value[READOUT_LINEAR]);
    text_add(&told, "%s in %s, ", x->diverged ? " (diverged)" : "", paths[x->file]);
    text_add_number(&told, y->value[READOUT_LINEAR]);
    text_add(&told, "%s in %s", y->diverged ? " (diverged)" : "", paths[y->file]);
    o->conflict = told.chars;
}

static void append(struct observations *o, struct names *ids, struct observation *new, size_t n, const char *const *paths)
{
    o->at = must(realloc(o->at, (o->n + n + 1) * sizeof *o->at));
    for (size_t i = 0; i < n; i++) {
        if (new[i].status == STATUS_SKIPPED) {
            free(new[i].id);
            continue;
        }
        size_t same = names_find(ids, new[i].id);
        if (same == SIZE_MAX) {
            names_add(ids, new[i].id, o->n);
            o->at[o->n++] = new[i];
            continue;
        }
        struct observation *old = &o->at[same];
        o->n_repeated++;
        if (old->status == STATUS_DONE && new[i].status == STATUS_DONE)
            compare_rows(o, old, &new[i], paths);
        free(new[i].id);
        new[i].id = old->id;   /* the table of ids borrows it */
        if (old->status != STATUS_DONE && new[i].status == STATUS_DONE)
            *old = new[i];
    }
}

/* What is missing is no error: files of older programs, or made by hand. */
static void read_source(struct observations *o, const struct store_reader *reader, const char *path)
{
    o->source = must(realloc(o->source, (o->n_sources + 1) * sizeof *o->source));
    o->source[o->n_sources++] = (struct source){
        .path = path, .jobs = store_read_jobs(reader), .sweep = store_read_config(reader, "name", NULL),
        .version = store_read_provenance(reader, "relin_version", NULL),
        .revision = store_read_provenance(reader, "git_revision", NULL),
        .start = store_read_provenance(reader, "start", NULL)};
}

int observe_read(struct observations *o, const char *const *paths, size_t n_paths,
                 const struct reading *reading, struct error *err)
{
    struct names ids = {0};
    int result = 0;
    for (size_t p = 0; p < n_paths && result == 0; p++) {
        struct store_reader *reader = store_read_open(paths[p], err);
        if (!reader) {
            result = -1;
            break;
        }
        size_t n = store_read_jobs(reader);
        struct observation *new = must(calloc(n + 1, sizeof *new));
        read_source(o, reader, paths[p]);
        result = read_file(o, reader, reading, new, n, err);
        store_read_close(reader);
        for (size_t i = 0; i < n; i++)
            new[i].file = (uint32_t)p;
        if (result == 0)
            append(o, &ids, new, n, paths);
        for (size_t i = 0; i < n && result != 0; i++)
            free(new[i].id);
        free(new);
        if (result != 0)
            error_prefix(err, "%s", paths[p]);
    }
    names_free(&ids);
    for (size_t a = 0; a < o->n_axes && result == 0; a++)
        sort_levels(o, a);
    return result;
}

void observe_free(struct observations *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->at[i].id);
    free(o->at);
    free(o->conflict);
    free(o->until);
    free(o->tuning_seeds);
    for (size_t f = 0; f < o->n_sources; f++) {
        free(o->source[f].sweep);
        free(o->source[f].version);
        free(o->source[f].revision);
        free(o->source[f].start);
    }
    free(o->source);
    for (size_t a = 0; a < o->n_axes; a++) {
        for (size_t l = 0; l < o->axes[a].n_levels; l++)
            free(o->axes[a].levels[l].label);
        free(o->axes[a].levels);
        names_free(&o->axes[a].known);
        free(o->axes[a].name);
    }
    *o = (struct observations){0};
}
