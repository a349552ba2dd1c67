/* A network: layers over one flat parameter vector theta (P). They stand in the order of nn/architecture.h; what
 * layer i reads is boundary layers[i].input, and what it gives, the boundary of its skip added, is boundary i + 1.
 *
 * f = f_theta(x): (n, outputs). VJP and JVP are taken at the point a tape was recorded
 * at: phi(x) = df/dtheta of method.md section 1. */
#ifndef RELIN_NN_NETWORK_H
#define RELIN_NN_NETWORK_H

#include "nn/layer.h"

struct error;

struct network {
    size_t n_layers;
    struct layer *layers;
    size_t n_tensors;
    struct tensor *tensors;          /* the ONE table that carves theta */
    size_t n_parameters;             /* P */
    size_t inputs, outputs;
    size_t n_parameterised;          /* layers with parameters */
    size_t widest;                   /* largest features of any layer boundary */
    size_t boundary, scratch;        /* numbers of a row: between layers without the input, and in scratch buffers */
    size_t n_slots;                  /* scratch buffers of vjp and jvp, and the features of each */
    size_t *slot_features;
    double first, rest;              /* multiply-adds a row: layers that read what no parameter moves, and others */
};

/* Values at every layer boundary of a batch of at most `capacity` rows. */
struct tape {
    size_t capacity, n, n_boundaries;
    const real **value;              /* n_layers + 1; value[0] is x, borrowed from the caller
                                        (or tape->input after tape_gather); value[n_layers] is f */
    real **storage;                  /* own buffers behind value[1..]; a store has those only that
                                        derivatives or f need, and NULL for the others */
    real *input;                     /* own buffer for value[0], where asked for, else NULL */
    size_t n_work;
    real **work;                     /* n_slots of (capacity, slot_features) scratch of vjp and jvp; none in a store */
};

/* Builds the layers of a specification for inputs of a shape. Returns the network, or NULL with *err filled, also
 * where the specification does not fit the inputs. The caller destroys. */
struct network *network_create(const struct network_spec *spec, struct image input, size_t outputs,
                               struct error *err);
void network_destroy(struct network *net);

/* theta (P), overwritten: initial parameters of a seed. Tensor k draws from substream k, so
 * single and double round the same numbers. */
void network_init(const struct network *net, uint64_t seed, real *theta);

/* own_input: also has a buffer for inputs, tape->input. Returns NULL with *err filled on
 * failure. The caller destroys; destroy accepts NULL. */
struct tape *tape_create(const struct network *net, size_t capacity, bool own_input, struct error *err);

/* A tape that only keeps what other tapes recorded, for tape_put and tape_gather: the
 * boundaries that derivatives need and f, without inputs. */
struct tape *tape_create_store(const struct network *net, size_t capacity, struct error *err);

/* Of `rows`, so many that a tape of them with its inputs takes at most so many bytes (nn/cost.h). */
size_t network_block_rows(const struct network *net, size_t rows, size_t bytes);
/* Of `rows` of a batch, so many that stay in the cache from layer to layer and back (cache_rows). */
size_t network_cache_rows(const struct network *net, size_t rows);
void tape_destroy(struct tape *tape);

/* Records the values at theta for x (n, inputs; must outlive the tape's use); returns f (n, outputs)
 * inside the tape. n <= capacity. */
const real *network_forward(const struct network *net, const real *theta, const real *x, size_t n,
                            struct tape *tape);

/* Copies all rows of a recorded tape into a store, from row `first` on. */
void tape_put(const struct network *net, const struct tape *from, size_t first, struct tape *store);

/* Copies rows index[0..n-1] of a store into a tape with its own inputs, as if they had been
 * recorded there, but for the inputs: the caller puts those into to->input. */
void tape_gather(const struct network *net, const struct tape *store, const size_t *index, size_t n,
                 struct tape *to);

/* gradient (P), overwritten = phi(x)^T g, g (n, outputs); theta: the point of the tape. */
void network_vjp(const struct network *net, const real *theta, struct tape *tape, const real *g,
                 real *gradient);

/* df (n, outputs), overwritten = phi(x) tangent, tangent (P). */
void network_jvp(const struct network *net, const real *theta, struct tape *tape, const real *tangent,
                 real *df);

/* Derivatives of the outputs back-propagated to each parameterised layer's own output
 * (its pre-activation): for every parameterised layer l, visit(context, l, layer, input
 * activations (n, layer->inputs), its own output (with its skip) and delta (n, layer->outputs)) with
 * delta = d(sum_i g_i f_i)/d(output of l); from the last layer to the first, each once. The buffers are valid during the call only. */
typedef void (*network_visit)(void *context, int number, const struct layer *layer,
                              const real *input, const real *output, const real *delta);
void network_deltas(const struct network *net, const real *theta, struct tape *tape, const real *g,
                    network_visit visit, void *context);

/* Flops of one row: forward, 2 (first + rest), and of forward + VJP without the gradient by the inputs,
 * 2 (2 first + 3 rest) in all. Normalisation, pooling and activations are not counted. */
void network_flops(const struct network *net, double *forward, double *step);

#endif
