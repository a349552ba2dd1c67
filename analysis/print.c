/* What all the ways to show a summary share. */
#include "print.h"

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

double print_scale(const struct cells *c)
{
    return c->question.is_accuracy ? 100 : 1;
}

void print_metric(const struct cells *c, struct text *out)
{
    text_add(out, "%s", c->question.metric);
    if (c->of->two_readouts)
        text_add(out, " of %s", c->question.readout == READOUT_LINEAR ? "f_lin" : "f_theta");
}

const char *print_suffices(enum suffices suffices)
{
    static const char *const words[] = {"", "baseline", "yes", "unclear", "no"};
    return words[suffices];
}
