/* What a network is, before it has parameters. The same for both precisions. */
#ifndef RELIN_NN_SPEC_H
#define RELIN_NN_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NETWORK_MAX_WIDTHS = 64, NETWORK_NAME_SIZE = 64, TENSOR_NAME_SIZE = 48, TENSOR_MAX_DIMS = 4 };

enum network_type { NETWORK_MLP };
enum activation { ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_ERF, ACTIVATION_GELU };
/* method.md section 4. standard: W ~ N(0, sigma_w^2/fan_in), b ~ N(0, sigma_b^2), f = W a + b.
 * ntk: W, b ~ N(0, 1), f = sigma_w/sqrt(fan_in) W a + sigma_b b. */
enum parameterisation { PARAMETERISATION_STANDARD, PARAMETERISATION_NTK };

struct network_spec {
    char name[NETWORK_NAME_SIZE];   /* its key under `architectures:` */
    enum network_type type;
    size_t n_widths;                /* hidden layers; 0 is a linear model */
    int64_t widths[NETWORK_MAX_WIDTHS];
    enum activation activation;
    enum parameterisation parameterisation;
    double sigma_w;                 /* NaN: sqrt(2) for relu and gelu, else 1 */
    double sigma_b;                 /* standard deviation (standard) or factor (ntk) of biases; 0 under
                                       standard: biases start at 0; under ntk with 0 they do not act */
    bool bias;
};

/* One named tensor in the flat parameter vector. */
struct tensor {
    char name[TENSOR_NAME_SIZE];    /* "layer0.weight", "layer0.bias", ... */
    size_t offset, size;            /* in the flat vector, in numbers */
    size_t n_dims, shape[TENSOR_MAX_DIMS];   /* dense weights (out, in) */
    int layer;                      /* number of the parameterised layer it belongs to */
};

#endif
