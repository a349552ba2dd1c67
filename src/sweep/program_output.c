/* What a program of the user's own prints: lines of JSON into a result. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "sweep/program.h"
#include "sweep/job.h"
#include "tree.h"
#include "values.h"

/* A number of a name: where its last value and its points go; SIZE_MAX: nowhere. */
struct place {
    enum variable_id last, point;     /* VAR_COUNT: nowhere */
    size_t metric;                    /* of the user's own; SIZE_MAX: none */
    bool loss, accuracy, whole;
};

static bool find_score(const char *name, struct place *place)
{
    char curve[64];
    if (snprintf(curve, sizeof curve, "curve_%s", name) >= (int)sizeof curve)
        return false;
    for (int i = 0; i < VAR_COUNT; i++) {
        if (variables[i].dims == DIMS_EVAL && strcmp(variables[i].name, curve) == 0)
            place->point = (enum variable_id)i;
        if (variables[i].dims == DIMS_JOB && strcmp(variables[i].name, name) == 0)
            place->last = (enum variable_id)i;
    }
    place->loss = strstr(name, "_loss") != NULL;
    place->accuracy = !place->loss;
    return place->last != VAR_COUNT && place->point != VAR_COUNT;
}

static bool find_place(const struct program_output *o, const char *name, struct place *place)
{
    static const struct { const char *name; enum variable_id last, point; bool whole; } others[] = {
        {"time", VAR_COUNT, VAR_CURVE_TIME, false},
        {"feature_updates", VAR_REFRESHES_DONE, VAR_COUNT, true},
        {"learning_rate", VAR_LEARNING_RATE, VAR_COUNT, false},
        {"flops", VAR_FLOPS, VAR_COUNT, false},
    };
    *place = (struct place){.last = VAR_COUNT, .point = VAR_COUNT, .metric = SIZE_MAX};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i].name) == 0) {
            *place = (struct place){.last = others[i].last, .point = others[i].point, .metric = SIZE_MAX, .whole = others[i].whole};
            return true;
        }
    for (size_t i = 0; i < o->n_metrics; i++)
        if (strcmp(name, o->metric[i]) == 0) {
            place->metric = i;
            return true;
        }
    return find_score(name, place);
}

void program_output_start(struct program_output *o, const struct job *job, struct result *result)
{
    o->result = result;
    o->n_metrics = program_metrics(job, o->metric);
    if (o->n_metrics > result->layout.metric)
        o->n_metrics = result->layout.metric;
    o->points_most = result->layout.eval;
    if ((uint64_t)job->training.evaluations < result->layout.eval)
        o->points_most = (size_t)job->training.evaluations;
    o->length = o->lines = o->objects = o->points = 0;
    o->ordinal = o->step = -1;
    o->every = 1;
    o->diverged[0] = 0;
}

/* --- points ------------------------------------------------------------------------- */

static void move_point(const struct program_output *o, size_t from, size_t to)
{
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        size_t size = variable_type_size(variables[id].type);
        unsigned char *slab = result_slab(o->result, id);
        if (variables[id].dims == DIMS_EVAL_METRIC)
            size *= o->result->layout.metric;
        else if (variables[id].dims != DIMS_EVAL)
            continue;
        if (slab)
            memcpy(slab + to * size, slab + from * size, size);
    }
}

static void clear_point(const struct program_output *o, size_t at)
{
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        size_t n = variables[id].dims == DIMS_EVAL_METRIC ? o->result->layout.metric : 1;
        if (variables[id].dims != DIMS_EVAL && variables[id].dims != DIMS_EVAL_METRIC)
            continue;
        if (variables[id].type == TYPE_I64)
            result_i64(o->result, id)[at] = -1;
        else
            for (size_t k = 0; k < n && result_slab(o->result, id); k++)
                result_f64(o->result, id)[at * n + k] = NAN;
    }
}

/* Kept are the multiples of `every`, and behind them the last one, whichever it is. */
static void next_point(struct program_output *o, int64_t step)
{
    if (o->points && o->ordinal % o->every != 0)
        o->points--;
    if (o->points == o->points_most) {
        size_t kept = 0;
        for (size_t i = 0; i < o->points; i += 2)
            move_point(o, i, kept++);
        for (size_t i = kept; i < o->points; i++)
            clear_point(o, i);
        o->points = kept;
        o->every *= 2;
    }
    if (o->points == o->points_most)   /* room for one only */
        o->points--;
    clear_point(o, o->points);
    result_i64(o->result, VAR_STEP)[o->points++] = step;
    o->ordinal++;
    o->step = step;
}

/* --- a line ------------------------------------------------------------------------- */

/* Printable, and short. */
static void excerpt(const char *text, size_t length, char *out, size_t size)
{
    size_t n = length < size - 4 ? length : size - 4;
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    snprintf(out + n, size - n, "%s", n < length ? "..." : "");
}

static int refuse(const struct program_output *o, struct error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int refuse(const struct program_output *o, struct error *err, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(err, ERROR_DATA, "line %zu of its output: %s", o->lines, what);
}

static const char example[] = "{\"step\": 100, \"test_loss\": 0.3}";

static int refuse_line(const struct program_output *o, struct error *err)
{
    char got[60];
    excerpt(o->line, o->length, got, sizeof got);
    return refuse(o, err, "expected a JSON object such as %s, got '%s': print all else to standard error", example, got);
}

static int refuse_name(const struct program_output *o, const char *name, struct error *err)
{
    char got[OWN_NAME_SIZE];
    excerpt(name, strlen(name), got, sizeof got);
    return refuse(o, err, "expected step, train_loss, test_accuracy or another name of FORMAT.md, or one of the sweep's metrics, got '%s': "
                  "add it to metrics", got);
}

static int refuse_value(const struct program_output *o, const char *name, const char *what, const struct node *value,
                        struct error *err)
{
    char got[60], clean[60];
    const char *quote = value->kind == NODE_SCALAR && value->quoted ? "\"" : "";
    node_print(value, got, sizeof got);
    const char *text = quote[0] ? value->scalar : got;
    excerpt(text, strlen(text), clean, sizeof clean);
    return refuse(o, err, "%s: expected %s, got %s%s%s", name, what, quote, clean, quote);
}

/* A number, also one that is not finite as programs print it. */
static bool read_number(const struct node *value, double *number)
{
    static const struct { const char *word; double value; } words[] = {
        {"nan", NAN}, {"-nan", NAN}, {"infinity", INFINITY}, {"-infinity", -INFINITY}, {"inf", INFINITY}, {"-inf", -INFINITY}};
    if (value->kind != NODE_SCALAR)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value->scalar, words[i].word) == 0) {
            *number = words[i].value;
            return true;
        }
    return !value->quoted && value_number(value, number);
}

static int take_step(struct program_output *o, const struct node *value, struct error *err)
{
    double step;
    if (!read_number(value, &step) || !(step >= 0 && step <= 1e15) || step != rint(step))
        return refuse_value(o, "step", "a whole number >= 0", value, err);
    if ((int64_t)step < o->step)
        return refuse(o, err, "step: expected at least %lld, that of the line before, got %.0f", (long long)o->step, step);
    if ((int64_t)step > o->step)
        next_point(o, (int64_t)step);
    return 0;
}

static int check_number(struct program_output *o, const struct place *place, const char *name, const struct node *value,
                        double number, struct error *err)
{
    if (place->metric != SIZE_MAX)
        return 0;
    if (place->loss && !isfinite(number)) {
        snprintf(o->diverged, sizeof o->diverged, "line %zu of its output: %s is %s", o->lines, name, value->scalar);
        return 0;
    }
    if (place->accuracy && !(number >= 0 && number <= 1))
        return refuse_value(o, name, "a number from 0 to 1", value, err);
    if (place->whole && !(number >= 0 && number <= 1e15 && number == rint(number)))
        return refuse_value(o, name, "a whole number >= 0", value, err);
    return isfinite(number) ? 0 : refuse_value(o, name, "a finite number", value, err);
}

static void put(const struct program_output *o, const struct place *place, double number, bool point)
{
    struct result *result = o->result;
    size_t n = result->layout.metric;
    if (place->metric != SIZE_MAX) {
        result_f64(result, VAR_METRICS)[place->metric] = number;
        if (point)
            result_f64(result, VAR_CURVE_METRICS)[(o->points - 1) * n + place->metric] = number;
        return;
    }
    double value = isfinite(number) ? number : NAN;
    if (place->whole)
        *result_i64(result, place->last) = (int64_t)number;
    else if (place->last != VAR_COUNT)
        *result_f64(result, place->last) = value;
    if (point && place->point != VAR_COUNT)
        result_f64(result, place->point)[o->points - 1] = value;
}

static int take_object(struct program_output *o, const struct node *root, struct error *err)
{
    const struct node *step = node_get(root, "step");
    if (root->kind != NODE_MAP)
        return refuse_line(o, err);
    if (step && take_step(o, step, err))
        return -1;
    for (size_t i = 0; i < root->n; i++) {
        const char *name = root->key[i]->scalar;
        const struct node *value = root->value[i];
        struct place place;
        double number;
        if (value == step)
            continue;
        if (!find_place(o, name, &place))
            return refuse_name(o, name, err);
        if (value->kind == NODE_SCALAR && !value->quoted && strcmp(value->scalar, "null") == 0)
            continue;
        if (!read_number(value, &number))
            return refuse_value(o, name, "a number", value, err);
        if (check_number(o, &place, name, value, number, err))
            return -1;
        put(o, &place, number, step != NULL);
    }
    o->objects++;
    return 0;
}

/* JSON is YAML; the brace keeps other YAML out. */
static int take_line(struct program_output *o, struct error *err)
{
    struct mistakes mistakes = {.file = "line"};
    struct tree tree = {0};
    size_t blank = strspn(o->line, " \t\r");
    int status = 0;
    o->lines++;
    if (blank == o->length) {
        o->length = 0;
        return 0;
    }
    if (o->line[blank] != '{' || strlen(o->line) != o->length || tree_parse(&tree, o->line, o->length, false, &mistakes) || mistakes.n)
        status = refuse_line(o, err);
    else
        status = take_object(o, tree.root, err);
    mistakes_free(&mistakes);
    tree_free(&tree);
    o->length = 0;
    return status;
}

int program_output_feed(struct program_output *o, const char *bytes, size_t n, struct error *err)
{
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t length = end ? (size_t)(end - bytes) : n;
        if (o->length + length > PROGRAM_LINE_MOST) {
            o->lines++;
            return refuse(o, err, "expected at most %d characters in a line, got more", PROGRAM_LINE_MOST);
        }
        memcpy(o->line + o->length, bytes, length);
        o->length += length;
        o->line[o->length] = 0;
        if (end && take_line(o, err))
            return -1;
        bytes += length + (end != NULL);
        n -= length + (end != NULL);
    }
    return 0;
}

int program_output_end(struct program_output *o, struct error *err)
{
    struct result *result = o->result;
    if (o->length && take_line(o, err))
        return -1;
    if (o->objects == 0)
        return error_set(err, ERROR_DATA, "it ended without a result: expected on its standard output lines such as %s", example);
    result_set_text(result, VAR_OUTCOME, o->diverged[0] ? "diverged" : "completed");
    result_set_text(result, VAR_ERROR, o->diverged);
    *result_i64(result, VAR_STEPS_DONE) = o->step < 0 ? 0 : o->step;
    if (result_i32(result, VAR_N_SNAPSHOTS))
        *result_i32(result, VAR_N_SNAPSHOTS) = 0;
    return 0;
}
