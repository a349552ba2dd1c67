/* What is compared across tasks (across.h), in every format. */
#include <math.h>
#include <string.h>

#include "across.h"
#include "print.h"
#include "print_parts.h"

static const char *const numbers[] = {"improvement", "iqm", "iqm_baseline", "difference"};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static const struct across_number *number_of(const struct across_row *row, int which)
{
    const struct across_number *const all[NUMBERS] = {&row->improvement, &row->iqm, &row->iqm_baseline, &row->difference};
    return all[which];
}

static const struct level *level_of(const struct cells *c, const struct across_row *row, size_t axis)
{
    const struct observation *x = &c->of->at[c->cell[c->group[row->group].first].first];
    return &c->of->axes[axis].levels[x->level[axis]];
}

static void add_names(const struct cells *c, const struct across *a, struct text *out)
{
    for (size_t i = 0; i < a->n_axes; i++)
        text_add(out, "%s%s", i ? ", " : "", c->of->axes[a->axis[i]].name);
}

/* --- CSV and JSON ---------------------------------------------------------------- */

void print_across_csv(const struct cells *c, const struct across *a, struct text *out)
{
    for (size_t i = 0; i < a->n_common; i++)
        text_add(out, "%s,", c->of->axes[a->common[i]].name);
    text_add(out, "refresh_period,metric,readout,tasks,runs,baseline_runs");
    for (int k = 0; k < NUMBERS; k++)
        text_add(out, ",%s,%s_low,%s_high", numbers[k], numbers[k], numbers[k]);
    text_add(out, "\n");
    for (size_t r = 0; r < a->n; r++) {
        const struct across_row *row = &a->row[r];
        for (size_t i = 0; i < a->n_common; i++) {
            text_add_csv(out, level_of(c, row, a->common[i])->label);
            text_add(out, ",");
        }
        text_add_number(out, row->period);
        text_add(out, ",%s,%s,%zu,%zu,%zu", c->question.metric, print_readout(c), row->tasks, row->runs, row->baseline_runs);
        for (int k = 0; k < NUMBERS; k++) {
            const struct across_number *n = number_of(row, k);
            const double values[3] = {n->value, n->low, n->high};
            for (int v = 0; v < 3; v++) {
                text_add(out, ",");
                if (!isnan(values[v]))
                    text_add_number(out, values[v]);
            }
        }
        text_add(out, "\n");
    }
}

void print_across_json(const struct cells *c, const struct across *a, struct text *out)
{
    text_add(out, "  \"across\": {");
    print_json_axes(c, "axes", a->axis, a->n_axes, out);
    text_add(out, ", \"rows\": [");
    for (size_t r = 0; r < a->n; r++) {
        const struct across_row *row = &a->row[r];
        text_add(out, "%s\n    {", r ? "," : "");
        for (size_t i = 0; i < a->n_common; i++)
            print_json_level(c->of->axes[a->common[i]].name, level_of(c, row, a->common[i]), out);
        text_add(out, "\"refresh_period\": ");
        text_add_json_number(out, row->period);
        text_add(out, ", \"tasks\": %zu, \"runs\": %zu, \"baseline_runs\": %zu", row->tasks, row->runs, row->baseline_runs);
        for (int k = 0; k < NUMBERS; k++) {
            text_add(out, ", \"%s\": ", numbers[k]);
            text_add_json_value(out, number_of(row, k)->value);
            text_add(out, ", \"%s_low\": ", numbers[k]);
            text_add_json_value(out, number_of(row, k)->low);
            text_add(out, ", \"%s_high\": ", numbers[k]);
            text_add_json_value(out, number_of(row, k)->high);
        }
        text_add(out, "}");
    }
    text_add(out, "\n  ]},\n");
}

/* --- for people -------------------------------------------------------------------- */

static void add_number(const struct across_number *n, double scale, int digits, bool sign, const char *between, struct text *out)
{
    if (isnan(n->value))
        text_add(out, "%s%22s", between, "");
    else
        text_add(out, sign ? "%s%+7.*f [%+.*f, %+.*f]" : "%s%7.*f [%.*f, %.*f]", between, digits, scale * n->value, digits,
                 scale * n->low, digits, scale * n->high);
}

/* The same table with bars for Markdown. */
void print_across(const struct cells *c, const struct across *a, bool markdown, struct text *out)
{
    double scale = print_scale(c);
    int digits = c->question.is_accuracy ? 2 : 4;
    text_add(out, "%sacross ", markdown ? "### " : "");
    add_names(c, a, out);
    text_add(out, ": ");
    print_metric(c, out);
    text_add(out, "%s, 95 %% intervals\n%s", c->question.is_accuracy ? ", percent" : "", markdown ? "\n" : "");
    struct text title = {0};
    print_baseline(c, &title);
    if (markdown)
        text_add(out, "| K | tasks | P(better than %s) | interquartile mean | of %s | of differences |\n"
                      "| ---: | ---: | ---: | ---: | ---: | ---: |\n", title.chars, title.chars);
    else
        text_add(out, "%*s  tasks  P(better than %s)    interquartile mean      of %-20s of differences\n", 8, "K",
                 title.chars, title.chars);
    text_free(&title);
    for (size_t r = 0; r < a->n; r++) {
        const struct across_row *row = &a->row[r];
        struct text period = {0};
        print_period(row->period, &period);
        for (size_t i = 0; i < a->n_common; i++) {
            text_add(&period, ", ");
            cells_name_level(c->of->axes[a->common[i]].name, level_of(c, row, a->common[i])->label, &period);
        }
        text_add(out, markdown ? "| %s | %zu" : "%8s  %5zu", period.chars, row->tasks);
        text_free(&period);
        const char *between = markdown ? " | " : "  ";
        add_number(&row->improvement, 1, 3, false, between, out);
        add_number(&row->iqm, scale, digits, false, between, out);
        add_number(&row->iqm_baseline, scale, digits, false, between, out);
        add_number(&row->difference, scale, digits, true, between, out);
        text_add(out, markdown ? " |\n" : "\n");
    }
    text_add(out, "\n");
}
