/* How far a sweep has come whose seeds are added by a rule (relin run --until): per cell its interval so far against the one
 * that is wanted, how many seeds it took, and whether it is decided. */
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "plan/usage.h"
#include "status.h"

/* Seeds in a row from the first that have ended: what runs out of turn is not counted. */
static struct until_spread measure(const struct until *u, const struct until_cell *cell)
{
    return until_measure(u, cell, cell->active);
}

static const char *const words[] = {"open", "narrow", "out_of_seeds", "no_pairs"};   /* of enum until_state */

/* What is said of a cell beside its numbers. */
static void add_verdict(struct text *out, const struct until *u, const struct until_cell *cell)
{
    double expected = until_expect(u, cell);
    size_t most = until_most(u, cell);
    switch (cell->state) {
    case UNTIL_NARROW: text_add(out, "narrow enough"); break;
    case UNTIL_OUT_OF_SEEDS: text_add(out, "not narrow enough with %zu seeds", most); break;
    case UNTIL_NO_PAIRS: text_add(out, "no pair of runs that ended well"); break;
    case UNTIL_WAITING:
        text_add(out, "open");
        if (expected > (double)most)
            text_add(out, ": even %zu seeds are too few, by the deviation so far", most);
        else if (isfinite(expected))
            text_add(out, ": about %.0f seeds, by the deviation so far", expected);
        break;
    }
}

static size_t count_ended(const struct until *u, const struct until_cell *cell)
{
    size_t n = 0;
    for (size_t i = 0; i < cell->n; i++)
        n += u->settled[u->order[cell->first + i]];
    return n;
}

static void add_cell(struct text *out, const struct usage *usage, const struct until_cell *cell, int width)
{
    const struct until *u = &usage->until;
    struct text name = {0};
    char seeds[64], half[64] = "unknown";
    bool is_baseline = &u->cells[cell->baseline] == cell;
    struct until_spread s = measure(u, cell);
    until_name(u, &usage->sweep, cell, &name);
    snprintf(seeds, sizeof seeds, "%zu/%zu", count_ended(u, cell), cell->active);
    if (isfinite(s.half))
        snprintf(half, sizeof half, "+-%.3g", (until_is_percent(&u->rule) ? 100 : 1) * s.half);
    text_add(out, "%-*s  %9s  %5zu  %-9s  ", width, name.chars, seeds, is_baseline ? count_ended(u, cell) : s.pairs, is_baseline ? "baseline" : half);
    if (is_baseline)
        text_add(out, "%s", cell->state == UNTIL_WAITING ? "as many seeds as the cell that needs most" : "");
    else
        add_verdict(out, u, cell);
    while (out->length && out->chars[out->length - 1] == ' ')
        out->chars[--out->length] = 0;
    text_add(out, "\n");
    text_free(&name);
}

static int width_of(const struct usage *usage)
{
    size_t width = 4;
    for (size_t c = 0; c < usage->until.n_cells; c++) {
        struct text name = {0};
        until_name(&usage->until, &usage->sweep, &usage->until.cells[c], &name);
        width = name.length > width ? name.length : width;
        text_free(&name);
    }
    return (int)width;
}

void status_until_add(struct text *out, const struct usage *usage, size_t lines)
{
    const struct until *u = &usage->until;
    const struct until_rule *rule = &u->rule;
    size_t shown = 0, compared = 0, open = 0, most = lines > 3 ? lines - 3 : 1;
    int width = width_of(usage);
    for (size_t c = 0; c < u->n_cells; c++) {
        compared += u->cells[c].baseline != c;
        open += u->cells[c].baseline != c && u->cells[c].state == UNTIL_WAITING;
    }
    text_add(out, "%zu of %zu cells decided: seeds are added until the 95 %% interval of %s against K=", compared - open, compared,
             variables[rule->metric].name);
    text_add_number(out, rule->baseline);
    text_add(out, " is no wider than +-%g%s, %zu to %zu a cell\n", (until_is_percent(&u->rule) ? 100 : 1) * rule->halfwidth,
             until_is_percent(&u->rule) ? " points" : "", rule->min_seeds, rule->max_seeds);
    text_add(out, "%-*s  %9s  %5s  is now\n", width, "cell", "ended/run", "pairs");
    bool all = u->n_cells <= most;
    for (size_t c = 0; c < u->n_cells && shown < most; c++)
        if (all || u->cells[c].state == UNTIL_WAITING) {   /* the decided ones make room first */
            add_cell(out, usage, &u->cells[c], width);
            shown++;
        }
    if (!all)
        text_add(out, "and %zu cells more (--json has all)\n", u->n_cells - shown);
}

void status_until_add_json(struct text *out, const struct usage *usage)
{
    const struct until *u = &usage->until;
    struct text rule = {0};
    until_write(&u->rule, &rule);
    text_add(out, "{\"rule\": ");
    text_add_json_string(out, rule.chars);
    text_add(out, ", \"metric\": \"%s\", \"halfwidth\": ", variables[u->rule.metric].name);
    text_add_json_value(out, u->rule.halfwidth);
    text_add(out, ", \"min_seeds\": %zu, \"max_seeds\": %zu, \"cells\": [", u->rule.min_seeds, u->rule.max_seeds);
    for (size_t c = 0; c < u->n_cells; c++) {
        const struct until_cell *cell = &u->cells[c];
        struct until_spread s = measure(u, cell);
        struct text name = {0};
        bool is_baseline = cell->baseline == c;
        until_name(u, &usage->sweep, cell, &name);
        text_add(out, "%s{\"cell\": ", c ? ", " : "");
        text_add_json_string(out, name.chars);
        text_add(out, ", \"is_baseline\": %s, \"ended\": %zu, \"active\": %zu, \"most\": %zu, \"pairs\": %zu, \"halfwidth\": ",
                 is_baseline ? "true" : "false", count_ended(u, cell), cell->active, until_most(u, cell), is_baseline ? 0 : s.pairs);
        text_add_json_value(out, is_baseline ? NAN : s.half);
        text_add(out, ", \"seeds_expected\": ");
        text_add_json_value(out, is_baseline || cell->state != UNTIL_WAITING ? NAN : until_expect(u, cell));
        text_add(out, ", \"state\": \"%s\"}", is_baseline && cell->state != UNTIL_WAITING ? "decided" : words[cell->state]);
        text_free(&name);
    }
    text_add(out, "]}");
    text_free(&rule);
}

void status_add_left(struct text *out, const struct usage *usage)
{
    struct usage_estimate left = usage_left(usage);
    char span[64];
    if (isnan(left.seconds))
        return;
    clock_duration(left.seconds, span, sizeof span);
    text_add(out, "; about %s left", span);
    clock_duration(left.spread, span, sizeof span);
    text_add(out, ", give or take %s", span);
    if (usage->reserved) {
        clock_duration(left.most, span, sizeof span);
        text_add(out, ", for the jobs that have their turn by now, up to %s with all in reserve", span);
    }
}
