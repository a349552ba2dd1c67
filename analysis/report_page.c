/* The page: head, styles, sections, and how a table with its pictures stands in it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "report.h"
#include "report_style.h"

/* --- a section ------------------------------------------------------------- */

void report_section(struct report *r, const char *id, const char *title, const char *intro)
{
    text_add(&r->contents, "<li><a href=\"#%s\">%s</a>\n", id, title);
    text_add(&r->page, "<h2 id=\"%s\">%s</h2>\n", id, title);
    if (intro)
        text_add(&r->page, "<p>%s</p>\n", intro);
}

static void add_base64(const struct text *bytes, struct text *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)bytes->chars;
    for (size_t i = 0; i < bytes->length; i += 3) {
        size_t left = bytes->length - i;
        unsigned word = (unsigned)at[i] << 16 | (left > 1 ? (unsigned)at[i + 1] << 8 : 0) | (left > 2 ? at[i + 2] : 0);
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        text_add_bytes(out, four, 4);
    }
}

static void add_download(const struct sheet *t, struct text *out)
{
    struct text csv = {0};
    sheet_write_csv(t, &csv);
    text_add(out, "<p><a class=csv download=\"%s.csv\" href=\"data:text/csv;charset=utf-8;base64,", t->id);
    add_base64(&csv, out);
    text_add(out, "\">Download %s.csv</a> (%zu rows)</p>\n", t->id, t->n_rows);
    text_free(&csv);
}

static void add_picture(struct report *r, const struct sheet *t, const struct picture *picture)
{
    if (picture->needs && !sheet_has(t, picture->needs)) {
        text_add(&r->page, "<h3>%s</h3>\n<p class=note>Not measured: no job that has ended has numbers for it.</p>\n", picture->title);
        return;
    }
    text_add(&r->page, "<figure id=\"figure-%s\"><h3>%s</h3>\n", picture->name, picture->title);
    if (r->draws)
        report_draw(r, picture);
    else
        text_add(&r->page, "<p class=note>No picture: gnuplot was not found.</p>\n");
    text_add(&r->page, "<figcaption>%s</figcaption></figure>\n", picture->caption);
}

/* How many panels the rows ask for: different texts in the column of groups. */
static size_t count_groups(const struct sheet *t)
{
    enum { MOST = 1000 };
    const char *seen[MOST];
    size_t n = 0, last = 0;
    for (size_t i = 0; i < t->n_rows && n < MOST; i++) {
        const char *group = t->entries[i * t->n_columns].text;
        bool known = n && strcmp(seen[last], group) == 0;
        for (size_t k = 0; k < n && !known; k++)
            known = strcmp(seen[last = k], group) == 0;
        if (!known)
            seen[last = n++] = group;
    }
    return n;
}

int report_show(struct report *r, const struct sheet *t, const struct picture *pictures, size_t n_pictures,
                const char *empty, struct error *err)
{
    if (t->n_rows == 0) {
        text_add(&r->page, "<p class=note>%s</p>\n", empty);
        return 0;
    }
    struct text data = {0}, name = {0};
    sheet_write_data(t, &data);
    text_add(&name, "%s.tsv", t->id);
    int result = report_write_file(r->folder, name.chars, &data, err);
    text_free(&data);
    text_free(&name);
    if (result)
        return -1;
    for (size_t i = 0; i < n_pictures; i++)
        add_picture(r, t, &pictures[i]);
    size_t groups = n_pictures && t->columns[0].is_text ? count_groups(t) : 0;
    if (groups > GROUPS_DRAWN)
        text_add(&r->page, "<p class=note>Drawn are the first %d of %zu groups; the table has more, --where chooses.</p>\n",
                 GROUPS_DRAWN, groups);
    text_add(&r->page, "<details><summary>%s: the numbers</summary>\n", t->title);
    add_download(t, &r->page);
    sheet_write_html(t, &r->page);
    text_add(&r->page, "</details>\n");
    return 0;
}

void report_show_table(struct report *r, const struct sheet *t)
{
    sheet_write_html(t, &r->page);
    add_download(t, &r->page);
}

/* --- the page -------------------------------------------------------------- */

static void add_colours(bool dark, struct text *out)
{
    for (size_t i = 0; i < sizeof style_colours / sizeof *style_colours; i++)
        text_add(out, "--%s:#%06X;", style_colours[i].name, dark ? style_colours[i].dark : style_colours[i].light);
}

static const char dark_page[] =
    "color-scheme:dark;--paper:#15181C;--ink:#E6E8EA;--soft:#A4ABB3;--line:#3A3F47;--box:#1D2127;--link:#7CC0FF;";
static const char light_page[] =
    "color-scheme:light;--paper:#FFFFFF;--ink:#1A1C1E;--soft:#55595E;--line:#D5D8DC;--box:#F5F6F8;--link:#0B57A4;";

static const char style[] =
    "html{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "body{max-width:66rem;margin:0 auto;padding:0 1rem 4rem}\n"
    "a{color:var(--link)}a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);outline-offset:2px}\n"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.3rem .6rem}\n"
    "h1{font-size:1.7rem;margin:1.5rem 0 .5rem}h2{margin:2.5rem 0 .5rem;border-top:1px solid var(--line);padding-top:1rem}\n"
    "h3{font-size:1rem;margin:1.2rem 0 .2rem}\n"
    "nav ul{columns:3 14rem;padding-left:1.2rem}\n"
    "#question{font-size:1.1rem;color:var(--soft);margin:.3rem 0}\n"
    "#answer{background:var(--box);border-left:4px solid var(--link);padding:.6rem 1rem;margin:1rem 0;font-size:1.1rem}\n"
    "#answer p{margin:.4rem 0}\n"
    ".note,.soft,figcaption{color:var(--soft)}figcaption{font-size:.92rem;max-width:56rem}\n"
    ".warning{border:2px solid currentColor;padding:.4rem .8rem}\n"
    "figure{margin:1rem 0}.picture{overflow-x:auto}.picture svg{max-width:100%;height:auto;display:block}\n"
    "details{margin:.3rem 0 1.5rem}summary{cursor:pointer;color:var(--link)}\n"
    ".scroll{overflow:auto;max-height:28rem;border:1px solid var(--line)}\n"
    "table{border-collapse:collapse;font-size:.86rem}th,td{padding:.2rem .6rem;text-align:left;vertical-align:top;white-space:nowrap}\n"
    "th{position:sticky;top:0;background:var(--box);white-space:normal;min-width:4.5rem;vertical-align:bottom}tbody tr:nth-child(even){background:var(--box)}\n"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}td.w{white-space:pre-wrap}\n"
    "pre{background:var(--box);padding:.6rem;overflow:auto;font-size:.86rem}\n"
    "@media print{html{font-size:11pt}body{max-width:none}nav,.skip,a.csv{display:none}figure{break-inside:avoid}"
    "h2,h3{break-after:avoid}.scroll{max-height:none;overflow:visible;border:0}th{position:static}details:not([open]){display:none}}\n";

/* Browsers refuse long data: links; a blob holds any number of bytes. */
static const char script[] =
    "document.addEventListener('click',function(e){var a=e.target.closest&&e.target.closest('a.csv');"
    "if(!a||a.href.length<1e6||a.href.indexOf('data:')!==0)return;"
    "var t=atob(a.href.split(',')[1]),b=new Uint8Array(t.length);for(var i=0;i<t.length;i++)b[i]=t.charCodeAt(i);"
    "a.href=URL.createObjectURL(new Blob([b],{type:'text/csv'}))})";

/* A picture that gnuplot would not draw is said where it should be, and on stderr: the rest is no worse for it. */
static void add_drawing(const struct report *r, struct drawing *drawing, struct text *out)
{
    struct text svg = {0};
    struct error failed = {0};
    int result = report_finish_drawing(r, drawing, &svg, &failed);
    if (result == 0) {
        text_add(out, "<div class=picture>");
        text_add_bytes(out, svg.chars, svg.length);
        text_add(out, "</div>\n");
    } else if (result > 0) {
        text_add(out, "<p class=note>Nothing to draw yet.</p>\n");
    } else {
        text_add(out, "<p class=warning>The picture could not be drawn: ");
        sheet_add_escaped(failed.text, out);
        text_add(out, "</p>\n");
        fprintf(stderr, "relin report: %s\n", failed.text);
    }
    text_free(&svg);
}

void report_page(struct report *r, struct text *out)
{
    text_add(out, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n<title>relin report: ");
    sheet_add_escaped(r->title, out);
    text_add(out, "</title>\n<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
                  "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; "
                  "script-src 'unsafe-inline'\">\n<meta name=generator content=\"relin " RELIN_VERSION "\">\n"
                  "<meta name=color-scheme content=\"light dark\">\n<style>:root{%s", light_page);
    add_colours(false, out);
    text_add(out, "}\n@media screen and (prefers-color-scheme:dark){:root{%s", dark_page);
    add_colours(true, out);
    text_add(out, "}}\n%s</style></head>\n<body>\n<a class=skip href=\"#main\">Skip to the answer</a>\n<header><h1>", style);
    sheet_add_escaped(r->title, out);
    text_add(out, "</h1></header>\n<nav aria-label=Contents><ul>\n");
    text_add_bytes(out, r->contents.chars, r->contents.length);
    text_add(out, "</ul></nav>\n<main id=main>\n");
    size_t done = 0;
    for (size_t i = 0; i < r->n_drawings; i++) {
        text_add_bytes(out, r->page.chars + done, r->drawings[i].at - done);
        done = r->drawings[i].at;
        add_drawing(r, &r->drawings[i], out);
    }
    text_add_bytes(out, r->page.chars + done, r->page.length - done);
    text_add(out, "</main>\n<script>%s</script>\n</body></html>\n", script);
}
