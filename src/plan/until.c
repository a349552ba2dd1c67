#define _GNU_SOURCE   /* qsort_r */
#include "plan/until.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "plan/quantile.h"
#include "plan/study.h"
#include "sweep/sweep.h"

/* --- cells --------------------------------------------------------------------------- */

/* What decides where a row belongs. */
struct key {
    char *group;
    const struct job *job;
    char *schedule;
};

static void name_keys(const struct sweep *sweep, size_t row, struct key *key)
{
    struct text group = {0}, schedule = {0};
    const struct job *job = &sweep->jobs[row];
    text_add(&group, "%s", job->network->name);
    for (size_t a = 0; a < sweep->n_axes; a++)
        text_add(&group, ", %s %s", sweep->axes[a].path, sweep->axes[a].label[row]);
    if (job->training.trainer == TRAINER_GAUSS_NEWTON)
        text_add(&schedule, "gauss-newton ");
    training_refresh_label(&job->training, &schedule);
    *key = (struct key){group.chars, job, schedule.chars};
}

static bool is_constant(const struct key *key)
{
    return strcmp(key->schedule, "constant") == 0;
}

/* Groups, constant periods by K, then schedules. */
static int compare_keys(const struct key *x, const struct key *y)
{
    double k = x->job->training.refresh_period, l = y->job->training.refresh_period;
    int order = strcmp(x->group, y->group);
    if (!order)
        order = is_constant(y) - is_constant(x);
    if (!order)
        order = strcmp(x->schedule, y->schedule);
    return order ? order : is_constant(x) ? (k > l) - (k < l) : 0;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct key *keys = context;
    size_t i = *(const size_t *)a, k = *(const size_t *)b;
    int order = compare_keys(&keys[i], &keys[k]);
    return order ? order : (i > k) - (i < k);
}

static void cut(struct until *u, const struct key *keys)
{
    for (size_t i = 0; i < u->n_jobs; i++) {
        size_t row = u->order[i];
        const struct key *key = &keys[row], *last = i ? &keys[u->order[i - 1]] : NULL;
        if (!last || compare_keys(last, key) != 0) {
            if (!last || strcmp(last->group, key->group) != 0)
                u->group_first[u->n_groups++] = u->n_cells;
            u->cells[u->n_cells++] = (struct until_cell){.first = i, .group = u->n_groups - 1, .baseline = SIZE_MAX};
        }
        struct until_cell *cell = &u->cells[u->n_cells - 1];
        u->cell_of[row] = u->n_cells - 1;
        u->place[row] = cell->n++;
    }
    u->group_first[u->n_groups] = u->n_cells;
}

size_t until_most(const struct until *u, const struct until_cell *cell)
{
    return cell->n < u->rule.max_seeds ? cell->n : u->rule.max_seeds;
}

static int find_baseline(struct until *u, const struct sweep *sweep, const struct key *keys, size_t group, struct error *err)
{
    size_t base = SIZE_MAX;
    for (size_t c = u->group_first[group]; c < u->group_first[group + 1]; c++) {
        const struct key *key = &keys[u->order[u->cells[c].first]];
        if (is_constant(key) && key->job->training.refresh_period == u->rule.baseline)
            base = c;
    }
    for (size_t c = u->group_first[group]; c < u->group_first[group + 1]; c++) {
        struct until_cell *cell = &u->cells[c];
        struct text name = {0};
        until_name(u, sweep, cell, &name);
        cell->baseline = base;
        int failed = base == SIZE_MAX ? error_set(err, ERROR_USAGE, "%s: expected a cell with refresh_period=%g and all else alike to "
                                                  "compare with, got none: see baseline=K", name.chars, u->rule.baseline) : 0;
        for (size_t i = 0; !failed && i < until_most(u, cell); i++)
            if (i >= u->cells[base].n
                || sweep->jobs[u->order[u->cells[base].first + i]].seed != sweep->jobs[u->order[cell->first + i]].seed)
                failed = error_set(err, ERROR_USAGE, "%s: expected the seeds of its baseline in the same order, got others: a pair has "
                                   "one seed", name.chars);
        text_free(&name);
        if (failed)
            return -1;
    }
    return 0;
}

static int make_room(struct until *u, struct error *err)
{
    size_t n = u->n_jobs;
    u->order = mem_alloc(n, sizeof *u->order, err);
    u->cell_of = mem_alloc(n, sizeof *u->cell_of, err);
    u->place = mem_alloc(n, sizeof *u->place, err);
    u->cells = mem_alloc(n, sizeof *u->cells, err);
    u->group_first = mem_alloc(n + 1, sizeof *u->group_first, err);
    u->value = mem_alloc(n, sizeof *u->value, err);
    u->settled = mem_alloc(n, sizeof *u->settled, err);
    u->dirty = mem_alloc(n, sizeof *u->dirty, err);
    u->is_dirty = mem_alloc(n, sizeof *u->is_dirty, err);
    u->run = mem_alloc(n, sizeof *u->run, err);
    u->skip = mem_alloc(n, sizeof *u->skip, err);
    return u->order && u->cell_of && u->place && u->cells && u->group_first && u->value && u->settled && u->dirty && u->is_dirty
           && u->run && u->skip ? 0 : -1;
}

static void touch(struct until *u, size_t group)
{
    if (!u->is_dirty[group])
        u->dirty[u->n_dirty++] = group;
    u->is_dirty[group] = true;
}

/* The first n of its seeds run from now on. */
static void activate(struct until *u, struct until_cell *cell, size_t n)
{
    for (; cell->active < n; cell->active++) {
        size_t row = u->order[cell->first + cell->active];
        u->n_active++;
        if (!u->settled[row])
            u->run[u->n_run++] = row;
    }
}

int until_init(struct until *u, const struct until_rule *rule, const struct sweep *sweep, struct error *err)
{
    *u = (struct until){.rule = *rule, .n_jobs = sweep->n_jobs};
    struct key *keys = mem_alloc(sweep->n_jobs, sizeof *keys, err);
    int status = keys ? make_room(u, err) : -1;
    for (size_t row = 0; row < sweep->n_jobs && !status; row++) {
        name_keys(sweep, row, &keys[row]);
        u->order[row] = row;
        u->value[row] = NAN;
    }
    if (!status) {
        qsort_r(u->order, u->n_jobs, sizeof *u->order, compare_rows, keys);
        cut(u, keys);
        u->n_open = u->n_cells;
    }
    for (size_t group = 0; group < u->n_groups && !status; group++) {
        status = find_baseline(u, sweep, keys, group, err);
        touch(u, group);
    }
    for (size_t c = 0; c < u->n_cells && !status; c++) {
        size_t most = until_most(u, &u->cells[c]);
        activate(u, &u->cells[c], rule->min_seeds < most ? rule->min_seeds : most);
    }
    for (size_t row = 0; keys && row < sweep->n_jobs; row++) {
        free(keys[row].group);
        free(keys[row].schedule);
    }
    mem_free(keys);
    return status;
}

void until_free(struct until *u)
{
    void *all[] = {u->order, u->cell_of, u->place, u->cells, u->group_first, u->value, u->settled, u->dirty, u->is_dirty,
                   u->run, u->skip};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
    *u = (struct until){0};
}

void until_name(const struct until *u, const struct sweep *sweep, const struct until_cell *cell, struct text *out)
{
    struct key key;
    size_t row = u->order[cell->first];
    name_keys(sweep, row, &key);
    text_add(out, "%s, ", key.group);
    if (is_constant(&key)) {
        text_add(out, "K=");
        text_add_number(out, key.job->training.refresh_period);
    } else {
        text_add(out, "%s", key.schedule);
    }
    free(key.group);
    free(key.schedule);
}

/* --- the rule ------------------------------------------------------------------------- */

struct until_spread until_measure(const struct until *u, const struct until_cell *cell, size_t n)
{
    const size_t *own = u->order + cell->first, *base = u->order + u->cells[cell->baseline].first;
    struct until_spread s = {0, NAN, NAN};
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n && i < cell->n && i < u->cells[cell->baseline].n; i++) {
        double d = u->value[own[i]] - u->value[base[i]];
        if (!isfinite(d))
            continue;
        double from = d - mean;   /* Welford: the order is the file's, so the bits are too */
        mean += from / (double)++s.pairs;
        squares += from * (d - mean);
    }
    if (s.pairs < 2)
        return s;
    s.deviation = sqrt(squares / (double)(s.pairs - 1));
    s.half = student_quantile(0.975, (double)(s.pairs - 1)) * s.deviation / sqrt((double)s.pairs);
    return s;
}

static void close_cell(struct until *u, struct until_cell *cell, enum until_state state)
{
    cell->state = state;
    u->n_open--;
    for (size_t i = cell->active; i < cell->n; i++)
        if (!u->settled[u->order[cell->first + i]]) {
            u->skip[u->n_skip++] = u->order[cell->first + i];
            u->n_skipped++;
        }
}

/* With how many seeds to go on: those that fail or diverge make no pairs, so more are needed. */
static size_t next_count(const struct until *u, const struct until_cell *cell, const struct until_spread *s)
{
    double n = (double)cell->active, more = n;
    if (s->pairs >= 2)
        more = ceil((felt_seeds(s->deviation, u->rule.halfwidth) - (double)s->pairs) * n / (double)s->pairs);
    more = fmax(1, fmin(more, n));
    return (size_t)fmin(n + more, (double)until_most(u, cell));
}

/* Returns whether anything changed. */
static bool decide(struct until *u, struct until_cell *cell)
{
    struct until_cell *base = &u->cells[cell->baseline];
    if (cell->state != UNTIL_WAITING || cell->ended < cell->active || base->ended < cell->active)
        return false;
    struct until_spread s = until_measure(u, cell, cell->active);
    if (s.half <= u->rule.halfwidth) {
        close_cell(u, cell, UNTIL_NARROW);
    } else if (s.pairs == 0) {
        close_cell(u, cell, UNTIL_NO_PAIRS);
    } else if (cell->active >= until_most(u, cell)) {
        close_cell(u, cell, UNTIL_OUT_OF_SEEDS);
    } else {
        size_t n = next_count(u, cell, &s);
        activate(u, cell, n);
        activate(u, base, n);
    }
    return true;
}

static void step_group(struct until *u, size_t group)
{
    struct until_cell *first = &u->cells[u->group_first[group]], *end = &u->cells[u->group_first[group + 1]];
    struct until_cell *base = &u->cells[first->baseline];
    bool changed = true, open = false;
    for (struct until_cell *cell = first; cell < end; cell++)
        while (cell->ended < cell->n && u->settled[u->order[cell->first + cell->ended]])
            cell->ended++;
    while (changed) {
        changed = false;
        for (struct until_cell *cell = first; cell < end; cell++)
            changed = (cell != base && decide(u, cell)) || changed;
    }
    for (struct until_cell *cell = first; cell < end; cell++)
        open = open || (cell != base && cell->state == UNTIL_WAITING);
    if (!open && base->state == UNTIL_WAITING && base->ended >= base->active)
        close_cell(u, base, UNTIL_NARROW);
}

void until_settle(struct until *u, size_t row, double value)
{
    u->value[row] = value;
    u->settled[row] = true;
    touch(u, u->cells[u->cell_of[row]].group);
}

void until_step(struct until *u)
{
    size_t kept = 0;
    u->n_skip = 0;
    u->n_run = 0;
    for (size_t i = 0; i < u->n_dirty; i++) {
        u->is_dirty[u->dirty[i]] = false;
        step_group(u, u->dirty[i]);
    }
    u->n_dirty = 0;
    for (size_t i = 0; i < u->n_run; i++)   /* what had its turn and has ended since, in the same step */
        if (!u->settled[u->run[i]])
            u->run[kept++] = u->run[i];
    u->n_run = kept;
}

bool until_is_active(const struct until *u, size_t row)
{
    return u->place[row] < u->cells[u->cell_of[row]].active;
}

bool until_is_reserved(const struct until *u, size_t row)
{
    const struct until_cell *cell = &u->cells[u->cell_of[row]];
    return cell->state == UNTIL_WAITING && u->place[row] >= cell->active && u->place[row] < until_most(u, cell);
}

double until_expect(const struct until *u, const struct until_cell *cell)
{
    struct until_spread s = until_measure(u, cell, cell->active);
    size_t ended = cell->ended < cell->active ? cell->ended : cell->active;
    if (s.pairs < 2)
        return NAN;
    double lost = ended > s.pairs ? (double)ended / (double)s.pairs : 1;
    return fmax(ceil(felt_seeds(s.deviation, u->rule.halfwidth) * lost), (double)cell->active);
}
