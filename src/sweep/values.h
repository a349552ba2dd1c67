/* Reading numbers out of scalars. */
#ifndef RELIN_SWEEP_VALUES_H
#define RELIN_SWEEP_VALUES_H

#include <stdbool.h>

#include "tree.h"

/* A number, inf or .inf as YAML writes them; false for anything else, quoted texts too. */
bool value_number(const struct node *node, double *number);

#endif
