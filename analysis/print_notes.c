/* Sentences and notes. */
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
        return "no answer: give the margin that counts as equal (--margin).";
    if (!stats_have_quantiles())
        return "no answer: this build has no GSL (Debian: libgsl-dev), so no intervals.";
    if (c->cell[g->baseline].value.n < 2)
        return "no answer yet: the baseline needs at least two seeds.";
    if (g->baseline + 1 == g->first + g->n_constant && g->n_constant == g->count)
        return "no answer: no K above the baseline.";
    return NULL;
}

/* Beside schedules K = inf alone is no sequence: what it costs says all, unless it is enough. */
static bool tells_answer(const struct cells *c, const struct group *g)
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
    if (tells_answer(c, g)) {
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

/* --- notes ----------------------------------------------------------------- */

static void note_readout(const struct cells *c, const char *mark, struct text *out)
{
    if (!c->of->two_readouts)
        return;
    if (c->question.readout == READOUT_LINEAR)
        text_add(out, "%sf_lin is the model being trained and is the result; f_theta is the network at the same "
                      "parameters (--readout network).\n", mark);
    else
        text_add(out, "%sf_theta inside an unfinished segment is not the model being trained: no claim rests on "
                      "it (--readout linear is the default).\n", mark);
}

static void note_intervals(const struct cells *c, const char *mark, struct text *out)
{
    if (!stats_have_quantiles()) {
        text_add(out, "%sintervals are missing: relin-summary was built without GSL (Debian: libgsl-dev).\n", mark);
        return;
    }
    text_add(out, "%s[ ] are 95 %% t intervals over ", mark);
    for (size_t i = 0; i < c->n_units; i++)
        text_add(out, "%s%s", i ? ", " : "", c->of->axes[c->unit[i]].name);
    text_add(out, "%s: the randomness of training, with one test set for all.\n",
             c->n_units > 1 ? ", taken as independent" : "");
}

static void note_jobs(const struct cells *c, const char *mark, struct text *out)
{
    size_t failed = 0, diverged = 0, missing = 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        failed += c->cell[i].failed;
        diverged += c->cell[i].diverged;
        missing += c->cell[i].missing;
    }
    text_add(out, "%s%zu jobs: %zu failed, %zu diverged, %zu pending or running.\n", mark, c->of->n, failed, diverged,
             missing);
    if (missing)
        text_add(out, "%smeans are over the jobs that have ended.\n", mark);
    if (failed)
        text_add(out, "%sfailed jobs are in no mean: `relin status FILE.h5` has the reasons.\n", mark);
    if (diverged)
        text_add(out, "%sdiverged jobs are in no mean, and a K with one is never shown to suffice.\n", mark);
    if (c->of->n_repeated)
        text_add(out, "%s%zu jobs are in several files and count once.\n", mark, c->of->n_repeated);
}

/* A metric that no finished job has: accuracies of a regression, validation without such a set. */
static void note_empty(const struct cells *c, const char *mark, struct text *out)
{
    size_t ended = 0, counted = 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct cell *cell = &c->cell[i];
        ended += cell->count - cell->failed - cell->diverged - cell->missing;
        counted += cell->value.n;
    }
    if (ended > 0 && counted == 0)
        text_add(out, "%sno job has the metric %s: for a regression take --metric test_loss.\n", mark,
                 c->question.metric);
}

static void note_definition(const struct cells *c, const char *mark, struct text *out)
{
    bool any = false;
    for (size_t g = 0; g < c->n_groups; g++)
        any = any || tells_answer(c, &c->group[g]);
    if (!any)
        return;
    text_add(out, "%s\"N [lo, N] suffice\": N from the largest K shown to be enough, tested from K=", mark);
    print_period(c->question.baseline, out);
    text_add(out, " upwards until the lower end of a paired difference's interval passes -");
    print_margin(c, out);
    text_add(out, "; fewer than lo, from K=inf downwards, are shown not to be enough. With 95 %% confidence the "
                  "fewest that suffice lie in [lo, N], if more updates never hurt between the Ks of the grid.\n");
}

/* Are there cells that are not compared in the order of K? */
static bool has_others(const struct cells *c)
{
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cell[i].schedule || c->cell[i].solves)
            return true;
    return false;
}

static void note_others(const struct cells *c, const char *mark, struct text *out)
{
    if (c->pairs_trainers)
        text_add(out, "%sa Gauss-Newton run is compared with the linearised run of the same K, seed and time: one step "
                      "for a segment of K.\n", mark);
    if (has_others(c))
        text_add(out, "%s\"enough\" of a %s is judged by its own interval, each by itself: among several the chance "
                      "of one error is larger; Holm's p counts all of a table.\n", mark,
                 c->pairs_trainers ? "Gauss-Newton run" : "schedule");
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cell[i].updates_least < c->cell[i].updates_most && !isnan(c->cell[i].updates)) {
            text_add(out, "%supdates of a gap schedule are those that happened: mean (least-most) over the jobs.\n", mark);
            break;
        }
}

/* Which evaluations a step was read at: they differ where the grid's jobs are of different length. */
static void note_step(const struct cells *c, const char *mark, struct text *out)
{
    if (isnan(c->question.step))
        return;
    double least = NAN, most = NAN;
    for (size_t i = 0; i < c->of->n; i++) {
        least = fmin(least, c->of->at[i].at);   /* fmin passes over NaN */
        most = fmax(most, c->of->at[i].at);
    }
    text_add(out, "%sat step %.15g: read at the last evaluation not after it, ", mark, c->question.step);
    if (isnan(least))
        text_add(out, "of which no job has one yet.\n");
    else if (least == most)
        text_add(out, "step %.15g; feature updates are those before it.\n", least);
    else
        text_add(out, "steps %.15g to %.15g; feature updates are those before it.\n", least, most);
}

/* How few pairs can be told apart by the sign-flip test, counting the family: in the group whose best comparison has
 * the fewest. */
static void note_power(const struct cells *c, const char *mark, struct text *out)
{
    size_t fewest = 0, family = 0;
    for (size_t g = 0; g < c->n_groups; g++) {
        size_t most = 0;
        for (size_t i = 0; i < c->group[g].count; i++) {
            size_t n = c->cell[c->group[g].first + i].difference.n;
            most = n > most ? n : most;
        }
        if (most > 0 && (fewest == 0 || most < fewest)) {
            fewest = most;
            family = c->group[g].family;
        }
    }
    size_t needed = stats_pairs_needed(family ? family : 1, 0.05);
    if (fewest > 0 && fewest < needed)
        text_add(out, "%swith %zu common seeds and %zu %s the smallest Holm-adjusted p is %.2g: no difference can "
                      "be significant at 0.05; %zu seeds are needed.\n", mark, fewest, family, has_others(c) ? "comparisons" : "Ks",
                 fmin(1, (double)family * 2 * pow(0.5, (double)fewest)), needed);
}

/* Whether the baseline's training loss was still falling: medians over its runs. */
static void note_convergence(const struct cells *c, const struct group *g, const char *mark, struct text *out)
{
    if (g->baseline == SIZE_MAX)
        return;
    const struct cell *cell = &c->cell[g->baseline];
    double *fall = must(malloc(2 * cell->count * sizeof *fall)), *share = fall + cell->count;
    size_t n = 0;
    for (size_t i = 0; i < cell->count; i++) {
        const struct observation *x = &c->of->at[cell->first + i];
        if (x->status != STATUS_DONE || x->diverged || !(x->loss_half > 0) || !(x->loss_first > 0))
            continue;
        fall[n] = 1 - x->loss_last / x->loss_half;
        share[n++] = x->loss_last / x->loss_first;
    }
    struct stats_summary falls, shares;
    stats_summarise(fall, n, &falls);
    stats_summarise(share, n, &shares);
    free(fall);
    if (n == 0 || falls.median <= 0.05 || shares.median <= 0.01)
        return;
    text_add(out, "%s", mark);
    cells_name_group(c, g, out);
    text_add(out, ": the baseline has not converged: its training loss fell by %.0f %% in the second half of "
                  "training and ended at %.2g of its start (medians); the answer holds for this many steps.\n",
             100 * falls.median, shares.median);
}

void print_notes(const struct cells *c, const char *mark, struct text *out)
{
    note_readout(c, mark, out);
    note_intervals(c, mark, out);
    note_definition(c, mark, out);
    note_step(c, mark, out);
    note_others(c, mark, out);
    note_jobs(c, mark, out);
    note_empty(c, mark, out);
    note_power(c, mark, out);
    for (size_t g = 0; g < c->n_groups; g++)
        note_convergence(c, &c->group[g], mark, out);
}
