/* Performance against eta K, the axis that the learning rate does not move, and N/(eta K), the damping of the Gauss-Newton step
 * that a segment is akin to. Where learning rates were tried they are curves of one panel: that they fall together is what
 * the picture is to show. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cells_parts.h"
#include "print.h"
#include "report.h"

/* The axes that tell the curves of a panel apart: learning rates, and the steps that go with them. */
static bool is_rate(const struct cells *c, size_t axis)
{
    const char *name = c->of->axes[axis].name;
    return strcmp(name, "training_lr") == 0 || (report_eta_has_rates(c) && strcmp(name, "training_steps") == 0);
}

bool report_eta_has_rates(const struct cells *c)
{
    for (size_t i = 0; i < c->n_common; i++)
        if (strcmp(c->of->axes[c->by[i]].name, "training_lr") == 0)
            return c->of->axes[c->by[i]].n_levels > 1;
    return false;
}

static const char *label_of(const struct cells *c, const struct cell *cell, size_t axis)
{
    return c->of->axes[axis].levels[c->of->at[cell->first].level[axis]].label;
}

/* "0.5 of the limit" of {"of_limit":0.5} */
static void add_rate(const char *label, struct text *out)
{
    double of_limit;
    if (sscanf(label, "{\"of_limit\":%lf}", &of_limit) == 1)
        text_add(out, "η = %g of the limit", of_limit);
    else
        text_add(out, "η = %s", label);
}

static void name_panel(const struct cells *c, const struct cell *cell, struct text *out)
{
    for (size_t i = 0; i < c->n_common; i++) {
        size_t axis = c->by[i];
        bool named = strcmp(c->of->axes[axis].name, "architecture") != 0;
        if (!is_rate(c, axis))
            text_add(out, "%s%s%s%s", out->length ? ", " : "", named ? c->of->axes[axis].name : "", named ? " " : "", label_of(c, cell, axis));
    }
    if (!out->length)
        text_add(out, "all jobs");
}

static void name_curve(const struct cells *c, const struct cell *cell, enum readout readout, struct text *out)
{
    if (!report_eta_has_rates(c)) {
        text_add(out, "%s", !c->of->two_readouts ? c->question.metric
                            : readout == READOUT_LINEAR ? "f_lin, the trained model" : "f_θ, the network");
        return;
    }
    for (size_t i = 0; i < c->n_common; i++) {
        const char *name = c->of->axes[c->by[i]].name;
        if (strcmp(name, "training_lr") == 0)
            add_rate(label_of(c, cell, c->by[i]), out);
        else if (strcmp(name, "training_steps") == 0 && c->of->axes[c->by[i]].n_levels > 1)
            text_add(out, ", T = %s", label_of(c, cell, c->by[i]));
    }
}

static void add_row(const struct cells *c, const struct cell *cell, enum readout readout, struct sheet *t)
{
    bool asked = readout == c->question.readout;
    const struct stats_summary *s = asked ? &cell->value : &cell->network, *d = &cell->difference;
    struct text panel = {0}, curve = {0};
    name_panel(c, cell, &panel);
    name_curve(c, cell, readout, &curve);
    sheet_add_text(t, panel.chars);
    sheet_add_text(t, curve.chars);
    sheet_add_number(t, cell->period);
    sheet_add_number(t, cell->eta_period);
    sheet_add_number(t, cell->damping);
    sheet_add_number(t, (double)s->n);
    sheet_add_number(t, (double)cell->diverged);
    sheet_add_number(t, s->mean);
    sheet_add_number(t, s->low);
    sheet_add_number(t, s->high);
    sheet_add_number(t, asked ? d->mean : NAN);
    sheet_add_number(t, asked ? d->low : NAN);
    sheet_add_number(t, asked ? d->high : NAN);
    sheet_add_text(t, asked ? print_suffices(cell->suffices) : "");
    text_free(&panel);
    text_free(&curve);
}

static void fill(const struct cells *c, struct sheet *t)
{
    bool both = c->of->two_readouts && c->question.readout == READOUT_LINEAR && !report_eta_has_rates(c);
    for (size_t g = 0; g < c->n_groups; g++)
        for (int k = 0; k < 1 + both; k++)
            for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].n_constant; i++)
                if (!c->cell[i].solves && !isnan(c->cell[i].eta_period))
                    add_row(c, &c->cell[i], k ? READOUT_NETWORK : c->question.readout, t);
}

int report_eta(struct report *r, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"group", "group", true}, {"curve", "curve", true}, {"refresh_period", "K (steps)", false}, {"eta_K", "ηK", false},
        {"damping", "N(1 − μ)/(ηK)", false}, {"n", "n", false}, {"diverged", "diverged", false}, {"mean", "mean", false},
        {"mean_low", "95 % low", false}, {"mean_high", "95 % high", false}, {"difference", "difference to the baseline", false},
        {"difference_low", "its 95 % low", false}, {"difference_high", "its 95 % high", false}, {"suffices", "enough", true}};
    static const char caption[] =
        "By learning rate times refresh period, the time for which a model is trained before its features are updated. Above: "
        "N(1 − μ)/(ηK), the damping of the Gauss-Newton step that a segment is akin to (N training inputs, μ momentum). Bars are 95 % "
        "t intervals; K = ∞ stands apart.";
    static const char rates[] = " One curve a learning rate: where they fall together, ηK decides, and not K.";
    struct text all = {0};
    text_add(&all, "%s%s", caption, report_eta_has_rates(r->cells) ? rates : "");
    const struct picture picture = {"performance-eta-period", "Performance against ηK and N/(ηK)", all.chars, "eta_K"};
    struct sheet t = {.id = "eta", .title = "Performance by ηK"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    fill(r->cells, &t);
    int result = report_show(r, &t, &picture, 1, "Not against ηK: no job that has ended has a learning rate and a constant K.", err);
    text_free(&all);
    sheet_free(&t);
    return result;
}
