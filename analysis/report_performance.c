/* Performance of each cell against K, feature updates and the measured kernel path length, and its difference to the baseline. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "print.h"
#include "report.h"

static void add_columns(const struct cells *c, struct sheet *t)
{
    enum { DIFFERENCE = 18 };
    static const struct sheet_column columns[] = {
        {"group", "group", true}, {"curve", "curve", true}, {"schedule", "schedule", true},
        {"refresh_period", "K (steps)", false}, {"feature_updates", "feature updates", false}, {"eta_K", "ηK", false},
        {"damping", "N(1 − μ)/(ηK)", false},
        {"path_length", "kernel path length", false}, {"path_length_low", "its 95 % low", false},
        {"path_length_high", "its 95 % high", false}, {"planned", "jobs", false}, {"n", "n", false}, {"failed", "failed", false},
        {"diverged", "diverged", false}, {"mean", "mean", false}, {"mean_low", "95 % low", false},
        {"mean_high", "95 % high", false}, {"sd", "sd", false}, {"difference", "difference to the baseline", false},
        {"difference_low", "its 95 % low", false}, {"difference_high", "its 95 % high", false},
        {"p_holm", "p (Holm)", false}, {"suffices", "enough", true}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(t, columns[i].name, columns[i].title, columns[i].is_text);
    if (c->pairs_trainers)   /* a Gauss-Newton run is not compared with a baseline */
        t->columns[DIFFERENCE].title = "difference to the linearised run";
    for (size_t i = 0; i < c->n_tuned; i++)
        sheet_add_column(t, c->of->axes[c->tuned[i]].name, c->of->axes[c->tuned[i]].name, true);
}

static void add_summary(const struct stats_summary *s, struct sheet *t)
{
    sheet_add_number(t, s->mean);
    sheet_add_number(t, s->low);
    sheet_add_number(t, s->high);
}

/* One read-out of a cell. The comparison is that of the read-out that was asked for. */
static void add_row(const struct cells *c, const char *group, const struct cell *cell, enum readout readout, struct sheet *t)
{
    bool asked = readout == c->question.readout;
    const struct stats_summary *s = asked ? &cell->value : &cell->network, nothing = {.mean = NAN, .low = NAN, .high = NAN};
    struct text curve = {0}, schedule = {0};
    const char *name = !c->of->two_readouts ? c->question.metric
                       : readout == READOUT_LINEAR ? "f_lin, the trained model" : "f_θ, the network";
    text_add(&curve, "%s%s", cell->schedule ? "schedule: " : cell->solves ? "Gauss-Newton: " : "", name);
    if (cell->schedule)
        print_schedule(cell->schedule, &schedule);
    sheet_add_text(t, group);
    sheet_add_text(t, curve.chars);
    sheet_add_text(t, schedule.chars ? schedule.chars : "");
    sheet_add_number(t, cell->schedule ? NAN : cell->period);
    sheet_add_number(t, cell->updates);
    sheet_add_number(t, cell->eta_period);
    sheet_add_number(t, cell->damping);
    add_summary(&cell->path, t);
    sheet_add_number(t, (double)cell->count);
    sheet_add_number(t, (double)s->n);
    sheet_add_number(t, (double)cell->failed);
    sheet_add_number(t, (double)cell->diverged);
    add_summary(s, t);
    sheet_add_number(t, s->sd);
    add_summary(asked ? &cell->difference : &nothing, t);
    sheet_add_number(t, asked ? cell->p_holm : NAN);
    sheet_add_text(t, asked ? print_suffices(cell->suffices) : "");
    for (size_t i = 0; i < c->n_tuned; i++)
        sheet_add_text(t, c->of->axes[c->tuned[i]].levels[c->of->at[cell->first].level[c->tuned[i]]].label);
    text_free(&curve);
    text_free(&schedule);
}

/* The read-out that was asked for first; the network beside f_lin, as the text table has it. */
static void fill_performance(const struct cells *c, struct sheet *t)
{
    bool both = c->of->two_readouts && c->question.readout == READOUT_LINEAR;
    add_columns(c, t);
    for (size_t g = 0; g < c->n_groups; g++) {
        struct text name = {0};
        cells_name_group(c, &c->group[g], &name);
        for (int k = 0; k < 1 + both; k++)
            for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++) {
                add_row(c, name.chars, &c->cell[i], k ? READOUT_NETWORK : c->question.readout, t);
                if (g >= GROUPS_DRAWN)
                    sheet_hide_row(t);
            }
        text_free(&name);
    }
}

int report_performance(struct report *r, struct error *err)
{
    static const struct picture pictures[] = {
        {"performance-difference", "Difference to the baseline against the refresh period K",
         "On this the answer rests: means of the differences on common seeds, with 95 % t intervals. Dashed: the margin; a K is "
         "shown to be enough while its whole interval, and that of every smaller K, is on the baseline's side of it. Triangles at an "
         "edge: beyond it.", "difference"},
        {"performance-period", "Performance against the refresh period K",
         "Means over seeds; bars are 95 % t intervals. Filled points: f_lin, the model being trained, on which the answer rests; "
         "open points: f_θ, the network at the same parameters. K is on a log axis, and K = ∞ (features never updated) stands "
         "apart; lines do not lead to it. A K without a point has no run that ended well: diverged ones are in no mean.", "mean"},
        {"performance-updates", "Performance against the number of feature updates, ⌈T/K⌉ − 1",
         "The same points by how often features were updated. No update (K = ∞) stands apart. Schedules that are no constant "
         "period are here too.", "mean"},
        {"performance-path", "Performance against the measured kernel path length",
         "The same points by how far the kernel moved (at the points of linearisation): K is a setting, this is what it did. "
         "Missing where no kernels were measured.", "path_length"}};
    struct sheet t = {.id = "performance", .title = "Performance"};
    report_section(r, "performance", "Performance", NULL);
    fill_performance(r->cells, &t);
    bool solves = r->cells->pairs_trainers;   /* then there is no baseline */
    int result = report_show(r, &t, pictures + solves, sizeof pictures / sizeof *pictures - solves, "No cell has results yet.", err);
    sheet_free(&t);
    return result ? result : report_eta(r, err);
}
