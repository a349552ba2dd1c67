/* Cells compared with what they are to be held against: differences on common seeds, and the answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells_parts.h"
#include "must.h"

/* Differences on the units (seeds) that are in both cells; both are sorted by unit. */
static void compare_with(const struct cells *c, struct cell *cell, const struct cell *baseline, double *work)
{
    const struct observation *at = c->of->at + cell->first, *base = c->of->at + baseline->first;
    enum readout readout = c->question.readout;
    size_t pairs = 0;
    for (size_t i = 0, j = 0; i < cell->count && j < baseline->count;) {
        int order = cells_compare_levels(&at[i], &base[j], c->unit, c->n_units);
        if (order == 0) {
            double x = at[i].value[readout], y = base[j].value[readout];
            cell->unpaired_divergence += at[i].diverged || base[j].diverged || at[i].unreached || base[j].unreached;
            if (cells_is_counted(&at[i], x) && cells_is_counted(&base[j], y))
                work[pairs++] = x - y;
        }
        i += order <= 0;
        j += order >= 0;
    }
    stats_summarise(work, pairs, &cell->difference);
    /* seeds were added until it was narrow: how many there are is no longer independent of the numbers, and looking again
     * and again is no test */
    cell->p = c->of->until || c->question.brief ? NAN : stats_sign_flip(work, pairs);
}

/* --- whom with -------------------------------------------------------------- */

/* The cell of the baseline K with a constant period. With Gauss-Newton beside it, steps differ: there is none. */
static size_t find_baseline(const struct cells *c, const struct group *g)
{
    for (size_t i = g->first; c->by_period && !c->pairs_trainers && i < g->first + g->n_constant; i++)
        if (c->cell[i].period == c->question.baseline)
            return i;
    return SIZE_MAX;
}

static double steps_of(const struct cells *c, const struct cell *cell)
{
    return c->of->axes[c->steps].levels[c->of->at[cell->first].level[c->steps]].number;
}

/* The linearised cell that a Gauss-Newton cell stands beside: of the same K, and K times the steps, so that one step
 * stands for one segment. A damping that is not tied to K stands beside none. */
static size_t find_linearised(const struct cells *c, const struct group *g, const struct cell *cell)
{
    const struct observation *x = &c->of->at[cell->first];
    if (c->damping != SIZE_MAX && strcmp(c->of->axes[c->damping].levels[x->level[c->damping]].label, "tied") != 0)
        return SIZE_MAX;
    for (size_t i = g->first; i < g->first + g->count; i++) {
        const struct cell *other = &c->cell[i];
        if (!other->solves && !other->schedule && !cell->schedule && other->period == cell->period
            && steps_of(c, other) == steps_of(c, cell) * cell->period)
            return i;
    }
    return SIZE_MAX;
}

static void find_partners(const struct cells *c, struct group *g)
{
    g->n_constant = 0;
    while (g->n_constant < g->count && !c->cell[g->first + g->n_constant].schedule)
        g->n_constant++;
    g->baseline = find_baseline(c, g);
    for (size_t i = g->first; i < g->first + g->count; i++) {
        struct cell *cell = &c->cell[i];
        if (c->pairs_trainers && cell->solves)
            cell->against = find_linearised(c, g, cell);
        else if (i != g->baseline)
            cell->against = g->baseline;
        if (cell->solves && cell->against == SIZE_MAX)
            cell->eta_period = cell->damping = NAN;   /* its learning rate scales a step */
    }
}

/* --- what it says ----------------------------------------------------------- */

/* Paired differences as gains: positive where better than the baseline. */
static struct answer_step step_of(const struct cells *c, const struct cell *cell)
{
    const struct stats_summary *d = &cell->difference;
    bool lower = c->question.better < 0;
    return (struct answer_step){
        .pairs = d->n, .diverged = cell->unpaired_divergence, .mean = lower ? -d->mean : d->mean,
        .low = lower ? -d->high : d->low, .high = lower ? -d->low : d->high};
}

static void answer_group(const struct cells *c, struct group *g)
{
    size_t n = g->first + g->n_constant - g->baseline;
    struct answer_step *steps = must(calloc(n, sizeof *steps));
    struct cell *cell = c->cell + g->baseline;
    for (size_t i = 1; i < n; i++)
        steps[i] = step_of(c, &cell[i]);
    answer_find(steps, n, c->question.margin, &g->answer);
    for (size_t i = 1; i < n; i++)
        cell[i].suffices = i <= g->answer.shown     ? SUFFICES_SHOWN
                           : i > g->answer.possible ? SUFFICES_NOT
                                                    : SUFFICES_UNCLEAR;
    g->has_answer = true;
    free(steps);
}

/* A schedule, or a Gauss-Newton run: no order among them says which to ask first, so each by its own interval. */
static void judge_alone(const struct cells *c, struct cell *cell)
{
    const struct answer_step steps[2] = {{0}, step_of(c, cell)};
    struct answer answer;
    answer_find(steps, 2, c->question.margin, &answer);
    cell->suffices = answer.shown ? SUFFICES_SHOWN : answer.possible ? SUFFICES_UNCLEAR : SUFFICES_NOT;
}

/* What so few pairs cannot show, counting the family. */
static void weigh_family(const struct cells *c, struct group *g)
{
    g->p_least = NAN;
    for (size_t i = g->first; i < g->first + g->count; i++)
        if (c->cell[i].difference.n > g->pairs_most)
            g->pairs_most = c->cell[i].difference.n;
    if (g->pairs_most > 0 && !c->of->until)
        g->p_least = fmin(1, (double)g->family * 2 * pow(0.5, (double)g->pairs_most));
    g->pairs_needed = stats_pairs_needed(g->family ? g->family : 1, 0.05);
}

void cells_compare_group(const struct cells *c, struct group *g, double *work)
{
    bool asks = c->question.better != 0 && !isnan(c->question.margin) && stats_have_quantiles();
    find_partners(c, g);
    double *p = must(calloc(2 * g->count, sizeof *p));
    for (size_t i = 0; i < g->count; i++) {
        struct cell *cell = &c->cell[g->first + i];
        p[i] = NAN;
        if (g->first + i == g->baseline)
            cell->suffices = SUFFICES_BASELINE;
        if (cell->against == SIZE_MAX)
            continue;
        const struct cell *partner = &c->cell[cell->against];
        compare_with(c, cell, partner, work);
        p[i] = cell->p;
        g->family += cell->difference.n > 0;
        if (asks && partner->value.n >= 2 && (cell->schedule || cell->solves))
            judge_alone(c, cell);
    }
    stats_holm(p, g->count, p + g->count);
    for (size_t i = 0; i < g->count; i++)
        c->cell[g->first + i].p_holm = p[g->count + i];
    free(p);
    weigh_family(c, g);
    if (asks && g->baseline != SIZE_MAX && c->cell[g->baseline].value.n >= 2)
        answer_group(c, g);
}
