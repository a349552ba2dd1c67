/* The table for people. Plain ASCII, so that one character is one column. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "must.h"
#include "print.h"
#include "print_table.h"

/*  X(id, title, how soon it gives way where the table is too wide; 0: never) */
#define COLUMNS(X)                      \
    X(PERIOD, "K", 0)                   \
    X(TRAINER, "trainer", 0)                \
    X(STEPS, "steps", 3)                    \
    X(UPDATES, "updates", 1)            \
    X(ETA_PERIOD, "eta K", 9)           \
    X(DAMPING, "damping", 10)           \
    X(N, "n", 0)                        \
    X(FAILED, "fail", 5)                \
    X(DIVERGED, "div.", 2)              \
    X(UNREACHED, "never", 2)            \
    X(MEAN, "mean", 0)                  \
    X(INTERVAL, "95 % interval", 0)     \
    X(BCA, "BCa interval", 9)           \
    X(SD, "sd", 6)                      \
    X(SE, "se", 9)                      \
    X(MEDIAN, "median", 10)             \
    X(NETWORK, "f_theta", 7)            \
    X(PATH, "path", 8)                  \
    X(DIFFERENCE, "vs K=", 1)             \
    X(DIFFERENCE_INTERVAL, "95 % interval", 1) \
    X(P, "Holm", 4)                     \
    X(SUFFICES, "enough", 3)

enum column {
#define X(id, ...) COLUMN_##id,
    COLUMNS(X)
#undef X
    COLUMN_COUNT
};
_Static_assert((int)COLUMN_COUNT == (int)TABLE_COLUMNS, "print_table.h says how many columns there are");
static const char *const titles[COLUMN_COUNT] = {
#define X(id, title, give_way) title,
    COLUMNS(X)
#undef X
};
static const int gives_way[COLUMN_COUNT] = {
#define X(id, title, give_way) give_way,
    COLUMNS(X)
#undef X
};

enum { ENTRY_SIZE = TABLE_ENTRY };

static void set(char *entry, const char *format, double value)
{
    if (isnan(value))
        entry[0] = 0;
    else
        snprintf(entry, ENTRY_SIZE, format, value);
}

static void set_interval(char *entry, double low, double high, int digits, bool sign)
{
    if (isnan(low))
        entry[0] = 0;
    else
        snprintf(entry, ENTRY_SIZE, sign ? "[%+.*f, %+.*f]" : "[%.*f, %.*f]", digits, low, digits, high);
}

/* Digits after the point that show the metric's spread: 2 for percents. */
static int digits_of(const struct cells *c)
{
    if (c->question.is_accuracy)
        return 2;
    double most = 0;
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cell[i].value.n > 0)
            most = fmax(most, fabs(c->cell[i].value.mean));
    if (most >= 1000)
        return 0;
    return most >= 10 ? 2 : most >= 0.1 ? 4 : 6;
}

/* Failed and diverged have columns only where there are any; the notes count them always. */
static bool any_lost(const struct cells *c)
{
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cell[i].failed || c->cell[i].diverged)
            return true;
    return false;
}

/* Path lengths reach from 1 down to a thousandth. */
static const char *path_format(const struct cells *c)
{
    double most = 0;
    for (size_t i = 0; i < c->n_cells; i++)
        most = fmax(most, c->cell[i].path.mean);   /* fmax passes over NaN */
    return most >= 0.1 ? "%.3f" : most >= 0.01 ? "%.4f" : "%.5f";
}

static void fill_row(const struct cells *c, const struct cell *cell, table_entry *row)
{
    double scale = print_scale(c);
    int digits = digits_of(c);
    struct text text = {0};
    char number[16], difference[16];
    snprintf(number, sizeof number, "%%.%df", digits);
    snprintf(difference, sizeof difference, "%%+.%df", digits);
    if (cell->schedule)
        print_schedule(cell->schedule, &text);
    else if (c->by_period)
        print_period(cell->period, &text);
    snprintf(row[COLUMN_PERIOD], ENTRY_SIZE, "%s", text.chars ? text.chars : "");
    text_free(&text);
    if (c->pairs_trainers) {
        snprintf(row[COLUMN_TRAINER], ENTRY_SIZE, "%s", cell->solves ? "gauss-newton" : "linearised");
        snprintf(row[COLUMN_STEPS], ENTRY_SIZE, "%s",
                 c->of->axes[c->steps].levels[c->of->at[cell->first].level[c->steps]].label);
    }
    print_updates(cell, &text);
    snprintf(row[COLUMN_UPDATES], ENTRY_SIZE, "%s", text.chars);
    text_free(&text);
    set(row[COLUMN_ETA_PERIOD], "%.3g", cell->eta_period);
    set(row[COLUMN_DAMPING], "%.3g", cell->damping);
    snprintf(row[COLUMN_N], ENTRY_SIZE, "%zu", cell->value.n);
    if (any_lost(c)) {
        set(row[COLUMN_FAILED], "%.0f", (double)cell->failed);
        set(row[COLUMN_DIVERGED], "%.0f", (double)cell->diverged);
    }
    if (c->question.moment.kind != MOMENT_END)
        set(row[COLUMN_UNREACHED], "%.0f", (double)cell->unreached);
    set(row[COLUMN_MEAN], number, scale * cell->value.mean);
    set_interval(row[COLUMN_INTERVAL], scale * cell->value.low, scale * cell->value.high, digits, false);
    set_interval(row[COLUMN_BCA], scale * cell->bca_low, scale * cell->bca_high, digits, false);
    set(row[COLUMN_SD], number, scale * cell->value.sd);
    set(row[COLUMN_SE], number, scale * cell->value.se);
    set(row[COLUMN_MEDIAN], number, scale * cell->value.median);
    if (c->question.readout == READOUT_LINEAR)
        set(row[COLUMN_NETWORK], number, scale * cell->network.mean);
    set(row[COLUMN_DIFFERENCE], difference, scale * cell->difference.mean);
    set_interval(row[COLUMN_DIFFERENCE_INTERVAL], scale * cell->difference.low, scale * cell->difference.high,
                 digits, true);
    set(row[COLUMN_P], cell->p_holm < 0.001 ? "%.1e" : "%.3f", cell->p_holm);
    set(row[COLUMN_PATH], path_format(c), cell->path.mean);
    static const char *const marks[] = {"", "", "yes", "?", "no"};   /* of enum suffices */
    snprintf(row[COLUMN_SUFFICES], ENTRY_SIZE, "%s", marks[cell->suffices]);
}

/* Blanks before a column: an interval belongs to the number before it. */
static size_t gap(int k)
{
    return k == COLUMN_PERIOD ? 0 : k == COLUMN_INTERVAL || k == COLUMN_DIFFERENCE_INTERVAL ? 1 : 2;
}

static size_t longer(size_t a, size_t b)
{
    return a > b ? a : b;
}

void printed_table_fill(const struct cells *c, const struct group *g, struct printed_table *t)
{
    memset(t, 0, sizeof *t);
    t->n = g->count;
    t->row = must(calloc(g->count, sizeof *t->row));
    for (int k = 0; k < COLUMN_COUNT; k++)
        snprintf(t->title[k], ENTRY_SIZE, "%s", titles[k]);
    struct text baseline = {0};
    print_period(c->question.baseline, &baseline);
    if (c->pairs_trainers)
        snprintf(t->title[COLUMN_DIFFERENCE], ENTRY_SIZE, "vs lin.");
    else
        snprintf(t->title[COLUMN_DIFFERENCE], ENTRY_SIZE, "vs K=%.20s", baseline.chars);
    text_free(&baseline);
    for (size_t i = 0; i < g->count; i++)
        fill_row(c, &c->cell[g->first + i], t->row[i]);
    for (int k = 0; k < COLUMN_COUNT; k++) {
        for (size_t i = 0; i < t->n; i++)
            t->width[k] = longer(t->width[k], strlen(t->row[i][k]));
        if (t->width[k] > 0)
            t->width[k] = longer(t->width[k], strlen(t->title[k]));
    }
}

void printed_table_free(struct printed_table *t)
{
    free(t->row);
}

/* Of the columns as many as fit. */
static void choose_columns(struct printed_table *t, int most, bool *left_out)
{
    size_t total = 0;
    for (int k = 0; k < COLUMN_COUNT; k++)
        total += t->width[k] ? t->width[k] + gap(k) : 0;
    for (int turn = 10; turn > 0 && total > (size_t)most; turn--)
        for (int k = 0; k < COLUMN_COUNT && total > (size_t)most; k++)
            if (gives_way[k] == turn && t->width[k]) {
                total -= t->width[k] + gap(k);
                t->width[k] = 0;
                left_out[k] = true;
            }
}

static void add_line(struct text *out, const size_t *width, const char (*entries)[ENTRY_SIZE])
{
    for (int k = 0; k < COLUMN_COUNT; k++)
        if (width[k])
            text_add(out, "%*s", (int)(width[k] + gap(k)), entries[k]);
    while (out->length && out->chars[out->length - 1] == ' ')
        out->length--;
    text_add(out, "\n");
}

static void print_group(const struct cells *c, const struct group *g, const struct screen *screen,
                        bool *left_out, struct text *out)
{
    struct printed_table t;
    printed_table_fill(c, g, &t);
    choose_columns(&t, screen->width, left_out);
    if (screen->colour)
        text_add(out, "\033[1m");
    cells_name_group(c, g, out);
    text_add(out, screen->colour ? "\033[0m: " : ": ");
    print_metric(c, out);
    text_add(out, "%s\n", c->question.is_accuracy ? ", percent (differences in points)" : "");
    add_line(out, t.width, (const char(*)[ENTRY_SIZE])t.title);
    for (size_t i = 0; i < t.n; i++)
        add_line(out, t.width, (const char(*)[ENTRY_SIZE])t.row[i]);
    text_add(out, "\n");
    printed_table_free(&t);
}

void print_table(const struct cells *c, const struct screen *screen, struct text *out)
{
    bool left_out[COLUMN_COUNT] = {false};
    for (size_t g = 0; g < c->n_groups; g++)
        print_group(c, &c->group[g], screen, left_out, out);
    bool any = false;
    for (int k = 0; k < COLUMN_COUNT; k++)
        if (left_out[k]) {
            text_add(out, "%s%s", any ? ", " : "left out for width (a wider terminal or --csv has them): ",
                     titles[k]);
            any = true;
        }
    if (any)
        text_add(out, "\n");
}
