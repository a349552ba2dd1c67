/* CSV and JSON: typed and stable. Numbers are written so that they read back as the same double. */
#include <math.h>
#include <string.h>

#include "print.h"

/* One table for both: name, and the number of a cell. */
#define FIELDS(X)                                                 \
    X(planned, (double)cell->count)                               \
    X(n, (double)cell->value.n)                                   \
    X(failed, (double)cell->failed)                               \
    X(diverged, (double)cell->diverged)                           \
    X(missing, (double)cell->missing)                             \
    X(feature_updates, cell->updates)                             \
    X(mean, cell->value.mean)                                     \
    X(sd, cell->value.sd)                                         \
    X(se, cell->value.se)                                         \
    X(median, cell->value.median)                                 \
    X(min, cell->value.least)                                     \
    X(max, cell->value.most)                                      \
    X(low, cell->value.low)                                       \
    X(high, cell->value.high)                                     \
    X(bca_low, cell->bca_low)                                     \
    X(bca_high, cell->bca_high)                                   \
    X(network_mean, cell->network.mean)                           \
    X(network_low, cell->network.low)                             \
    X(network_high, cell->network.high)                           \
    X(path_length_mean, cell->path.mean)                          \
    X(path_length_low, cell->path.low)                            \
    X(path_length_high, cell->path.high)                          \
    X(pairs, (double)cell->difference.n)                          \
    X(difference_mean, cell->difference.mean)                     \
    X(difference_low, cell->difference.low)                       \
    X(difference_high, cell->difference.high)                     \
    X(p, cell->p)                                                 \
    X(p_holm, cell->p_holm)                                       \
    X(feature_updates_min, cell->updates_least)                   \
    X(feature_updates_max, cell->updates_most)                    \
    X(eta_K, cell->eta_period)

#define NAME(name, value) #name,
static const char *const field_names[] = {FIELDS(NAME)};
#undef NAME
enum { FIELD_COUNT = sizeof field_names / sizeof *field_names };

static void read_fields(const struct cell *cell, double *values)
{
#define VALUE(name, value) *values++ = value;
    FIELDS(VALUE)
#undef VALUE
}

static const char *readout_name(const struct cells *c)
{
    if (!c->of->two_readouts)
        return "";
    return c->question.readout == READOUT_LINEAR ? "linear" : "network";
}

static const struct level *level_of(const struct cells *c, const struct cell *cell, size_t i)
{
    size_t axis = c->by[i];
    return &c->of->axes[axis].levels[c->of->at[cell->first].level[axis]];
}

/* --- CSV ------------------------------------------------------------------- */

static void add_csv_text(const char *value, struct text *out)
{
    if (!strpbrk(value, ",\"\n\r")) {
        text_add(out, "%s", value);
        return;
    }
    text_add(out, "\"");
    for (; *value; value++)
        text_add(out, *value == '"' ? "\"\"" : "%c", *value);
    text_add(out, "\"");
}

void print_csv(const struct cells *c, struct text *out)
{
    for (size_t i = 0; i < c->n_by; i++) {
        add_csv_text(c->of->axes[c->by[i]].name, out);
        text_add(out, ",");
    }
    text_add(out, "metric,readout");
    for (size_t f = 0; f < FIELD_COUNT; f++)
        text_add(out, ",%s", field_names[f]);
    text_add(out, ",suffices\n");
    for (size_t k = 0; k < c->n_cells; k++) {
        double values[FIELD_COUNT];
        read_fields(&c->cell[k], values);
        for (size_t i = 0; i < c->n_by; i++) {
            add_csv_text(level_of(c, &c->cell[k], i)->label, out);
            text_add(out, ",");
        }
        add_csv_text(c->question.metric, out);
        text_add(out, ",%s", readout_name(c));
        for (size_t f = 0; f < FIELD_COUNT; f++) {
            text_add(out, ",");
            if (!isnan(values[f]))
                text_add_number(out, values[f]);
        }
        text_add(out, ",%s\n", print_suffices(c->cell[k].suffices));
    }
}

/* --- JSON ------------------------------------------------------------------ */

static void add_json_value(double value, struct text *out)
{
    if (isnan(value))
        text_add(out, "null");
    else
        text_add_json_number(out, value);
}

static void add_json_axes(const struct cells *c, const struct cell *cell, size_t n, struct text *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct level *level = level_of(c, cell, i);
        text_add_json_string(out, c->of->axes[c->by[i]].name);
        text_add(out, ": ");
        if (isnan(level->number))
            text_add_json_string(out, level->label);
        else
            text_add_json_number(out, level->number);
        text_add(out, ", ");
    }
}

static void add_json_cell(const struct cells *c, const struct cell *cell, struct text *out)
{
    double values[FIELD_COUNT];
    read_fields(cell, values);
    text_add(out, "    {");
    add_json_axes(c, cell, c->n_by, out);
    for (size_t f = 0; f < FIELD_COUNT; f++) {
        text_add(out, "%s\"%s\": ", f ? ", " : "", field_names[f]);
        add_json_value(values[f], out);
    }
    text_add(out, ", \"suffices\": \"%s\"}", print_suffices(cell->suffices));
}

static void add_json_answer(const struct cells *c, const struct group *g, struct text *out)
{
    struct text sentence = {0};
    print_sentence(c, g, &sentence);
    text_add(out, "    {");
    add_json_axes(c, &c->cell[g->first], c->n_common, out);
    if (g->has_answer) {
        const struct cell *cell = &c->cell[g->baseline];
        const size_t at[3] = {g->answer.shown, g->answer.estimate, g->answer.possible};
        static const char *const names[3] = {"shown", "estimate", "possible"};
        for (int i = 0; i < 3; i++) {
            text_add(out, "\"refresh_period_%s\": ", names[i]);
            add_json_value(cell[at[i]].period, out);
            text_add(out, ", \"feature_updates_%s\": ", names[i]);
            add_json_value(cell[at[i]].updates, out);
            text_add(out, ", ");
        }
        text_add(out, "\"feature_updates_low\": ");
        add_json_value(print_fewest(c, g), out);
        text_add(out, ", ");
    }
    text_add(out, "\"sentence\": ");
    text_add_json_string(out, sentence.chars);
    text_add(out, "}");
    text_free(&sentence);
}

/* A text of lines as an array of strings. */
static void add_json_lines(const char *lines, struct text *out)
{
    text_add(out, "[");
    for (const char *end; lines && *lines; lines = end + 1) {
        end = strchr(lines, '\n');
        struct text line = {0};
        text_add_bytes(&line, lines, (size_t)(end - lines));
        text_add(out, "\n    ");
        text_add_json_string(out, line.chars);
        text_add(out, end[1] ? "," : "\n  ");
        text_free(&line);
    }
    text_add(out, "]");
}

void print_json(const struct cells *c, const char *const *files, size_t n_files, struct text *out)
{
    text_add(out, "{\n  \"format\": 1,\n  \"files\": [");
    for (size_t i = 0; i < n_files; i++) {
        text_add(out, i ? ", " : "");
        text_add_json_string(out, files[i]);
    }
    text_add(out, "],\n  \"metric\": ");
    text_add_json_string(out, c->question.metric);
    text_add(out, ",\n  \"readout\": \"%s\",\n  \"baseline\": ", readout_name(c));
    add_json_value(c->question.baseline, out);
    text_add(out, ",\n  \"step\": ");
    add_json_value(c->question.step, out);
    text_add(out, ",\n  \"margin\": ");
    add_json_value(c->question.margin, out);
    text_add(out, ",\n  \"cells\": [\n");
    for (size_t k = 0; k < c->n_cells; k++) {
        add_json_cell(c, &c->cell[k], out);
        text_add(out, k + 1 < c->n_cells ? ",\n" : "\n");
    }
    text_add(out, "  ],\n  \"answers\": [\n");
    for (size_t g = 0; g < c->n_groups; g++) {
        add_json_answer(c, &c->group[g], out);
        text_add(out, g + 1 < c->n_groups ? ",\n" : "\n");
    }
    struct text notes = {0};
    print_notes(c, "", &notes);
    text_add(out, "  ],\n  \"notes\": ");
    add_json_lines(notes.chars, out);
    text_add(out, "\n}\n");
    text_free(&notes);
}
