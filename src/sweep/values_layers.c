/* `layers:` of an architecture: a list of layers and residual blocks. */
#include "values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_WINDOW = 3, DEFAULT_POOL = 2, DEFAULT_GROUPS = 4 };

static const struct key width_key = {.path = "", .kind = KIND_WHOLE, .min = 1, .max = 1e6};
static const struct key channels_key = {.path = "", .kind = KIND_WHOLE, .min = 1, .max = 65536};
static const struct key window_key = {.path = "", .kind = KIND_WHOLE, .min = 1, .max = 63};
static const struct key padding_key = {.path = "", .kind = KIND_WHOLE, .min = 0, .max = 62};
static const struct key scale_key = {.path = "", .kind = KIND_REAL, .min = 0, .max = 1e6};
static const struct key activation_key = {.path = "", .kind = KIND_CHOICE, .choices = "relu|tanh|erf|gelu"};
static const struct key pool_key = {.path = "", .kind = KIND_CHOICE, .choices = "max|average"};
static const struct key norm_key = {.path = "", .kind = KIND_CHOICE, .choices = "layer=2|group=3"};
static const char known_layers[] = "conv, dense, activation, pool, global_pool, flatten, norm or residual";

struct list {
    struct network_spec *network;
    struct mistakes *mistakes;
    size_t nesting;
    bool full;                    /* said once */
};

/* What stands at key of a map, as a reading with its own path; false: the key is not there. */
static bool inside(const struct reading *map, const char *name, const struct key *key, char path[300], struct reading *value)
{
    const struct node *node = node_get(map->node, name);
    snprintf(path, 300, "%.230s.%s", map->path, name);
    *value = (struct reading){key, path, node, map->mistakes};
    return node != NULL;
}

static int check_keys(const struct reading *map, const char *const *known, const char *wanted)
{
    int status = 0;
    for (size_t i = 0; i < map->node->n; i++) {
        bool found = false;
        for (size_t k = 0; known[k]; k++)
            found |= strcmp(map->node->key[i]->scalar, known[k]) == 0;
        if (!found) {
            struct reading key = {map->key, map->path, map->node->key[i], map->mistakes};
            status = expected(&key, "%s", wanted);
        }
    }
    return status;
}

/* An optional whole number of a map: *out keeps its default where the key is not there. */
static int whole_inside(const struct reading *map, const char *name, const struct key *key, int64_t *out)
{
    char path[300];
    struct reading value;
    return inside(map, name, key, path, &value) ? value_whole(&value, NULL, 0, out) : 0;
}

static struct layer_item *push(struct list *list, const struct node *where, enum item_kind kind)
{
    static struct layer_item nowhere;
    if (list->network->n_items == NETWORK_MAX_ITEMS) {
        if (!list->full)
            mistakes_add(list->mistakes, where->line, where->column, "layers: expected at most %d layers, ends of residual "
                         "blocks counted, got more", NETWORK_MAX_ITEMS);
        list->full = true;
        return &nowhere;
    }
    struct layer_item *item = &list->network->items[list->network->n_items++];
    memset(item, 0, sizeof *item);
    item->kind = (uint8_t)kind;
    return item;
}

static int parse_conv(struct list *list, const struct reading *r)
{
    static const char *const known[] = {"channels", "window", "stride", "padding", NULL};
    struct layer_item *item = push(list, r->node, ITEM_CONVOLUTION);
    int64_t channels = 0, window = DEFAULT_WINDOW, stride = 1, padding = ITEM_PADDING_SAME;
    int status = 0;
    char path[300];
    struct reading value = {&channels_key, r->path, r->node, r->mistakes};
    if (r->node->kind == NODE_SCALAR) {
        status = value_whole(&value, NULL, 0, &channels);
    } else if (r->node->kind != NODE_MAP) {
        return expected(r, "a number of channels or a map of channels, window, stride, padding");
    } else {
        status = check_keys(r, known, "channels, window, stride or padding");
        if (!inside(r, "channels", &channels_key, path, &value))
            status = expected(r, "a map with channels");
        else
            status |= value_whole(&value, NULL, 0, &channels);
        status |= whole_inside(r, "window", &window_key, &window) | whole_inside(r, "stride", &window_key, &stride);
        if (inside(r, "padding", &padding_key, path, &value))
            status |= value_whole(&value, "same", ITEM_PADDING_SAME, &padding);
    }
    if (status == 0 && padding == ITEM_PADDING_SAME && window % 2 == 0)
        status = expected(r, "an odd window with padding: same");
    if (status == 0 && padding >= window)
        status = expected(r, "a padding smaller than the window");
    item->size = channels;
    item->window = (uint16_t)window;
    item->stride = (uint16_t)stride;
    item->padding = (int16_t)padding;
    return status;
}

static int parse_dense(struct list *list, const struct reading *r)
{
    struct layer_item *item = push(list, r->node, ITEM_DENSE);
    struct reading value = {&width_key, r->path, r->node, r->mistakes};
    return value_whole(&value, NULL, 0, &item->size);
}

static int parse_activation(struct list *list, const struct reading *r)
{
    unsigned choice = 0;
    struct layer_item *item = push(list, r->node, ITEM_ACTIVATION);
    struct reading value = {&activation_key, r->path, r->node, r->mistakes};
    int status = value_choice(&value, &choice, false);
    item->choice = (uint8_t)choice;
    return status;
}

static int parse_pool(struct list *list, const struct reading *r)
{
    static const char *const known[] = {"type", "window", "stride", NULL};
    struct layer_item *item = push(list, r->node, ITEM_POOL);
    int64_t window = DEFAULT_POOL, stride;
    unsigned choice = POOLING_MAX;
    int status = 0;
    char path[300];
    struct reading value = {&pool_key, r->path, r->node, r->mistakes};
    if (r->node->kind == NODE_MAP) {
        status = check_keys(r, known, "type, window or stride");
        if (inside(r, "type", &pool_key, path, &value))
            status |= value_choice(&value, &choice, false);
        status |= whole_inside(r, "window", &window_key, &window);
        stride = window;
        status |= whole_inside(r, "stride", &window_key, &stride);
    } else {
        status = value_choice(&value, &choice, false);
        stride = window;
    }
    item->choice = (uint8_t)choice;
    item->window = (uint16_t)window;
    item->stride = (uint16_t)stride;
    return status;
}

static int parse_global_pool(struct list *list, const struct reading *r)
{
    push(list, r->node, ITEM_GLOBAL_POOL);
    return value_is_word(r->node, "average") ? 0 : expected(r, "average");
}

static int parse_norm(struct list *list, const struct reading *r)
{
    static const char *const known[] = {"type", "groups", NULL};
    struct layer_item *item = push(list, r->node, ITEM_NORM);
    unsigned choice = NORMALISATION_LAYER;
    int64_t groups = DEFAULT_GROUPS;
    int status = 0;
    char path[300];
    struct reading value = {&norm_key, r->path, r->node, r->mistakes};
    if (r->node->kind == NODE_MAP) {
        status = check_keys(r, known, "type or groups") | whole_inside(r, "groups", &channels_key, &groups);
        if (!inside(r, "type", &norm_key, path, &value))
            return expected(r, "a map with type: layer or group");
    }
    if (value_refuse_batch_norm(&value) || value_choice(&value, &choice, false))
        return -1;
    if (choice == NORMALISATION_LAYER && r->node->kind == NODE_MAP && node_get(r->node, "groups"))
        status = expected(r, "groups with type: group only");
    item->choice = (uint8_t)choice;
    item->size = choice == NORMALISATION_GROUP ? groups : 1;
    return status;
}

static int parse_items(struct list *list, const struct reading *r);

static int parse_residual(struct list *list, const struct reading *r, const struct reading *block)
{
    static const char *const known[] = {"residual", "shortcut", "scale", NULL};
    char path[300];
    struct reading value;
    struct layer_item *item = push(list, block->node, ITEM_RESIDUAL);
    int status = check_keys(block, known, "residual, shortcut or scale");
    item->choice = SHORTCUT_IDENTITY;
    item->scale = 1;
    if (inside(block, "scale", &scale_key, path, &value))
        status |= value_real(&value, NULL, 0, &item->scale);
    if (++list->nesting > NETWORK_MAX_NESTING)
        return expected(r, "residual blocks inside one another at most %d deep", NETWORK_MAX_NESTING);
    if (r->node->kind != NODE_LIST || r->node->n == 0)
        return expected(r, "a list of at least one layer");
    status |= parse_items(list, r);
    if (inside(block, "shortcut", &scale_key, path, &value)) {
        if (value_is_word(value.node, "projection")) {
            item->choice = SHORTCUT_PROJECTION;
        } else if (value.node->kind == NODE_LIST && value.node->n > 0) {
            item->choice = SHORTCUT_LAYERS;
            push(list, value.node, ITEM_SHORTCUT);
            status |= parse_items(list, &value);
        } else if (!value_is_word(value.node, "identity")) {
            status = expected(&value, "identity, projection or a list of layers");
        }
    }
    push(list, block->node, ITEM_END);
    list->nesting--;
    return status;
}

/* One layer that stands alone as a word. */
static int parse_word(struct list *list, const struct reading *r)
{
    if (value_is_word(r->node, "activation"))
        push(list, r->node, ITEM_ACTIVATION)->choice = ITEM_ACTIVATION_OWN;
    else if (value_is_word(r->node, "flatten"))
        push(list, r->node, ITEM_FLATTEN);
    else if (value_is_word(r->node, "global_pool"))
        push(list, r->node, ITEM_GLOBAL_POOL);
    else
        return value_refuse_batch_norm(r) ? -1 : expected(r, "a layer: %s", known_layers);
    return 0;
}

static int parse_item(struct list *list, const struct reading *r)
{
    static const struct { const char *name; int (*parse)(struct list *, const struct reading *); } kinds[] = {
        {"conv", parse_conv}, {"dense", parse_dense}, {"activation", parse_activation}, {"pool", parse_pool},
        {"global_pool", parse_global_pool}, {"norm", parse_norm}};
    char path[300];
    struct reading value;
    if (r->node->kind == NODE_SCALAR)
        return parse_word(list, r);
    if (r->node->kind != NODE_MAP)
        return expected(r, "a layer: %s", known_layers);
    if (inside(r, "residual", NULL, path, &value))
        return parse_residual(list, &value, r);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds && r->node->n == 1; k++)
        if (inside(r, kinds[k].name, NULL, path, &value))
            return kinds[k].parse(list, &value);
    for (size_t i = 0; i < r->node->n; i++) {
        struct reading key = {r->key, r->path, r->node->key[i], r->mistakes};
        if (value_refuse_batch_norm(&key))
            return -1;
    }
    return expected(r, "a map of one layer: %s", known_layers);
}

static int parse_items(struct list *list, const struct reading *r)
{
    int status = 0;
    char path[300];
    for (size_t i = 0; i < r->node->n; i++) {
        snprintf(path, sizeof path, "%.230s[%zu]", r->path, i);
        struct reading one = {r->key, path, r->node->value[i], r->mistakes};
        status |= parse_item(list, &one);
    }
    return status;
}

int value_parse_layers(const struct reading *r, struct network_spec *network)
{
    struct list list = {.network = network, .mistakes = r->mistakes};
    network->n_items = 0;
    memset(network->items, 0, sizeof network->items);
    if (r->node->kind != NODE_LIST)
        return expected(r, "a list of layers: %s", known_layers);
    return parse_items(&list, r) || list.full ? -1 : 0;
}

/* --- printing --- */

static const char *word_of(const struct key *key, unsigned value)
{
    static const char *const activations[] = {"relu", "tanh", "erf", "gelu"};
    return key == &activation_key ? activations[value] : key == &pool_key ? (value == POOLING_MAX ? "max" : "average")
                                                       : value == NORMALISATION_LAYER ? "layer" : "group";
}

static void print_item(const struct layer_item *item, struct text *out)
{
    switch ((enum item_kind)item->kind) {
    case ITEM_CONVOLUTION:
        text_add(out, "{\"conv\":{\"channels\":%lld,\"window\":%u,\"stride\":%u,\"padding\":", (long long)item->size,
                 item->window, item->stride);
        if (item->padding == ITEM_PADDING_SAME)
            text_add(out, "\"same\"}}");
        else
            text_add(out, "%d}}", item->padding);
        break;
    case ITEM_DENSE: text_add(out, "{\"dense\":%lld}", (long long)item->size); break;
    case ITEM_ACTIVATION:
        if (item->choice == ITEM_ACTIVATION_OWN)
            text_add(out, "\"activation\"");
        else
            text_add(out, "{\"activation\":\"%s\"}", word_of(&activation_key, item->choice));
        break;
    case ITEM_POOL:
        text_add(out, "{\"pool\":{\"type\":\"%s\",\"window\":%u,\"stride\":%u}}", word_of(&pool_key, item->choice),
                 item->window, item->stride);
        break;
    case ITEM_GLOBAL_POOL: text_add(out, "\"global_pool\""); break;
    case ITEM_FLATTEN: text_add(out, "\"flatten\""); break;
    case ITEM_NORM:
        if (item->choice == NORMALISATION_GROUP)
            text_add(out, "{\"norm\":{\"type\":\"group\",\"groups\":%lld}}", (long long)item->size);
        else
            text_add(out, "{\"norm\":\"layer\"}");
        break;
    case ITEM_RESIDUAL: text_add(out, "{\"residual\":["); break;
    case ITEM_SHORTCUT: text_add(out, "],\"shortcut\":["); break;
    case ITEM_END: break;
    }
}

static void print_end(const struct layer_item *block, struct text *out)
{
    text_add(out, "]");
    if (block->choice != SHORTCUT_LAYERS)
        text_add(out, ",\"shortcut\":\"%s\"", block->choice == SHORTCUT_IDENTITY ? "identity" : "projection");
    text_add(out, ",\"scale\":");
    text_add_json_number(out, block->scale);
    text_add(out, "}");
}

void value_print_layers(const struct network_spec *network, struct text *out)
{
    const struct layer_item *open[NETWORK_MAX_NESTING];
    size_t depth = 0;
    bool first = true;
    text_add(out, "[");
    for (size_t i = 0; i < network->n_items; i++) {
        const struct layer_item *item = &network->items[i];
        if (!first && item->kind != ITEM_SHORTCUT && item->kind != ITEM_END)
            text_add(out, ",");
        if (item->kind == ITEM_END)
            print_end(open[--depth], out);
        else
            print_item(item, out);
        if (item->kind == ITEM_RESIDUAL)
            open[depth++] = item;
        first = item->kind == ITEM_RESIDUAL || item->kind == ITEM_SHORTCUT;
    }
    text_add(out, "]");
}
