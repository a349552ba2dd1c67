/* Markdown: the table to paste. Numbers as in the table for people, with every column that has something in it. */
#include <math.h>
#include <string.h>

#include "print.h"
#include "print_parts.h"
#include "print_table.h"

static void add_escaped(const char *value, struct text *out)
{
    for (; *value; value++)
        text_add(out, *value == '|' || *value == '\\' ? "\\%c" : "%c", *value);
}

static void add_group(const struct cells *c, const struct group *g, struct text *out)
{
    struct printed_table table;
    bool first = true;
    printed_table_fill(c, g, &table);
    text_add(out, "### ");
    cells_name_group(c, g, out);
    text_add(out, ": ");
    print_metric(c, out);
    text_add(out, "%s\n\n", c->question.is_accuracy ? ", percent (differences in points)" : "");
    for (size_t row = 0; row < g->count + 2; row++) {
        for (int k = 0; k < TABLE_COLUMNS; k++) {
            if (!table.width[k])
                continue;
            text_add(out, first ? "| " : " | ");
            first = false;
            if (row == 1)
                text_add(out, "---:");
            else
                add_escaped(row == 0 ? table.title[k] : table.row[row - 2][k], out);
        }
        text_add(out, " |\n");
        first = true;
    }
    text_add(out, "\n");
    printed_table_free(&table);
}

void print_markdown(const struct cells *c, struct text *out)
{
    for (size_t g = 0; g < c->n_groups; g++)
        add_group(c, &c->group[g], out);
    if (c->across)
        print_across(c, c->across, true, out);
    for (size_t g = 0; g < c->n_groups; g++) {
        text_add(out, "- ");
        print_sentence(c, &c->group[g], out);
        text_add(out, "\n");
    }
    text_add(out, "\n");
    print_notes(c, "- ", out);
}
