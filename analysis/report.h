/* relin report: one page that opens from disk. What it is made of: sections, each a table or several, each table with
 * the pictures drawn from it (analysis/figures/NAME.gp). All numbers across jobs are those of cells.h and stats.h. */
#ifndef RELIN_ANALYSIS_REPORT_H
#define RELIN_ANALYSIS_REPORT_H

#include "asked.h"
#include "cells.h"
#include "report_lookup.h"
#include "report_sheet.h"

struct error;

enum { GROUPS_DRAWN = 12 };          /* panels of a picture at most, as in figures/panels.gp */

/* The state of a report that is being made. */
struct report {
    const char *title;                 /* name of the sweep, or names of the files */
    const struct cells *cells;
    const struct lookup *lookup;
    const struct asked *asked;         /* the files, --where, --by */
    const char *folder;                /* where data files, scripts and pictures are made */
    bool draws;                        /* gnuplot is there, and pictures are wanted */
    size_t n_drawings;
    struct drawing *drawings;          /* in the order of the page; freed by report_free_drawings */
    struct text page, contents;        /* <main>, and the list of its sections */
};

/* One picture: figures/NAME.gp, which reads the table's data file and settings.gp. */
struct picture {
    const char *name;                  /* of the script, and of the picture in the page */
    const char *title;                 /* the picture's heading */
    const char *caption;               /* what is seen, what bars are; HTML */
    const char *needs;                 /* a column of numbers without which there is nothing to draw, or NULL */
};

/* A picture that is being drawn: gnuplot runs beside us, and beside others of its kind. */
struct drawing {
    const char *name, *title;          /* of the picture; borrowed */
    size_t at;                         /* where in the page it belongs */
    long pid;                          /* 0: it has ended */
    int code;
};

/* A heading, and its line in the contents. intro: HTML, or NULL. */
void report_section(struct report *r, const char *id, const char *title, const char *intro);
/* The pictures of a table, then the table, folded, with its CSV. A table without rows: says so, in `empty`. Returns 0, or
 * -1 with *err filled. */
int report_show(struct report *r, const struct sheet *t, const struct picture *pictures, size_t n_pictures,
                const char *empty, struct error *err);
/* The table unfolded and its CSV, without a picture. */
void report_show_table(struct report *r, const struct sheet *t);

/* --- the parts, each in a file of its own; all return 0, or -1 with *err filled --- */
int report_answer(struct report *r, struct error *err);          /* question, answer, notes */
int report_performance(struct report *r, struct error *err);     /* against K, T/K, path length, eta K */
int report_across(struct report *r, struct error *err);          /* tasks together, where asked for */
int report_phase(struct report *r, struct error *err);           /* over (T, K) */
int report_curves(struct report *r, struct error *err);          /* along training */
int report_kernels(struct report *r, struct error *err);         /* distance, alignment, rank, spectra */
int report_refreshes(struct report *r, struct error *err);       /* jumps, convergence of segments */
int report_solvers(struct report *r, struct error *err);         /* Gauss-Newton beside large K */
int report_machine(struct report *r, struct error *err);         /* who ran what when, cost, efficiency */
int report_failures(struct report *r, struct error *err);
int report_provenance(struct report *r, struct error *err);

/* In the section of performance: against eta K and N/(eta K). */
int report_eta(struct report *r, struct error *err);
/* Are there curves of several learning rates to lay over each other, instead of those of two read-outs? */
bool report_eta_has_rates(const struct cells *c);

/* --- report_draw.c --- */
/* Writes the scripts of all figures into the folder, and settings.gp, what they need to know of the question. */
int report_write_scripts(const struct report *r, struct error *err);
/* Is there a gnuplot? */
bool report_can_draw(void);
/* Starts NAME.gp in the folder, for the end of the page as it is; waits where as many as there are processors run. */
void report_draw(struct report *r, const struct picture *picture);
/* Waits for it; the picture, ready to stand in a page, is added to out. Returns 0, 1 where the script found nothing
 * to draw, or -1 with *err filled. */
int report_finish_drawing(const struct report *r, struct drawing *drawing, struct text *out, struct error *err);
void report_free_drawings(struct report *r);
/* folder: NULL where name is a whole path. */
int report_write_file(const char *folder, const char *name, const struct text *content, struct error *err);

/* --- report_page.c --- */
/* The whole page: head with styles, contents, main. A picture that could not be drawn is said there, and on stderr. */
void report_page(struct report *r, struct text *out);

#endif
