/* relin data: which data sets can be used, and what is in one. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "data/dataset.h"

struct arguments {
    bool json;
    enum data_task task;
    enum data_target target;
    const char *name;
};

enum { KEY_JSON = 0x100, KEY_TASK, KEY_TARGET };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print JSON", 0},
    {"task", KEY_TASK, "TASK", 0, "With NAME: read it for classification (default) or regression", 0},
    {"target", KEY_TARGET, "TARGET", 0, "With NAME of dSprites: orientation, scale, position or shape", 0},
    {0},
};

static const char description[] =
    "List the data sets a sweep may name under `data: {set: NAME}`; with NAME, read that set whole, "
    "check it, and say what is in it."
    "\v"
    "Sets of files are under the folder that the environment variable RELIN_DATA names (else under ./data):\n"
    "  NAME/   with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte, as of MNIST, gzipped (.gz) or not; a dot may stand for the dash before idx\n"
    "  cifar-10-batches-bin/   with data_batch_1.bin to data_batch_5.bin and test_batch.bin: set cifar-10\n"
    "  NAME.npz   dSprites, whole or in part, here or in a folder here; also by the folder's name. One sprite in "
    "five, with all its orientations, is test\n"
    "  NAME.h5   your own, here or in a folder here, with /train/x, /train/y, /test/x, /test/y: x (rows, features) or "
    "(rows, channels, height, width) of unsigned bytes or floats; y (rows) of labels 0, 1, ..., or for "
    "regression floats, (rows) or (rows, outputs)\n"
    "So for Fashion-MNIST put its four files into a folder fashion-mnist, set RELIN_DATA to the folder above, and say "
    "`data: {set: fashion-mnist}`.\n\n"
    "Two sets need no files: `sprites` (data.image_size 32 or 64; shape, or with data.task regression "
    "orientation) and `teacher` (data.inputs, outputs, indices, noise; data.teacher multi-index or network). "
    "Both draw data.pool examples from data.set_seed.\n\n"
    "Examples:\n"
    "  RELIN_DATA=~/data relin data\n"
    "  relin data --json sprites\n"
    "  relin data --task=regression --target=position dsprites\n\n"
    "Exit codes: 0, or 2 if NAME is unknown or cannot be read.";

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON:
        a->json = true;
        return 0;
    case KEY_TASK:
        if (strcmp(value, "classification") != 0 && strcmp(value, "regression") != 0)
            argp_error(state, "--task: expected classification or regression, got '%s'", value);
        a->task = strcmp(value, "regression") == 0 ? TASK_REGRESSION : TASK_CLASSIFICATION;
        return 0;
    case KEY_TARGET:
        a->target = TARGET_AUTO;
        while (a->target < TARGET_SHAPE && strcmp(value, data_target_name(a->target)) != 0)
            a->target++;
        if (strcmp(value, data_target_name(a->target)) != 0)
            argp_error(state, "--target: expected orientation, scale, position or shape, got '%s'", value);
        return 0;
    case ARGP_KEY_ARG:
        if (a->name)
            argp_error(state, "expected at most one NAME, got '%s' as well", value);
        a->name = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A look at one set; for the procedural ones at 1,000 examples of seed 0. */
static struct data_spec example_spec(const struct arguments *a)
{
    struct data_spec spec = {.train = DATA_ALL, .test = DATA_ALL, .task = a->task, .target = a->target,
                             .pool = 1000, .image_size = 32, .inputs = 32, .outputs = 4, .indices = 4};
    snprintf(spec.set, sizeof spec.set, "%s", a->name);
    return spec;
}

struct summary {
    double mean, sd;
    size_t *per_class;   /* (outputs), or NULL */
};

static int summarise(const struct data_pool *pool, size_t outputs, struct summary *s, struct error *err)
{
    double sum = 0, squares = 0, n = (double)pool->rows * (double)pool->features;
    for (size_t i = 0; i < pool->rows * pool->features; i++) {
        double x = pool->bytes ? ((const unsigned char *)pool->x)[i] / 255.0 : (double)((const float *)pool->x)[i];
        sum += x;
        squares += x * x;
    }
    s->mean = sum / n;
    s->sd = sqrt(fmax(0, squares / n - s->mean * s->mean));
    s->per_class = pool->label ? mem_alloc(outputs, sizeof *s->per_class, err) : NULL;
    if (pool->label && !s->per_class)
        return -1;
    for (size_t i = 0; pool->label && i < pool->rows; i++)
        s->per_class[pool->label[i]]++;
    return 0;
}

static void print_pool(const char *name, const struct data_pool *pool, size_t outputs, const struct summary *s,
                       bool json)
{
    if (json)
        printf(", \"%s\": {\"rows\": %zu, \"mean\": %.6g, \"sd\": %.6g", name, pool->rows, s->mean, s->sd);
    else
        printf("%s: %zu rows, mean %.4g, standard deviation %.4g", name, pool->rows, s->mean, s->sd);
    if (s->per_class) {
        fputs(json ? ", \"per_class\": [" : "; rows of each class:", stdout);
        for (size_t c = 0; c < outputs; c++)
            printf("%s%zu", !json ? " " : c ? ", " : "", s->per_class[c]);
        fputs(json ? "]" : "", stdout);
    }
    fputs(json ? "}" : "\n", stdout);
}

static void print_set(const char *name, const struct dataset *set, const struct summary s[2], bool json)
{
    const char *task = set->task == TASK_CLASSIFICATION ? "classification" : "regression";
    if (json) {
        struct text quoted = {0};
        text_add_json_string(&quoted, name);
        printf("{\"name\": %s, \"task\": \"%s\", \"outputs\": %zu, \"shape\": [", quoted.chars, task, set->outputs);
        text_free(&quoted);
    } else {
        printf("%s: %s, %zu %s, inputs ", name, task, set->outputs, set->train.label ? "classes" : "targets");
    }
    for (int d = 0; d < set->n_dims; d++)
        printf("%s%zu", d == 0 ? "" : json ? ", " : "x", set->shape[d]);
    fputs(json ? "]" : set->train.bytes ? " (bytes, value/255)\n" : " (floats)\n", stdout);
    print_pool("train", &set->train, set->outputs, &s[0], json);
    print_pool("test", &set->test, set->outputs, &s[1], json);
    if (json)
        puts("}");
}

static int describe(const struct arguments *a, const char *root, struct error *err)
{
    struct dataset set = {0};
    struct summary s[2] = {{0}};
    struct data_spec spec = example_spec(a);
    int result = -1;
    if (strlen(a->name) >= sizeof spec.set)
        return error_set(err, ERROR_USAGE, "expected a NAME of at most %zu characters, got '%s'", sizeof spec.set - 1,
                         a->name);
    if (dataset_load(&set, &spec, root, err) != 0)
        return -1;
    if (summarise(&set.train, set.outputs, &s[0], err) == 0 && summarise(&set.test, set.outputs, &s[1], err) == 0) {
        print_set(a->name, &set, s, a->json);
        result = 0;
    }
    mem_free(s[0].per_class);
    mem_free(s[1].per_class);
    dataset_close(&set);
    return result;
}

int command_data(int argc, char **argv)
{
    static const struct argp argp = {options, parse, "[NAME]", description, NULL, NULL, NULL};
    struct arguments a = {.task = TASK_CLASSIFICATION};
    struct error err = {0};
    const char *root = dataset_root();
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.name) {
        if (describe(&a, root, &err) == 0)
            return 0;
        fprintf(stderr, "relin data: %s\n", err.text);
        return error_exit_code(err.code);
    }
    struct text out = {0};
    dataset_list(root, a.json, &out);
    fputs(out.chars, stdout);
    text_free(&out);
    if (!root && !a.json)
        fputs("relin data: RELIN_DATA is not set and there is no folder ./data, so no sets of files: set it to the "
              "folder that holds them\n", stderr);
    return 0;
}
