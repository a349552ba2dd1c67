/* The curve in the terminal: a canvas of symbols, written out as UTF-8 or ASCII. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "must.h"
#include "print.h"

/*  X(id, UTF-8, ASCII, colour (SGR)); the read-outs differ in shape too, so colour is never needed */
#define SYMBOLS(X)               \
    X(EMPTY, " ", " ", "")       \
    X(MARGIN, "┄", "-", "2")     \
    X(APART, "╎", ":", "2")      \
    X(BAR, "│", "|", "34")       \
    X(BELOW, "▽", "v", "33")     \
    X(NETWORK, "○", "o", "33")   \
    X(LINEAR, "●", "*", "1;34")  \
    X(BOTH, "◉", "@", "1;34")

enum symbol {
#define X(id, utf8, ascii, colour) SYMBOL_##id,
    SYMBOLS(X)
#undef X
    SYMBOL_COUNT
};
static const char *const symbol_utf8[] = {
#define X(id, utf8, ascii, colour) utf8,
    SYMBOLS(X)
#undef X
};
static const char *const symbol_ascii[] = {
#define X(id, utf8, ascii, colour) ascii,
    SYMBOLS(X)
#undef X
};
static const char *const symbol_colour[] = {
#define X(id, utf8, ascii, colour) colour,
    SYMBOLS(X)
#undef X
};

enum { HEIGHT = 13, WIDTH_MOST = 90, LEFT = 9, APART_GAP = 9, CURVES_MOST = 6 };

struct frame {
    int width;                        /* of the canvas */
    unsigned char at[HEIGHT][WIDTH_MOST];
    double low, high;                 /* the metric at the bottom and top rows */
    double first, last;               /* log10 of the least and largest finite K */
    bool has_inf;
};

static void add_symbol(const struct screen *screen, enum symbol symbol, struct text *out)
{
    bool colour = screen->colour && symbol_colour[symbol][0];
    if (colour)
        text_add(out, "\033[%sm", symbol_colour[symbol]);
    text_add(out, "%s", screen->utf8 ? symbol_utf8[symbol] : symbol_ascii[symbol]);
    if (colour)
        text_add(out, "\033[0m");
}

/* 0 at the top; outside the frame: the nearest row. */
static int row_of(const struct frame *f, double value)
{
    double share = (f->high - value) / (f->high - f->low);
    return (int)lrint(fmin(fmax(share, 0), 1) * (HEIGHT - 1));
}

static int column_of(const struct frame *f, double period)
{
    if (isinf(period))
        return f->width - 3;
    int room = f->width - 5 - (f->has_inf ? APART_GAP : 0);
    double share = f->last > f->first ? (log10(period) - f->first) / (f->last - f->first) : 0.5;
    return 2 + (int)lrint(share * room);
}

/* The range of f_lin with its intervals and the margin; f_theta only as far as it keeps that readable. */
static void choose_range(const struct cells *c, const struct group *g, double floor, struct frame *f)
{
    f->low = f->high = NAN;
    f->first = INFINITY;
    f->last = -INFINITY;
    double network_low = NAN, network_high = NAN;
    for (size_t i = g->first; i < g->first + g->n_constant; i++) {
        const struct cell *cell = &c->cell[i];
        if (cell->solves)
            continue;
        if (isinf(cell->period)) {
            f->has_inf = true;
        } else {
            f->first = fmin(f->first, log10(cell->period));
            f->last = fmax(f->last, log10(cell->period));
        }
        if (cell->value.n == 0)
            continue;
        f->low = fmin(f->low, fmin(cell->value.mean, cell->value.low));   /* fmin passes over NaN */
        f->high = fmax(f->high, fmax(cell->value.mean, cell->value.high));
        network_low = fmin(network_low, cell->network.mean);
        network_high = fmax(network_high, cell->network.mean);
    }
    f->low = fmin(f->low, floor);
    f->high = fmax(f->high, floor);
    double span = f->high - f->low;
    f->low = fmin(f->low, fmax(network_low, f->low - 0.75 * span));
    f->high = fmax(f->high, fmin(network_high, f->high + 0.75 * span));
    if (c->question.is_accuracy) {   /* a t interval may leave what an accuracy can be */
        f->low = fmax(f->low, 0);
        f->high = fmin(f->high, 1);
    }
    if (!(f->high > f->low)) {
        f->low -= fabs(f->low) * 0.01 + 1e-6;
        f->high += fabs(f->high) * 0.01 + 1e-6;
    }
}

static void draw_cell(const struct frame *f, const struct cell *cell, unsigned char (*at)[WIDTH_MOST])
{
    int column = column_of(f, cell->period);
    if (cell->value.n == 0)
        return;
    if (!isnan(cell->value.low))
        for (int row = row_of(f, cell->value.high); row <= row_of(f, cell->value.low); row++)
            at[row][column] = SYMBOL_BAR;
    int linear = row_of(f, cell->value.mean);
    if (cell->network.n > 0) {
        int network = row_of(f, cell->network.mean);
        bool outside = cell->network.mean < f->low - (f->high - f->low) / (2 * HEIGHT);
        at[network][column] = outside ? SYMBOL_BELOW : SYMBOL_NETWORK;
        at[linear][column] = network == linear && !outside ? SYMBOL_BOTH : SYMBOL_LINEAR;
    } else {
        at[linear][column] = SYMBOL_LINEAR;
    }
}

/* Writes labels centred under their columns, leaving out those that would touch the one before. */
static void add_labels(const struct cells *c, const struct group *g, const struct frame *f, bool updates,
                       struct text *out)
{
    char line[WIDTH_MOST + 32];
    memset(line, ' ', sizeof line);
    int used = -1, end = 0;
    /* inf is always labelled: reserve its place first */
    int inf_from = f->has_inf ? column_of(f, INFINITY) - 2 : WIDTH_MOST + 32;
    for (size_t i = g->first; i < g->first + g->n_constant; i++) {
        if (c->cell[i].solves)
            continue;
        struct text label = {0};
        const struct cell *cell = &c->cell[i];
        if (updates)
            print_count(cell->updates, &label);
        else
            print_period(cell->period, &label);
        int n = (int)label.length, from = column_of(f, cell->period) - (n - 1) / 2;
        if (from < 0)
            from = 0;
        if (from > used && (isinf(cell->period) || from + n < inf_from) && from + n < WIDTH_MOST + 31) {
            memcpy(line + from, label.chars, label.length);
            used = from + n;
            end = from + n;
        }
        text_free(&label);
    }
    text_add(out, "%*s%.*s\n", LEFT + 1, updates ? "updates " : "K ", end, line);
}

static void add_frame(const struct cells *c, const struct frame *f, const struct screen *screen, struct text *out)
{
    double scale = print_scale(c);
    int digits = c->question.is_accuracy ? 1 : 4;
    for (int row = 0; row < HEIGHT; row++) {
        double value = f->high - (f->high - f->low) * row / (HEIGHT - 1);
        if (row % 3 == 0)
            text_add(out, "%*.*f%s", LEFT - 1, digits, value * scale, c->question.is_accuracy ? "%" : " ");
        else
            text_add(out, "%*s", LEFT, "");
        text_add(out, "%s", screen->utf8 ? (row % 3 ? "│" : "┤") : "|");
        int last = f->width - 1;
        while (last >= 0 && f->at[row][last] == SYMBOL_EMPTY)
            last--;
        for (int k = 0; k <= last; k++)
            add_symbol(screen, f->at[row][k], out);
        text_add(out, "\n");
    }
    text_add(out, "%*s%s", LEFT, "", screen->utf8 ? "└" : "+");
    for (int k = 0; k < f->width; k++)
        text_add(out, "%s", screen->utf8 ? "─" : "-");
    text_add(out, "\n");
}

static void add_legend(const struct cells *c, const struct frame *f, const struct screen *screen, double floor,
                       struct text *out)
{
    bool below = false;
    for (int k = 0; k < f->width; k++)
        below = below || f->at[HEIGHT - 1][k] == SYMBOL_BELOW;
    text_add(out, "%*s", LEFT + 1, "");
    add_symbol(screen, SYMBOL_LINEAR, out);
    text_add(out, " ");
    print_metric(c, out);
    if (stats_have_quantiles()) {
        text_add(out, " with 95 %% interval ");
        add_symbol(screen, SYMBOL_BAR, out);
    }
    if (c->of->two_readouts && c->question.readout == READOUT_LINEAR) {
        text_add(out, "   ");
        add_symbol(screen, SYMBOL_NETWORK, out);
        text_add(out, " of f_theta   ");
        add_symbol(screen, SYMBOL_BOTH, out);
        text_add(out, " both");
        if (below) {
            text_add(out, "   ");
            add_symbol(screen, SYMBOL_BELOW, out);
            text_add(out, " f_theta is lower");
        }
    }
    text_add(out, "\n");
    if (!isnan(floor)) {
        text_add(out, "%*s", LEFT + 1, "");
        add_symbol(screen, SYMBOL_MARGIN, out);
        text_add(out, " the margin: ");
        print_margin(c, out);
        text_add(out, " worse than K=");
        print_period(c->question.baseline, out);
        text_add(out, "\n");
    }
    text_add(out, "\n");
}

static void print_group_curve(const struct cells *c, const struct group *g, const struct screen *screen,
                              struct text *out)
{
    struct frame f = {.width = screen->width - LEFT - 2};
    if (f.width > WIDTH_MOST)
        f.width = WIDTH_MOST;
    double floor = NAN;
    if (g->baseline != SIZE_MAX && c->question.better != 0)
        floor = c->cell[g->baseline].value.mean - c->question.better * c->question.margin;
    choose_range(c, g, floor, &f);
    if (isnan(f.low))
        return;   /* nothing has a result yet: the notes say so */
    for (int k = 0; !isnan(floor) && k < f.width; k++)
        f.at[row_of(&f, floor)][k] = SYMBOL_MARGIN;
    for (int row = 0; f.has_inf && row < HEIGHT; row++)
        f.at[row][f.width - 3 - APART_GAP / 2] = SYMBOL_APART;
    for (size_t i = g->first; i < g->first + g->n_constant; i++)
        if (!c->cell[i].solves)
            draw_cell(&f, &c->cell[i], f.at);
    if (screen->colour)
        text_add(out, "\033[1m");
    cells_name_group(c, g, out);
    text_add(out, screen->colour ? "\033[0m: " : ": ");
    print_metric(c, out);
    text_add(out, " against the refresh period K (log axis, inf apart)\n");
    add_frame(c, &f, screen, out);
    add_labels(c, g, &f, false, out);
    add_labels(c, g, &f, true, out);
    add_legend(c, &f, screen, floor, out);
}

void print_curve(const struct cells *c, const struct screen *screen, struct text *out)
{
    size_t n = c->by_period ? c->n_groups : 0, shown = n < CURVES_MOST ? n : CURVES_MOST;
    for (size_t g = 0; g < shown; g++)
        print_group_curve(c, &c->group[g], screen, out);
    if (n > shown)
        text_add(out, "%zu more curves are not drawn: choose with --where\n\n", n - shown);
}
