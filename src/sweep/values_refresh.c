/* When the linearisation point moves, as a value: training.refresh. */
#include "values.h"

#include <math.h>

static const double MOST_STEPS = 1e12;   /* of training.steps */

#define FORMS "a period (a whole number >= 1, or inf), {at: [steps]}, {log: n}, {first: m, every: k} or {gap: x, check: n}"

/* A whole number under `name` of a map, from min on. */
static int whole_inside(const struct reading *r, const char *name, double min, int64_t *out)
{
    double number;
    const struct node *node = node_get(r->node, name);
    struct reading inner = {r->key, r->path, node ? node : r->node, r->mistakes};
    if (!node || !value_number(node, &number) || number < min || number > MOST_STEPS || number != rint(number))
        return expected(&inner, "%s: a whole number from %g to %g", name, min, MOST_STEPS);
    *out = (int64_t)number;
    return 0;
}

/* at: REFRESH_MOST_STEPS places. */
static int parse_at(const struct reading *r, const struct node *list, struct refresh_schedule *out, int64_t *at)
{
    double last = 0, number;
    struct reading whole = {r->key, r->path, list, r->mistakes};
    if (list->kind != NODE_LIST || list->n > REFRESH_MOST_STEPS)
        return expected(&whole, "at: a list of at most %d steps, such as [100, 300, 1000]", REFRESH_MOST_STEPS);
    for (size_t i = 0; i < list->n; i++) {
        struct reading one = {r->key, r->path, list->value[i], r->mistakes};
        if (!value_number(list->value[i], &number) || number <= last || number > MOST_STEPS || number != rint(number))
            return expected(&one, "at: whole numbers >= 1 that increase");
        at[i] = (int64_t)number;
        last = number;
    }
    out->kind = REFRESH_AT;
    out->count = (int64_t)list->n;
    return 0;
}

static int parse_gap(const struct reading *r, const struct node *gap, struct refresh_schedule *out)
{
    struct reading inner = {r->key, r->path, gap, r->mistakes};
    out->kind = REFRESH_GAP;
    out->every = 1;
    if (!value_number(gap, &out->gap) || !(out->gap > 0) || out->gap > 1e9)
        return expected(&inner, "gap: a number > 0, at most 1e9");
    return node_get(r->node, "check") ? whole_inside(r, "check", 1, &out->every) : 0;
}

int value_parse_refresh(const struct reading *r, struct draft *draft)
{
    struct refresh_schedule refresh = {.kind = REFRESH_PERIOD};
    double period = 1;
    const struct node *at = node_get(r->node, "at"), *log = node_get(r->node, "log"), *gap = node_get(r->node, "gap");
    const struct node *first = node_get(r->node, "first"), *check = node_get(r->node, "check");
    size_t known = (at != NULL) + (log != NULL) + (gap != NULL) + (first != NULL);
    size_t own = 1 + (first && node_get(r->node, "every")) + (gap && check);
    if (r->node->kind == NODE_SCALAR) {
        if (!value_number(r->node, &period) || period < 1 || (isfinite(period) && period != rint(period)))
            return expected(r, FORMS);
    } else if (r->node->kind != NODE_MAP || known != 1 || r->node->n != own) {
        return expected(r, FORMS);
    } else if (at) {
        if (parse_at(r, at, &refresh, draft->refresh_at))
            return -1;
    } else if (gap) {
        if (parse_gap(r, gap, &refresh))
            return -1;
    } else {
        refresh.kind = log ? REFRESH_LOG : REFRESH_FIRST;
        if (whole_inside(r, log ? "log" : "first", 0, &refresh.count) || (first && whole_inside(r, "every", 1, &refresh.every)))
            return -1;
    }
    draft->job.training.refresh = refresh;
    draft->job.training.refresh_period = period;
    return 0;
}

void value_print_refresh(const struct draft *draft, struct text *out)
{
    const struct training_spec *training = &draft->job.training;
    const struct refresh_schedule *refresh = &training->refresh;
    switch (refresh->kind) {
    case REFRESH_PERIOD: text_add_json_number(out, training->refresh_period); break;
    case REFRESH_AT:
        text_add(out, "{\"at\":[");
        for (int64_t i = 0; i < refresh->count; i++)
            text_add(out, "%s%lld", i ? "," : "", (long long)draft->refresh_at[i]);
        text_add(out, "]}");
        break;
    case REFRESH_LOG: text_add(out, "{\"log\":%lld}", (long long)refresh->count); break;
    case REFRESH_FIRST:
        text_add(out, "{\"first\":%lld,\"every\":%lld}", (long long)refresh->count, (long long)refresh->every);
        break;
    case REFRESH_GAP:
        text_add(out, "{\"gap\":");
        text_add_json_number(out, refresh->gap);
        if (refresh->every != 1)
            text_add(out, ",\"check\":%lld", (long long)refresh->every);
        text_add(out, "}");
        break;
    }
}
