/* The ways a summary is shown. All write to a text; nothing here computes statistics. */
#ifndef RELIN_ANALYSIS_PRINT_H
#define RELIN_ANALYSIS_PRINT_H

#include "base/text.h"
#include "cells.h"

/* Where it is shown. */
struct screen {
    int width;          /* columns */
    bool utf8, colour;
};
/* The terminal's (or COLUMNS's) width, else 100; UTF-8 by the locale; colours on a terminal only. */
struct screen print_screen(void);

/* One table a group, at most screen.width wide: columns that do not fit are left out and named. */
void print_table(const struct cells *c, const struct screen *screen, struct text *out);

/* The metric against K, one frame a group: log axis, inf apart, both read-outs. */
void print_curve(const struct cells *c, const struct screen *screen, struct text *out);

/* One sentence a group: how many feature updates suffice, what never updating costs. */
void print_sentences(const struct cells *c, struct text *out);

/* What the reader must know to believe the numbers: what bars are, what is missing, what so few
 * seeds cannot show, whether the baseline has converged. One line each, beginning with mark. */
void print_notes(const struct cells *c, const char *mark, struct text *out);
/* The notes of one kind, 0 the first: none, one or several lines. Returns what they are about; NULL: no such kind. */
const char *print_note(const struct cells *c, size_t kind, const char *mark, struct text *out);

/* One row a cell, values in the metric's own unit (accuracies 0 to 1), missing ones empty, inf as
 * inf. Columns: the axes, metric, readout, and those of print_parts.h. */
void print_csv(const struct cells *c, struct text *out);

/* The whole as one JSON document (format 2; STATISTICS.md has its parts): inf is the string "inf", what is missing null. */
void print_json(const struct cells *c, struct text *out);

/* Tables of GitHub's Markdown, one a group, with all columns that have anything in them, then sentences and notes. */
void print_markdown(const struct cells *c, struct text *out);

/* --- shared by them --- */

/* "9,999"; "?" for NaN. */
void print_count(double value, struct text *out);
/* K as people write it: "100", "inf". */
void print_period(double period, struct text *out);
/* The updates of a cell: "9,999"; where the gap decides their mean and range: "276.3 (270-281)". */
void print_updates(const struct cell *cell, struct text *out);
/* A schedule's label, a long list of steps by its ends: "at=3610..3890". */
void print_schedule(const char *label, struct text *out);
/* What the baseline is called: "SGD", "K=5". */
void print_baseline(const struct cells *c, struct text *out);
/* 100 for accuracies, else 1; "percent"/"points" or the metric's own unit. */
double print_scale(const struct cells *c);
/* "test_accuracy of f_lin" */
void print_metric(const struct cells *c, struct text *out);
/* "1 point", "0.5 points", "0.02 in test_loss" */
void print_margin(const struct cells *c, struct text *out);
/* The fewest feature updates not shown to be too few: one more than the most that were. */
double print_fewest(const struct cells *c, const struct group *g);
/* Lines broken between words to fit the width; further lines of one are indented. */
void print_wrapped(const char *lines, int width, int indent, struct text *out);
/* "loses 1.2 points [0.8, 1.6]", "gains ...", "differs by ..." where nobody knows which is better: a cell against
 * what it is compared with. */
void print_loss_of(const struct cells *c, const struct cell *cell, struct text *out);
/* What schedules do, by falling number of updates: " Against SGD: with 20 feature updates, log=20 loses ...".
 * Nothing where there are none, or no baseline. */
void print_schedules(const struct cells *c, const struct group *g, struct text *out);
/* What each Gauss-Newton run does beside the linearised run of its K. */
void print_trainers(const struct cells *c, const struct group *g, struct text *out);
/* Whether the sentence of a group has an answer. */
bool print_tells_answer(const struct cells *c, const struct group *g);
/* The sentence of one group. */
void print_sentence(const struct cells *c, const struct group *g, struct text *out);
/* "yes", "no", "unclear", "baseline", "". */
const char *print_suffices(enum suffices suffices);

#endif
