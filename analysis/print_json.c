/* JSON: one document with the question, the cells, what was compared as a family, the answers, notes, and where it all
 * comes from. */
#include <math.h>
#include <string.h>

#include "moment.h"
#include "print.h"
#include "print_parts.h"

/* "name": "text" or null */
static void add_text(const char *name, const char *value, struct text *out)
{
    text_add(out, "\"%s\": ", name);
    if (value)
        text_add_json_string(out, value);
    else
        text_add(out, "null");
}

static void add_number(const char *name, double value, struct text *out)
{
    text_add(out, "\"%s\": ", name);
    text_add_json_value(out, value);
}

void print_json_level(const char *name, const struct level *level, struct text *out)
{
    text_add_json_string(out, name);
    text_add(out, ": ");
    if (isnan(level->number))
        text_add_json_string(out, level->label);
    else
        text_add_json_number(out, level->number);
    text_add(out, ", ");
}

static void add_levels(const struct cells *c, const struct cell *cell, const size_t *axes, size_t n, struct text *out)
{
    for (size_t i = 0; i < n; i++)
        print_json_level(c->of->axes[axes[i]].name, print_level_of(c, cell, axes[i]), out);
}

void print_json_axes(const struct cells *c, const char *name, const size_t *axes, size_t n, struct text *out)
{
    text_add(out, "\"%s\": [", name);
    for (size_t i = 0; i < n; i++) {
        text_add(out, i ? ", " : "");
        text_add_json_string(out, c->of->axes[axes[i]].name);
    }
    text_add(out, "]");
}

static void add_question(const struct cells *c, struct text *out)
{
    const struct question *q = &c->question;
    struct text at = {0};
    moment_write(&q->moment, &at);
    text_add(out, "  \"question\": {");
    add_text("metric", q->metric, out);
    text_add(out, ", \"better\": %s, ", q->better > 0 ? "\"higher\"" : q->better < 0 ? "\"lower\"" : "null");
    add_text("readout", *print_readout(c) ? print_readout(c) : NULL, out);
    text_add(out, ", ");
    add_text("at", at.chars, out);
    text_add(out, ", ");
    add_number("baseline", q->baseline, out);
    text_add(out, ", ");
    add_number("margin", q->margin, out);
    text_add(out, ", ");
    add_number("level", STATS_LEVEL, out);
    text_add(out, ", ");
    print_json_axes(c, "by", c->by, c->n_by, out);
    text_add(out, ", ");
    print_json_axes(c, "over", c->unit, c->n_units, out);
    text_add(out, ", ");
    print_json_axes(c, "tuned", c->tuned, c->n_tuned, out);
    text_add(out, ", \"tuning_seeds\": [%s]", c->of->tuning_seeds ? c->of->tuning_seeds : "");
    text_add(out, "}");
    text_free(&at);
}

static void add_cell(const struct cells *c, const struct cell *cell, struct text *out)
{
    double values[PRINT_FIELDS];
    print_read_fields(cell, values);
    text_add(out, "    {");
    add_levels(c, cell, c->by, c->n_by, out);
    add_levels(c, cell, c->tuned, c->n_tuned, out);
    for (size_t f = 0; f < PRINT_FIELDS; f++) {
        add_number(print_fields[f], values[f], out);
        text_add(out, ", ");
    }
    add_number("against", cell->against == SIZE_MAX ? NAN : (double)cell->against, out);
    text_add(out, ", ");
    add_text("suffices", print_suffices(cell->suffices), out);
    text_add(out, "}");
}

static void add_family(const struct cells *c, const struct group *g, struct text *out)
{
    text_add(out, "    {");
    add_levels(c, &c->cell[g->first], c->by, c->n_common, out);
    text_add(out, "\"first_cell\": %zu, \"n_cells\": %zu, ", g->first, g->count);
    add_number("baseline_cell", g->baseline == SIZE_MAX ? NAN : (double)g->baseline, out);
    text_add(out, ", \"compared\": %zu, \"pairs\": %zu, ", g->family, g->pairs_most);
    add_number("p_least", g->p_least, out);
    text_add(out, ", \"pairs_needed\": %zu}", g->pairs_needed);
}

static void add_answer(const struct cells *c, const struct group *g, struct text *out)
{
    struct text sentence = {0};
    print_sentence(c, g, &sentence);
    text_add(out, "    {");
    add_levels(c, &c->cell[g->first], c->by, c->n_common, out);
    text_add(out, "\"has_answer\": %s, ", print_tells_answer(c, g) ? "true" : "false");
    if (g->has_answer) {
        const struct cell *cell = &c->cell[g->baseline];
        const size_t at[3] = {g->answer.shown, g->answer.estimate, g->answer.possible};
        static const char *const names[3] = {"shown", "estimate", "possible"};
        for (int i = 0; i < 3; i++) {
            text_add(out, "\"%s\": {\"cell\": %zu, ", names[i], g->baseline + at[i]);
            add_number("refresh_period", cell[at[i]].period, out);
            text_add(out, ", ");
            add_number("feature_updates", cell[at[i]].updates, out);
            text_add(out, ", ");
            add_number("eta_K", cell[at[i]].eta_period, out);
            text_add(out, ", ");
            add_number("damping", cell[at[i]].damping, out);
            text_add(out, "}, ");
        }
        text_add(out, "\"feature_updates_interval\": [");
        text_add_json_value(out, print_fewest(c, g));
        text_add(out, ", ");
        text_add_json_value(out, cell[g->answer.shown].updates);
        text_add(out, "], ");
    }
    add_text("sentence", sentence.chars, out);
    text_add(out, "}");
    text_free(&sentence);
}

/* Each line of a kind is a note of its own. */
static void add_notes(const struct cells *c, struct text *out)
{
    const char *about, *between = "\n";
    struct text lines = {0};
    text_add(out, "  \"notes\": [");
    for (size_t kind = 0; (about = print_note(c, kind, "", &lines)); kind++) {
        char *rest = NULL;
        for (char *line = lines.chars ? strtok_r(lines.chars, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
            text_add(out, "%s    {", between);
            add_text("about", about, out);
            text_add(out, ", ");
            add_text("text", line, out);
            text_add(out, "}");
            between = ",\n";
        }
        text_free(&lines);
    }
    text_add(out, "\n  ]");
}

static void add_provenance(const struct cells *c, struct text *out)
{
    const struct observations *o = c->of;
    text_add(out, "  \"provenance\": {\"program\": \"relin summary " RELIN_VERSION "\", \"jobs\": %zu, \"repeated\": %zu, "
                  "\"conflicting\": %zu, \"files\": [", o->n, o->n_repeated, o->n_conflicts);
    for (size_t f = 0; f < o->n_sources; f++) {
        const struct source *source = &o->source[f];
        text_add(out, "%s\n    {", f ? "," : "");
        add_text("path", source->path, out);
        text_add(out, ", \"jobs\": %zu, ", source->jobs);
        add_text("sweep", source->sweep, out);
        text_add(out, ", ");
        add_text("relin_version", source->version, out);
        text_add(out, ", ");
        add_text("git_revision", source->revision, out);
        text_add(out, ", ");
        add_text("start", source->start, out);
        text_add(out, "}");
    }
    text_add(out, "\n  ]}");
}

void print_json(const struct cells *c, struct text *out)
{
    text_add(out, "{\n  \"format\": 2,\n");
    add_question(c, out);
    text_add(out, ",\n  \"cells\": [\n");
    for (size_t k = 0; k < c->n_cells; k++) {
        add_cell(c, &c->cell[k], out);
        text_add(out, k + 1 < c->n_cells ? ",\n" : "\n");
    }
    text_add(out, "  ],\n  \"comparisons\": [\n");
    for (size_t g = 0; g < c->n_groups; g++) {
        add_family(c, &c->group[g], out);
        text_add(out, g + 1 < c->n_groups ? ",\n" : "\n");
    }
    text_add(out, "  ],\n  \"answers\": [\n");
    for (size_t g = 0; g < c->n_groups; g++) {
        add_answer(c, &c->group[g], out);
        text_add(out, g + 1 < c->n_groups ? ",\n" : "\n");
    }
    text_add(out, "  ],\n");
    if (c->across)
        print_across_json(c, c->across, out);
    add_notes(c, out);
    text_add(out, ",\n");
    add_provenance(c, out);
    text_add(out, "\n}\n");
}
