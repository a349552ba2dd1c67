/* Gauss-Newton runs beside the linearised runs of the same K and time. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "print.h"
#include "report.h"

static double steps_of(const struct cells *c, const struct cell *cell)
{
    return c->of->axes[c->steps].levels[c->of->at[cell->first].level[c->steps]].number;
}

static void add_row(const struct cells *c, const char *group, const struct cell *cell, const struct cell *solver, struct sheet *t)
{
    bool solves = cell == solver;
    sheet_add_text(t, group);
    sheet_add_text(t, solves ? "Gauss-Newton, one step a segment" : "linearised training");
    sheet_add_number(t, cell->period);
    sheet_add_number(t, steps_of(c, cell));
    sheet_add_number(t, (double)cell->value.n);
    sheet_add_number(t, cell->value.mean);
    sheet_add_number(t, cell->value.low);
    sheet_add_number(t, cell->value.high);
    sheet_add_number(t, solves ? (double)cell->difference.n : NAN);
    sheet_add_number(t, solves ? cell->difference.mean : NAN);
    sheet_add_number(t, solves ? cell->difference.low : NAN);
    sheet_add_number(t, solves ? cell->difference.high : NAN);
    sheet_add_text(t, solves ? print_suffices(cell->suffices) : "");
}

int report_solvers(struct report *r, struct error *err)
{
    static const struct sheet_column columns[] = {
        {"group", "group", true}, {"curve", "curve", true}, {"refresh_period", "K (steps)", false},
        {"steps", "steps of the trainer", false}, {"n", "n", false}, {"mean", "mean", false}, {"mean_low", "95 % low", false},
        {"mean_high", "95 % high", false}, {"pairs", "pairs", false}, {"difference", "difference to linearised", false},
        {"difference_low", "its 95 % low", false}, {"difference_high", "its 95 % high", false}, {"suffices", "enough", true}};
    static const struct picture picture = {
        "gauss-newton", "Gauss-Newton beside large K",
        "Each Gauss-Newton run takes one step where the linearised run of the same K, seed and time takes a segment of K: theory has "
        "a segment near a Gauss-Newton step with damping N/(ηK). Means over seeds; bars are 95 % t intervals.", "mean"};
    const struct cells *c = r->cells;
    struct sheet t = {.id = "gauss-newton", .title = "Gauss-Newton beside large K"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sheet_add_column(&t, columns[i].name, columns[i].title, columns[i].is_text);
    for (size_t g = 0; g < c->n_groups; g++) {
        struct text name = {0};
        cells_name_group(c, &c->group[g], &name);
        for (int solver = 0; solver <= 1; solver++)
            for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++) {
                const struct cell *cell = &c->cell[i];
                if (cell->solves && cell->against != SIZE_MAX)
                    add_row(c, name.chars, solver ? cell : &c->cell[cell->against], cell, &t);
            }
        text_free(&name);
    }
    report_section(r, "gauss-newton", "Gauss-Newton beside large K", NULL);
    int result = report_show(r, &t, &picture, 1, "The files hold no Gauss-Newton run beside a linearised run of the same K and time.",
                             err);
    sheet_free(&t);
    return result;
}
