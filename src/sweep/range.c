#include "range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sweep/sweep.h"

/* Of one axis, and of all ranges of a sweep file together. */
enum { MOST_VALUES = 1000000, MOST_NODES = 2000000 };

/* More than the cells a grid may have are never of use. */
static double most_values(void)
{
    return sweep_most_cells < MOST_VALUES ? (double)sweep_most_cells : MOST_VALUES;
}

struct values {
    struct node **list;
    size_t n, capacity;
};

static void push(struct values *v, struct node *node)
{
    if (v->n == v->capacity) {
        v->capacity = v->capacity ? 2 * v->capacity : 16;
        v->list = realloc(v->list, v->capacity * sizeof *v->list);
        if (!v->list)
            abort();
    }
    v->list[v->n++] = node;
}

static void push_number(struct tree *tree, struct values *v, const struct node *from, double number)
{
    struct text t = {0};
    if (number != rint(number)) {   /* 0.3 as one writes it, not 3 * 0.1 = 0.30000000000000004: another job */
        char rounded[40];
        snprintf(rounded, sizeof rounded, "%.12g", number);
        number = strtod(rounded, NULL);
    }
    text_add_number(&t, number);
    if (v->n && v->list[v->n - 1]->kind == NODE_SCALAR && strcmp(v->list[v->n - 1]->scalar, t.chars) == 0) {
        text_free(&t);   /* rounded to the one before */
        return;
    }
    struct node *node = tree_scalar(tree, t.chars, from->line, from->column);
    text_free(&t);
    push(v, node);
}

/* Reads "a..b", "a..b step s", "a..b log n". false: it is not a range. */
static bool read_range(const char *text, double *first, double *last, char *how, double *step)
{
    int used = 0;
    const char *dots = strstr(text, "..");
    if (!dots || dots == text)
        return false;
    char *end;
    *first = strtod(text, &end);
    if (end != dots && end != dots + 1)   /* strtod takes the first dot for a decimal point */
        return false;
    *last = strtod(dots + 2, &end);
    if (end == dots + 2)
        return false;
    *how = '1';
    *step = 1;
    if (*end == 0)
        return true;
    if (sscanf(end, " step %lf%n", step, &used) == 1 && end[used] == 0)
        *how = 's';
    else if (sscanf(end, " log %lf%n", step, &used) == 1 && end[used] == 0)
        *how = 'l';
    else
        return false;
    return true;
}

static int expand_one(struct tree *tree, const char *axis, struct node *node, struct values *v,
                      struct mistakes *mistakes)
{
    double first, last, step;
    char how;
    if (node->kind != NODE_SCALAR || node->quoted || !strstr(node->scalar, "..") ) {
        push(v, node);
        return 0;
    }
    bool log_ok = true;
    if (!read_range(node->scalar, &first, &last, &how, &step) || !(first <= last) || !isfinite(first) || !isfinite(last)
        || (how != 'l' && !(step > 0))
        || (how == 'l' && !(log_ok = first > 0 && step >= 2 && step == rint(step)))) {
        mistakes_add(mistakes, node->line, node->column, "%s: expected a range such as 0..9, 0..100 step 10 or "
                     "1..1000 log 7%s, got %s", axis, log_ok ? "" : " (log: from above 0, at least 2 values)", node->scalar);
        return -1;
    }
    double count = how == 'l' ? step : floor((last - first) / step) + 1;
    if (!(count <= most_values()) || (double)tree->count + count > MOST_NODES) {
        mistakes_add(mistakes, node->line, node->column, "%s: expected at most %.0f values, and %d in all ranges of the sweep, "
                     "got %.0f with %s", axis, most_values(), MOST_NODES, count, node->scalar);
        return -1;
    }
    if (how == 'l') {
        bool whole = first == rint(first) && last == rint(last);
        for (double i = 0; i < step; i++) {
            double x = i == 0 ? first : i == step - 1 ? last : exp(log(first) + (log(last) - log(first)) * i / (step - 1));
            push_number(tree, v, node, whole ? rint(x) : x);
        }
    } else {
        for (size_t i = 0; first + (double)i * step <= last + 1e-9 * step; i++)
            push_number(tree, v, node, first + (double)i * step);
    }
    return 0;
}

int range_expand(struct tree *tree, const char *axis, struct node *node, struct node ***values, size_t *n,
                 struct mistakes *mistakes)
{
    struct values v = {0};
    int status = 0;
    bool too_many = false;
    if (node->kind == NODE_LIST) {
        for (size_t i = 0; i < node->n && !too_many; i++) {
            status |= expand_one(tree, axis, node->value[i], &v, mistakes);
            too_many = v.n > MOST_VALUES + 1;
        }
    } else {
        status = expand_one(tree, axis, node, &v, mistakes);
    }
    if (too_many) {
        mistakes_add(mistakes, node->line, node->column, "%s: expected at most %d values, got more", axis, MOST_VALUES + 1);
        status = -1;
    }
    if (status == 0 && v.n == 0) {
        mistakes_add(mistakes, node->line, node->column, "%s: expected at least one value, got an empty list", axis);
        status = -1;
    }
    *values = v.list;
    *n = v.n;
    return status;
}
