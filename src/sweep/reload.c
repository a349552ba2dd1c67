/* A sweep from what a result file keeps of it, and a part of one. */
#define _GNU_SOURCE   /* memmem */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "grid.h"
#include "sweep/sweep.h"

/* Is the end of the text such a line? Cuts it off and returns its content. */
static char *cut_override(const char *text, size_t *length)
{
    size_t end = *length, mark = sizeof OVERRIDE_MARK - 1;
    if (end < mark || text[end - 1] != '\n')
        return NULL;
    size_t begin = --end;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    if (begin == 0 || end - begin < mark - 1 || memcmp(text + begin - 1, OVERRIDE_MARK, mark) != 0)
        return NULL;
    *length = begin - 1;
    return strndup(text + begin + mark - 1, end - begin - (mark - 1));
}

int sweep_reload(struct sweep *sweep, const char *name, const char *text, struct error *err)
{
    size_t length = strlen(text), n = 0;
    char **overrides = NULL;
    for (char *last; (last = cut_override(text, &length)) != NULL;) {
        char **more = realloc(overrides, (n + 1) * sizeof *overrides);
        if (!more)
            abort();
        overrides = more;
        memmove(overrides + 1, overrides, n++ * sizeof *overrides);
        overrides[0] = last;
    }
    int status = sweep_load_text(sweep, name, text, length, (const char *const *)overrides, n, err);
    for (size_t i = 0; i < n; i++)
        free(overrides[i]);
    free(overrides);
    return status;
}

void sweep_keep(struct sweep *sweep, const bool *keep)
{
    size_t n = 0;
    for (size_t i = 0; i < sweep->n_jobs; i++) {
        if (!keep[i]) {
            job_free(&sweep->jobs[i]);
            for (size_t a = 0; a < sweep->n_axes; a++)
                if (sweep->axes[a].label)
                    free(sweep->axes[a].label[i]);
            continue;
        }
        sweep->jobs[n] = sweep->jobs[i];
        for (size_t a = 0; a < sweep->n_axes; a++) {
            if (sweep->axes[a].number)
                sweep->axes[a].number[n] = sweep->axes[a].number[i];
            if (sweep->axes[a].label)
                sweep->axes[a].label[n] = sweep->axes[a].label[i];
        }
        n++;
    }
    sweep->n_jobs = n;
}
