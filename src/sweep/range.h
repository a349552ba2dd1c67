/* The values of one axis: a list, a range, or one value. */
#ifndef RELIN_SWEEP_RANGE_H
#define RELIN_SWEEP_RANGE_H

#include "tree.h"

/* Replaces ranges by their values; *values points to nodes of the tree (new ones belong to it):
 *   0..9              0, 1, ..., 9
 *   0..100 step 10    0, 10, ..., 100
 *   1..1000 log 7     seven values, evenly spaced in the logarithm; whole where both ends are
 * also as elements of a list: [1, 10..1000 log 5, inf]. Returns 0, or -1 with mistakes recorded.
 * The caller frees *values. */
int range_expand(struct tree *tree, const char *axis, struct node *node, struct node ***values, size_t *n,
                 struct mistakes *mistakes);

#endif
