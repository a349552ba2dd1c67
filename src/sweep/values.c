/* Parsing and printing the value of one key. */
#include "values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

int value_refuse(const struct reading *r, const char *hint, const char *format, ...)
{
    char what[300], got[80];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    node_print(r->node, got, sizeof got);
    mistakes_add(r->mistakes, r->node->line, r->node->column, "%s: expected %s, got %s%s", r->path, what,
                 got[0] ? got : "nothing", hint);
    return -1;
}

bool value_is_word(const struct node *node, const char *word)
{
    return node->kind == NODE_SCALAR && strcmp(node->scalar, word) == 0;
}

bool value_number(const struct node *node, double *number)
{
    if (node->kind != NODE_SCALAR)
        return false;
    const char *s = node->scalar;
    if (strcasecmp(s, "inf") == 0 || strcasecmp(s, ".inf") == 0) {   /* JSON has it in quotes */
        *number = INFINITY;
        return true;
    }
    if (node->quoted || !s[0] || !strchr("0123456789+-.", s[0]) || strpbrk(s, "xXpP"))
        return false;
    char *end;
    *number = strtod(s, &end);
    return *end == 0 && end != s && isfinite(*number);
}

/* "a whole number from 1 to 100", "a number >= 0" */
static void range_text(const struct key *key, const char *noun, char *text, size_t size)
{
    struct text t = {0};
    text_add(&t, "%s ", noun);
    if (key->max >= 1e15) {   /* no limit that anyone meets */
        text_add(&t, ">= ");
        text_add_number(&t, key->min);
    } else {
        text_add(&t, "from ");
        text_add_number(&t, key->min);
        text_add(&t, " to ");
        text_add_number(&t, key->max);
    }
    snprintf(text, size, "%s", t.chars);
    text_free(&t);
}

int value_whole(const struct reading *r, const char *word, int64_t word_value, int64_t *out)
{
    double number;
    char range[120];
    if (word && value_is_word(r->node, word)) {
        *out = word_value;
        return 0;
    }
    range_text(r->key, "a whole number", range, sizeof range);
    if (!value_number(r->node, &number) || number != rint(number) || number < r->key->min || number > r->key->max)
        return expected(r, "%s%s%s", range, word ? " or " : "", word ? word : "");
    *out = (int64_t)number;
    return 0;
}

int value_real(const struct reading *r, const char *word, double word_value, double *out)
{
    double number;
    char range[120];
    if (word && value_is_word(r->node, word)) {
        *out = word_value;
        return 0;
    }
    range_text(r->key, "a number", range, sizeof range);
    if (!value_number(r->node, &number) || !(number >= r->key->min && number <= r->key->max))
        return expected(r, "%s%s%s", range, word ? " or " : "", word ? word : "");
    *out = number;
    return 0;
}

static int parse_period(const struct reading *r, double *out)
{
    double number;
    if (!value_number(r->node, &number) || number < 1 || (isfinite(number) && number != rint(number)))
        return expected(r, "a whole number >= 1 or inf");
    *out = number;
    return 0;
}

/* Position and number of choice number i; NULL past the last. */
static const char *choice_at(const char *choices, int i, size_t *length, int *value)
{
    const char *c = choices;
    for (int k = 0; k < i; k++) {
        c = strchr(c, '|');
        if (!c)
            return NULL;
        c++;
    }
    size_t whole = strcspn(c, "|");
    const char *equals = memchr(c, '=', whole);
    *length = equals ? (size_t)(equals - c) : whole;
    *value = equals ? atoi(equals + 1) : i;
    return c;
}

int value_choice(const struct reading *r, void *out, bool wide)
{
    struct text names = {0};
    size_t length, least = 3;   /* from here on nothing is near */
    int value;
    const char *name;
    char near[40] = "";
    for (int i = 0; (name = choice_at(r->key->choices, i, &length, &value)); i++) {
        char whole[40];
        snprintf(whole, sizeof whole, "%.*s", (int)length, name);
        size_t distance = r->node->kind == NODE_SCALAR ? text_distance(r->node->scalar, whole) : least;
        if (distance < least && distance < length) {
            least = distance;
            memcpy(near, whole, sizeof near);
        }
        if (r->node->kind == NODE_SCALAR && strlen(r->node->scalar) == length
            && strncmp(r->node->scalar, name, length) == 0) {
            text_free(&names);
            if (wide)
                *(int64_t *)out = value;
            else
                *(unsigned *)out = (unsigned)value;
            return 0;
        }
        text_add(&names, "%s%.*s", i ? " | " : "", (int)length, name);
    }
    char hint[64] = "";
    if (near[0])
        snprintf(hint, sizeof hint, " (did you mean %s?)", near);
    value_refuse(r, hint, "%s", names.chars);
    text_free(&names);
    return -1;
}

static int parse_bool(const struct reading *r, bool *out)
{
    if (value_is_word(r->node, "true") || value_is_word(r->node, "false")) {
        *out = r->node->scalar[0] == 't';
        return 0;
    }
    return expected(r, "true or false");
}

static int parse_stability(const struct reading *r, enum stability *out)
{
    static const char *const words[] = {"false", "true", "auto"};
    for (int i = 0; i < 3; i++)
        if (value_is_word(r->node, words[i])) {
            *out = (enum stability)i;
            return 0;
        }
    return expected(r, "true, false or auto");
}

static int parse_name(const struct reading *r, char *out)
{
    if (r->node->kind != NODE_SCALAR || !r->node->scalar[0] || strlen(r->node->scalar) >= DATA_NAME_SIZE
        || strchr(r->node->scalar, '/'))
        return expected(r, "a name of 1 to %d characters without /", DATA_NAME_SIZE - 1);
    snprintf(out, DATA_NAME_SIZE, "%s", r->node->scalar);
    return 0;
}

static int parse_duration(const struct reading *r, double *out)
{
    if (value_is_word(r->node, "none")) {
        *out = INFINITY;
        return 0;
    }
    double seconds = r->node->kind == NODE_SCALAR ? clock_parse_duration(r->node->scalar) : NAN;
    if (seconds >= r->key->min && seconds <= r->key->max) {
        *out = seconds;
        return 0;
    }
    return expected(r, "a time such as 30s, 15m, 2h, 1d, or none");
}

int key_parse(const struct key *key, const char *path, const struct node *node, struct draft *draft,
              struct mistakes *mistakes)
{
    struct reading r = {key, path, node, mistakes};
    void *member = (char *)draft + key->offset;
    int status = -1;
    switch (key->kind) {
    case KIND_WHOLE: status = value_whole(&r, NULL, 0, member); break;
    case KIND_COUNT: status = value_whole(&r, "all", DATA_ALL, member); break;
    case KIND_BATCH: status = value_whole(&r, "full", BATCH_FULL, member); break;
    case KIND_REAL: status = value_real(&r, NULL, 0, member); break;
    case KIND_AUTO_REAL: status = value_real(&r, "auto", NAN, member); break;
    case KIND_DAMPING: status = value_real(&r, "tied", NAN, member); break;
    case KIND_PERIOD: status = parse_period(&r, member); break;
    case KIND_CHOICE: status = value_choice(&r, member, key->offset == offsetof(struct draft, job.data.image_size)); break;
    case KIND_BOOL: status = parse_bool(&r, member); break;
    case KIND_STABILITY: status = parse_stability(&r, member); break;
    case KIND_NAME: status = parse_name(&r, member); break;
    case KIND_LR: status = value_parse_lr(&r, &draft->job.training); break;
    case KIND_SCHEDULE: status = value_parse_schedule(&r, member); break;
    case KIND_REFRESH: status = value_parse_refresh(&r, draft); break;
    case KIND_AUTO_WHOLE: status = value_whole(&r, "auto", -1, member); break;
    case KIND_WIDTHS: status = value_parse_widths(&r, member); break;
    case KIND_CHANNELS: status = value_parse_channels(&r, member); break;
    case KIND_NORM: status = value_parse_norm(&r, member); break;
    case KIND_LAYERS: status = value_parse_layers(&r, member); break;
    case KIND_AUGMENT: status = value_parse_augment(&r, member); break;
    case KIND_DURATION: status = parse_duration(&r, member); break;
    case KIND_TRAINER: status = value_parse_trainer(&r, draft); break;
    case KIND_PARAMETER: status = value_parse_parameter(&r, &draft->parameters); break;
    }
    draft->given[key - keys] = true;   /* even where wrong: one mistake is enough */
    return status;
}

static void print_choice(const struct key *key, int64_t value, struct text *out)
{
    size_t length = 0;
    int number;
    const char *name, *chosen = "";
    size_t chosen_length = 0;
    for (int i = 0; (name = choice_at(key->choices, i, &length, &number)); i++)
        if (number == value) {   /* the last of equal ones: "auto" prints as what it chose */
            chosen = name;
            chosen_length = length;
        }
    bool numeric = chosen_length && chosen[0] >= '0' && chosen[0] <= '9';
    text_add_string(out, numeric ? "" : "\"");
    text_add_bytes(out, chosen, chosen_length);
    text_add_string(out, numeric ? "" : "\"");
}

void key_print(const struct key *key, const struct draft *draft, struct text *out)
{
    const void *member = (const char *)draft + key->offset;
    switch (key->kind) {
    case KIND_WHOLE:
    case KIND_AUTO_WHOLE:
    case KIND_COUNT:
    case KIND_BATCH: {
        int64_t value = *(const int64_t *)member;
        if (key->kind == KIND_AUTO_WHOLE && value == -1)
            text_add_string(out, "\"auto\"");
        else if (key->kind == KIND_COUNT && value == DATA_ALL)
            text_add_string(out, "\"all\"");
        else if (key->kind == KIND_BATCH && value == BATCH_FULL)
            text_add_string(out, "\"full\"");
        else
            text_add_whole(out, value);
        break;
    }
    case KIND_REAL:
    case KIND_PERIOD: text_add_json_number(out, *(const double *)member); break;
    case KIND_AUTO_REAL:
    case KIND_DAMPING:
        if (isnan(*(const double *)member))
            text_add_string(out, key->kind == KIND_DAMPING ? "\"tied\"" : "\"auto\"");
        else
            text_add_json_number(out, *(const double *)member);
        break;
    case KIND_DURATION:
        if (isinf(*(const double *)member))
            text_add_string(out, "\"none\"");
        else
            text_add_json_number(out, *(const double *)member);
        break;
    case KIND_TRAINER:
        if (draft->job.training.trainer == TRAINER_COMMAND) {
            text_add(out, "{\"command\":%s}", draft->command);
            break;
        }
        print_choice(key, (int64_t)draft->job.training.trainer, out);
        break;
    case KIND_PARAMETER: value_print_parameters(&draft->parameters, out); break;
    case KIND_CHOICE:
    case KIND_NORM:
        print_choice(key, key->offset == offsetof(struct draft, job.data.image_size) ? *(const int64_t *)member
                                                                               : (int64_t)*(const unsigned *)member, out);
        break;
    case KIND_BOOL: text_add_string(out, *(const bool *)member ? "true" : "false"); break;
    case KIND_STABILITY:
        text_add_string(out, (const char *const[]){"false", "true", "\"auto\""}[*(const enum stability *)member]);
        break;
    case KIND_NAME: text_add_json_string(out, member); break;
    case KIND_LR: value_print_lr(&draft->job.training, out); break;
    case KIND_SCHEDULE: value_print_schedule(member, out); break;
    case KIND_REFRESH: value_print_refresh(draft, out); break;
    case KIND_WIDTHS: value_print_widths(member, out); break;
    case KIND_CHANNELS: value_print_channels(member, out); break;
    case KIND_LAYERS: value_print_layers(member, out); break;
    case KIND_AUGMENT: value_print_augment(member, out); break;
    }
}
