#include "asked.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "across.h"
#include "base/error.h"
#include "cells_parts.h"
#include "moment.h"
#include "must.h"
#include "tune.h"

enum { KEY_WHERE = 1024, KEY_ACROSS, KEY_TUNE, KEY_TUNE_SEEDS };   /* other than the programs' own */

static const struct argp_option option_table[] = {
    {"metric", 'm', "NAME", 0, "Which metric: any variable with one number a job or a snapshot (default test_accuracy)", 0},
    {"readout", 'r', "linear|network", 0,
     "f_lin, the model being trained (default), or f_theta, the network at the same parameters", 0},
    {"by", 'b', "AXES", 0, "Axes of a cell, comma-separated (default: all but seed); the others are averaged over", 0},
    {"where", KEY_WHERE, "AXIS=VALUE[,VALUE]", 0, "Only these jobs; may be repeated. Here and in --by also a column of the file "
     "that is no axis: engine, host, outcome", 0},
    {"at", 'a', "MOMENT", 0, "The metric from its curve in place of its final value, so that runs are compared at equal "
     "steps (step=N: the last evaluation not after it), equal training loss (train_loss=X: the first at which f_lin has "
     "it), equal feature updates (feature_updates=N), or each where its validation is best (best=validation_loss); the "
     "feature updates are those before it", 0},
    {"margin", 'd', "X", 0, "How much worse than the baseline counts as equal, in the metric's unit; of accuracies "
     "also in points, 0.5% (default for these: 1%)", 0},
    {"baseline", 'k', "K", 0, "The refresh period to compare with (default 1: standard training)", 0},
    {"across", KEY_ACROSS, "AXES", 0, "Also compare across these axes of the tables (architecture, data_set): probability of "
     "improvement over the baseline and interquartile means; `relin summary --csv` then prints these", 0},
    {"tune", KEY_TUNE, "AXES", 0, "Of these axes (training.lr) take for each K the value with the least validation loss, "
     "chosen by seeds that the answer does not use; without it each value has a table of its own", 0},
    {"tune-seeds", KEY_TUNE_SEEDS, "SEED[,SEED]", 0, "The seeds that choose (default: the lower half)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static double parse_number(const char *text, const char *what, double least, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    if (!*text || *end || !(value >= least))
        argp_error(state, "%s: expected a number >= %g, got '%s'", what, least, text);
    return value;
}

static double parse_margin(const char *text, bool *percent, struct argp_state *state)
{
    char *end;
    double value = strtod(text, &end);
    *percent = end != text && strcmp(end, "%") == 0;
    if (end == text || (*end && !*percent) || !(value >= 0))
        argp_error(state, "--margin: expected a number >= 0, or a percentage of accuracies, got '%s'", text);
    return *percent ? value / 100 : value;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct asked *asked = state->input;
    struct error err = {0};
    switch (key) {
    case 'm': asked->question.metric = value; break;
    case 'r':
        if (strcmp(value, "linear") != 0 && strcmp(value, "network") != 0)
            argp_error(state, "--readout: expected linear or network, got '%s'", value);
        asked->question.readout = value[0] == 'l' ? READOUT_LINEAR : READOUT_NETWORK;
        break;
    case 'b': asked->by = value; break;
    case KEY_ACROSS: asked->across = value; break;
    case KEY_TUNE: asked->tune = value; break;
    case KEY_TUNE_SEEDS: asked->tune_seeds = value; break;
    case KEY_WHERE: asked->where[asked->n_where++] = value; break;
    case 'a':
        if (moment_parse(&asked->question.moment, value, &err) != 0)
            argp_error(state, "%s", err.text);
        break;
    case 'd': asked->question.margin = parse_margin(value, &asked->margin_percent, state); break;
    case 'k': asked->question.baseline = parse_number(value, "--baseline", 1, state); break;
    case ARGP_KEY_ARG: asked->files[asked->n_files++] = value; break;
    case ARGP_KEY_END:
        if (asked->margin_percent && !cells_is_accuracy(asked->question.metric))
            argp_error(state, "--margin: expected a number in the unit of %s, got a percentage, which is of accuracies",
                       asked->question.metric);
        break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a result file: %s FILE.h5", state->name); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

const struct argp asked_argp = {.options = option_table, .parser = parse_option};

void asked_start(struct asked *asked, int argc)
{
    *asked = (struct asked){.question = {.metric = "test_accuracy", .baseline = 1, .margin = NAN}};
    asked->where = must(calloc((size_t)argc + 1, sizeof *asked->where));
    asked->files = must(calloc((size_t)argc + 1, sizeof *asked->files));
}

void asked_free(struct asked *asked)
{
    free(asked->where);
    free(asked->files);
}

/* What --by and --where name: axes, and further columns of the file. by: the names are parts of it. */
static const char **name_columns(const struct asked *asked, char **by, size_t *n)
{
    const char **columns = must(calloc(asked->n_where + (asked->by ? strlen(asked->by) : 0) + 1, sizeof *columns));
    *n = 0;
    *by = must(strdup(asked->by ? asked->by : ""));
    for (char *rest, *name = strtok_r(*by, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        columns[(*n)++] = name;
    for (size_t i = 0; i < asked->n_where; i++)
        columns[(*n)++] = asked->where[i];
    return columns;
}

int asked_read(const struct asked *asked, struct observations *o, struct error *err)
{
    const struct question *question = &asked->question;
    struct reading reading = {.metric = question->metric, .moment = question->moment, .validation = asked->tune != NULL};
    char *by;
    const char **columns = name_columns(asked, &by, &reading.n_columns);
    reading.columns = columns;
    int result = observe_read(o, asked->files, asked->n_files, &reading, err);
    free(columns);
    free(by);
    for (size_t i = 0; i < asked->n_where && result == 0; i++)
        result = observe_filter(o, asked->where[i], err);
    if (result == 0 && o->n == 0)
        result = error_set(err, ERROR_USAGE, "expected jobs, got none: no job fits all of --where");
    if (result == 0 && cells_are_programs(o))
        o->two_readouts = false;
    if (result == 0 && question->readout == READOUT_NETWORK && !o->two_readouts)
        result = error_set(err, ERROR_USAGE, "--readout network: %s has one read-out only", question->metric);
    if (result == 0 && asked->tune)
        result = tune_apply(o, asked->tune, asked->tune_seeds, err);
    return result;
}

int asked_compare(const struct asked *asked, struct observations *o, struct cells *cells, struct across *across, struct error *err)
{
    if (cells_find(cells, o, &asked->question, asked->by, err) != 0)
        return -1;
    if (!asked->across)
        return 0;
    cells->across = across;
    return across_find(across, cells, asked->across, err);
}

int asked_end(const char *program, int result, struct error *err)
{
    if (result == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        result = error_set_errno(err, ERROR_FILE, "standard output");
    if (result == 0)
        return 0;
    fprintf(stderr, "%s: %s\n", program, err->text);
    return error_exit_code(err->code);
}
