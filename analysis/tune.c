#define _GNU_SOURCE   /* qsort_r */
#include "tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "cells_parts.h"
#include "must.h"

/* Axes in the order of sorting: what stays apart, what is tuned, the seed. */
struct order {
    size_t n_apart, n, axis[OBSERVE_AXES_MOST];
    size_t seed;
    bool *chooses;                       /* levels of the seed */
};

static int compare_observations(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    return cells_compare_levels(a, b, order->axis, order->n);
}

static int mark_axes(struct observations *o, const char *names, struct error *err)
{
    char *copy = must(strdup(names));
    int result = 0;
    for (char *rest, *name = strtok_r(copy, ",", &rest); name && result == 0; name = strtok_r(NULL, ",", &rest)) {
        size_t a = observe_find_axis(o, name);
        bool fixed = a != SIZE_MAX && (strcmp(o->axes[a].name, "seed") == 0 || strcmp(o->axes[a].name, "refresh_period") == 0);
        struct text known = {0};
        observe_name_axes(o, &known);
        if (a == SIZE_MAX || fixed)
            result = error_set(err, ERROR_USAGE, "--tune: expected axes (of %s) but refresh_period and seed, got '%s'",
                               known.chars, name);
        else
            o->axes[a].tuned = true;
        text_free(&known);
    }
    free(copy);
    return result;
}

/* The seeds that choose: those named, or the lower half of all. */
static int choose_seeds(const struct observations *o, const char *seeds, struct order *order, struct error *err)
{
    order->seed = observe_find_axis(o, "seed");
    if (order->seed == SIZE_MAX)
        return error_set(err, ERROR_USAGE, "--tune: expected an axis seed, got a file without");
    const struct axis *axis = &o->axes[order->seed];
    order->chooses = must(calloc(axis->n_levels + 1, sizeof *order->chooses));
    for (size_t l = 0; !seeds && l < axis->n_levels / 2; l++)
        order->chooses[l] = true;
    char *copy = must(strdup(seeds ? seeds : ""));
    int result = 0;
    for (char *rest, *name = strtok_r(copy, ",", &rest); name && result == 0; name = strtok_r(NULL, ",", &rest)) {
        size_t level = names_find(&axis->known, name);
        if (level == SIZE_MAX)
            result = error_set(err, ERROR_USAGE, "--tune-seeds: expected seeds of the file, got '%s'", name);
        else
            order->chooses[level] = true;
    }
    free(copy);
    size_t n = 0;
    for (size_t l = 0; l < axis->n_levels; l++)
        n += order->chooses[l];
    if (result == 0 && (n == 0 || n == axis->n_levels))
        result = error_set(err, ERROR_USAGE, "--tune: expected seeds that choose and others for the answer, got %zu of %zu "
                           "that choose", n, axis->n_levels);
    return result;
}

static void order_axes(const struct observations *o, struct order *order)
{
    for (size_t a = 0; a < o->n_axes; a++)
        if (a != order->seed && !o->axes[a].tuned && !o->axes[a].told)
            order->axis[order->n_apart++] = a;
    order->n = order->n_apart;
    for (size_t a = 0; a < o->n_axes; a++)
        if (o->axes[a].tuned)
            order->axis[order->n++] = a;
    order->axis[order->n++] = order->seed;
}

/* How the choosing runs among at[0..n-1], alike but for the seed, did on the validation set. */
struct score {
    size_t lost;
    double mean;                         /* INFINITY without any */
};

static struct score score_of(const struct order *order, const struct observation *at, size_t n)
{
    struct score score = {0};
    size_t counted = 0;
    for (size_t i = 0; i < n; i++) {
        if (!order->chooses[at[i].level[order->seed]])
            continue;
        bool good = at[i].status == STATUS_DONE && !at[i].diverged && isfinite(at[i].validation);
        score.lost += !good;
        score.mean += good ? at[i].validation : 0;
        counted += good;
    }
    score.mean = counted ? score.mean / (double)counted : INFINITY;
    return score;
}

static bool is_better(struct score x, struct score y)
{
    return x.lost != y.lost ? x.lost < y.lost : x.mean < y.mean;
}

/* The length of the run at the beginning of at[0..n-1] that is alike in the first axes. */
static size_t run_length(const struct order *order, const struct observation *at, size_t n, size_t axes)
{
    size_t length = 1;
    while (length < n && cells_compare_levels(&at[0], &at[length], order->axis, axes) == 0)
        length++;
    return length;
}

/* Keeps of a sorted block, alike in what stays apart, the answering runs of the best values. */
static size_t keep_best(const struct order *order, const struct observation *at, size_t n, struct observation *kept)
{
    size_t best = 0, best_length = 0, m = 0;
    struct score least = {SIZE_MAX, INFINITY};
    for (size_t from = 0, length; from < n; from += length) {
        length = run_length(order, at + from, n - from, order->n - 1);
        struct score score = score_of(order, at + from, length);
        if (best_length == 0 || is_better(score, least)) {
            best = from;
            best_length = length;
            least = score;
        }
    }
    for (size_t i = 0; i < n; i++) {
        bool keeps = i >= best && i < best + best_length && !order->chooses[at[i].level[order->seed]];
        if (keeps)
            kept[m++] = at[i];
        else
            free(at[i].id);
    }
    return m;
}

int tune_apply(struct observations *o, const char *names, const char *seeds, struct error *err)
{
    struct order order = {0};
    size_t known = 0, ended = 0, n = 0;
    int result = mark_axes(o, names, err) || choose_seeds(o, seeds, &order, err) ? -1 : 0;
    for (size_t i = 0; i < o->n && result == 0; i++) {
        ended += o->at[i].status == STATUS_DONE;
        known += isfinite(o->at[i].validation);
    }
    if (result == 0 && ended > 0 && known == 0)
        result = error_set(err, ERROR_USAGE, "--tune: expected a validation set, got a sweep without one: nothing may be tuned "
                           "without it (data.validation)");
    if (result == 0) {
        order_axes(o, &order);
        qsort_r(o->at, o->n, sizeof *o->at, compare_observations, &order);
        struct observation *kept = must(calloc(o->n + 1, sizeof *kept));
        for (size_t from = 0, length; from < o->n; from += length) {
            length = run_length(&order, o->at + from, o->n - from, order.n_apart);
            n += keep_best(&order, o->at + from, length, kept + n);
        }
        free(o->at);
        o->at = kept;
        o->n = n;
    }
    struct text told = {0};
    for (size_t l = 0; result == 0 && l < o->axes[order.seed].n_levels; l++)
        if (order.chooses[l])
            text_add(&told, "%s%s", told.length ? ", " : "", o->axes[order.seed].levels[l].label);
    o->tuning_seeds = told.chars;
    free(order.chooses);
    return result;
}
