#include "metric.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alignment.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "moment.h"
#include "must.h"
#include "store/store.h"
#include "sweep/variables.h"

enum { NAME_SIZE = 256 };

static double period_of(const struct observations *o, const struct observation *x)
{
    size_t k = observe_find_axis(o, "refresh_period");
    return k == SIZE_MAX ? NAN : o->axes[k].levels[x->level[k]].number;
}

int metric_read_member(const struct store_reader *reader, const char *name, struct observation *new, size_t n,
                       size_t offset, struct error *err)
{
    double *numbers;
    size_t width;
    if (store_read_numbers(reader, name, &numbers, &width, err) != 0)
        return -1;
    if (width != 1) {
        mem_free(numbers);
        return error_set(err, ERROR_USAGE, "%s: expected a variable with one number a job, got %zu a job",
                         name, width);
    }
    for (size_t i = 0; i < n; i++)
        *(double *)((char *)&new[i] + offset) = numbers[i];
    mem_free(numbers);
    return 0;
}

/* --- which variable -------------------------------------------------------- */

/* The names nearest to one that is not there, nearest first: those that the file has one number a job of. */
static void add_near(const struct store_reader *reader, const char *name, const char *prefix, struct text *out)
{
    const char *best[3] = {NULL};
    size_t least[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    for (int id = 0; id < VAR_COUNT; id++) {
        const struct variable *v = &variables[id];
        char path[NAME_SIZE];
        size_t skip = strncmp(v->name, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
        bool is_text = v->type >= TYPE_TEXT16;
        snprintf(path, sizeof path, "%s%s", v->group == GROUP_KERNELS ? "kernels/" : "", v->name);
        if (*prefix ? !skip || v->dims != DIMS_EVAL : v->dims != DIMS_JOB && v->dims != DIMS_SNAPSHOT)
            continue;
        if (is_text || !store_read_has(reader, path))
            continue;
        size_t distance = text_distance(name, v->name + skip);
        for (int i = 0; i < 3; i++)
            if (distance < least[i]) {
                memmove(&best[i + 1], &best[i], (size_t)(2 - i) * sizeof *best);
                memmove(&least[i + 1], &least[i], (size_t)(2 - i) * sizeof *least);
                best[i] = v->name + skip;
                least[i] = distance;
                break;
            }
    }
    for (int i = 0; i < 3 && best[i]; i++)
        text_add(out, "%s%s", i ? ", " : "", best[i]);
}

/* The variable's path in the file: as it is, or in the group of kernels. False: there is none. */
static bool find_path(const struct store_reader *reader, const char *name, char path[NAME_SIZE])
{
    snprintf(path, NAME_SIZE, "%s", name);
    if (store_read_has(reader, path))
        return true;
    snprintf(path, NAME_SIZE, "kernels/%s", name);
    return store_read_has(reader, path);
}

static bool is_per_snapshot(const char *path)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (variables[id].group == GROUP_KERNELS && strncmp(path, "kernels/", 8) == 0
            && strcmp(variables[id].name, path + 8) == 0)
            return variables[id].dims == DIMS_SNAPSHOT;
    return false;
}

/* --- values ---------------------------------------------------------------- */

/* Of each job the last snapshot that it has; NaN without. */
static int read_last_snapshot(const struct store_reader *reader, const char *path, double *last, size_t n,
                              struct error *err)
{
    double *values, *there;
    size_t width, one;
    if (store_read_numbers(reader, path, &values, &width, err) != 0)
        return -1;
    if (store_read_numbers(reader, "kernels/n_snapshots", &there, &one, err) != 0) {
        mem_free(values);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        last[i] = there[i] >= 1 && there[i] <= (double)width ? values[i * width + (size_t)there[i] - 1] : NAN;
    mem_free(values);
    mem_free(there);
    return 0;
}

/* One number a job, of a (job) or a (job, snapshot) variable; column: n of them. */
static int read_column(const struct store_reader *reader, const char *path, double *column, size_t n, struct error *err)
{
    if (is_per_snapshot(path))
        return read_last_snapshot(reader, path, column, n, err);
    double *whole;
    size_t width;
    if (store_read_numbers(reader, path, &whole, &width, err) != 0)
        return -1;
    int result = 0;
    if (width == 1)
        memcpy(column, whole, n * sizeof *column);
    else
        result = error_set(err, ERROR_USAGE, "--metric %s: expected a variable with one number a job or a snapshot, got "
                           "%zu a job", path, width);
    mem_free(whole);
    return result;
}

/* The name of the metric at theta_t beside one at theta_s, if the file has both. */
static bool find_own(const struct store_reader *reader, const char *path, char own[NAME_SIZE])
{
    static const char suffix[] = "_linearised";
    snprintf(own, NAME_SIZE, "%s", path);
    size_t length = strlen(own), tail = sizeof suffix - 1;
    if (length <= tail || strcmp(own + length - tail, suffix) != 0)
        return false;
    own[length - tail] = 0;
    return store_read_has(reader, own);
}

static int read_final(const struct observations *o, const struct store_reader *reader, const char *path,
                      struct observation *new, size_t n, struct error *err)
{
    double *column = must(malloc((n + 1) * sizeof *column)), *own_column = must(malloc((n + 1) * sizeof *own_column));
    char own[NAME_SIZE];
    bool has_own = find_own(reader, path, own);
    int result = read_column(reader, path, column, n, err);
    if (result == 0 && has_own)
        result = read_column(reader, own, own_column, n, err);
    for (size_t i = 0; i < n && result == 0; i++) {
        bool is_own = has_own && isnan(column[i]) && period_of(o, &new[i]) == 1;   /* theta_s is theta_t */
        new[i].value[READOUT_LINEAR] = is_own ? own_column[i] : column[i];
    }
    free(column);
    free(own_column);
    return result;
}

/* The curve's value at the evaluation that was chosen of each job. */
static int read_curve(const struct store_reader *reader, const char *name, enum readout readout, struct observation *new,
                      size_t n, struct error *err)
{
    double *values;
    size_t width;
    if (store_read_numbers(reader, name, &values, &width, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        new[i].value[readout] = new[i].evaluation < width ? values[i * width + new[i].evaluation] : NAN;
    mem_free(values);
    return 0;
}

static int read_at_moment(struct observations *o, const struct store_reader *reader, const struct reading *reading,
                          struct observation *new, size_t n, struct error *err)
{
    char curve[NAME_SIZE], network[NAME_SIZE];
    snprintf(curve, sizeof curve, "curve_%s", reading->metric);
    snprintf(network, sizeof network, "curve_%s_network", reading->metric);
    if (!store_read_has(reader, curve)) {
        struct text near = {0}, at = {0};
        add_near(reader, reading->metric, "curve_", &near);
        moment_write(&reading->moment, &at);
        error_set(err, ERROR_USAGE, "--at %s: expected a metric that has a curve (such as %s), got %s, of which "
                  "the file has none: without --at its final value is read", at.chars,
                  near.chars ? near.chars : "none in this file", reading->metric);
        text_free(&near);
        text_free(&at);
        return -1;
    }
    if (read_curve(reader, curve, READOUT_LINEAR, new, n, err) != 0)
        return -1;
    o->two_readouts = store_read_has(reader, network);
    return o->two_readouts ? read_curve(reader, network, READOUT_NETWORK, new, n, err) : 0;
}

/* The validation loss, at the moment that the metric is read. */
static int read_validation(const struct store_reader *reader, const struct reading *reading, struct observation *new,
                           size_t n, struct error *err)
{
    double *values;
    size_t width;
    bool at_end = reading->moment.kind == MOMENT_END;
    const char *name = at_end ? "validation_loss" : "curve_validation_loss";
    if (!reading->validation)
        return 0;
    if (store_read_numbers(reader, name, &values, &width, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (at_end || new[i].evaluation < width)
            new[i].validation = values[i * width + (at_end ? 0 : new[i].evaluation)];
    mem_free(values);
    return 0;
}

int metric_read(struct observations *o, const struct store_reader *reader, const struct reading *reading,
                struct observation *new, size_t n, struct error *err)
{
    char path[NAME_SIZE], network[NAME_SIZE + sizeof "_network"];
    if (read_validation(reader, reading, new, n, err) != 0)
        return -1;
    if (reading->moment.kind != MOMENT_END)
        return read_at_moment(o, reader, reading, new, n, err);
    if (strcmp(reading->metric, ALIGNMENT_METRIC) == 0)
        return alignment_read(o, reader, new, n, err);
    if (!find_path(reader, reading->metric, path)) {
        struct text near = {0};
        add_near(reader, strncmp(reading->metric, "kernels/", 8) == 0 ? reading->metric + 8 : reading->metric, "", &near);
        error_set(err, ERROR_USAGE, "--metric %s: no such variable in the file; near are %s; others are " ALIGNMENT_METRIC
                  " and what FORMAT.md lists with one number a job or a snapshot", reading->metric,
                  near.chars ? near.chars : "none");
        text_free(&near);
        return -1;
    }
    if (read_final(o, reader, path, new, n, err) != 0)
        return -1;
    snprintf(network, sizeof network, "%s_network", path);
    o->two_readouts = store_read_has(reader, network);
    return o->two_readouts
           ? metric_read_member(reader, network, new, n, offsetof(struct observation, value[READOUT_NETWORK]), err) : 0;
}

/* --- feature updates ------------------------------------------------------- */

int metric_read_updates(const struct store_reader *reader, struct observation *new, size_t n, struct error *err)
{
    if (metric_read_member(reader, "feature_updates", new, n, offsetof(struct observation, updates), err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        new[i].adaptive = isnan(new[i].updates);
    if (store_read_has(reader, "refreshes_done")) {
        double *done;
        size_t width;
        if (store_read_numbers(reader, "refreshes_done", &done, &width, err) != 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (new[i].adaptive && new[i].status == STATUS_DONE && done[i] >= 0)
                new[i].updates = done[i];
        mem_free(done);
    }
    return store_read_has(reader, "learning_rate")
           ? metric_read_member(reader, "learning_rate", new, n, offsetof(struct observation, learning_rate), err) : 0;
}

/* --- training losses ------------------------------------------------------- */

int metric_read_losses(const struct store_reader *reader, struct observation *new, size_t n, struct error *err)
{
    double *step = NULL, *loss = NULL;
    size_t width, loss_width;
    if (!store_read_has(reader, "curve_train_loss"))
        return 0;
    if (store_read_numbers(reader, "step", &step, &width, err) != 0)
        return -1;
    if (store_read_numbers(reader, "curve_train_loss", &loss, &loss_width, err) != 0) {
        mem_free(step);
        return -1;
    }
    assert(width == loss_width);   /* both are (job, eval) */
    for (size_t i = 0; i < n; i++) {
        const double *s = step + i * width, *l = loss + i * width;
        size_t last = 0, half = 0;
        for (size_t e = 0; e < width; e++)
            if (s[e] >= 0 && !(s[e] > new[i].at) && isfinite(l[e]))
                last = e;
        for (size_t e = 0; e < last; e++)
            if (s[e] >= 0 && 2 * s[e] <= s[last])
                half = e;
        new[i].loss_first = l[0];
        new[i].loss_half = l[half];
        new[i].loss_last = l[last];
    }
    mem_free(step);
    mem_free(loss);
    return 0;
}
