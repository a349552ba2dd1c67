#include "report_sheet.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

void sheet_add_column(struct sheet *t, const char *name, const char *title, bool is_text)
{
    assert(t->n_columns < SHEET_COLUMNS_MOST && t->filled == 0);
    t->columns[t->n_columns++] = (struct sheet_column){name, title, is_text};
}

/* The next entry; a full row is followed by a new one. */
static struct sheet_entry *next_entry(struct sheet *t, bool is_text)
{
    assert(t->columns[t->filled % t->n_columns].is_text == is_text);
    if (t->filled == t->n_rows * t->n_columns) {
        if (t->n_rows == t->capacity) {
            t->capacity = t->capacity ? 2 * t->capacity : 64;
            t->entries = must(realloc(t->entries, t->capacity * t->n_columns * sizeof *t->entries));
            t->hidden = must(realloc(t->hidden, t->capacity * sizeof *t->hidden));
        }
        t->hidden[t->n_rows++] = false;
    }
    return &t->entries[t->filled++];
}

void sheet_add_number(struct sheet *t, double value)
{
    *next_entry(t, false) = (struct sheet_entry){.number = value};
}

void sheet_add_text(struct sheet *t, const char *value)
{
    *next_entry(t, true) = (struct sheet_entry){.text = must(strdup(value)), .number = NAN};
}

bool sheet_has(const struct sheet *t, const char *name)
{
    for (size_t k = 0; k < t->n_columns; k++)
        for (size_t i = 0; i < t->n_rows && strcmp(t->columns[k].name, name) == 0; i++)
            if (!isnan(t->entries[i * t->n_columns + k].number))
                return true;
    return false;
}

void sheet_hide_row(struct sheet *t)
{
    assert(t->n_rows > 0);
    t->hidden[t->n_rows - 1] = true;
}

void sheet_free(struct sheet *t)
{
    for (size_t i = 0; i < t->filled; i++)
        free(t->entries[i].text);
    free(t->entries);
    free(t->hidden);
    *t = (struct sheet){.id = t->id, .title = t->title};
}

/* --- CSV, and what gnuplot reads -------------------------------------------- */

static void add_plain_text(struct text *out, const char *value)
{
    text_add(out, "\"");
    for (; *value; value++)
        text_add(out, *value == '"' ? "'" : (unsigned char)*value < ' ' ? " " : "%c", *value);
    text_add(out, "\"");
}

static void write_rows(const struct sheet *t, bool drawn, const char *separator, struct text *out)
{
    assert(t->filled == t->n_rows * t->n_columns);
    for (size_t k = 0; k < t->n_columns; k++)
        text_add(out, "%s%s", k ? separator : "", t->columns[k].name);
    text_add(out, "\n");
    for (size_t i = 0; i < t->n_rows; i++) {
        if (drawn && t->hidden[i])
            continue;
        const struct sheet_entry *row = t->entries + i * t->n_columns;
        for (size_t k = 0; k < t->n_columns; k++) {
            text_add(out, "%s", k ? separator : "");
            if (t->columns[k].is_text)
                (drawn ? add_plain_text : text_add_csv)(out, row[k].text);
            else if (!isnan(row[k].number))
                text_add_number(out, row[k].number);
        }
        text_add(out, "\n");
    }
}

void sheet_write_csv(const struct sheet *t, struct text *out)
{
    write_rows(t, false, ",", out);
}

void sheet_write_data(const struct sheet *t, struct text *out)
{
    write_rows(t, true, "\t", out);
}

/* --- HTML ------------------------------------------------------------------ */

void sheet_add_escaped(const char *utf8, struct text *out)
{
    for (const char *at = utf8; *at; at++)
        switch (*at) {
        case '&': text_add(out, "&amp;"); break;
        case '<': text_add(out, "&lt;"); break;
        case '>': text_add(out, "&gt;"); break;
        case '"': text_add(out, "&quot;"); break;
        case '\'': text_add(out, "&#39;"); break;
        default: text_add_bytes(out, at, 1);
        }
}

static void add_shown(const struct sheet_column *column, const struct sheet_entry *entry, struct text *out)
{
    if (column->is_text) {
        text_add(out, "<td>");
        sheet_add_escaped(entry->text, out);
    } else if (isnan(entry->number)) {
        text_add(out, "<td class=n>");
    } else if (isinf(entry->number)) {
        text_add(out, entry->number > 0 ? "<td class=n>inf" : "<td class=n>-inf");
    } else if (entry->number == floor(entry->number) && fabs(entry->number) < 1e15) {
        text_add(out, "<td class=n>%.0f", entry->number);
    } else {
        text_add(out, "<td class=n>%.6g", entry->number);
    }
}

void sheet_write_html(const struct sheet *t, struct text *out)
{
    text_add(out, "<div class=scroll tabindex=0 role=region aria-label=\"");
    sheet_add_escaped(t->title, out);
    text_add(out, "\"><table id=\"table-%s\"><thead><tr>", t->id);
    for (size_t k = 0; k < t->n_columns; k++) {
        text_add(out, "<th scope=col>");
        sheet_add_escaped(t->columns[k].title, out);
    }
    text_add(out, "</thead><tbody>\n");
    size_t n = t->n_rows < SHEET_ROWS_SHOWN ? t->n_rows : SHEET_ROWS_SHOWN;
    for (size_t i = 0; i < n; i++) {
        text_add(out, "<tr>");
        for (size_t k = 0; k < t->n_columns; k++)
            add_shown(&t->columns[k], &t->entries[i * t->n_columns + k], out);
        text_add(out, "\n");
    }
    text_add(out, "</tbody></table></div>\n");
    if (t->note)
        text_add(out, "<p class=note>%s</p>\n", t->note);
    if (n < t->n_rows)
        text_add(out, "<p class=note>The first %zu of %zu rows; the CSV has them all.</p>\n", n, t->n_rows);
}
