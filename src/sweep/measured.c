/* A job's text and what `relin measure` adds to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "schema.h"
#include "sweep/measure.h"

static const char EVALUATIONS[] = "training.evaluations";

/* A job twice: by its own keys, and as it is measured. The text and the id are those of `own`. */
struct pair {
    struct draft own, now;
    unsigned char from_kernel[VAR_COUNT];
};

static bool only_measures(const struct key *key)
{
    return strncmp(key->path, "kernels.", 8) == 0 || strcmp(key->path, EVALUATIONS) == 0;
}

static bool differs(const struct key *key, const struct pair *pair)
{
    struct text own = {0}, now = {0};
    key_print(key, &pair->own, &own);
    key_print(key, &pair->now, &now);
    bool different = strcmp(own.chars, now.chars) != 0;
    text_free(&own);
    text_free(&now);
    return different;
}

static enum variable_id kernel_variable(const char *name)
{
    int id = 0;
    while (id < VAR_COUNT && (variables[id].group != GROUP_KERNELS || strcmp(variables[id].name, name) != 0))
        id++;
    return (enum variable_id)id;
}

static void parse_from_kernel(const struct node *list, struct pair *pair, struct mistakes *mistakes)
{
    for (size_t i = 0; i < list->n; i++) {
        enum variable_id id = list->value[i]->kind == NODE_SCALAR ? kernel_variable(list->value[i]->scalar) : VAR_COUNT;
        if (id == VAR_COUNT)
            node_refuse(list->value[i], "measured.from_kernel: expected a variable of /kernels", mistakes);
        else
            pair->from_kernel[id] = 1;
    }
}

static void parse_measured(const struct node *section, struct pair *pair, struct mistakes *mistakes)
{
    for (size_t i = 0; i < section->n; i++) {
        const char *name = section->key[i]->scalar;
        const struct key *key = key_find(name);
        if (strcmp(name, "from_kernel") == 0)
            parse_from_kernel(section->value[i], pair, mistakes);
        else if (key && only_measures(key))
            key_parse(key, key->path, section->value[i], &pair->now, mistakes);
        else
            mistakes_add(mistakes, section->key[i]->line, section->key[i]->column,
                         "measured: expected a key that only measures, got '%s'", name);
    }
}

/* Reads both; `own` is finished: its job has text and id, which the caller takes or frees. */
static int pair_parse(struct pair *pair, const char *text, struct error *err)
{
    struct mistakes mistakes = {.file = "job"};
    struct tree tree;
    int status = -1;
    memset(pair, 0, sizeof *pair);
    draft_start(&pair->own);
    if (tree_parse(&tree, text, strlen(text), false, &mistakes) == 0) {
        const struct node *measured = node_get(tree.root, "measured");
        draft_parse_job(tree.root, &pair->own, &mistakes);
        if (mistakes.n == 0 && draft_finish(&pair->own, tree.root, &mistakes) == 0) {
            status = 0;
            pair->now = pair->own;
            if (measured)
                parse_measured(measured, pair, &mistakes);
        }
    }
    if (mistakes_report(&mistakes, err) && !status) {
        job_free(&pair->own.job);
        status = -1;
    }
    mistakes_free(&mistakes);
    tree_free(&tree);
    return status;
}

/* Closes the object of the job's own text again behind one more section. */
static void add_section(const struct pair *pair, struct text *out)
{
    const char *separator = "";
    out->length--;
    text_add(out, ",\"measured\":{");
    for (size_t i = 0; i < n_keys; i++) {
        if (!only_measures(&keys[i]) || !differs(&keys[i], pair))
            continue;
        text_add(out, "%s\"%s\":", separator, keys[i].path);
        key_print(&keys[i], &pair->now, out);
        separator = ",";
    }
    bool open = false;
    for (int id = 0; id < VAR_COUNT; id++)
        if (pair->from_kernel[id]) {
            text_add(out, "%s\"%s\"", open ? "," : *separator ? ",\"from_kernel\":[" : "\"from_kernel\":[",
                     variables[id].name);
            open = true;
        }
    text_add(out, open ? "]}}" : "}}");
}

static bool pair_differs(const struct pair *pair)
{
    for (size_t i = 0; i < n_keys; i++)
        if (only_measures(&keys[i]) && differs(&keys[i], pair))
            return true;
    for (int id = 0; id < VAR_COUNT; id++)
        if (pair->from_kernel[id])
            return true;
    return false;
}

/* The job of both. Takes own's text. */
static void pair_finish(struct pair *pair, struct job *job)
{
    struct job *own = &pair->own.job;
    struct text text = {0};
    *job = *own;
    if (!pair_differs(pair))
        return;
    job->kernels = pair->now.job.kernels;
    job->stability = pair->now.job.stability;
    job->measured.any = true;
    job->measured.own_probe = own->kernels.probe;
    if (pair->now.job.training.evaluations != own->training.evaluations)
        job->measured.evaluations = pair->now.job.training.evaluations;
    memcpy(job->measured.from_kernel, pair->from_kernel, sizeof pair->from_kernel);
    text_add(&text, "%s", own->text);
    add_section(pair, &text);
    free(own->text);
    job->text = text.chars;
}

int job_parse(struct job *job, const char *text, struct error *err)
{
    struct pair pair;
    memset(job, 0, sizeof *job);
    if (pair_parse(&pair, text, err))
        return -1;
    pair_finish(&pair, job);
    return 0;
}

/* --- changing what is measured ------------------------------------------------------ */

static bool is_one_of(const char *path, const char *const *list)
{
    while (*list && strcmp(path, *list) != 0)
        list++;
    return *list != NULL;
}

/* Why a change of the key would replace numbers that are there, or NULL. Of kernels that were measured the
 * previous snapshot of each would be another, and the inputs they are of; and of evaluations that were added
 * some would be gone. Keys that switch something on replace nothing; a key unknown here says what the
 * numbers of a snapshot are. */
static const char *replaces(const struct key *key, const struct pair *before)
{
    static const char *const switches[] = {"kernels.store", "kernels.parameters", "kernels.stability", NULL};
    static const char *const of_both[] = {"kernels.probe", "kernels.mode", NULL};
    const struct kernel_spec *kernels = &before->now.job.kernels;
    bool snapshots = kernels->probe > 0 && kernels->snapshots > 0, path = kernels->probe > 0 && kernels->path_points > 0;
    bool of_path = strcmp(key->path, "kernels.path_points") == 0;
    if (strcmp(key->path, EVALUATIONS) == 0)
        return differs(key, before) ? "points were added to the job's curves already, and only one set can be" : NULL;
    if (is_one_of(key->path, switches))
        return NULL;
    if (snapshots && !of_path)
        return "the job has kernel snapshots already, and others would replace them";
    if (path && (of_path || is_one_of(key->path, of_both)))
        return "the job has a kernel path length already, and another would replace it";
    return NULL;
}

static int refuse_replacement(const struct key *key, const struct pair *before, const struct pair *after,
                              struct error *err)
{
    const char *why = replaces(key, before);
    struct text was = {0};
    if (!why)
        return 0;
    key_print(key, &before->now, &was);
    struct text is = {0};
    key_print(key, &after->now, &is);
    error_set(err, ERROR_USAGE, "%s: expected %s, as in the file, got %s: %s; run the sweep with it into another file",
              key->path, was.chars, is.chars, why);
    text_free(&was);
    text_free(&is);
    return -1;
}

/* start: as it was before any setting. */
static int set_key(struct pair *pair, const struct pair *start, const char *setting, struct error *err)
{
    char path[128];
    const char *value = strchr(setting, '=');
    if (!value)
        return error_set(err, ERROR_USAGE, "--set: expected KEY=VALUE, got '%s'", setting);
    snprintf(path, sizeof path, "%.*s", (int)(value - setting), setting);
    const struct key *key = key_find(path);
    if (!key) {
        const char *nearest = key_nearest(path);
        return error_set(err, ERROR_USAGE, "--set: expected a known key, got '%s'%s%s%s", path,
                         nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    }
    if (!only_measures(key))
        return error_set(err, ERROR_USAGE, "--set: expected a key that only measures (kernels.*, training.evaluations), "
                         "got %s, which changes what is trained: run the sweep with it", path);
    struct pair after = *pair;
    struct mistakes mistakes = {.file = "--set"};
    struct tree tree;
    int status = tree_parse(&tree, value + 1, strlen(value + 1), true, &mistakes);
    if (!status)
        status = key_parse(key, key->path, tree.root, &after.now, &mistakes);
    if (mistakes_report(&mistakes, err))
        status = -1;
    mistakes_free(&mistakes);
    tree_free(&tree);
    if (status)
        return -1;
    struct pair change = {.own = start->now, .now = after.now};
    if (differs(key, &change) && refuse_replacement(key, start, &after, err))
        return -1;
    *pair = after;
    return 0;
}

int job_measure(struct job *job, const char *const *settings, size_t n, struct error *err)
{
    struct pair pair, start;
    if (pair_parse(&pair, job->text, err))
        return -1;
    start = pair;
    for (size_t i = 0; i < n; i++)
        if (set_key(&pair, &start, settings[i], err)) {
            job_free(&pair.own.job);
            return -1;
        }
    job_free(job);
    pair_finish(&pair, job);
    return 0;
}

int job_mark_from_kernel(struct job *job, const unsigned char *from_kernel, struct error *err)
{
    struct pair pair;
    if (pair_parse(&pair, job->text, err))
        return -1;
    memcpy(pair.from_kernel, from_kernel, sizeof pair.from_kernel);
    job_free(job);
    pair_finish(&pair, job);
    return 0;
}

void job_measured_keys(const struct job *job, struct text *out)
{
    struct pair pair;
    if (!job->measured.any || pair_parse(&pair, job->text, NULL))
        return;
    for (size_t i = 0; i < n_keys; i++)
        if (only_measures(&keys[i]) && differs(&keys[i], &pair)) {
            text_add(out, "%s%s=", out->length ? " " : "", keys[i].path);
            key_print(&keys[i], &pair.now, out);
        }
    job_free(&pair.own.job);
}
