/* Values of `architectures:` that are more than a number or a word, and what holds between them. */
#include "values.h"

#include <stdio.h>
#include <string.h>

static int parse_list(const struct reading *r, const char *example, size_t most, size_t *n, int64_t *list)
{
    int64_t numbers[NETWORK_MAX_WIDTHS];
    if (r->node->kind != NODE_LIST || r->node->n > most)
        return expected(r, "a list of at most %zu %s", most, example);
    for (size_t i = 0; i < r->node->n; i++) {
        struct reading one = {r->key, r->path, r->node->value[i], r->mistakes};
        if (value_whole(&one, NULL, 0, &numbers[i]))
            return -1;
    }
    *n = r->node->n;
    memset(list, 0, most * sizeof *list);
    memcpy(list, numbers, r->node->n * sizeof *list);
    return 0;
}

static void print_list(const int64_t *list, size_t n, struct text *out)
{
    text_add_string(out, "[");
    for (size_t i = 0; i < n; i++) {
        text_add_string(out, i ? "," : "");
        text_add_whole(out, list[i]);
    }
    text_add_string(out, "]");
}

int value_parse_widths(const struct reading *r, struct network_spec *network)
{
    return parse_list(r, "widths, such as [512, 512]", NETWORK_MAX_WIDTHS, &network->n_widths, network->widths);
}

void value_print_widths(const struct network_spec *network, struct text *out)
{
    print_list(network->widths, network->n_widths, out);
}

int value_parse_channels(const struct reading *r, struct network_spec *network)
{
    return parse_list(r, "numbers of channels, such as [32, 64, 64]", NETWORK_MAX_CHANNELS, &network->n_channels,
                      network->channels);
}

void value_print_channels(const struct network_spec *network, struct text *out)
{
    print_list(network->channels, network->n_channels, out);
}

bool value_refuse_batch_norm(const struct reading *r)
{
    static const char *const names[] = {"batch", "batchnorm", "batch-norm", "batch_norm", "bn"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (value_is_word(r->node, names[i])) {
            expected(r, "layer, group or none (with batch normalisation the output for one example depends on the other "
                     "rows of its batch: f_theta(x), its JVP and the NTK would not be functions of x alone, and f_lin "
                     "would change with the batch)");
            return true;
        }
    return false;
}

int value_parse_norm(const struct reading *r, enum normalisation *norm)
{
    return value_refuse_batch_norm(r) ? -1 : value_choice(r, norm, false);
}

/* --- which keys concern which type, and what they allow --- */

#define TYPE(type) (1u << NETWORK_##type)

static unsigned find_types(const struct key *key)
{
    static const struct { const char *name; unsigned types; } only[] = {
        {"widths", TYPE(MLP) | TYPE(CNN)}, {"channels", TYPE(CNN)}, {"window", TYPE(CNN)}, {"convolutions", TYPE(CNN)},
        {"pooling", TYPE(CNN) | TYPE(LENET)}, {"pool", TYPE(CNN)}, {"pooled", TYPE(CNN)}, {"head", TYPE(CNN)},
        {"depth", TYPE(MYRTLE) | TYPE(RESNET)}, {"norm", TYPE(CNN) | TYPE(RESNET)},
        {"groups", TYPE(CNN) | TYPE(RESNET)}, {"layers", TYPE(LAYERS)},
        {"width_multiplier", TYPE(CNN) | TYPE(LENET) | TYPE(MYRTLE) | TYPE(RESNET)},
    };
    if (strncmp(key->path, "architectures.", 14) != 0)
        return ~0u;
    for (size_t i = 0; i < sizeof only / sizeof *only; i++)
        if (strcmp(strrchr(key->path, '.') + 1, only[i].name) == 0)
            return only[i].types;
    return ~0u;
}

/* Of each key once: every job asks for all. */
static unsigned types_of(const struct key *key)
{
    static unsigned known[KEYS_MOST];
    if (!known[key - keys])
        known[key - keys] = find_types(key);
    return known[key - keys];
}

bool key_applies(const struct key *key, const struct draft *draft)
{
    return types_of(key) >> draft->network.type & 1;
}

static const char *const type_names[] = {
    [NETWORK_MLP] = "mlp", [NETWORK_CNN] = "cnn", [NETWORK_LENET] = "lenet", [NETWORK_MYRTLE] = "myrtle",
    [NETWORK_RESNET] = "resnet", [NETWORK_LAYERS] = "layers"};

struct check {
    const char *prefix;
    const struct network_spec *network;
    const struct node *section;
    struct mistakes *mistakes;
};

/* At the key where the section has it, else at the section. */
static void complain(const struct check *c, const char *key, const char *wanted, const char *got)
{
    const struct node *value = c->section->kind == NODE_MAP ? node_get(c->section, key) : NULL;
    const struct node *where = value ? value : c->section;
    mistakes_add(c->mistakes, where->line, where->column, "%s%s: expected %s with type %s, got %s", c->prefix, key, wanted,
                 type_names[c->network->type], got);
}

static void check_depth(const struct check *c, bool complete)
{
    static const struct { enum network_type type; const char *wanted; int64_t depths[5]; } known[] = {
        {NETWORK_MYRTLE, "5, 7 or 10", {5, 7, 10}}, {NETWORK_RESNET, "8, 14, 20 or 32", {8, 14, 20, 32}}};
    char got[32];
    int64_t depth = c->network->depth;
    for (size_t k = 0; k < 2; k++) {
        bool right = false;
        for (size_t i = 0; known[k].depths[i]; i++)
            right |= depth == known[k].depths[i];
        if (known[k].type != c->network->type || right || (depth == 0 && !complete))
            continue;
        snprintf(got, sizeof got, "%lld", (long long)depth);
        complain(c, "depth", known[k].wanted, depth ? got : "nothing: add it");
    }
}

static void check_cnn(const struct check *c)
{
    char got[32], wanted[64];
    snprintf(got, sizeof got, "%lld", (long long)c->network->window);
    if (c->network->window % 2 == 0)
        complain(c, "window", "an odd number, so that the image keeps its size,", got);
    snprintf(got, sizeof got, "%lld", (long long)c->network->pooled);
    snprintf(wanted, sizeof wanted, "at most %zu, as many as channels,", c->network->n_channels);
    if (c->network->pooled > (int64_t)c->network->n_channels)
        complain(c, "pooled", wanted, got);
    if (c->network->n_channels == 0)
        complain(c, "channels", "at least one stage", "[]");
}

int network_check_keys(const char *prefix, const struct draft *draft, const struct node *section, struct mistakes *mistakes)
{
    size_t before = mistakes->made;
    for (size_t i = 0; i < n_keys && section->kind == NODE_MAP; i++) {
        char types[80] = "";
        const char *key = strrchr(keys[i].path, '.') + 1;
        if (!draft->given[i] || key_applies(&keys[i], draft))
            continue;
        const struct node *value = node_get(section, key);
        for (size_t t = 0; t < sizeof type_names / sizeof *type_names; t++)
            if (types_of(&keys[i]) >> t & 1)
                snprintf(types + strlen(types), sizeof types - strlen(types), "%s%s", types[0] ? ", " : "", type_names[t]);
        mistakes_add(mistakes, value ? value->line : section->line, value ? value->column : section->column,
                     "%s%s: expected only with type %s, got type %s: remove one", prefix, key, types,
                     type_names[draft->network.type]);
    }
    return mistakes->made > before ? -1 : 0;
}

int network_check(const char *prefix, const struct draft *draft, const struct node *section, bool complete,
                  struct mistakes *mistakes)
{
    struct check c = {prefix, &draft->network, section, mistakes};
    size_t before = mistakes->made;
    check_depth(&c, complete);
    if (c.network->type == NETWORK_CNN)
        check_cnn(&c);
    return mistakes->made > before ? -1 : 0;
}
