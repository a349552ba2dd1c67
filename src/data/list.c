/* The list of sets, for `relin data`. */
#include <stdio.h>

#include "base/error.h"
#include "data/source.h"

/* A set of files measured for the list; the task that fits its labels. */
static int measure_set(const struct data_source *source, const char *name, const char *where,
                       struct set_shape *shape, struct error *err)
{
    struct data_spec spec = {.task = TASK_CLASSIFICATION};
    struct error other;
    snprintf(spec.set, sizeof spec.set, "%s", name);
    if (source->measure(&spec, where, shape, err) == 0)
        return 0;
    spec.task = TASK_REGRESSION;
    return source->measure(&spec, where, shape, &other);
}

static void shape_text(const struct set_shape *shape, char *text, size_t size)
{
    if (shape->n_dims == 1)
        snprintf(text, size, "%zu", shape->shape[0]);
    else
        snprintf(text, size, "%zux%zux%zu", shape->shape[0], shape->shape[1], shape->shape[2]);
}

static void write_json(const char *name, const char *where, const struct set_shape *shape, const struct error *err,
                       struct text *out)
{
    bool classes = shape->task == TASK_CLASSIFICATION;
    text_add(out, ",\n {\"name\": ");
    text_add_json_string(out, name);
    text_add(out, ", \"procedural\": false, \"path\": ");
    text_add_json_string(out, where);
    if (err) {
        text_add(out, ", \"error\": ");
        text_add_json_string(out, err->text);
        text_add(out, "}");
        return;
    }
    text_add(out, ", \"train\": %zu, \"test\": %zu, \"task\": \"%s\", \"outputs\": %zu, \"shape\": [%zu",
             shape->rows[POOL_TRAIN], shape->rows[POOL_TEST], classes ? "classification" : "regression",
             shape->outputs, shape->shape[0]);
    for (int d = 1; d < shape->n_dims; d++)
        text_add(out, ", %zu", shape->shape[d]);
    text_add(out, "], \"error\": null}");
}

struct list {
    bool json;
    struct text *out;
};

static void list_set(void *context, const char *name, const struct data_source *source, const char *where)
{
    const struct list *list = context;
    char shape_words[80];
    struct set_shape shape = {0};
    struct error err = {0};
    int result = -1;
    if (source)
        result = measure_set(source, name, where, &shape, &err);
    else
        source_refuse(where, &err);
    if (list->json) {
        write_json(name, where, &shape, result == 0 ? NULL : &err, list->out);
    } else if (result != 0) {
        text_add(list->out, "%-20s cannot be used: %s\n", name, err.text);
    } else {
        shape_text(&shape, shape_words, sizeof shape_words);
        text_add(list->out, "%-20s %zu + %zu rows of %s, %zu %s, %s\n", name, shape.rows[POOL_TRAIN],
                 shape.rows[POOL_TEST], shape_words, shape.outputs,
                 shape.task == TASK_CLASSIFICATION ? "classes" : "targets", where);
    }
}

void dataset_list(const char *root, bool json, struct text *out)
{
    struct list list = {json, out};
    const struct data_source *source;
    const char *separator = "[\n ";
    for (size_t s = 0; (source = source_at(s)); s++) {
        if (!source->procedural)
            continue;
        if (json)
            text_add(out, "%s{\"name\": \"%s\", \"procedural\": true, \"description\": \"%s\", \"error\": null}",
                     separator, source->name, source->description);
        else
            text_add(out, "%-20s %s\n", source->name, source->description);
        separator = ",\n ";
    }
    source_each(root, list_set, &list);
    if (json)
        text_add(out, "\n]\n");
}
