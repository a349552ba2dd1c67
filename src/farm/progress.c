#include "farm/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_WIDTH = 30 };
static const double bar_every = 0.2, line_every = 10;

bool progress_parse(const char *word, enum farm_progress *kind)
{
    static const char *const words[] = {
        [PROGRESS_AUTO] = "auto", [PROGRESS_BAR] = "bar", [PROGRESS_LINES] = "lines", [PROGRESS_NONE] = "none"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) {
            *kind = (enum farm_progress)i;
            return true;
        }
    return false;
}

enum farm_progress progress_resolve(enum farm_progress kind)
{
    const char *word = getenv("RELIN_PROGRESS");   /* mpirun's stderr is a pipe: scripts know better */
    if (kind == PROGRESS_AUTO && word)
        progress_parse(word, &kind);
    if (kind == PROGRESS_AUTO)
        kind = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_LINES;
    return kind;
}

void progress_format(const struct progress_counts *counts, char *text, size_t size)
{
    char left[64] = "", duration[48];
    if (counts->draining) {
        snprintf(left, sizeof left, ", stopping");
    } else if (counts->left >= 0 && counts->done + counts->failed < counts->jobs) {
        clock_duration(counts->left, duration, sizeof duration);
        snprintf(left, sizeof left, ", about %s left", duration);
    }
    snprintf(text, size, "%zu of %zu jobs done, %zu failed, %zu running%s", counts->done, counts->jobs,
             counts->failed, counts->running, left);
}

void progress_start(struct progress *progress, enum farm_progress kind)
{
    *progress = (struct progress){.kind = progress_resolve(kind), .start = clock_seconds()};
    progress->shown = progress->start;
}

bool progress_due(const struct progress *progress)
{
    double every = progress->kind == PROGRESS_BAR ? bar_every : line_every;
    return progress->kind != PROGRESS_NONE && clock_seconds() - progress->shown >= every;
}

void progress_show(struct progress *progress, const struct progress_counts *counts)
{
    char text[200], bar[BAR_WIDTH + 1];
    progress_format(counts, text, sizeof text);
    if (progress->kind == PROGRESS_BAR) {
        size_t ended = counts->done + counts->failed, full = counts->jobs ? BAR_WIDTH * ended / counts->jobs : 0;
        memset(bar, '.', BAR_WIDTH);
        memset(bar, '#', full);
        bar[BAR_WIDTH] = 0;
        fprintf(stderr, "\r[%s] %s\033[K", bar, text);
        progress->drawn = true;
    } else {
        fprintf(stderr, "relin: %s\n", text);
    }
    fflush(stderr);
    progress->shown = clock_seconds();
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}

void progress_end(struct progress *progress, const struct progress_counts *counts)
{
    if (progress->kind == PROGRESS_NONE)
        return;
    progress_show(progress, counts);
    if (progress->drawn)
        fputc('\n', stderr);
    progress->drawn = false;
}
