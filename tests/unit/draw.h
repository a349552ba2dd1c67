/* Random networks and settings of training, each drawn from one seed, for tests of properties. */
#ifndef RELIN_TESTS_DRAW_H
#define RELIN_TESTS_DRAW_H

#include "toy.h"

/* Seeds below DRAWS are dense networks; the others, one after the other, a cnn, a list of layers, a resnet, all
 * on images of a few pixels. */
enum { DRAWS = 60, DRAWS_ALL = DRAWS + 24 };

struct drawn { struct network_spec network; struct image input; };

static inline uint32_t below(struct random *r, uint32_t n)
{
    return (uint32_t)random_below(r, n);
}

static inline void draw(int seed, struct random *r)
{
    random_start(r, (uint64_t)seed, RANDOM_SET, 77);
}

/* In single precision a kink may be on the other side of 0 than in a reference, so there is none. */
static inline bool kinks(void)
{
    return sizeof(real) == sizeof(double);
}

static inline enum activation smooth(enum activation activation)
{
    return activation == ACTIVATION_RELU && !kinks() ? ACTIVATION_TANH : activation;
}

static inline struct network_spec draw_network(struct random *r)
{
    struct network_spec spec = toy_network(below(r, 4), (enum activation)below(r, 4), (enum parameterisation)below(r, 2));
    for (size_t i = 0; i < spec.n_widths; i++)
        spec.widths[i] = 2 + (int64_t)below(r, 8);
    spec.bias = below(r, 4) > 0;
    spec.sigma_b = below(r, 2) ? 0.3 : 0;
    spec.activation = smooth(spec.activation);
    return spec;
}

static inline enum normalisation draw_norm(struct random *r)
{
    return (enum normalisation)(NORMALISATION_NONE + below(r, 3));
}

static inline void draw_cnn(struct random *r, struct network_spec *spec)
{
    const enum pooling kinds[] = {POOLING_AVERAGE, POOLING_NONE, POOLING_MAX, POOLING_AUTO};
    spec->type = NETWORK_CNN;
    spec->n_channels = 1 + below(r, 3);
    for (size_t i = 0; i < spec->n_channels; i++)
        spec->channels[i] = 2 * (1 + (int64_t)below(r, 2));
    spec->convolutions = 1 + below(r, 2);
    spec->pooling = kinds[below(r, kinks() ? 4 : 2)];
    spec->head = (enum network_head)below(r, 2);
    spec->norm = draw_norm(r);
    spec->n_widths = below(r, 2);
}

static inline void add_item(struct network_spec *spec, struct layer_item item)
{
    spec->items[spec->n_items++] = item;
}

/* Convolution, perhaps normalisation, activation. */
static inline void add_convolution(struct random *r, struct network_spec *spec, int64_t channels)
{
    const struct layer_item own = {.kind = ITEM_ACTIVATION, .choice = ITEM_ACTIVATION_OWN};
    enum normalisation norm = draw_norm(r);
    add_item(spec, (struct layer_item){.kind = ITEM_CONVOLUTION, .window = 1 + 2 * (uint16_t)below(r, 2), .stride = 1,
                                       .padding = ITEM_PADDING_SAME, .size = channels});
    if (norm != NORMALISATION_NONE)
        add_item(spec, (struct layer_item){.kind = ITEM_NORM, .choice = (uint8_t)norm, .size = 2});
    add_item(spec, own);
}

/* A convolution; residual blocks of each kind of shortcut; pooling; a head. */
static inline void draw_layers(struct random *r, struct network_spec *spec)
{
    uint32_t blocks = 1 + below(r, 2);
    spec->type = NETWORK_LAYERS;
    add_convolution(r, spec, 4);
    for (uint32_t i = 0; i < blocks; i++) {
        enum shortcut shortcut = (enum shortcut)below(r, 3);
        add_item(spec, (struct layer_item){.kind = ITEM_RESIDUAL, .choice = (uint8_t)shortcut,
                                           .scale = 0.3 + random_uniform(r)});
        add_convolution(r, spec, 4);
        if (shortcut == SHORTCUT_LAYERS) {
            add_item(spec, (struct layer_item){.kind = ITEM_SHORTCUT});
            add_convolution(r, spec, 4);
        }
        add_item(spec, (struct layer_item){.kind = ITEM_END});
    }
    if (below(r, 2))
        add_item(spec, (struct layer_item){.kind = ITEM_POOL, .window = 2, .stride = 2,
                                           .choice = (uint8_t)(kinks() && below(r, 2) ? POOLING_MAX : POOLING_AVERAGE)});
    add_item(spec, (struct layer_item){.kind = below(r, 2) ? ITEM_GLOBAL_POOL : ITEM_FLATTEN});
}

static inline void draw_resnet(struct random *r, struct network_spec *spec)
{
    spec->type = NETWORK_RESNET;
    spec->depth = 8;
    spec->norm = draw_norm(r);
    spec->width_multiplier = 0.125;   /* 2, 4 and 8 channels */
}

/* The network of a seed and the shape of its inputs. */
static inline struct drawn draw_any(int seed, struct random *r)
{
    if (seed < DRAWS)
        return (struct drawn){draw_network(r), image_flat(TOY_FEATURES)};
    struct drawn d = {.input = {4 + below(r, 2), 4 + below(r, 2), 1 + below(r, 2)}};
    d.network = toy_network(0, smooth((enum activation)below(r, 4)), (enum parameterisation)below(r, 2));
    d.network.widths[0] = 4;
    d.network.bias = below(r, 4) > 0;
    d.network.width_multiplier = 1;
    d.network.window = 3;
    d.network.pool = d.network.groups = 2;
    d.network.pooled = -1;
    switch (seed % 3) {
    case 0: draw_cnn(r, &d.network); break;
    case 1: draw_layers(r, &d.network); break;
    default: draw_resnet(r, &d.network); break;
    }
    return d;
}

/* Lists of steps live on for the next 15 draws. */
static inline struct refresh_schedule draw_schedule(struct random *r)
{
    static int64_t listed[16][2], *at = listed[0];
    switch (below(r, 4)) {
    case 0:
        at = at == listed[15] ? listed[0] : at + 2;
        at[0] = 1 + below(r, 5);
        at[1] = 6 + below(r, 20);
        return (struct refresh_schedule){.kind = REFRESH_AT, .count = 2, .at = at};
    case 1: return (struct refresh_schedule){.kind = REFRESH_LOG, .count = 1 + below(r, 6)};
    case 2: return (struct refresh_schedule){.kind = REFRESH_FIRST, .count = 1 + below(r, 4), .every = 1 + below(r, 5)};
    default: return (struct refresh_schedule){.kind = REFRESH_PERIOD};
    }
}

static inline struct training_spec draw_training(struct random *r)
{
    const double periods[] = {1, 2, 3, 5, 9, INFINITY};
    struct training_spec spec = toy_training(TRAINER_LINEARISED, periods[below(r, 6)]);
    spec.loss = below(r, 2) ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE;
    spec.steps = 1 + below(r, 24);
    spec.batch = below(r, 2) ? BATCH_FULL : 1 + below(r, TOY_TRAIN);
    spec.momentum = below(r, 2) ? 0.7 : 0;
    spec.momentum_at_refresh = below(r, 2) ? MOMENTUM_RESET : MOMENTUM_KEEP;
    spec.weight_decay = below(r, 2) ? 0.02 : 0;
    spec.centred = below(r, 3) == 0;
    spec.lr = 0.01 + 0.02 * random_uniform(r);
    spec.schedule.kind = (enum schedule_kind)below(r, 3);
    spec.schedule.every = 1 + below(r, 5);
    spec.schedule.factor = 0.5;
    spec.schedule.final = 0.1;
    spec.schedule.warmup = below(r, 4);
    spec.seed_init = below(r, 1000);
    spec.seed_batch = below(r, 1000);
    spec.refresh = draw_schedule(r);
    training_canonicalise_refresh(&spec);
    return spec;
}

/* A draw for plain gradient descent on half-MSE with the full batch, where closed forms hold. */
static inline struct training_spec draw_plain(struct random *r, int64_t steps)
{
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    spec.steps = steps;
    spec.seed_init = below(r, 1000);
    return spec;
}

#endif
