/* Rows of a block of inputs: what every layer contributes to the inner products of a kernel. Private to
 * src/ntk. */
#ifndef RELIN_NTK_BLOCK_H
#define RELIN_NTK_BLOCK_H

#include "nn/network.h"
#include "ntk/plan.h"

struct error;

/* Inputs first .. first+n-1. */
struct block {
    size_t first, n, capacity;
    struct tape *tape;
    const double **input;  /* (layers) a layer's input activations, in the tape */
    double *g;             /* (capacity, outputs) */
    double *rows;          /* (capacity, sets, width); at once: (capacity, widest) */
    double *tail;          /* (capacity, parameters of the tail), in blocks of full mode, else NULL */
};

/* Of the tail in full mode, (channels) first. */
struct tail_room {
    double *factors;       /* (channels, C^2) u_c u_c' */
    double *products;      /* (channels, TAIL_STRIP, large) */
    double *term;          /* (large, C^2) */
};
enum { TAIL_STRIP = 64 };

/* A kernel to compute, and what is kept from one computation to the next. */
struct gram {
    const struct network *net;
    enum kernel_mode mode;
    const double *x;
    size_t n, side;
    size_t per;            /* rows of the kernel an input has: outputs in full mode, else 1 */
    size_t sets;           /* derivatives taken of an input */
    size_t width;          /* numbers of one row over all layers */
    size_t *column;        /* (layers) where a layer's numbers begin in a row */
    struct gram_plan plan;
    const struct layer *tail;   /* ntk/tail.h, where it saves work, else NULL: at once, or in full mode */
    struct tail_room tail_room;
    struct block large, small;
    double *scratch;       /* (large + per, large) */
    double *x_products;    /* (n, n), upper triangle, or NULL: x x^T */
    /* of the computation that is under way */
    const double *theta;
    size_t set;            /* at once: the derivative that is being taken */
    double *terms;         /* (layers, side, side), upper triangles */
    double *activations;   /* (layers, n, n), or NULL */
};

/* Numbers of a layer's row: its delta where it has an op `ntk`, else its gradient. */
size_t block_width(const struct layer *layer);
/* Numbers of an input in a tape with its scratch. */
size_t block_tape_width(const struct network *net);

/* row_numbers: of an input in `rows`. Returns 0, or -1 with *err filled; close in any case. */
int block_open(struct block *block, const struct gram *gram, size_t capacity, size_t row_numbers,
               struct error *err);
void block_close(struct block *block);

/* The forward pass of n <= capacity inputs from `first` on. */
void block_forward(struct block *block, const struct gram *gram, size_t first, size_t n);
/* Back-propagates derivative number `set` and shows every layer's deltas. */
void block_back(struct block *block, const struct gram *gram, size_t set, network_visit visit, void *context);
/* Fills the rows of every set. */
void block_fill(struct block *block, const struct gram *gram);

/* A layer's rows (n, its width, row stride `stride`), overwritten. */
void block_layer_rows(const struct gram *gram, const struct layer *layer, const double *input,
                      const double *output, const double *delta, size_t n, size_t stride, double *rows);

#endif
