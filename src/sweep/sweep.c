/* A sweep file from path to jobs. */
#include "sweep/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "columns.h"
#include "grid.h"
#include "values.h"

enum { MOST_BYTES = 4 << 20, OVERRIDE_PATH_SIZE = 256 };

static const char *const sections[] = {"name", "data", "architectures", "grid", "training", "kernels", "limits", "trainer", "parameters",
                                      "metrics"};

static void *grow(void *block, size_t count, size_t size)
{
    block = realloc(block, count * size);
    if (!block) {
        fputs("relin: out of memory while expanding the sweep\n", stderr);
        abort();
    }
    return block;
}

/* "key=value" into the tree; the value is YAML. */
static void override(struct tree *tree, const char *text, struct mistakes *mistakes)
{
    const char *equals = strchr(text, '=');
    char path[OVERRIDE_PATH_SIZE];
    struct tree value;
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof path) {
        mistakes_add(mistakes, 0, 0, "expected key=value, such as training.steps=100, got '%s'", text);
        return;
    }
    snprintf(path, sizeof path, "%.*s", (int)(equals - text), text);
    if (!text_is_utf8(path) || !equals[1]) {
        mistakes_add(mistakes, 0, 0, equals[1] ? "%s: expected a key in UTF-8" : "%s: expected a value after =, got nothing", path);
        return;
    }
    if (tree_parse(&value, equals + 1, strlen(equals + 1), true, mistakes) == 0 && tree_set(tree, path, &value))
        mistakes_add(mistakes, 0, 0, "%s: expected a key inside maps, got one below a value or list", path);
    tree_free(&value);
}

/* An override of a key that is an axis would do nothing. Asked when all overrides are in: one of them may
 * have made the key an axis, or no longer one. */
static void check_override_is_seen(const struct tree *tree, const char *text, struct mistakes *mistakes)
{
    const char *equals = strchr(text, '=');
    char path[OVERRIDE_PATH_SIZE];
    if (!equals || (size_t)(equals - text) >= sizeof path)
        return;
    snprintf(path, sizeof path, "%.*s", (int)(equals - text), text);
    const struct node *grid = node_get(tree->root, "grid");
    const struct node *axis = grid_find_axis(grid, path);
    if (!axis)
        return;
    bool plain = node_get(grid, axis->scalar) != NULL;
    mistakes_add(mistakes, 0, 0, "%s: is an axis of the grid, which would win: set grid%s%s%s", path, plain ? "." : "",
                 plain ? axis->scalar : " as a whole", plain ? equals : "");
}

static void check_sections(const struct node *root, struct mistakes *mistakes)
{
    for (size_t i = 0; i < root->n; i++) {
        const char *key = root->key[i]->scalar, *nearest = NULL;
        size_t least = strlen(key) < 4 ? strlen(key) : 4;   /* from here on nothing is near */
        bool known = false;
        for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
            size_t distance = text_distance(key, sections[s]);
            known |= distance == 0;
            if (distance < least) {
                least = distance;
                nearest = sections[s];
            }
        }
        if (!known && !nearest)
            nearest = key_nearest(key);
        if (!known)
            mistakes_add(mistakes, root->key[i]->line, root->key[i]->column,
                         "%s: expected name, data, architectures, grid, training, kernels, limits, trainer, parameters or metrics, "
                         "got '%s'%s%s%s", key,
                         key, nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    }
}

static void read_architectures(struct grid_base *base, const struct node *root, struct mistakes *mistakes)
{
    const struct node *map = node_get(root, "architectures");
    if (!map && grid_may_be_program(base))
        return;
    if (!map || map->kind != NODE_MAP || map->n == 0) {
        static const struct node nothing = {.kind = NODE_SCALAR, .scalar = "", .line = 1, .column = 1};
        node_refuse(map ? map : &nothing, "architectures: expected a map of names to networks, such as "
                    "{mlp: {type: mlp, widths: [512]}}", mistakes);
        return;
    }
    base->architectures = grow(NULL, map->n, sizeof *base->architectures);
    for (size_t i = 0; i < map->n; i++) {
        struct draft draft;
        char prefix[300], depth[310];
        const struct node *name = map->key[i];
        if (!name->scalar[0] || strlen(name->scalar) >= NETWORK_NAME_SIZE || strpbrk(name->scalar, "./"))
            mistakes_add(mistakes, name->line, name->column, "architectures: expected a name of 1 to %d characters "
                         "without . and /, got '%s'", NETWORK_NAME_SIZE - 1, name->scalar);
        draft_start(&draft);
        snprintf(prefix, sizeof prefix, "architectures.%.100s.", name->scalar);
        section_parse(prefix, map->value[i], &draft, NULL, mistakes);
        network_check_keys(prefix, &draft, map->value[i], mistakes);
        snprintf(depth, sizeof depth, "%sdepth", prefix);
        network_check(prefix, &draft, map->value[i], !grid_find_axis(node_get(root, "grid"), depth), mistakes);
        snprintf(draft.network.name, sizeof draft.network.name, "%.*s", NETWORK_NAME_SIZE - 1, name->scalar);
        base->architectures[base->n_architectures++] = draft.network;
    }
}

static void read_base(struct grid_base *base, struct mistakes *mistakes)
{
    static const char *const with_keys[] = {"data", "training", "kernels", "limits"};
    const struct node *root = base->tree->root;
    draft_start(&base->draft);
    check_sections(root, mistakes);
    for (size_t i = 0; i < sizeof with_keys / sizeof *with_keys; i++) {
        char prefix[32];
        const struct node *section = node_get(root, with_keys[i]);
        snprintf(prefix, sizeof prefix, "%s.", with_keys[i]);
        if (section)
            section_parse(prefix, section, &base->draft, NULL, mistakes);
    }
    grid_read_program(base, mistakes);
    read_architectures(base, root, mistakes);
}

/* What a cell would miss, said beside other mistakes, which keep the cells from being built. */
static void check_required(const struct grid_base *base, struct mistakes *mistakes)
{
    static const char *const required[][2] = {{"data.set", "the name of a data set"},
                                              {"training.lr", "a number > 0 or {of_limit: x}"},
                                              {"training.steps", "a whole number >= 0"}};
    const struct node *root = base->tree->root;
    if (grid_may_be_program(base))
        return;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        const char *path = required[i][0];
        char section[32];
        snprintf(section, sizeof section, "%.*s", (int)strcspn(path, "."), path);
        const struct node *where = node_get(root, section) ? node_get(root, section) : root;
        /* steps follow from updates; beside a damping that is given lr is 1 */
        const char *other = strcmp(path, "training.steps") == 0 ? "training.feature_updates"
                          : strcmp(path, "training.lr") == 0 ? "training.damping" : NULL;
        bool other_way = other && (key_given(&base->draft, other) || grid_find_axis(node_get(root, "grid"), other));
        if (!other_way && !key_given(&base->draft, path) && !grid_find_axis(node_get(root, "grid"), path))
            mistakes_add(mistakes, where->line, where->column, "%s: expected %s, got nothing: add it", path, required[i][1]);
    }
}

/* --- collecting jobs, each id once --------------------------------------- */

/* An id as the number it is: nothing else of a job has to be looked at to find it again. */
struct slot { uint64_t id; bool taken; };

struct collection {
    struct sweep *sweep;
    size_t capacity;
    struct slot *slots;           /* open addressing */
    size_t n_slots;
    double cells;                 /* of the grids so far */
};

static struct slot *find_slot(const struct collection *c, uint64_t id)
{
    size_t slot = (size_t)id & (c->n_slots - 1);
    while (c->slots[slot].taken && c->slots[slot].id != id)
        slot = (slot + 1) & (c->n_slots - 1);
    return &c->slots[slot];
}

static void enlarge(struct collection *c)
{
    c->capacity = c->capacity ? 2 * c->capacity : 64;
    c->sweep->jobs = grow(c->sweep->jobs, c->capacity, sizeof *c->sweep->jobs);
    struct slot *old = c->slots;
    size_t n_old = c->n_slots;
    c->n_slots = 2 * c->capacity;
    c->slots = calloc(c->n_slots, sizeof *c->slots);
    if (!c->slots)
        abort();
    for (size_t i = 0; i < n_old; i++)
        if (old[i].taken)
            *find_slot(c, old[i].id) = old[i];
    free(old);
}

static void collect(void *context, struct draft *draft)
{
    struct collection *c = context;
    if (c->sweep->n_jobs == c->capacity)
        enlarge(c);
    uint64_t id = strtoull(draft->job.id, NULL, 16);
    struct slot *slot = find_slot(c, id);
    if (slot->taken) {
        c->sweep->n_duplicates++;
        job_free(&draft->job);
        return;
    }
    draft->job.expected = isfinite(draft->limits.expected) ? draft->limits.expected : 0;
    c->sweep->jobs[c->sweep->n_jobs++] = draft->job;
    *slot = (struct slot){id, true};
}

/* Expands one map of the grid; its axes go to the columns. */
static void expand_one(struct collection *c, struct columns *columns, const struct grid_base *base,
                       const struct node *map, struct mistakes *mistakes)
{
    struct grid grid;
    if (grid_read(&grid, base, map, mistakes) == 0 && mistakes->n == 0) {
        for (size_t i = 0; i < grid.n_axes; i++)
            columns_add(columns, grid.axes[i].path);
        double before = c->cells;
        c->cells += grid_cells(&grid);
        if (before > 0 && c->cells > (double)sweep_most_cells)   /* of one grid grid_expand says it */
            mistakes_add(mistakes, map->line, map->column, "grid: expected at most %zu cells in all grids together, got %.0f with "
                         "this one", sweep_most_cells, c->cells);
        else
            grid_expand(&grid, base, collect, c, mistakes);
    }
    grid_free(&grid);
}

static void expand(struct sweep *sweep, struct columns *columns, const struct grid_base *base, struct mistakes *mistakes)
{
    struct collection c = {.sweep = sweep};
    const struct node *grid = node_get(base->tree->root, "grid");
    if (grid && grid->kind == NODE_LIST)
        for (size_t i = 0; i < grid->n; i++)
            expand_one(&c, columns, base, grid->value[i], mistakes);
    else
        expand_one(&c, columns, base, grid, mistakes);
    free(c.slots);
    if (sweep->n_jobs && sweep->n_jobs < c.capacity)
        sweep->jobs = grow(sweep->jobs, sweep->n_jobs, sizeof *sweep->jobs);   /* and not more */
    if (mistakes->n == 0 && sweep->n_jobs == 0) {
        const struct node *where = grid ? grid : base->tree->root;
        mistakes_add(mistakes, where->line, where->column, "grid: expected at least one cell, got none: "
                     "see include and exclude");
    }
}

static char *sweep_name(const struct node *root, const char *path, struct mistakes *mistakes)
{
    const struct node *name = node_get(root, "name");
    char text[128];
    if (name && (name->kind != NODE_SCALAR || !name->scalar[0] || strlen(name->scalar) > 100 || strchr(name->scalar, '/')))
        node_refuse(name, "name: expected a text of 1 to 100 characters without /", mistakes);
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (name && name->kind == NODE_SCALAR)
        snprintf(text, sizeof text, "%.100s", name->scalar);
    else
        snprintf(text, sizeof text, "%.*s", (int)(strcspn(base, ".") < 100 ? strcspn(base, ".") : 100), base);
    return strdup(text);
}

static void write_resolved(struct sweep *sweep, const struct grid_base *base, struct text *out)
{
    static const char *const printed[] = {"data.", "training.", "kernels.", "limits."};
    text_add(out, "{\"name\":");
    text_add_json_string(out, sweep->name);
    for (size_t s = 0; s < sizeof printed / sizeof *printed; s++) {
        size_t length = strlen(printed[s]);
        const char *separator = "";
        text_add(out, ",\"%.*s\":{", (int)length - 1, printed[s]);
        for (size_t i = 0; i < n_keys; i++) {
            if (strncmp(keys[i].path, printed[s], length) != 0
                || !(base->draft.given[i] || (keys[i].standard && keys[i].standard[0])))
                continue;
            text_add(out, "%s\"%s\":", separator, keys[i].path + length);
            key_print(&keys[i], &base->draft, out);
            separator = ",";
        }
        text_add(out, "}");
    }
    if (draft_is_program(&base->draft) || base->draft.parameters.n || base->draft.metrics[0]) {
        text_add(out, ",\"parameters\":");
        value_print_parameters(&base->draft.parameters, out);
        text_add(out, ",\"metrics\":%s", base->draft.metrics[0] ? base->draft.metrics : "[]");
    }
    text_add(out, ",\"architectures\":{");
    for (size_t a = 0; a < base->n_architectures; a++) {
        struct draft draft = {.network = base->architectures[a]};
        const char *separator = "";
        text_add(out, "%s", a ? "," : "");
        text_add_json_string(out, base->architectures[a].name);
        text_add(out, ":{");
        for (size_t i = 0; i < n_keys; i++) {
            if (strncmp(keys[i].path, "architectures.", 14) != 0 || !key_applies(&keys[i], &draft))
                continue;
            text_add(out, "%s\"%s\":", separator, strrchr(keys[i].path, '.') + 1);
            key_print(&keys[i], &draft, out);
            separator = ",";
        }
        text_add(out, "}");
    }
    text_add(out, "}}");
}

/* text: of the file; taken over. */
static int load(struct sweep *sweep, const char *path, struct text text, const char *const *overrides, size_t n,
                struct error *err)
{
    struct text resolved = {0};
    struct mistakes mistakes = {.file = path};
    struct tree tree = {0};
    struct grid_base base = {.tree = &tree};
    struct columns columns = {0};
    int status = -1;
    if (tree_parse(&tree, text.chars, text.length, false, &mistakes))
        goto done;
    if (tree.root->kind != NODE_MAP) {
        node_refuse(tree.root, "expected a map of name, data, architectures, grid, training, ...", &mistakes);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        override(&tree, overrides[i], &mistakes);
        text_add(&text, OVERRIDE_MARK "%s\n", overrides[i]);
    }
    for (size_t i = 0; i < n; i++)
        check_override_is_seen(&tree, overrides[i], &mistakes);
    read_base(&base, &mistakes);
    check_required(&base, &mistakes);
    sweep->path = strdup(path);
    sweep->name = sweep_name(tree.root, path, &mistakes);
    sweep->limits = base.draft.limits;
    expand(sweep, &columns, &base, &mistakes);
    if (mistakes.n)
        goto done;
    columns_fill(&columns, sweep);
    write_resolved(sweep, &base, &resolved);
    sweep->text = text.chars;
    sweep->resolved = resolved.chars;
    text = (struct text){0};
    status = 0;
done:
    if (mistakes.n)
        mistakes_report(&mistakes, err);
    mistakes_free(&mistakes);
    columns_free(&columns);
    tree_free(&tree);
    free(base.architectures);
    text_free(&text);
    return status;
}

int sweep_load(struct sweep *sweep, const char *path, const char *const *overrides, size_t n, struct error *err)
{
    struct text text = {0};
    memset(sweep, 0, sizeof *sweep);
    if (text_read_file(&text, path, MOST_BYTES, err)) {
        text_free(&text);
        if (err)
            err->code = ERROR_SWEEP;
        return -1;
    }
    return load(sweep, path, text, overrides, n, err);
}

int sweep_load_text(struct sweep *sweep, const char *shown, const char *text, size_t length, const char *const *overrides,
                    size_t n, struct error *err)
{
    struct text copy = {0};
    memset(sweep, 0, sizeof *sweep);
    text_add_bytes(&copy, text, length);
    return load(sweep, shown, copy, overrides, n, err);
}

void sweep_free(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->n_jobs; i++)
        job_free(&sweep->jobs[i]);
    for (size_t a = 0; a < sweep->n_axes; a++) {
        for (size_t i = 0; sweep->axes[a].label && i < sweep->n_jobs; i++)
            free(sweep->axes[a].label[i]);
        free(sweep->axes[a].label);
        free(sweep->axes[a].number);
        free(sweep->axes[a].path);
        free(sweep->axes[a].column);
    }
    free(sweep->axes);
    free(sweep->jobs);
    free(sweep->path);
    free(sweep->name);
    free(sweep->text);
    free(sweep->resolved);
    free(sweep->until);
    memset(sweep, 0, sizeof *sweep);
}
