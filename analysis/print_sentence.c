/* The sentence of a group: how few updates suffice, what never updating costs. */
#include <math.h>
#include <string.h>

#include "cells_parts.h"
#include "must.h"
#include "print.h"

/* --- the sentence ---------------------------------------------------------- */

static void add_amount(const struct cells *c, double value, struct text *out)
{
    text_add(out, "%.*f", c->question.is_accuracy ? 1 : 4, value * print_scale(c));
}

static void add_cost_of_never(const struct cells *c, const struct group *g, struct text *out)
{
    const struct cell *last = &c->cell[g->first + g->n_constant - 1];
    const struct stats_summary *d = &last->difference;
    if (!isinf(last->period)) {
        text_add(out, "never updating (K=inf) was not run.");
    } else if (d->n < 1) {
        text_add(out, last->diverged ? "never updating diverged." : "never updating has no results yet.");
    } else {
        double sign = c->question.better > 0 ? -1 : 1;
        text_add(out, "never updating costs ");
        add_amount(c, sign * d->mean, out);
        text_add(out, c->question.is_accuracy ? " points" : " in %s", c->question.metric);
        if (!isnan(d->low)) {
            text_add(out, " [");
            add_amount(c, sign > 0 ? d->low : -d->high, out);
            text_add(out, ", ");
            add_amount(c, sign > 0 ? d->high : -d->low, out);
            text_add(out, "]");
        }
        if (last->diverged)
            text_add(out, " (%zu of %zu jobs diverged)", last->diverged, last->count);
        text_add(out, ".");
    }
}

/* Why the group has no answer, or NULL. */
static const char *why_not(const struct cells *c, const struct group *g)
{
    if (!c->by_period)
        return "no answer: refresh_period is averaged over (--by leaves it out).";
    if (g->baseline == SIZE_MAX)
        return "no answer: the baseline K is not in the file (--baseline names another).";
    if (c->question.better == 0)
        return "no answer: whether this metric should be high or low is not known.";
    if (isnan(c->question.margin))
        return "no answer: what counts as equal is not given (relin summary --margin).";
    if (!stats_have_quantiles())
        return "no answer: this build has no GSL (Debian: libgsl-dev), so no intervals.";
    if (c->cell[g->baseline].value.n < 2)
        return "no answer yet: the baseline needs at least two seeds.";
    if (g->baseline + 1 == g->first + g->n_constant && g->n_constant == g->count)
        return "no answer: no K above the baseline.";
    return NULL;
}

/* Beside schedules K = inf alone is no sequence: what it costs says all, unless it is enough. */
bool print_tells_answer(const struct cells *c, const struct group *g)
{
    bool has_schedules = g->n_constant < g->count;
    return g->has_answer && !why_not(c, g)
        && (!has_schedules || g->first + g->n_constant - g->baseline > 2 || g->answer.shown > 0);
}

/* "9 feature updates [1, 9] suffice within 1 point of SGD; " */
static void add_answer(const struct cells *c, const struct group *g, struct text *out)
{
    const struct cell *cell = c->cell + g->baseline;
    double n = cell[g->answer.shown].updates, least = print_fewest(c, g);
    if (g->answer.shown == 0) {
        text_add(out, "fewer feature updates than ");
        print_baseline(c, out);
        text_add(out, "'s own ");
        print_count(n, out);
        text_add(out, " are not shown to suffice within ");
    } else {
        print_count(n, out);
        text_add(out, n == 1 ? " feature update [" : " feature updates [");
        print_count(least, out);
        text_add(out, ", ");
        print_count(n, out);
        text_add(out, n == 1 ? "] suffices within " : "] suffice within ");
    }
    print_margin(c, out);
    text_add(out, " of ");
    print_baseline(c, out);
    if (g->answer.shown == 0) {
        text_add(out, " (the fewest that could: ");
        print_count(least, out);
        text_add(out, ")");
    }
    text_add(out, "; ");
}

void print_sentence(const struct cells *c, const struct group *g, struct text *out)
{
    const char *reason = why_not(c, g);
    cells_name_group(c, g, out);
    text_add(out, ": ");
    if (c->pairs_trainers) {
        print_trainers(c, g, out);
        return;
    }
    if (reason) {
        text_add(out, "%s", reason);
        print_schedules(c, g, out);
        return;
    }
    if (print_tells_answer(c, g)) {
        text_add(out, "%s", g->n_constant < g->count ? "at a constant K, " : "");
        add_answer(c, g, out);
    }
    add_cost_of_never(c, g, out);
    print_schedules(c, g, out);
}

void print_sentences(const struct cells *c, struct text *out)
{
    if (!c->by_period && cells_are_programs(c->of))
        return;   /* there is no K to ask for */
    for (size_t g = 0; g < c->n_groups; g++) {
        print_sentence(c, &c->group[g], out);
        text_add(out, "\n");
    }
}
