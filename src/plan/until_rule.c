/* A rule from words and back, and the sweep that it is for. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "plan/until.h"
#include "sweep/sweep.h"

static bool parse_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && !*end;
}

static bool parse_count(const char *text, size_t *count)
{
    double number;
    if (!parse_number(text, &number) || number != rint(number) || number < UNTIL_LEAST_SEEDS || number > UNTIL_MOST_SEEDS)
        return false;
    *count = (size_t)number;
    return true;
}

static bool parse_halfwidth(const char *text, double *half, bool *percent)
{
    char *end;
    *half = strtod(text, &end);
    *percent = end != text && *end == '%' && !end[1];
    if (*percent)
        *half /= 100;
    return (*percent || (end != text && !*end)) && *half > 0 && isfinite(*half);
}

static bool is_score(enum variable_id id)
{
    const char *name = variables[id].name;
    return variables[id].dims == DIMS_JOB && variables[id].writer == WRITER_RECORD
           && (strstr(name, "_loss") || strstr(name, "_accuracy"));
}

static bool parse_metric(const char *name, enum variable_id *metric)
{
    for (int i = 0; i < VAR_COUNT; i++)
        if (is_score((enum variable_id)i) && strcmp(variables[i].name, name) == 0) {
            *metric = (enum variable_id)i;
            return true;
        }
    return false;
}

static int parse_one(struct until_rule *rule, char *word, bool *percent, struct error *err)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = 0;
    if (value && strcmp(word, "halfwidth") == 0) {
        if (!parse_halfwidth(value, &rule->halfwidth, percent))
            return error_set(err, ERROR_USAGE, "halfwidth: expected a number above 0, such as 0.5%% or 0.005, got '%s'", value);
    } else if (value && (strcmp(word, "max_seeds") == 0 || strcmp(word, "min_seeds") == 0)) {
        if (!parse_count(value, word[1] == 'a' ? &rule->max_seeds : &rule->min_seeds))
            return error_set(err, ERROR_USAGE, "%s: expected a whole number from %d to %d, got '%s'", word, UNTIL_LEAST_SEEDS,
                             UNTIL_MOST_SEEDS, value);
    } else if (value && strcmp(word, "metric") == 0) {
        if (!parse_metric(value, &rule->metric))
            return error_set(err, ERROR_USAGE, "metric: expected a loss or an accuracy of the end of training, such as "
                             "test_accuracy or test_loss_network, got '%s'", value);
    } else if (value && strcmp(word, "baseline") == 0) {
        if (!parse_number(value, &rule->baseline) || !(rule->baseline >= 1))
            return error_set(err, ERROR_USAGE, "baseline: expected a refresh period of 1 or more, got '%s'", value);
    } else {
        return error_set(err, ERROR_USAGE, "expected halfwidth=0.5%%,max_seeds=40, and perhaps min_seeds=, metric= and baseline=, "
                         "got '%s'", word);
    }
    return 0;
}

int until_parse(struct until_rule *rule, const char *text, struct error *err)
{
    bool percent = false;
    int status = 0;
    *rule = (struct until_rule){.halfwidth = NAN, .min_seeds = UNTIL_LEAST_SEEDS, .metric = VAR_TEST_ACCURACY, .baseline = 1};
    char *copy = strdup(text), *rest = NULL;
    if (!copy)
        return error_set(err, ERROR_MEMORY, "out of memory");
    for (char *word = strtok_r(copy, ",", &rest); word && !status; word = strtok_r(NULL, ",", &rest))
        status = parse_one(rule, word, &percent, err);
    free(copy);
    if (status)
        return -1;
    if (isnan(rule->halfwidth) || !rule->max_seeds)
        return error_set(err, ERROR_USAGE, "expected halfwidth= and max_seeds=, such as halfwidth=0.5%%,max_seeds=40, got '%s'", text);
    if (rule->min_seeds > rule->max_seeds)
        return error_set(err, ERROR_USAGE, "min_seeds: expected at most max_seeds, %zu, got %zu", rule->max_seeds, rule->min_seeds);
    if (percent && !until_is_percent(rule))
        return error_set(err, ERROR_USAGE, "halfwidth: expected a number in the unit of %s, got a percentage, which is of accuracies",
                         variables[rule->metric].name);
    return 0;
}

bool until_is_percent(const struct until_rule *rule)
{
    return strstr(variables[rule->metric].name, "accuracy") != NULL;
}

void until_write(const struct until_rule *rule, struct text *out)
{
    text_add(out, "halfwidth=");
    text_add_number(out, rule->halfwidth);
    text_add(out, ",max_seeds=%zu,min_seeds=%zu,metric=%s,baseline=", rule->max_seeds, rule->min_seeds,
             variables[rule->metric].name);
    text_add_number(out, rule->baseline);
}

/* --- as many seeds -------------------------------------------------------------------- */

/* The seeds of the sweep in the order of the file, and further ones, as grid.seed. */
static void write_seeds(const struct until *u, const struct sweep *sweep, struct text *out)
{
    const struct until_cell *longest = &u->cells[0];
    int64_t most = INT64_MIN;
    for (size_t c = 0; c < u->n_cells; c++)
        longest = u->cells[c].n > longest->n ? &u->cells[c] : longest;
    text_add(out, "grid.seed=[");
    for (size_t i = 0; i < u->rule.max_seeds; i++) {
        int64_t seed = i < longest->n ? sweep->jobs[u->order[longest->first + i]].seed : most + 1;
        most = seed > most ? seed : most;
        text_add(out, "%s%lld", i ? ", " : "", (long long)seed);
    }
    text_add(out, "]");
}

/* Seeds that every cell has. */
static size_t count_seeds(const struct until *u)
{
    size_t least = SIZE_MAX;
    for (size_t c = 0; c < u->n_cells; c++)
        least = u->cells[c].n < least ? u->cells[c].n : least;
    return least;
}

static int count_in(const struct sweep *sweep, const struct until_rule *rule, struct text *seeds, size_t *n, struct error *err)
{
    struct until u;
    int status = until_init(&u, rule, sweep, err);
    if (!status) {
        *n = count_seeds(&u);
        write_seeds(&u, sweep, seeds);
    }
    until_free(&u);
    return status;
}

static int load_again(struct sweep *sweep, const char *path, const char *const *overrides, size_t n, const char *seeds,
                      struct error *err)
{
    const char **all = calloc(n + 1, sizeof *all);
    if (!all)
        return error_set(err, ERROR_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++)
        all[i] = overrides[i];
    all[n] = seeds;
    sweep_free(sweep);
    int status = sweep_load(sweep, path, all, n + 1, err);
    free(all);
    return status;
}

int until_load(struct sweep *sweep, const struct until_rule *rule, const char *path, const char *const *overrides, size_t n,
               struct error *err)
{
    struct text seeds = {0}, again = {0};
    size_t found = 0;
    int status = count_in(sweep, rule, &seeds, &found, err);
    if (!status && found < rule->max_seeds) {
        size_t before = found;
        status = load_again(sweep, path, overrides, n, seeds.chars, err) || count_in(sweep, rule, &again, &found, err) ? -1 : 0;
        if (status || found < rule->max_seeds)
            status = error_set(err, ERROR_USAGE, "max_seeds=%zu: expected as many seeds in every cell of the grid, got %zu, and a grid "
                               "that is not one map with a list of seeds: name them in the sweep file", rule->max_seeds, before);
    }
    text_free(&seeds);
    text_free(&again);
    return status;
}
