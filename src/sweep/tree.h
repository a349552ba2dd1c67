/* A YAML (or JSON) text as a tree with positions. The only user of libyaml. */
#ifndef RELIN_SWEEP_TREE_H
#define RELIN_SWEEP_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "mistakes.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* line 0: from the command line. Every node belongs to its tree. */
struct node {
    enum node_kind kind;
    size_t line, column;          /* 1-based */
    bool quoted;                  /* scalar in quotes: a text, never a number */
    char *scalar;                 /* NODE_SCALAR */
    size_t n;                     /* entries of a list or map */
    struct node **key;            /* NODE_MAP: scalars */
    struct node **value;          /* NODE_MAP, NODE_LIST */
    struct node *next_owned;      /* the tree's chain of all nodes */
};

struct tree {
    struct node *root;
    struct node *owned;
    size_t count;
};

/* Parses text into a tree; mistakes of syntax, duplicate keys, several documents, too many nodes
 * (an alias bomb) go to *mistakes. origin_line 0 marks every node as of the command line.
 * Returns 0, or -1 where there is no tree. tree_free also after -1. */
int tree_parse(struct tree *tree, const char *text, size_t length, bool command_line,
               struct mistakes *mistakes);
void tree_free(struct tree *tree);

/* A new scalar that belongs to the tree. */
struct node *tree_scalar(struct tree *tree, const char *scalar, size_t line, size_t column);

/* A new list at the place of `like`; takes values[], whose nodes belong to the tree. */
struct node *tree_list(struct tree *tree, struct node **values, size_t n, const struct node *like);

/* The value of a key, or NULL. */
struct node *node_get(const struct node *map, const char *key);

/* Sets root's value at a dotted path to a node that belongs to another tree's root, whose nodes move
 * to this tree; makes maps on the way. Below `grid` the rest of the path is one key. Returns 0, or -1
 * where something on the way is not a map. */
int tree_set(struct tree *tree, const char *path, struct tree *from);

/* The node in flow style, for messages and labels: [1, 2], {of_limit: 0.5}; cut at size. */
void node_print(const struct node *node, char *text, size_t size);

/* Records the mistake "WHAT, got the node" at the node's place. */
void node_refuse(const struct node *node, const char *what, struct mistakes *mistakes);

#endif
