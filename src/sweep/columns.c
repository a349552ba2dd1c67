#include "columns.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

static void *checked(void *block)
{
    if (!block) {
        fputs("relin: out of memory while listing the axes\n", stderr);
        abort();
    }
    return block;
}

void columns_add(struct columns *columns, const char *path)
{
    static const char *const own[] = {"architecture", "training.seed", "training.refresh_period", "training.trainer",
                                      "training.refresh", "training.feature_updates"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(path, own[i]) == 0)
            return;
    for (size_t i = 0; i < columns->n; i++)
        if (strcmp(path, columns->path[i]) == 0)
            return;
    columns->path = checked(realloc(columns->path, (columns->n + 1) * sizeof *columns->path));
    columns->path[columns->n++] = checked(strdup(path));
}

void columns_free(struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        free(columns->path[i]);
    free(columns->path);
    *columns = (struct columns){0};
}

static char *column_name(const char *path)
{
    struct text name = {0};
    bool taken = false;
    for (size_t i = 0; i < VAR_COUNT; i++) {
        const char *a = variables[i].name, *b = path;
        while (*a && (*a == *b || (*b == '.' && *a == '_')))
            a++, b++;
        taken |= *a == 0 && *b == 0;
    }
    text_add(&name, taken ? "requested_%s" : "%s", path);
    for (char *c = name.chars; *c; c++)
        if (!isalnum((unsigned char)*c) && (unsigned char)*c < 0x80)
            *c = '_';
    return name.chars;
}

/* Of a finished job again, but for what its text alone says. */
static void make_draft(struct draft *draft, const struct job *job)
{
    const struct refresh_schedule *refresh = &job->training.refresh;
    memset(draft, 0, sizeof *draft);
    draft->job = *job;
    draft->network = *job->network;
    if (refresh->kind == REFRESH_AT && refresh->count)
        memcpy(draft->refresh_at, refresh->at, (size_t)refresh->count * sizeof *refresh->at);
}

/* The resolved value of a key in a job as plain text: JSON without the quotes of a text; - where the
 * key belongs to another architecture. */
static char *value_text(const char *path, const struct job *job)
{
    struct draft draft;
    struct text value = {0};
    if (strncmp(path, "architectures.", 14) == 0) {
        const char *own = path + 14;
        size_t length = (size_t)(strrchr(own, '.') - own);
        if (strlen(job->network->name) != length || strncmp(job->network->name, own, length) != 0)
            return checked(strdup("-"));
    }
    make_draft(&draft, job);
    if (strncmp(path, "parameters.", 11) != 0)
        key_print(key_find(path), &draft, &value);
    else if (!program_parameter(job, path + 11, &value))
        text_add(&value, "-");
    size_t length = strlen(value.chars);
    if (length >= 2 && value.chars[0] == '"') {
        memmove(value.chars, value.chars + 1, length - 2);
        value.chars[length - 2] = 0;
    }
    return value.chars;
}

static void fill_axis(struct sweep_axis *axis, const char *path, const struct sweep *sweep)
{
    size_t n = sweep->n_jobs;
    axis->path = checked(strdup(path));
    axis->column = column_name(path);
    axis->number = checked(calloc(n, sizeof *axis->number));
    axis->label = checked(calloc(n, sizeof *axis->label));
    axis->numeric = axis->integral = true;
    for (size_t i = 0; i < n; i++) {
        char *end, *text = value_text(path, &sweep->jobs[i]);
        axis->label[i] = text;
        axis->number[i] = strtod(text, &end);
        if (strcmp(text, "-") == 0) {
            axis->number[i] = NAN;
            axis->integral = false;
        } else if (*end || end == text) {
            axis->numeric = false;
        } else if (axis->number[i] != rint(axis->number[i]) || fabs(axis->number[i]) > 1e15) {
            axis->integral = false;
        }
    }
    axis->integral &= axis->numeric;
}

void columns_fill(const struct columns *columns, struct sweep *sweep)
{
    sweep->axes = columns->n ? checked(calloc(columns->n, sizeof *sweep->axes)) : NULL;
    sweep->n_axes = columns->n;
    for (size_t a = 0; a < columns->n; a++)
        fill_axis(&sweep->axes[a], columns->path[a], sweep);
}
