#include "sweep/fit.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "grid.h"
#include "mistakes.h"
#include "tree.h"

/* The tree is read again only where there is something to place. */
struct fit {
    const struct sweep *sweep;
    struct mistakes mistakes;
    struct tree tree;
    bool parsed;
};

struct fit *fit_begin(const struct sweep *sweep, struct error *err)
{
    struct fit *fit = mem_alloc(1, sizeof *fit, err);
    if (fit)
        *fit = (struct fit){.sweep = sweep, .mistakes.file = sweep->path};
    return fit;
}

/* Was this path, an axis of it, or a map above it given on the command line? sweep_load notes overrides below the text. */
static bool is_overridden(const struct sweep *sweep, const char *path)
{
    for (const char *at = sweep->text; (at = strstr(at, OVERRIDE_MARK)) != NULL;) {
        at += sizeof OVERRIDE_MARK - 1;
        at += strncmp(at, "grid.", 5) == 0 ? 5 : 0;
        size_t length = strcspn(at, "=");
        if (strncmp(at, path, length) == 0 && (path[length] == '\0' || path[length] == '.'))
            return true;
    }
    return false;
}

/* The node nearest to a dotted path: where it is an axis that, else as far down as the file goes. */
static const struct node *find_place(const struct node *root, const char *path)
{
    const struct node *axis = grid_find_axis(node_get(root, "grid"), path), *node = root;
    while (!axis && *path) {
        char key[256];
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        const struct node *below = node->kind == NODE_MAP ? node_get(node, key) : NULL;
        if (!below)
            break;
        node = below;
        path += length + (path[length] == '.');
    }
    return axis ? axis : node;
}

static void note(struct fit *fit, const char *path, const char *text)
{
    const struct sweep *sweep = fit->sweep;
    struct mistakes syntax = {.file = sweep->path};
    if (!fit->parsed && tree_parse(&fit->tree, sweep->text, strlen(sweep->text), false, &syntax) == 0)
        fit->parsed = true;
    mistakes_free(&syntax);
    const struct node *place = fit->parsed ? find_place(fit->tree.root, path) : NULL;
    bool here = place && !is_overridden(sweep, path);
    mistakes_add(&fit->mistakes, here ? place->line : 0, here ? place->column : 0, "%s", text);
}

/* The key that a text of dataset.h begins with, "data.train: expected ...", or data.set. */
static void key_of(const char *text, char *path, size_t size)
{
    bool told = strncmp(text, "data.", 5) == 0;
    snprintf(path, size, "%.*s", told ? (int)strcspn(text, ",: ") : 8, told ? text : "data.set");
}

int fit_note(struct fit *fit, const struct job *job, const struct error *err)
{
    char path[64], text[sizeof err->text + sizeof job->data.set + 16];
    if (err->code != ERROR_DATA && err->code != ERROR_SWEEP)
        return -1;
    key_of(err->text, path, sizeof path);
    bool told = strncmp(err->text, "data.", 5) == 0;
    snprintf(text, sizeof text, "%s%s", told ? "" : "data.set: ", err->text);
    note(fit, path, text);
    return 0;
}

bool fit_job(struct fit *fit, const struct job *job, const struct dataset *set)
{
    struct error err;
    bool counts = dataset_check_counts(set, &job->data, &err) == 0;
    if (!counts)
        fit_note(fit, job, &err);
    if (job_check_network(job, set, &err) == 0)
        return counts;
    char path[NETWORK_NAME_SIZE + 32];
    snprintf(path, sizeof path, "architectures.%s", job->network->name);
    note(fit, path, err.text);
    return false;
}

int fit_end(struct fit *fit, struct error *err)
{
    int status = mistakes_report(&fit->mistakes, err);
    mistakes_free(&fit->mistakes);
    tree_free(&fit->tree);
    mem_free(fit);
    return status;
}
