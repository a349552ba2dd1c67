/* Which sets there are: the table of sources, finding one by name, listing all. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "data/source.h"

/* Add a source here. */
static const struct data_source *const sources[] = {&source_sprites, &source_teacher, &source_idx};

enum { SOURCE_COUNT = sizeof sources / sizeof *sources };

const struct data_source *source_procedural(const char *set)
{
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        if (sources[s]->procedural && strcmp(sources[s]->name, set) == 0)
            return sources[s];
    return NULL;
}

static const struct data_source *source_of_folder(const char *folder)
{
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        if (!sources[s]->procedural && sources[s]->claims(folder))
            return sources[s];
    return NULL;
}

/* Joins the path of a folder under root. False: there is no such folder. */
static bool folder_path(const char *root, const char *name, char *path, size_t size)
{
    struct stat status;
    return snprintf(path, size, "%s/%s", root, name) < (int)size && stat(path, &status) == 0
           && S_ISDIR(status.st_mode);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* Entries of root in the order of the alphabet; each and the list are freed with free().
 * Returns how many; none where root cannot be read. */
static int list_root(const char *root, struct dirent ***entries)
{
    *entries = NULL;
    int count = root ? scandir(root, entries, is_visible, by_name) : 0;
    return count < 0 ? 0 : count;
}

/* Adds a name to the list in a message, and keeps the nearest to what was asked for. */
static void offer(struct text *names, const char *name, const char *asked, char nearest[NAME_MAX + 1], size_t *best)
{
    size_t distance = text_distance(name, asked);
    text_add(names, "%s%s", names->length ? ", " : "", name);
    if (distance < *best) {
        *best = distance;
        snprintf(nearest, NAME_MAX + 1, "%s", name);
    }
}

/* What there is, and what may have been meant. */
static void explain_unknown(const char *set, const char *root, struct error *err)
{
    char path[PATH_MAX], nearest[NAME_MAX + 1] = "";
    struct text names = {0};
    struct dirent **entries;
    size_t best = strlen(set) / 2 + 1;
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        if (sources[s]->procedural)
            offer(&names, sources[s]->name, set, nearest, &best);
    int count = list_root(root, &entries);
    for (int i = 0; i < count; i++) {
        if (folder_path(root, entries[i]->d_name, path, sizeof path) && source_of_folder(path))
            offer(&names, entries[i]->d_name, set, nearest, &best);
        free(entries[i]);
    }
    free(entries);
    if (root)
        error_set(err, ERROR_DATA, "data.set: expected one of %.1200s (files are looked for in folders of %.400s), got "
                  "'%s'", names.chars, root, set);
    else
        error_set(err, ERROR_DATA, "data.set: expected one of %s, got '%s' while RELIN_DATA is not set (and there is "
                  "no folder ./data): set it to the folder that holds the sets of files", names.chars, set);
    if (err && nearest[0]) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, "; did you mean %s?", nearest);
    }
    text_free(&names);
}

const struct data_source *source_find(const char *set, const char *root, char *folder, size_t size,
                                      struct error *err)
{
    const struct data_source *source = source_procedural(set);
    folder[0] = 0;
    if (source)
        return source;
    if (!set[0] || set[0] == '.' || strchr(set, '/')) {
        error_set(err, ERROR_DATA, "data.set: expected the plain name of a set or of a folder under RELIN_DATA, "
                  "got '%s'", set);
        return NULL;
    }
    if (!root || !folder_path(root, set, folder, size)) {
        explain_unknown(set, root, err);
        return NULL;
    }
    source = source_of_folder(folder);
    if (!source)
        error_set(err, ERROR_DATA, "%s: expected files of a known format (train-images-idx3-ubyte, "
                  "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each with .gz or "
                  "without), got none", folder);
    return source;
}

/* A set of files measured for the list; the task that fits its labels. */
static int measure_folder(const struct data_source *source, const char *name, const char *folder,
                          struct set_shape *shape, struct error *err)
{
    struct data_spec spec = {.task = TASK_CLASSIFICATION};
    struct error other;
    snprintf(spec.set, sizeof spec.set, "%s", name);
    if (source->measure(&spec, folder, shape, err) == 0)
        return 0;
    spec.task = TASK_REGRESSION;
    return source->measure(&spec, folder, shape, &other);
}

static void shape_text(const struct set_shape *shape, char *text, size_t size)
{
    if (shape->n_dims == 1)
        snprintf(text, size, "%zu", shape->shape[0]);
    else
        snprintf(text, size, "%zux%zux%zu", shape->shape[0], shape->shape[1], shape->shape[2]);
}

static void list_folder(const char *root, const char *name, bool json, struct text *out)
{
    char folder[PATH_MAX], shape_words[80];
    struct set_shape shape = {0};
    struct error err = {0};
    if (!folder_path(root, name, folder, sizeof folder))
        return;
    const struct data_source *source = source_find(name, root, folder, sizeof folder, &err);
    int result = source ? measure_folder(source, name, folder, &shape, &err) : -1;
    bool classes = shape.task == TASK_CLASSIFICATION;
    if (!json && result != 0) {
        text_add(out, "%-20s cannot be used: %s\n", name, err.text);
    } else if (!json) {
        shape_text(&shape, shape_words, sizeof shape_words);
        text_add(out, "%-20s %zu + %zu rows of %s, %zu %s, %s\n", name, shape.rows[POOL_TRAIN],
                 shape.rows[POOL_TEST], shape_words, shape.outputs, classes ? "classes" : "targets", folder);
    } else {
        text_add(out, ",\n {\"name\": ");
        text_add_json_string(out, name);
        text_add(out, ", \"procedural\": false, \"path\": ");
        text_add_json_string(out, folder);
        if (result == 0) {
            text_add(out, ", \"train\": %zu, \"test\": %zu, \"task\": \"%s\", \"outputs\": %zu, \"shape\": [%zu",
                     shape.rows[POOL_TRAIN], shape.rows[POOL_TEST], classes ? "classification" : "regression",
                     shape.outputs, shape.shape[0]);
            for (int d = 1; d < shape.n_dims; d++)
                text_add(out, ", %zu", shape.shape[d]);
            text_add(out, "], \"error\": null}");
        } else {
            text_add(out, ", \"error\": ");
            text_add_json_string(out, err.text);
            text_add(out, "}");
        }
    }
}

void dataset_list(const char *root, bool json, struct text *out)
{
    struct dirent **entries;
    const char *separator = "[\n ";
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        if (!sources[s]->procedural)
            continue;
        if (json)
            text_add(out, "%s{\"name\": \"%s\", \"procedural\": true, \"description\": \"%s\", \"error\": null}",
                     separator, sources[s]->name, sources[s]->description);
        else
            text_add(out, "%-20s %s\n", sources[s]->name, sources[s]->description);
        separator = ",\n ";
    }
    int count = list_root(root, &entries);
    for (int i = 0; i < count; i++) {
        list_folder(root, entries[i]->d_name, json, out);
        free(entries[i]);
    }
    free(entries);
    if (json)
        text_add(out, "\n]\n");
}
