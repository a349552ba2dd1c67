/* What is compared across tasks (across.h), where --across asks for it. */
#include <stdlib.h>

#include "across.h"
#include "must.h"
#include "print.h"
#include "report.h"

static void add_number(const struct across_number *n, struct sheet *t)
{
    sheet_add_number(t, n->value);
    sheet_add_number(t, n->low);
    sheet_add_number(t, n->high);
}

/* What the tasks of a row have in common: "all tasks", "training_lr 0.1". */
static void name_row(const struct cells *c, const struct across *a, const struct across_row *row, struct text *out)
{
    const struct observation *x = &c->of->at[c->cell[c->group[row->group].first].first];
    for (size_t i = 0; i < a->n_common; i++) {
        text_add(out, "%s", i ? ", " : "");
        const struct axis *axis = &c->of->axes[a->common[i]];
        cells_name_level(axis->name, axis->levels[x->level[a->common[i]]].label, out);
    }
    if (a->n_common == 0)
        text_add(out, "all tasks");
}

static void add_row(const struct cells *c, const struct across *a, const struct across_row *row, struct sheet *t)
{
    struct text group = {0};
    name_row(c, a, row, &group);
    sheet_add_text(t, group.chars);
    sheet_add_text(t, c->question.metric);
    sheet_add_number(t, row->period);
    sheet_add_number(t, (double)row->tasks);
    sheet_add_number(t, (double)row->runs);
    sheet_add_number(t, (double)row->baseline_runs);
    add_number(&row->improvement, t);
    add_number(&row->iqm, t);
    add_number(&row->iqm_baseline, t);
    add_number(&row->difference, t);
    text_free(&group);
}

int report_across(struct report *r, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"group", "tasks alike in", true}, {"curve", "metric", true}, {"refresh_period", "K (steps)", false}, {"tasks", "tasks", false},
        {"runs", "runs", false}, {"baseline_runs", "runs of the baseline", false}, {"improvement", "P(better than the baseline)", false},
        {"improvement_low", "95 % low", false}, {"improvement_high", "95 % high", false}, {"iqm", "interquartile mean", false},
        {"iqm_low", "95 % low", false}, {"iqm_high", "95 % high", false}, {"iqm_baseline", "that of the baseline", false},
        {"iqm_baseline_low", "95 % low", false}, {"iqm_baseline_high", "95 % high", false},
        {"difference", "interquartile mean of paired differences", false}, {"difference_low", "95 % low", false},
        {"difference_high", "95 % high", false}};
    static const struct picture pictures[] = {
        {"across-improvement", "Probability that a run with K is better than one of the baseline",
         "The Mann-Whitney statistic, mean over the tasks; ties count half, so 0.5 is as good as the baseline. Bars are 95 % bootstrap "
         "intervals, drawn within each task: they hold for these tasks.", "improvement"},
        {"across-difference", "Paired differences to the baseline, all tasks together",
         "Interquartile means of the differences on common seeds; above 0 is more than the baseline. Bars as above.", "difference"}};
    const struct across *a = r->cells->across;
    struct sheet t = {.id = "across", .title = "Across tasks"};
    struct text title = {0};
    if (!a)
        return 0;
    text_add(&title, "Across ");
    for (size_t i = 0; i < a->n_axes; i++)
        text_add(&title, "%s%s", i ? ", " : "", r->cells->of->axes[a->axis[i]].name);
    report_section(r, "across", title.chars, NULL);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    for (size_t i = 0; i < a->n; i++)
        add_row(r->cells, a, &a->row[i], &t);
    int result = report_show(r, &t, pictures, sizeof pictures / sizeof *pictures, "No K has results in any task yet.", err);
    text_free(&title);
    sheet_free(&t);
    return result;
}
