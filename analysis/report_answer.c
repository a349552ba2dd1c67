/* The question, the answer, what must be known to believe it; and who made the numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "must.h"
#include "print.h"
#include "report.h"

/* --- question and answer --------------------------------------------------- */

static void add_question(struct report *r)
{
    const struct cells *c = r->cells;
    struct text question = {0};
    if (c->question.better != 0 && !isnan(c->question.margin)) {
        text_add(&question, "How rarely may the features be updated before ");
        print_metric(c, &question);
        text_add(&question, " is more than ");
        print_margin(c, &question);
        text_add(&question, " worse than ");
    } else {
        text_add(&question, "What becomes of ");
        print_metric(c, &question);
        text_add(&question, " as the features are updated more rarely, against ");
    }
    print_baseline(c, &question);
    text_add(&question, "%s, and how sure is that?", c->question.baseline == 1 ? " (K=1)" : "");
    text_add(&r->page, "<p id=question>");
    sheet_add_escaped(question.chars, &r->page);
    text_add(&r->page, "</p>\n");
    text_free(&question);
}

/* The sentence of each group, as `relin summary --sentence` has it. */
static void add_sentences(struct report *r)
{
    text_add(&r->page, "<div id=answer role=region aria-label=Answer>\n");
    for (size_t g = 0; g < r->cells->n_groups; g++) {
        struct text sentence = {0};
        print_sentence(r->cells, &r->cells->group[g], &sentence);
        text_add(&r->page, "<p>");
        sheet_add_escaped(sentence.chars, &r->page);
        text_add(&r->page, "</p>\n");
        text_free(&sentence);
    }
    text_add(&r->page, "</div>\n");
}

static void add_notes(struct report *r)
{
    struct text notes = {0};
    print_notes(r->cells, "", &notes);
    text_add(&r->page, "<ul id=notes class=soft>\n");
    for (char *rest = NULL, *line = strtok_r(notes.chars, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        text_add(&r->page, "<li>");
        sheet_add_escaped(line, &r->page);
        text_add(&r->page, "\n");
    }
    text_add(&r->page, "</ul>\n");
    text_free(&notes);
}

/* One row a group: what `relin summary --json` has under answers. */
static void fill_answers(const struct report *r, struct sheet *t)
{
    const struct cells *c = r->cells;
    sheet_add_column(t, "group", "group", true);
    sheet_add_column(t, "refresh_period_shown", "largest K shown to be enough", false);
    sheet_add_column(t, "feature_updates_shown", "its feature updates", false);
    sheet_add_column(t, "feature_updates_low", "fewest not shown to be too few", false);
    sheet_add_column(t, "refresh_period_estimate", "largest K by the means alone", false);
    sheet_add_column(t, "feature_updates_estimate", "its feature updates", false);
    sheet_add_column(t, "refresh_period_possible", "largest K not ruled out", false);
    sheet_add_column(t, "feature_updates_possible", "its feature updates", false);
    for (size_t g = 0; g < c->n_groups; g++) {
        const struct group *group = &c->group[g];
        struct text name = {0};
        if (!group->has_answer)
            continue;
        const struct cell *base = &c->cell[group->baseline];
        const struct cell *shown = base + group->answer.shown, *estimate = base + group->answer.estimate,
                          *possible = base + group->answer.possible;
        cells_name_group(c, group, &name);
        sheet_add_text(t, name.chars);
        sheet_add_number(t, shown->period);
        sheet_add_number(t, shown->updates);
        sheet_add_number(t, print_fewest(c, group));
        sheet_add_number(t, estimate->period);
        sheet_add_number(t, estimate->updates);
        sheet_add_number(t, possible->period);
        sheet_add_number(t, possible->updates);
        text_free(&name);
    }
}

int report_answer(struct report *r, struct error *err)
{
    struct sheet t = {.id = "answers", .title = "Answers"};
    (void)err;
    report_section(r, "answer-section", "Question and answer", NULL);
    add_question(r);
    add_sentences(r);
    if (!r->draws)
        text_add(&r->page, "<p class=warning id=no-pictures>This report holds tables only: gnuplot, which draws the pictures, was "
                           "not found when it was made (Debian: gnuplot-nox).</p>\n");
    fill_answers(r, &t);
    if (t.n_rows)
        report_show_table(r, &t);
    add_notes(r);
    sheet_free(&t);
    return 0;
}

/* --- failures -------------------------------------------------------------- */

static void fill_failures(const struct report *r, char **outcomes, char **errors, const struct variable_rows *attempts,
                          struct sheet *t)
{
    const struct observations *o = r->cells->of;
    sheet_add_column(t, "job_id", "job", true);
    for (size_t a = 0; a < o->n_axes; a++)
        sheet_add_column(t, o->axes[a].name, o->axes[a].name, true);
    sheet_add_column(t, "fate", "fate", true);
    sheet_add_column(t, "outcome", "outcome", true);
    sheet_add_column(t, "attempts", "attempts", false);
    sheet_add_column(t, "error", "reason", true);
    for (size_t i = 0; i < o->n; i++) {
        const struct observation *x = &o->at[i];
        if (x->status != STATUS_FAILED && !x->diverged)
            continue;
        sheet_add_text(t, x->id);
        for (size_t a = 0; a < o->n_axes; a++)
            sheet_add_text(t, o->axes[a].levels[x->level[a]].label);
        sheet_add_text(t, x->diverged ? "diverged" : "failed");
        sheet_add_text(t, outcomes[i]);
        sheet_add_number(t, lookup_value(r->lookup, attempts, i, 0));
        sheet_add_text(t, errors[i]);
    }
}

int report_failures(struct report *r, struct error *err)
{
    struct sheet t = {.id = "failures", .title = "Jobs that failed or diverged"};
    struct variable_rows attempts = {0};
    char **outcomes = NULL, **errors = NULL;
    int result = lookup_load(r->lookup, "attempts", &attempts, err);
    if (result == 0)
        result = lookup_load_texts(r->lookup, "outcome", &outcomes, err);
    if (result == 0)
        result = lookup_load_texts(r->lookup, "error", &errors, err);
    if (result == 0) {
        report_section(r, "failures", "Failures", "Jobs that failed for good, and jobs that diverged: a diverged run is a "
                       "result, but in no mean; a K with one is never shown to be enough.");
        fill_failures(r, outcomes, errors, &attempts, &t);
        if (t.n_rows)
            report_show_table(r, &t);
        else
            text_add(&r->page, "<p class=note>No job failed, and none diverged.</p>\n");
    }
    lookup_release(r->lookup, &attempts);
    lookup_free_texts(r->lookup, outcomes);
    lookup_free_texts(r->lookup, errors);
    sheet_free(&t);
    return result;
}

/* --- provenance ------------------------------------------------------------ */

struct told {
    struct sheet *table;
    const char *file;
};

static void add_about(const char *name, const char *value, void *context)
{
    const struct told *told = context;
    sheet_add_text(told->table, told->file);
    sheet_add_text(told->table, name);
    sheet_add_text(told->table, value);
}

static void add_config(struct report *r, size_t file)
{
    char *text = store_read_config(r->lookup->readers[file], "text", NULL);
    text_add(&r->page, "<details><summary>The sweep of ");
    sheet_add_escaped(r->asked->files[file], &r->page);
    text_add(&r->page, "</summary><pre>");
    sheet_add_escaped(text ? text : "", &r->page);
    text_add(&r->page, "</pre></details>\n");
    free(text);
}

int report_provenance(struct report *r, struct error *err)
{
    struct sheet t = {.id = "provenance", .title = "Provenance"};
    struct text condition = {0};
    sheet_add_column(&t, "file", "file", true);
    sheet_add_column(&t, "name", "what", true);
    sheet_add_column(&t, "value", "value", true);
    int result = 0;
    for (size_t f = 0; f < r->asked->n_files && result == 0; f++)
        result = store_read_about(r->lookup->readers[f], add_about, &(struct told){&t, r->asked->files[f]}, err);
    add_about("report: version", RELIN_VERSION, &(struct told){&t, "this report"});
    add_about("report: metric", r->cells->question.metric, &(struct told){&t, "this report"});
    for (size_t i = 0; i < r->asked->n_where; i++)
        text_add(&condition, "%s%s", i ? " and " : "", r->asked->where[i]);
    add_about("report: jobs", condition.chars ? condition.chars : "all", &(struct told){&t, "this report"});
    report_section(r, "provenance", "Provenance", "What made the files: programs, flags, machines.");
    report_show_table(r, &t);
    for (size_t f = 0; f < r->asked->n_files; f++)
        add_config(r, f);
    text_free(&condition);
    sheet_free(&t);
    return result;
}
