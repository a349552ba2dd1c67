/* Sizes of a network without building it, for the planner. Precision independent. */
#ifndef RELIN_NN_COST_H
#define RELIN_NN_COST_H

#include "nn/architecture.h"

struct network_size {
    double parameters;        /* P */
    double first, rest;       /* multiply-adds a row, which of a convolution are its weights times the places of
                                 its output: of the layers that read what no parameter moves, and of the others */
    double boundary;          /* sum of features over all layer boundaries but the input */
    double widest;
    double saved;             /* of the multiply-adds, those that Winograd's way spares in single precision */
    double patches;           /* numbers that the other convolutions gather for their products: window^2 channels at
                                 every place */
    double transformed;       /* numbers of Winograd's transforms: 16 of every channel, in and out, for 2 x 2 places */
    double scratch;           /* sum of features over the scratch buffers of derivatives */
    int parameterised_layers;
};

/* Returns 0, or -1 with *err filled where the specification does not fit the inputs; then all is 0. */
int network_measure(const struct network_spec *spec, struct image input, size_t outputs, struct network_size *size,
                    struct error *err);

/* Rows of a block: all, or as many as take at most so many bytes at row_bytes each, but never under 32, which the
 * matrix products want. A function of sizes alone, since what is in a block decides how its sums are rounded. */
size_t block_rows(double row_bytes, size_t rows, size_t bytes);

/* Rows of a block of a batch, whose activations stay in the cache from the forward pass to the last gradient: all, or
 * an equal part of them. Never so few that adding the gradients of blocks, each P numbers, is much beside
 * the `boundary` numbers a row between layers. A function of sizes alone, likewise. */
size_t cache_rows(double row_bytes, double boundary, double parameters, size_t rows);

#endif
