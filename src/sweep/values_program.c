/* The keys of a program of the user's own: trainer: {command: [words]}, parameters, metrics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

static int parse_words(const struct reading *r, struct draft *draft)
{
    const struct node *list = node_get(r->node, "command");
    struct text words = {0};
    bool fine = r->node->n == 1 && list && list->kind == NODE_LIST && list->n > 0;
    text_add(&words, "[");
    for (size_t i = 0; fine && i < list->n; i++) {
        fine = list->value[i]->kind == NODE_SCALAR && (i > 0 || list->value[i]->scalar[0]);
        if (fine) {
            text_add(&words, "%s", i ? "," : "");
            text_add_json_string(&words, list->value[i]->scalar);
        }
    }
    text_add(&words, "]");
    int status = 0;
    if (!fine)
        status = expected(r, "{command: [words]} such as {command: [python3, train.py]}");
    else if (words.length >= sizeof draft->command)
        status = expected(r, "a command of at most %zu characters in all", sizeof draft->command - 1);
    else
        memcpy(draft->command, words.chars, words.length + 1);
    text_free(&words);
    return status;
}

int value_parse_trainer(const struct reading *r, struct draft *draft)
{
    if (r->node->kind == NODE_MAP) {
        draft->job.training.trainer = TRAINER_COMMAND;   /* even where wrong: one mistake is enough */
        return parse_words(r, draft);
    }
    if (r->node->kind == NODE_LIST || value_is_word(r->node, "command")) {
        value_refuse(r, ": a program is {command: [python3, train.py]}", "standard | linearised | gauss-newton or a command");
        return -1;
    }
    return value_choice(r, &draft->job.training.trainer, false);
}

/* --- parameters -------------------------------------------------------------------- */

/* One value as JSON, so that equal ones are equal texts: 1e-2 and 0.01. */
static int print_value(const struct reading *r, char json[PARAMETER_SIZE])
{
    double number;
    struct text value = {0};
    const struct node *node = r->node;
    bool word = node->kind == NODE_SCALAR && !node->quoted;
    if (node->kind != NODE_SCALAR || (word && (value_is_word(node, "null") || value_is_word(node, "~") || !node->scalar[0])))
        return expected(r, "a number, true, false or a text");
    if (word && value_number(node, &number) && isfinite(number)) {
        if (fabs(number) > 9007199254740992.0 && number == rint(number) && strlen(node->scalar) > 15 && !strpbrk(node->scalar, "eE."))
            return expected(r, "a whole number up to 2^53, or a text in quotes");
        text_add_json_number(&value, number == 0 ? 0 : number);
    } else if (word && (value_is_word(node, "true") || value_is_word(node, "false"))) {
        text_add(&value, "%s", node->scalar);
    } else {
        text_add_json_string(&value, node->scalar);
    }
    int status = 0;
    if (value.length >= PARAMETER_SIZE)
        status = expected(r, "a text of at most %d characters as JSON", PARAMETER_SIZE - 1);
    else
        memcpy(json, value.chars, value.length + 1);
    text_free(&value);
    return status;
}

int value_parse_parameter(const struct reading *r, struct parameters *parameters)
{
    const char *name = strrchr(r->path, '.') + 1;
    size_t i = 0;
    struct parameter new = {0};
    if (!program_is_name(name)) {
        mistakes_add(r->mistakes, r->node->line, r->node->column, "%s: expected a name of at most %d letters, digits and _, "
                     "which begins with no digit, got '%s'", r->path, OWN_NAME_SIZE - 1, name);
        return -1;
    }
    if (print_value(r, new.json))
        return -1;
    snprintf(new.name, sizeof new.name, "%s", name);
    while (i < parameters->n && strcmp(parameters->list[i].name, name) < 0)
        i++;
    if (i == parameters->n || strcmp(parameters->list[i].name, name) != 0) {
        if (parameters->n == PARAMETERS_MOST) {
            mistakes_add(r->mistakes, r->node->line, r->node->column, "%s: expected at most %d parameters, got more", r->path,
                         PARAMETERS_MOST);
            return -1;
        }
        memmove(&parameters->list[i + 1], &parameters->list[i], (parameters->n - i) * sizeof *parameters->list);
        parameters->n++;
    }
    parameters->list[i] = new;
    return 0;
}

void value_print_parameters(const struct parameters *parameters, struct text *out)
{
    text_add(out, "{");
    for (size_t i = 0; i < parameters->n; i++)
        text_add(out, "%s\"%s\":%s", i ? "," : "", parameters->list[i].name, parameters->list[i].json);
    text_add(out, "}");
}

void parameters_parse(const struct node *map, struct draft *draft, struct mistakes *mistakes)
{
    const struct key *key = key_find("parameters.any");
    if (map->kind != NODE_MAP) {
        node_refuse(map, "parameters: expected a map of names to numbers, true, false or texts", mistakes);
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        char path[300];
        snprintf(path, sizeof path, "parameters.%.200s", map->key[i]->scalar);
        const char *name = map->key[i]->scalar;
        if (strchr(name, '.'))
            mistakes_add(mistakes, map->key[i]->line, map->key[i]->column, "%s: expected a name of at most %d letters, digits and _, "
                         "which begins with no digit, got '%s'", path, OWN_NAME_SIZE - 1, name);
        else
            key_parse(key, path, map->value[i], draft, mistakes);
    }
}

/* --- metrics ------------------------------------------------------------------------ */

static bool is_taken(const char *name)
{
    static const char *const own[] = {"step", "time", "feature_updates", "job", "eval", "refresh", "metric", "kernels", "config", "provenance", "probe"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    if (strncmp(name, "curve_", 6) == 0 || strncmp(name, "parameters_", 11) == 0)
        return true;
    for (int id = 0; id < VAR_COUNT; id++)
        if (strcmp(name, variables[id].name) == 0)
            return true;
    return false;
}

void metrics_parse(const struct node *list, struct draft *draft, struct mistakes *mistakes)
{
    struct text names = {0};
    if (list->kind != NODE_LIST) {
        node_refuse(list, "metrics: expected a list of names, such as [f1, perplexity]", mistakes);
        return;
    }
    if (list->n > METRICS_MOST)
        mistakes_add(mistakes, list->line, list->column, "metrics: expected at most %d, got %zu", METRICS_MOST, list->n);
    for (size_t i = 0; i < list->n && i < METRICS_MOST; i++) {
        const struct node *node = list->value[i];
        bool twice = false;
        if (node->kind != NODE_SCALAR || !program_is_name(node->scalar)) {
            node_refuse(node, "metrics: expected a name of letters, digits and _, which begins with no digit", mistakes);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            twice |= list->value[k]->kind == NODE_SCALAR && strcmp(list->value[k]->scalar, node->scalar) == 0;
        if (twice || is_taken(node->scalar))
            node_refuse(node, twice ? "metrics: expected each name once" : "metrics: expected a name that the result file has not yet", mistakes);
        text_add(&names, "%s\"%s\"", names.length ? "," : "[", node->scalar);
    }
    if (names.length + 2 > sizeof draft->metrics)
        mistakes_add(mistakes, list->line, list->column, "metrics: expected at most %zu characters in all, got %zu",
                     sizeof draft->metrics - 2, names.length);
    else if (names.length)
        snprintf(draft->metrics, sizeof draft->metrics, "%s]", names.chars);
    text_free(&names);
}
