/* Sizes of a network without building it, for the planner. Precision independent. */
#ifndef RELIN_NN_COST_H
#define RELIN_NN_COST_H

#include "nn/spec.h"

struct network_size {
    double parameters;        /* P */
    double first, rest;       /* weights of the first layer, and of the others */
    double boundary;          /* sum of features over all layer boundaries but the input */
    double widest;
    int parameterised_layers;
};

void network_measure(const struct network_spec *spec, struct image input, size_t outputs,
                     struct network_size *size);

#endif
