#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"

enum { MOST_NODES = 200000, MOST_DEPTH = 32, MOST_KEYS = 2000 };

struct conversion {
    struct tree *tree;
    yaml_document_t *document;
    struct mistakes *mistakes;
    bool command_line;
    bool too_large;               /* recorded; the tree is not to be used */
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
    if (n > MOST_KEYS) {
        mistakes_add(c->mistakes, node->line, node->column, "expected at most %d keys in a map, got %zu", MOST_KEYS, n);
        c->too_large = true;
        return;
    }
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
    if (!c->too_large && (depth > MOST_DEPTH || c->tree->count > MOST_NODES)) {
        mistakes_add(c->mistakes, line, column, "expected at most %d levels and %d values, got more", MOST_DEPTH,
                     MOST_NODES);
        c->too_large = true;
    }
    if (c->too_large)
        return NULL;
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

static void start_parser(yaml_parser_t *parser, const char *text, size_t length)
{
    if (!yaml_parser_initialize(parser))
        abort();
    yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
}

static void syntax_mistake(const yaml_parser_t *parser, const char *text, size_t length, bool command_line,
                           struct mistakes *mistakes)
{
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR) {   /* has an offset only */
        line = column = 1;
        for (size_t i = 0; i < parser->problem_offset; i++, column++)
            if (text[i] == '\n') {
                line++;
                column = 0;
            }
    }
    bool tab = parser->error == YAML_SCANNER_ERROR && parser->problem_mark.index < length
               && text[parser->problem_mark.index] == '\t';
    mistakes_add(mistakes, command_line ? 0 : line, column, "expected YAML in UTF-8, got: %s%s%s%s",
                 parser->problem ? parser->problem : "something unreadable", parser->context ? ", " : "",
                 parser->context ? parser->context : "", tab ? " (a tab: indent with spaces)" : "");
}

/* One document, not too deep: libyaml's time grows with the square of the depth, so look before loading. */
static int check_events(const char *text, size_t length, bool command_line, struct mistakes *mistakes)
{
    yaml_parser_t parser;
    size_t before = mistakes->made, documents = 0, depth = 0;
    start_parser(&parser, text, length);
    for (bool more = true; more && mistakes->made == before;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            syntax_mistake(&parser, text, length, command_line, mistakes);
            break;
        }
        size_t line = command_line ? 0 : event.start_mark.line + 1, column = event.start_mark.column + 1;
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            mistakes_add(mistakes, line, column, "expected one YAML document, got a second: remove it, or the line ---");
        if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT)
            depth++;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
            depth--;
        if (depth > MOST_DEPTH)
            mistakes_add(mistakes, line, column, "expected at most %d levels, got more", MOST_DEPTH);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    if (mistakes->made == before && documents == 0)
        mistakes_add(mistakes, command_line ? 0 : 1, 1, "expected keys and values, got an empty text");
    yaml_parser_delete(&parser);
    return mistakes->made == before ? 0 : -1;
}

int tree_parse(struct tree *tree, const char *text, size_t length, bool command_line, struct mistakes *mistakes)
{
    yaml_parser_t parser;
    yaml_document_t document;
    *tree = (struct tree){0};
    if (check_events(text, length, command_line, mistakes))
        return -1;
    start_parser(&parser, text, length);
    if (!yaml_parser_load(&parser, &document)) {   /* an alias of nothing */
        syntax_mistake(&parser, text, length, command_line, mistakes);
    } else {
        struct conversion c = {tree, &document, mistakes, command_line, false};
        struct node *root = convert(&c, 1, 0);
        tree->root = c.too_large ? NULL : root;
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

struct node *tree_list(struct tree *tree, struct node **values, size_t n, const struct node *like)
{
    struct node *node = node_new(tree, NODE_LIST);
    node->value = values;
    node->n = n;
    node->line = like->line;
    node->column = like->column;
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

void node_refuse(const struct node *node, const char *what, struct mistakes *mistakes)
{
    char got[80];
    node_print(node, got, sizeof got);
    mistakes_add(mistakes, node->line, node->column, "%s, got %s", what, got[0] ? got : "nothing");
}
