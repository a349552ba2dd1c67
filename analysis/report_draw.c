/* Pictures: gnuplot runs in the folder of the data files; its SVG is made fit to stand in the page. */
#define _GNU_SOURCE   /* posix_spawn_file_actions_addchdir_np */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "must.h"
#include "print.h"
#include "report.h"
#include "report_style.h"
#include "sweep/variables.h"

#include "figures.h"   /* made from analysis/figures: struct { name, text } figure_scripts[] */

extern char **environ;

/* --- files ----------------------------------------------------------------- */

int report_write_file(const char *folder, const char *name, const struct text *content, struct error *err)
{
    struct text path = {0};
    text_add(&path, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    FILE *file = fopen(path.chars, "w");
    bool written = file && fwrite(content->chars, 1, content->length, file) == content->length;
    if (file && fclose(file) != 0)
        written = false;
    int result = written ? 0 : error_set_errno(err, ERROR_FILE, "%s: cannot be written", path.chars);
    text_free(&path);
    return result;
}

/* A string of gnuplot in single quotes. */
static void add_setting(const char *name, const char *value, struct text *out)
{
    text_add(out, "%s = '", name);
    for (; *value; value++)
        text_add(out, *value == '\'' ? "''" : (unsigned char)*value < ' ' ? " " : "%c", *value);
    text_add(out, "'\n");
}

/* "test accuracy (%)"; what is no score by its name in the file, with its unit there. */
static void name_metric(const struct cells *c, struct text *out)
{
    const char *unit = c->question.is_accuracy ? "%" : "1";
    for (const char *at = c->question.metric; *at; at++)
        text_add(out, "%c", *at == '_' ? ' ' : *at);
    for (int id = 0; id < VAR_COUNT && !c->question.is_accuracy; id++)
        if (strcmp(variables[id].name, c->question.metric) == 0)
            unit = variables[id].units;
    if (*unit && strcmp(unit, "1") != 0)
        text_add(out, " (%s)", unit);
}

int report_write_scripts(const struct report *r, struct error *err)
{
    const struct cells *c = r->cells;
    struct text settings = {0}, metric = {0}, difference = {0}, baseline = {0};
    name_metric(c, &metric);
    print_baseline(c, &baseline);
    const char *unit = strstr(metric.chars, " (");
    text_add(&difference, "difference of %.*s to %s%s", unit ? (int)(unit - metric.chars) : (int)metric.length, metric.chars,
             baseline.chars, c->question.is_accuracy ? " (points)" : unit ? unit : "");
    text_add(&settings, "# What was asked. Scripts load it after style.gp.\n");
    add_setting("metric_text", metric.chars, &settings);
    add_setting("difference_text", difference.chars, &settings);
    text_add(&settings, "metric_scale = %g\nmetric_better = %d\nrates = %d\n", print_scale(c), c->question.better, report_eta_has_rates(c));
    if (c->question.is_accuracy)
        text_add(&settings, "metric_least = 0\nmetric_most = 100\n");
    text_add(&settings, "margin = %s", isnan(c->question.margin) ? "0" : "");
    if (!isnan(c->question.margin))
        text_add_number(&settings, c->question.margin * print_scale(c));
    text_add(&settings, "\n");
    int result = report_write_file(r->folder, "settings.gp", &settings, err);
    for (size_t i = 0; i < sizeof figure_scripts / sizeof *figure_scripts && result == 0; i++) {
        struct text script = {0};
        text_add(&script, "%s", figure_scripts[i].text);
        result = report_write_file(r->folder, figure_scripts[i].name, &script, err);
        text_free(&script);
    }
    text_free(&settings);
    text_free(&metric);
    text_free(&difference);
    text_free(&baseline);
    return result;
}

/* --- gnuplot --------------------------------------------------------------- */

/* Starts gnuplot in a folder, its output into a file there. Returns its process; -1: it could not be started. */
static long start_gnuplot(char *const *arguments, const char *folder, const char *log)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int failed = posix_spawnp(&pid, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed ? -1 : pid;
}

/* Its exit code; -1: it was never started, 128: it was killed. */
static int wait_for(long pid)
{
    int status = 0;
    if (pid < 0)
        return -1;
    while (waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool report_can_draw(void)
{
    char *arguments[] = {"gnuplot", "--version", NULL};
    return wait_for(start_gnuplot(arguments, "/", "/dev/null")) == 0;
}

static void end_drawing(struct drawing *d)
{
    if (d->pid != 0)
        d->code = wait_for(d->pid);
    d->pid = 0;
}

void report_draw(struct report *r, const struct picture *picture)
{
    long most = sysconf(_SC_NPROCESSORS_ONLN);
    size_t beside = most > 1 ? (size_t)most : 1;
    struct text script = {0}, log = {0}, settings = {0};
    if (r->n_drawings >= beside)
        end_drawing(&r->drawings[r->n_drawings - beside]);
    r->drawings = must(realloc(r->drawings, (r->n_drawings + 1) * sizeof *r->drawings));
    text_add(&script, "%s.gp", picture->name);
    text_add(&log, "%s.log", picture->name);
    text_add(&settings, "terminal='svg'; out='%s.svg'", picture->name);
    char *arguments[] = {"gnuplot", "-e", settings.chars, script.chars, NULL};
    r->drawings[r->n_drawings++] = (struct drawing){picture->name, picture->title, r->page.length,
                                                    start_gnuplot(arguments, r->folder, log.chars), 0};
    text_free(&script);
    text_free(&log);
    text_free(&settings);
}

void report_free_drawings(struct report *r)
{
    for (size_t i = 0; i < r->n_drawings; i++)
        end_drawing(&r->drawings[i]);
    free(r->drawings);
    r->drawings = NULL;
    r->n_drawings = 0;
}

/* --- the SVG in the page --------------------------------------------------- */

/* What is replaced wherever it stands: colours by those of the page. */
static size_t match_colour(const char *at, struct text *out)
{
    static const struct { const char *from, *to; } named[] = {
        {"'black'", "'currentColor'"}, {"\"black\"", "\"currentColor\""},
        {"'white'", "'var(--paper)'"}, {"\"white\"", "\"var(--paper)\""}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strncmp(at, named[i].from, strlen(named[i].from)) == 0) {
            text_add(out, "%s", named[i].to);
            return strlen(named[i].from);
        }
    unsigned red, green, blue;
    int length = 0;
    if (*at != 'r' || sscanf(at, "rgb(%u,%u,%u)%n", &red, &green, &blue, &length) != 3 || length == 0)   /* with blanks, or without */
        return 0;
    for (size_t i = 0; i < sizeof style_colours / sizeof *style_colours; i++)
        if (style_colours[i].light == (red << 16 | green << 8 | blue)) {
            text_add(out, "var(--%s)", style_colours[i].name);
            return (size_t)length;
        }
    return 0;
}

/* Names are those of the picture, so that two pictures in a page do not share any; titles of curves would be shown
 * as help texts, and say nothing. */
static size_t match_name(const char *at, const char *name, struct text *out)
{
    static const char *const before[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (strncmp(at, before[i], strlen(before[i])) == 0) {
            text_add(out, "%s%s-", before[i], name);
            return strlen(before[i]);
        }
    const char *end = strncmp(at, "<title>", 7) == 0 ? strstr(at, "</title>") : NULL;
    return end ? (size_t)(end - at) + 8 : 0;
}

static int add_svg(const struct drawing *picture, const char *svg, struct text *out, struct error *err)
{
    const char *box = strstr(svg, "viewBox=\""), *body = strstr(svg, "</desc>"), *end = strstr(svg, "</svg>");
    int wide, high;
    if (!box || !body || !end || sscanf(box, "viewBox=\"0 0 %d %d\"", &wide, &high) != 2)
        return error_set(err, ERROR_FILE, "%s.svg: expected a whole SVG of gnuplot, got something else", picture->name);
    text_add(out, "<svg id=\"picture-%s\" role=img viewBox=\"0 0 %d %d\" width=%d height=%d aria-label=\"", picture->name, wide,
             high, wide, high);
    sheet_add_escaped(picture->title, out);
    text_add(out, "\">");
    for (const char *at = body + 7; at < end;) {
        size_t taken = match_colour(at, out);
        if (taken == 0)
            taken = match_name(at, picture->name, out);
        if (taken == 0)
            text_add_bytes(out, at, taken = 1);
        at += taken;
    }
    text_add(out, "</svg>\n");
    return 0;
}

/* With the last line of what gnuplot had to say: those before it repeat the script. */
static int refuse_picture(const struct report *r, const char *name, int code, struct error *err)
{
    struct text path = {0}, said = {0};
    const char *line = "nothing";
    text_add(&path, "%s/%s.log", r->folder, name);
    text_read_file(&said, path.chars, 1 << 16, NULL);
    for (char *rest = NULL, *at = said.chars ? strtok_r(said.chars, "\n", &rest) : NULL; at; at = strtok_r(NULL, "\n", &rest))
        line = at;
    error_set(err, ERROR_FILE, "%s.gp: gnuplot ended with code %d: %s", name, code, line);
    text_free(&path);
    text_free(&said);
    return -1;
}

int report_finish_drawing(const struct report *r, struct drawing *drawing, struct text *out, struct error *err)
{
    struct text path = {0}, svg = {0};
    end_drawing(drawing);
    text_add(&path, "%s/%s.svg", r->folder, drawing->name);
    if (drawing->code == 0 && access(path.chars, F_OK) != 0) {
        text_free(&path);
        return 1;
    }
    int result = drawing->code == 0 ? text_read_file(&svg, path.chars, 1 << 28, err)
                                    : refuse_picture(r, drawing->name, drawing->code, err);
    if (result == 0)
        result = add_svg(drawing, svg.chars ? svg.chars : "", out, err);
    text_free(&path);
    text_free(&svg);
    return result;
}
