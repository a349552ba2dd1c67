/* What all the ways to show a summary share. */
#include "print.h"

#include "moment.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct screen print_screen(void)
{
    struct screen screen = {.width = 100};
    struct winsize size;
    const char *columns = getenv("COLUMNS"), *terminal = getenv("TERM");
    bool on_terminal = isatty(STDOUT_FILENO);
    if (columns && atoi(columns) > 0)
        screen.width = atoi(columns);
    else if (on_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        screen.width = size.ws_col;
    if (screen.width < 60)
        screen.width = 60;
    setlocale(LC_CTYPE, "");
    screen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    screen.colour = on_terminal && !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0;
    return screen;
}

void print_count(double value, struct text *out)
{
    if (isnan(value)) {
        text_add(out, "?");
        return;
    }
    char digits[40];
    int n = snprintf(digits, sizeof digits, "%.0f", value);
    for (int i = 0; i < n; i++)
        text_add(out, "%s%c", i > 0 && (n - i) % 3 == 0 ? "," : "", digits[i]);
}

void print_period(double period, struct text *out)
{
    if (isinf(period))
        text_add(out, "inf");
    else
        print_count(period, out);
}

void print_updates(const struct cell *cell, struct text *out)
{
    if (isnan(cell->updates) || cell->updates >= 100 || cell->updates == floor(cell->updates))
        print_count(cell->updates, out);
    else
        text_add(out, "%.1f", cell->updates);
    if (cell->updates_least < cell->updates_most && !isnan(cell->updates)) {
        text_add(out, " (");
        print_count(cell->updates_least, out);
        text_add(out, "-");
        print_count(cell->updates_most, out);
        text_add(out, ")");
    }
}

void print_schedule(const char *label, struct text *out)
{
    enum { MOST = 24 };
    const char *first = strchr(label, ','), *last = strrchr(label, ',');
    if (strlen(label) <= MOST || first == NULL || last == first)
        text_add(out, "%s", label);
    else
        text_add(out, "%.*s..%s", (int)(first - label), label, last + 1);
}

void print_baseline(const struct cells *c, struct text *out)
{
    if (c->question.baseline == 1) {
        text_add(out, "SGD");
    } else {
        text_add(out, "K=");
        print_period(c->question.baseline, out);
    }
}

double print_scale(const struct cells *c)
{
    return c->question.is_accuracy ? 100 : 1;
}

void print_metric(const struct cells *c, struct text *out)
{
    text_add(out, "%s", c->question.metric);
    if (c->of->two_readouts)
        text_add(out, " of %s", c->question.readout == READOUT_LINEAR ? "f_lin" : "f_theta");
    moment_describe(&c->question.moment, out);
}

void print_margin(const struct cells *c, struct text *out)
{
    double margin = c->question.margin * print_scale(c);
    text_add(out, "%.4g", margin);
    if (c->question.is_accuracy)
        text_add(out, margin == 1 ? " point" : " points");
    else
        text_add(out, " in %s", c->question.metric);
}

double print_fewest(const struct cells *c, const struct group *g)
{
    const struct cell *cell = &c->cell[g->baseline + g->answer.possible];
    bool is_last = g->baseline + g->answer.possible + 1 == g->first + g->n_constant;
    return is_last ? cell->updates : cell[1].updates + 1;
}

void print_wrapped(const char *lines, int width, int indent, struct text *out)
{
    int column = 0;
    for (const char *word = lines; *word;) {
        size_t length = strcspn(word, " \n");
        int columns = 0;
        for (size_t i = 0; i < length; i++)
            columns += (word[i] & 0xc0) != 0x80;   /* not inside a UTF-8 character */
        if (column > 0 && column + 1 + columns > width) {
            text_add(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > 0) {
            text_add(out, " ");
            column++;
        }
        text_add_bytes(out, word, length);
        column += columns;
        word += length;
        if (*word == '\n') {
            text_add(out, "\n");
            column = 0;
        }
        word += *word != 0;
    }
}

const char *print_suffices(enum suffices suffices)
{
    static const char *const words[] = {"", "baseline", "yes", "unclear", "no"};
    return words[suffices];
}
