/* Tables of the report: what is written of one set of entries as CSV, as data for gnuplot, and as HTML. */
#include <math.h>
#include <string.h>

#include "report_sheet.h"
#include "unit.h"

static void fill(struct sheet *t)
{
    sheet_add_column(t, "name", "name", true);
    sheet_add_column(t, "value", "value (%)", false);
    sheet_add_text(t, "plain");
    sheet_add_number(t, 0.1);
    sheet_add_text(t, "a, \"b\"\n<c> & 'd'\t€");
    sheet_add_number(t, INFINITY);
    sheet_add_text(t, "hidden");
    sheet_add_number(t, NAN);
    sheet_hide_row(t);
}

START_TEST(csv_quotes_what_must_be_quoted_and_gives_numbers_whole)
{
    struct sheet t = {.id = "t", .title = "T"};
    struct text out = {0};
    fill(&t);
    sheet_write_csv(&t, &out);
    ck_assert_str_eq(out.chars, "name,value\nplain,0.1\n\"a, \"\"b\"\"\n<c> & 'd'\t€\",inf\nhidden,\n");
    text_free(&out);
    sheet_free(&t);
}
END_TEST

START_TEST(data_for_gnuplot_has_one_line_a_row_and_none_that_is_hidden)
{
    struct sheet t = {.id = "t", .title = "T"};
    struct text out = {0};
    fill(&t);
    sheet_write_data(&t, &out);
    ck_assert_str_eq(out.chars, "name\tvalue\n\"plain\"\t0.1\n\"a, 'b' <c> & 'd' €\"\tinf\n");
    text_free(&out);
    sheet_free(&t);
}
END_TEST

START_TEST(html_is_escaped_and_missing_numbers_are_empty)
{
    struct sheet t = {.id = "t", .title = "T < U", .note = "A note."};
    struct text out = {0};
    fill(&t);
    sheet_write_html(&t, &out);
    ck_assert(strstr(out.chars, "aria-label=\"T &lt; U\"") != NULL);
    ck_assert(strstr(out.chars, "<td>a, &quot;b&quot;\n&lt;c&gt; &amp; &#39;d&#39;\t€<td class=n>inf") != NULL);
    ck_assert(strstr(out.chars, "<td>hidden<td class=n>\n") != NULL);
    ck_assert(strstr(out.chars, "A note.") != NULL);
    text_free(&out);
    sheet_free(&t);
}
END_TEST

START_TEST(long_tables_are_shown_in_part_and_say_so)
{
    struct sheet t = {.id = "t", .title = "T"};
    struct text out = {0};
    sheet_add_column(&t, "i", "i", false);
    for (int i = 0; i < SHEET_ROWS_SHOWN + 1; i++)
        sheet_add_number(&t, i);
    sheet_write_html(&t, &out);
    ck_assert(strstr(out.chars, "<td class=n>1999\n") != NULL);
    ck_assert(strstr(out.chars, "<td class=n>2000") == NULL);
    ck_assert(strstr(out.chars, "The first 2000 of 2001 rows") != NULL);
    text_free(&out);
    sheet_write_csv(&t, &out);
    ck_assert(strstr(out.chars, "\n2000\n") != NULL);
    text_free(&out);
    sheet_free(&t);
}
END_TEST

START_TEST(a_column_without_numbers_is_told_from_one_with_some)
{
    struct sheet t = {.id = "t", .title = "T"};
    sheet_add_column(&t, "some", "some", false);
    sheet_add_column(&t, "none", "none", false);
    for (int i = 0; i < 4; i++) {
        sheet_add_number(&t, i == 3 ? 1 : NAN);
        sheet_add_number(&t, NAN);
    }
    ck_assert(sheet_has(&t, "some"));
    ck_assert(!sheet_has(&t, "none"));
    ck_assert(!sheet_has(&t, "unknown"));
    sheet_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, csv_quotes_what_must_be_quoted_and_gives_numbers_whole);
    tcase_add_test(tests, data_for_gnuplot_has_one_line_a_row_and_none_that_is_hidden);
    tcase_add_test(tests, html_is_escaped_and_missing_numbers_are_empty);
    tcase_add_test(tests, long_tables_are_shown_in_part_and_say_so);
    tcase_add_test(tests, a_column_without_numbers_is_told_from_one_with_some);
}

UNIT_MAIN("tables of the report", add)
