/* relin status --watch: the sweep again and again, while a run of it is alive. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "plan/usage.h"
#include "status.h"
#include "store/store.h"

enum { BAR = 30, HEAD_LINES = 6, FEW_LINES = 24, PAUSE = 9 };   /* PAUSE: times as long as it takes to read and draw */

static void add_busy(struct text *out, const struct usage *usage)
{
    const struct usage_run *run = usage->n_runs ? &usage->runs[usage->n_runs - 1] : NULL;
    if (run && isfinite(usage->recent))
        text_add(out, "; %zu worker%s, busy %.0f %% of the last minute, %.0f %% of the run", run->workers,
                 run->workers == 1 ? "" : "s", 100 * usage->recent,
                 100 * usage_efficiency(run->seconds, (double)run->workers * run->makespan));
}

static void add_line(struct text *out, const struct usage *usage)
{
    size_t all = usage->jobs - usage->skipped - usage->reserved;
    text_add(out, "%zu of %zu jobs done, %zu failed, %zu running, %zu pending", usage->done, all, usage->failed, usage->running,
             all - usage->done - usage->failed - usage->running);
    if (usage->reserved)
        text_add(out, ", %zu in reserve", usage->reserved);
    if (usage->skipped)
        text_add(out, ", %zu skipped", usage->skipped);
    status_add_left(out, usage);
    add_busy(out, usage);
    text_add(out, "\n");
}

static void add_cell(struct text *out, const struct usage_cell *cell, int width)
{
    struct text period = {0};
    char span[64] = "-", bar[BAR + 1];
    size_t full = cell->done * BAR / cell->jobs, begun = (cell->done + cell->running) * BAR / cell->jobs;
    if (strcmp(cell->schedule, "constant") == 0)
        text_add_number(&period, cell->refresh_period);
    else
        text_add(&period, "%s", cell->schedule);
    for (size_t i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : i < begun ? '+' : '.';
    bar[BAR] = 0;
    if (cell->done)
        clock_duration(cell->seconds / (double)cell->done, span, sizeof span);
    text_add(out, "%-*s  %-10s  [%s]  %zu/%zu", width, cell->architecture, period.chars, bar, cell->done, cell->jobs);
    if (cell->running)
        text_add(out, ", %zu running", cell->running);
    if (cell->failed)
        text_add(out, ", %zu failed", cell->failed);
    text_add(out, "; %s each\n", span);
    text_free(&period);
}

/* Cells that are complete make room first where not all fit. */
static void add_cells(struct text *out, const struct usage *usage, size_t lines)
{
    size_t width = 4, shown = 0, complete = 0;
    for (size_t i = 0; i < usage->n_cells; i++) {
        const struct usage_cell *cell = &usage->cells[i];
        width = strlen(cell->architecture) > width ? strlen(cell->architecture) : width;
        complete += cell->done + cell->failed == cell->jobs;
    }
    bool all = usage->n_cells <= lines;
    for (size_t i = 0; i < usage->n_cells && shown < lines; i++) {
        const struct usage_cell *cell = &usage->cells[i];
        if (!all && cell->done + cell->failed == cell->jobs)
            continue;
        add_cell(out, cell, (int)width);
        shown++;
    }
    if (!all)
        text_add(out, "and %zu cells more, %zu of them complete\n", usage->n_cells - shown, complete);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; text && *text; text++)
        n += *text == '\n';
    return n;
}

static size_t lines_of_terminal(void)
{
    struct winsize size;
    size_t lines = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : FEW_LINES;
    return lines > HEAD_LINES ? lines - HEAD_LINES : 1;
}

/* Draws it all at once: a terminal shows no half. Returns 0, or -1 with *err filled. */
static int draw(const struct store_reader *reader, const struct store_lock_info *lock, const char *path, bool terminal,
                struct status_answer *answer, struct error *err)
{
    struct usage usage;
    struct text out = {0};
    char now[32];
    int failed = usage_read(reader, true, clock_unix(), &usage, err);
    bool other = !failed && status_answer(answer, reader, path, usage.done + usage.failed);
    const char *answered = answer->text.chars ? answer->text.chars : "";
    clock_iso(clock_unix(), now, sizeof now);
    if (!failed && terminal) {
        char *name = store_read_config(reader, "name", NULL);
        text_add(&out, "\033[H\033[J%s, %s, a run on %s\n", name ? name : "", now, lock->host);
        free(name);
        add_line(&out, &usage);
        text_add(&out, "\n%s%s", answered, *answered ? "\n" : "");
        size_t lines = lines_of_terminal(), taken = count_lines(answered) + 1;
        lines = lines > taken ? lines - taken : 1;
        (usage.by_until ? status_until_add : add_cells)(&out, &usage, lines);
    } else if (!failed) {
        text_add(&out, "%s ", now);
        add_line(&out, &usage);
        text_add(&out, "%s", other ? answered : "");
    }
    if (out.chars)
        fputs(out.chars, stdout);
    fflush(stdout);
    text_free(&out);
    usage_free(&usage);
    return failed;
}

int status_watch(const char *path, double interval)
{
    struct store_lock_info lock;
    struct error err = {0};
    struct status_answer answer = {0};
    bool terminal = isatty(STDOUT_FILENO);
    int code = 0;
    while (!code && store_lock_read(path, &lock) && lock.live && lock.pid) {
        double began = clock_seconds();
        struct store_reader *reader = store_read_open(path, &err);
        int failed = !reader || draw(reader, &lock, path, terminal, &answer, &err);
        store_read_close(reader);
        if (failed) {
            fprintf(stderr, "relin status: %s\n", err.text);
            code = error_exit_code(err.code);
            break;
        }
        double wait = fmax(interval, PAUSE * (clock_seconds() - began)), whole = floor(wait);   /* of large files it is no neighbour */
        nanosleep(&(struct timespec){.tv_sec = (time_t)whole, .tv_nsec = (long)(1e9 * (wait - whole))}, NULL);
    }
    text_free(&answer.text);
    if (terminal && !code)
        printf("\n");
    return code;
}
