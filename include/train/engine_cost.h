/* What a segment costs each engine (method.md section 3), by formula: for `auto` and the planner. The
 * constants are compiled in and never measured live, because results must not depend on the load of a
 * machine. Precision independent. */
#ifndef RELIN_TRAIN_ENGINE_COST_H
#define RELIN_TRAIN_ENGINE_COST_H

#include <stdbool.h>

/* One segment of K steps of one job. Flops are those of one row. */
struct engine_sizes {
    double rows, outputs;      /* N, C of the training subset */
    double batch;              /* rows of a step; N where full */
    double steps;              /* K, or T where that is less */
    double parameters;         /* P */
    double forward;            /* flops of a forward pass */
    double first;              /* those of the first layer with parameters, whose input has no gradient */
    double boundary;           /* numbers kept between layers, without the input */
    double saved;              /* flops of a forward pass that are counted but not done (nn/cost.h) */
    double patches, transformed;   /* numbers that convolutions gather, and transform */
    double inputs, scratch;    /* numbers of an input, and of the scratch of its derivatives */
    bool double_precision;
    bool standard;             /* ordinary training: no JVP, and every step records its batch */
    bool caches;               /* activations at theta_s are kept: training_caches says so, and they fit */
    double momentum;
    bool momentum_kept;        /* there is some, and the segment does not begin with an empty buffer */
    bool weight_decay;
};

struct engine_cost {
    double flops, seconds;     /* of the segment, with what its refresh costs */
    double bytes;              /* peak of the engine and the vectors of training, without data and evaluation */
};

/* Seconds of so many rows of forward passes, JVPs and VJPs beside their matrix products: of the numbers that
 * activations, pooling, normalisation and the patches and transforms of convolutions move. */
double engine_moved_seconds(const struct engine_sizes *sizes, double forwards, double jvps, double vjps);

void engine_cost_tangent(const struct engine_sizes *sizes, struct engine_cost *cost);
/* Theta in double, formed layer by layer (identity 5), then stepped in function space. */
void engine_cost_kernel(const struct engine_sizes *sizes, struct engine_cost *cost);
/* Half-MSE and the full batch only: training_engine_refusal says where it cannot be. */
void engine_cost_filter(const struct engine_sizes *sizes, struct engine_cost *cost);

/* Are the activations of so many rows within TRAINING_TAPE_BYTES (train/spec.h)? */
bool engine_keeps(const struct engine_sizes *sizes, double rows);

/* Predicted products with Theta of a segment of K steps, each a VJP and a JVP over the N rows: never more
 * than K or than N C for one starting vector; a kept momentum buffer and weight decay begin further ones. */
double filter_products(const struct engine_sizes *sizes);
/* Is it cheaper to form Theta and to take all its eigenvectors? Where N C is some hundreds and the network large. */
bool filter_is_dense(const struct engine_sizes *sizes);

/* Flops a second of eigenproblems, of some hundred rows or, large, of more. */
double engine_eigen_rate(bool large);

#endif
