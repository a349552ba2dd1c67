#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

enum { MOST_NODES = 200000, MOST_DEPTH = 32 };

struct conversion {
    struct tree *tree;
    yaml_document_t *document;
    struct mistakes *mistakes;
    bool command_line;
};

static void *zeroed(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size);
    if (!block) {
        fputs("relin: out of memory while reading YAML\n", stderr);
        abort();
    }
    return block;
}

static struct node *node_new(struct tree *tree, enum node_kind kind)
{
    struct node *node = zeroed(1, sizeof *node);
    node->kind = kind;
    node->next_owned = tree->owned;
    tree->owned = node;
    tree->count++;
    return node;
}

static struct node *convert(struct conversion *c, int id, int depth);

static void convert_map(struct conversion *c, const yaml_node_t *from, struct node *node, int depth)
{
    size_t n = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
    node->key = zeroed(n, sizeof *node->key);
    node->value = zeroed(n, sizeof *node->value);
    for (size_t i = 0; i < n; i++) {
        const yaml_node_pair_t *pair = from->data.mapping.pairs.start + i;
        struct node *key = convert(c, pair->key, depth + 1);
        struct node *value = key ? convert(c, pair->value, depth + 1) : NULL;
        if (!value)
            return;
        if (key->kind != NODE_SCALAR) {
            mistakes_add(c->mistakes, key->line, key->column, "expected a plain text as key, got a list or map");
            continue;
        }
        if (node_get(node, key->scalar)) {
            mistakes_add(c->mistakes, key->line, key->column, "%s: this key is there twice: remove one", key->scalar);
            continue;
        }
        node->key[node->n] = key;
        node->value[node->n++] = value;
    }
}

static struct node *convert(struct conversion *c, int id, int depth)
{
    const yaml_node_t *from = yaml_document_get_node(c->document, id);
    size_t line = c->command_line ? 0 : from->start_mark.line + 1, column = from->start_mark.column + 1;
    if (depth > MOST_DEPTH || c->tree->count > MOST_NODES) {
        mistakes_add(c->mistakes, line, column, "expected at most %d levels and %d values, got more", MOST_DEPTH,
                     MOST_NODES);
        return NULL;
    }
    struct node *node = node_new(c->tree, from->type == YAML_SCALAR_NODE  ? NODE_SCALAR
                                          : from->type == YAML_SEQUENCE_NODE ? NODE_LIST : NODE_MAP);
    node->line = line;
    node->column = column;
    if (node->kind == NODE_SCALAR) {
        node->quoted = from->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE
                       || from->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
        node->scalar = zeroed(from->data.scalar.length + 1, 1);
        memcpy(node->scalar, from->data.scalar.value, from->data.scalar.length);
    } else if (node->kind == NODE_LIST) {
        size_t n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
        node->value = zeroed(n, sizeof *node->value);
        while (node->n < n && (node->value[node->n] = convert(c, from->data.sequence.items.start[node->n], depth + 1)))
            node->n++;
    } else {
        convert_map(c, from, node, depth);
    }
    return node;
}

int tree_parse(struct tree *tree, const char *text, size_t length, bool command_line, struct mistakes *mistakes)
{
    yaml_parser_t parser;
    yaml_document_t document;
    *tree = (struct tree){0};
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (!yaml_parser_load(&parser, &document)) {
        mistakes_add(mistakes, command_line ? 0 : parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                     "expected YAML, got: %s%s%s", parser.problem ? parser.problem : "something unreadable",
                     parser.context ? ", " : "", parser.context ? parser.context : "");
    } else {
        if (yaml_document_get_root_node(&document)) {
            struct conversion c = {tree, &document, mistakes, command_line};
            tree->root = convert(&c, 1, 0);
        } else {
            mistakes_add(mistakes, command_line ? 0 : 1, 1, "expected keys and values, got an empty text");
        }
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return tree->root ? 0 : -1;
}

void tree_free(struct tree *tree)
{
    for (struct node *node = tree->owned, *next; node; node = next) {
        next = node->next_owned;
        free(node->scalar);
        free(node->key);
        free(node->value);
        free(node);
    }
    *tree = (struct tree){0};
}

struct node *tree_scalar(struct tree *tree, const char *scalar, size_t line, size_t column)
{
    struct node *node = node_new(tree, NODE_SCALAR);
    node->scalar = zeroed(strlen(scalar) + 1, 1);
    memcpy(node->scalar, scalar, strlen(scalar));
    node->line = line;
    node->column = column;
    return node;
}

struct node *node_get(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->key[i]->scalar, key) == 0)
            return map->value[i];
    return NULL;
}

static void map_put(struct tree *tree, struct node *map, const char *key, size_t length, struct node *value)
{
    for (size_t i = 0; i < map->n; i++)
        if (strlen(map->key[i]->scalar) == length && strncmp(map->key[i]->scalar, key, length) == 0) {
            map->value[i] = value;
            return;
        }
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)length, key);
    struct node *name = tree_scalar(tree, text, 0, 0);
    map->key = realloc(map->key, (map->n + 1) * sizeof *map->key);
    map->value = realloc(map->value, (map->n + 1) * sizeof *map->value);
    if (!map->key || !map->value)
        abort();
    map->key[map->n] = name;
    map->value[map->n++] = value;
}

int tree_set(struct tree *tree, const char *path, struct tree *from)
{
    struct node *value = from->root, **last = &from->owned;
    while (*last)
        last = &(*last)->next_owned;
    *last = tree->owned;
    tree->owned = from->owned;
    tree->count += from->count;
    *from = (struct tree){0};
    struct node *map = tree->root;
    for (;;) {
        if (map->kind != NODE_MAP)
            return -1;
        const char *dot = strncmp(path, "grid.", 5) == 0 && map == tree->root ? path + 4
                          : map == node_get(tree->root, "grid") ? NULL : strchr(path, '.');
        if (!dot) {
            map_put(tree, map, path, strlen(path), value);
            return 0;
        }
        char key[256];
        snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
        struct node *inner = node_get(map, key);
        if (!inner) {
            inner = node_new(tree, NODE_MAP);
            map_put(tree, map, key, strlen(key), inner);
        }
        map = inner;
        path = dot + 1;
    }
}

static void print_node(const struct node *node, struct text *t)
{
    if (node->kind == NODE_SCALAR) {
        text_add(t, node->quoted ? "'%s'" : "%s", node->scalar);
        return;
    }
    text_add(t, "%c", node->kind == NODE_LIST ? '[' : '{');
    for (size_t i = 0; i < node->n && t->length < 200; i++) {
        text_add(t, "%s", i ? ", " : "");
        if (node->kind == NODE_MAP)
            text_add(t, "%s: ", node->key[i]->scalar);
        print_node(node->value[i], t);
    }
    text_add(t, "%c", node->kind == NODE_LIST ? ']' : '}');
}

void node_print(const struct node *node, char *text, size_t size)
{
    struct text t = {0};
    print_node(node, &t);
    if (t.length >= size)
        snprintf(text, size, "%.*s...", (int)size - 4, t.chars);
    else
        snprintf(text, size, "%s", t.chars);
    text_free(&t);
}
